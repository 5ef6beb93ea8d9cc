"""Bytes of names or of a table, without a word on their code page → text, by what makes words.

A zip of an older program holds names in the code page of the system that made it. All of them are looked at together,
for a single one can often be read in three ways. Which code page gives words of a language is chardet's knowledge; that
no word has a sign, capital or other script in its midst is checked before, as names are too short for statistics alone.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from core.words.said import Said, say

UTF8 = "utf-8"
CODE_PAGES = (  # in the order in which they are preferred where nothing else decides
    *("cp437", "cp850", "cp1252", "cp866", "cp1251", "cp932", "cp936"),
    *("cp949", "cp950", "cp852", "cp1250", "cp1254", "cp857", "cp1253"),
    *("cp737", "cp1255", "cp862", "cp1256", "cp720", "cp874"),
)
# Of languages in Latin letters, the more usual ones first: what they have beside a to z, and what of a to z they lack.
LATIN = tuple(
    (frozenset(letters), frozenset(lacking))
    for letters, lacking in (
        ("äöüß", ""),  # German
        ("àâçéèêëîïôœùûü", ""),  # French
        ("áéíñóúü", ""),  # Spanish
        ("ãõáàâçéêíóôú", ""),  # Portuguese
        ("àèéìíòóùú", ""),  # Italian
        ("æøåé", ""),  # Danish, Norwegian
        ("åäöé", ""),  # Swedish, Finnish
        ("éëïöü", ""),  # Dutch
        ("àèéíïòóúüç", ""),  # Catalan
        ("çğıöşüâîû", "qwx"),  # Turkish
        ("ąćęłńóśźż", "qvx"),  # Polish
        ("áčďéěíňóřšťúůýž", "qw"),  # Czech
        ("áäčďéíĺľňóôŕšťúýž", "qw"),  # Slovak
        ("áéíóöőúüű", "qwx"),  # Hungarian
        ("ăâîşţșț", "qwy"),  # Romanian
        ("čćđšž", "qwxy"),  # Croatian, Slovenian
        ("äõöüšž", "qwxy"),  # Estonian
        ("áðéíóúýþæö", "cqwz"),  # Icelandic
    )
)
# Quotes between letters, and a sharp s behind a consonant: no language has them.
NO_WORD = re.compile(r"[^\W\d_][“”…][^\W\d_]|(?<![aeiouäöüy])ß")
OTHER_NAMES = {"gb18030": "cp936", "big5": "cp950", "ibm866": "cp866"}  # the detector's, where they are its own
SIGNS = "–—’“”…·"  # what people write between the letters of a name
AFTER_ASCII = "°ºª²³½"
WORD = re.compile(r"[^\W\d_]+")
CJK = r"[\u3040-\u9fff\uac00-\ud7af]"
MIXTURE = re.compile(rf"{CJK}[A-Za-z]{{2}}|[a-z]{{2}}{CJK}|[a-z]{CJK}[a-z]")  # "姿fel" was "Äpfel"
FINAL = re.compile("[ךםןףץ][א-ת]")  # Hebrew's forms for the end of a word, elsewhere
THAI, THAI_VOWEL = re.compile("[\u0e01-\u0e5b]"), re.compile("[\u0e30-\u0e4e]")  # few words have none
ENDING = re.compile(rb"\d*\.\w+$|\d+$")  # neither a dot nor a digit is ever half of a letter in these code pages
ALPHABETS = {"LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI"}
SAMPLE_BYTES = 20_000  # a detector needs no more


@dataclass(frozen=True)
class Guess:
    """A code page, and whether it had to be guessed."""

    code_page: str
    is_guess: bool = True

    @property
    def said(self) -> Said:
        """The code page as a user knows it: "Windows, Japanese (cp932)"."""
        if self.code_page not in CODE_PAGES:
            return say("page.unnamed", page=self.code_page)
        return say("page.named", title=say(f"page.{self.code_page}"), page=self.code_page)


def guess(texts: Iterable[bytes]) -> Guess:
    """The one code page in which all of these can be read, and make words."""
    listed = [text for text in dict.fromkeys(texts) if not text.isascii()]
    if all(is_text(text, UTF8) for text in listed):
        return Guess(UTF8, is_guess=False)
    possible = [page for page in CODE_PAGES if all(is_text(text, page) for text in listed)]
    folders = [piece for text in listed for piece in text.split(b"/")[:-1] if not piece.isascii()]
    files = [ENDING.sub(b"", text.rpartition(b"/")[2]) for text in listed]
    sample = b"\n".join(dict.fromkeys(folders or files))  # a word that is repeated counts too much
    sensible = [page for page in possible if makes_words(sample.decode(page, "replace"))]
    asked = sensible or possible
    fewest = min(_backslashes(listed, page) for page in asked)  # a backslash behind a letter is mostly half of one
    return Guess(_chosen(sample[:SAMPLE_BYTES], [page for page in asked if _backslashes(listed, page) == fewest]))


def _chosen(sample: bytes, pages: list[str]) -> str:
    """The script is chardet's knowledge; among the pages of Latin letters, those of one language alone decide."""
    texts = {page: sample.decode(page, "replace") for page in pages}
    ranks = {page: rank for page, text in texts.items() if (rank := language(text)) is not None}
    asked = [page for page in pages if page in ranks or not is_latin(texts[page])] or pages
    found = asked[0] if len(asked) == 1 else _likeliest(sample, asked)
    return min(ranks, key=ranks.__getitem__) if found in ranks else found


