import zipfile

from core.data.zips.names import decoded, loose, merged, printable, unaccented
from core.words.names import natural, shortened
from core.words.sentences import sentence


def entry(name: str, *, flags: int = 0, extra: bytes = b"") -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.flag_bits, info.extra = flags, extra
    return info


def test_counts_as_people_do():
    assert natural(["10", "2", "1"]) == ["1", "2", "10"]
    assert natural(["img12", "img2", "Img1"]) == ["Img1", "img2", "img12"]
    assert natural(["b", "B", "a10b2", "a10b1", "a9"]) == ["a9", "a10b1", "a10b2", "B", "b"]
    assert natural([]) == []


def test_accents_and_capitals_do_not_matter_in_comparisons():
    assert unaccented("ENTRAÎNEMENT Größe Ёж") == "entrainement grosse еж"
    assert unaccented("データ 훈련") == "データ 훈련"


def test_a_long_name_loses_its_middle():
    assert shortened("ant") == "ant"
    assert shortened("a" * 20) == "a" * 20
    assert shortened("Aves_passeriformes_robin") == "Aves_passerif…_robin"
    assert len(shortened("x" * 500, 14)) == 14


def test_joiners_stay_and_what_cannot_be_seen_goes():
    assert printable("می\u200cخواهم") == "می\u200cخواهم"
    assert printable("👩\u200d🔬") == "👩\u200d🔬"
    assert printable("犬\u3000猫") == "犬 猫"
    assert printable("cat\u200b\ufeff") == "cat"
    assert printable("a\x07b\n") == "a\ufffdb\ufffd"


def test_names_what_became_one_folder():
    (spaced,), (unseen,) = (
        merged(["cat /1.jpg", "cat/2.jpg", "dog/3.jpg"]),
        merged(["x/cat\u200b/1.jpg", "x\\cat\\2.jpg"]),
    )
    assert sentence(spaced) == "cat: written as 'cat', 'cat '"
    assert sentence(unseen) == "x/cat: written as 'cat', 'cat\\u200b'"
    assert merged(["cat/1.jpg", "./cat/2.jpg", "dog/../cat/3.jpg"]) == []
    assert merged(["e\u0301/1.jpg", "\u00e9/2.jpg"]) == []  # two ways to write one letter


def test_knows_what_is_alike_but_for_case_and_spaces():
    assert loose("Sea Lion") == loose("sea_lion") == loose("SEALION ")
    assert loose("cat1") != loose("cat2")


def test_a_unicode_path_field_counts_only_for_the_name_that_it_was_made_for():
    raw = "ソ".encode("cp932")
    field = b"\x75\x70\x08\x00\x01" + b"\x79\xd4\x3b\x77"[:4] + "ソ".encode()
    wrong = entry(raw.decode("cp437"), extra=field)
    names, guess = decoded([wrong])
    assert names == ["ソ"] and guess and guess.code_page == "cp932"  # not by the field: its checksum is of another name


def test_broken_extra_fields_do_no_harm():
    for extra in (b"\x75\x70", b"\x75\x70\xff\xff\x01", b"\x75\x70\x05\x00\x01\0\0\0\0", b"\0" * 3):
        assert decoded([entry("cat/1.jpg", extra=extra)]) == (["cat/1.jpg"], None)
        names, _ = decoded([entry(b"K\x84se".decode("cp437"), extra=extra)])
        assert names == ["Käse"]