def is_latin(text: str) -> bool:
    """Whether all letters are Latin ones."""
    return all(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())


def language(text: str) -> int | None:
    """The place in `LATIN` of the first language that has all letters of a text; None if none has."""
    text = text.lower().replace("i\u0307", "ı")  # of a dotted capital, which Turkish alone has
    letters = {sign for sign in text if sign.isalpha()}
    beyond = {sign for sign in text if not sign.isascii() and sign not in SIGNS}
    fits = (rank for rank, (own, lacking) in enumerate(LATIN) if beyond <= own and not letters & lacking)
    return None if NO_WORD.search(text) else next(fits, None)


def _backslashes(texts: Iterable[bytes], page: str) -> int:
    return sum(text.decode(page).count("\\") for text in texts if b"\\" in text)


def is_text(data: bytes, code_page: str) -> bool:
    """Whether these bytes can be read in a code page."""
    try:
        data.decode(code_page)
    except UnicodeDecodeError:
        return False
    return True


def makes_words(text: str) -> bool:
    """Whether no word has a sign, a capital or another script in its midst, as bytes have that are misread."""
    if MIXTURE.search(text) or FINAL.search(text) or not all(map(_is_of_names, " " + text, text)):
        return False
    if THAI.search(text) and not THAI_VOWEL.search(text):
        return False
    return all(_is_one_word(word) for word in set(WORD.findall(text)) if not word.isascii())


def _is_of_names(before: str, sign: str) -> bool:
    if sign.isascii() or sign in SIGNS or (sign in AFTER_ASCII and before.isascii() and before.isalnum()):
        return True
    width = unicodedata.east_asian_width(sign)  # half-width katakana are what misread bytes of Chinese look like
    is_letter = unicodedata.category(sign) in ("Lu", "Ll", "Lm", "Lo", "Mn", "Mc")
    return (is_letter and width != "H" and sign not in AFTER_ASCII) or width in "WF"


def _is_one_word(word: str) -> bool:
    pairs = zip(word, word[1:], strict=False)
    if any(before.islower() and sign.isupper() and not sign.isascii() for before, sign in pairs):
        return False
    scripts = {unicodedata.name(sign, "").partition(" ")[0] for sign in word if not sign.isascii()}
    has_latin = any(sign.isascii() for sign in word)
    alphabets = scripts & ALPHABETS | ({"LATIN"} if has_latin else set())
    return len(alphabets) < 2 and not (scripts & ALPHABETS and scripts - ALPHABETS)


def _likeliest(sample: bytes, pages: list[str]) -> str:
    import chardet  # here, for hardly any zip needs it, and its models take 50 MB

    found = chardet.detect_all(
        sample, include_encodings=pages, no_match_encoding=pages[0], ignore_threshold=True, compat_names=False
    )
    for each in found:
        name = str(each["encoding"]).lower().replace("windows-", "cp")
        if OTHER_NAMES.get(name, name) in pages:
            return OTHER_NAMES.get(name, name)
    return pages[0]
