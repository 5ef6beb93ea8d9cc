"""A CSV or TSV file → rows and columns: its encoding, separator, quotes and whether it has a header are found out."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from core.data.zips import encoding
from core.data.zips.archive import Archive, Entry, EntryError
from core.data.zips.names import printable
from core.errors import InputError

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers", ".parquet")
NOTES = (".json", ".jsonl", ".ndjson")  # in which programs keep labels
SEPARATORS = ",;\t|"
BLANK = " "  # as in lists for programs; only where nothing else divides, as names have blanks too
MAX_BYTES = 32_000_000  # 50,000 rows are about 3 MB
MAX_CELL = 1_000_000  # characters
SAMPLE_ROWS = 200
SAMPLE_BYTES = 2000
ALIKE = 0.8  # of the rows have as many columns as the header, where a separator is the right one
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class TableError(InputError):
    """A file is no table that can be read; the message is the reason."""


@dataclass(frozen=True)
class Table:
    """A table of a zip, header or not."""

    name: str  # of its file, with its folders
    rows: tuple[tuple[str, ...], ...]  # all of them as wide as the first
    odd_lines: tuple[tuple[int, int], ...]  # number and columns of rows that are not, and are left out

    @property
    def width(self) -> int:
        """Its columns."""
        return len(self.rows[0])


def read(archive: Archive, entry: Entry, name: str) -> Table:
    """The table in an entry of a zip.

    Raises:
        TableError: It is too large or damaged, no text, or no table.
    """
    if entry.size_bytes > MAX_BYTES:
        raise TableError("table.too-large", found=entry.size_bytes, most=MAX_BYTES)
    try:
        text = _text(archive.read(entry))
    except EntryError as error:
        raise TableError(error.said) from None
    csv.field_size_limit(MAX_CELL)
    text, separator = _without_hint(text)
    separator = separator or _separator(text)
    if separator is None:
        raise TableError("table.no-columns")
    parsed = _parsed(text, separator)
    rows, odd = _even(parsed)
    if not rows or len(rows[0]) < 2:
        raise TableError("table.no-columns")
    return Table(name, tuple(rows), tuple(odd))


def _text(data: bytes) -> str:
    name = next((name for bom, name in BOMS if data.startswith(bom)), None) or _without_bom(data)
    name = name or encoding.guess(data.splitlines()).code_page
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        raise TableError("table.no-text") from None
    if "\0" in text:
        raise TableError("table.no-text")
    return text


def _without_bom(data: bytes) -> str | None:
    """The code page of a text in UTF-16 that does not say so: nearly every other byte of its signs is a zero."""
    sample = data[:SAMPLE_BYTES]
    zeros = [sample[start::2].count(0) * 4 > len(sample) for start in (0, 1)]
    return "utf-16-be" if zeros == [True, False] else "utf-16-le" if zeros == [False, True] else None


def _without_hint(text: str) -> tuple[str, str | None]:
    """The text without the line "sep=;" that Excel writes, and the separator that it names."""
    hint = re.match(r'"?sep=(.)"?\s*\n', text)
    return (text[hint.end() :], hint[1]) if hint else (text, None)


def _parsed(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Each row that has something in it, with the number of its line."""
    quote = "'" if text.count("'") > text.count('"') and _is_quoted(text, separator) else '"'
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=True, strict=True)
    try:
        rows = [(reader.line_num, [_cell(cell) for cell in row]) for row in reader]
    except csv.Error as error:
        reason = str(error).replace("\n", " ")
        raise TableError("table.wrong-quotes", reason=reason, line=reader.line_num) from None
    return [(line, row) for line, row in rows if any(row)]


def _is_quoted(text: str, separator: str) -> bool:
    """Whether nearly all cells stand in single quotes."""
    cells = [cell.strip() for line in text.splitlines()[:SAMPLE_ROWS] for cell in line.split(separator)]
    quoted = sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells)
    return quoted >= ALIKE * len([cell for cell in cells if cell])


def _cell(text: str) -> str:
    return printable(" ".join(text.split()))


def _separator(text: str) -> str | None:
    """The one that divides most rows into equally many columns; `csv.Sniffer` takes letters for separators."""
    scores = {}
    for separator in SEPARATORS if any(separator in text for separator in SEPARATORS) else BLANK:
        widths = Counter(_sample_widths(text, separator))
        width, times = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        if width > 1 and times >= ALIKE * widths.total():
            scores[separator] = (times / widths.total(), width)
    return max(scores, key=scores.__getitem__, default=None)


def _sample_widths(text: str, separator: str) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        return [len(row) for row in islice(reader, SAMPLE_ROWS) if any(cell.strip() for cell in row)]
    except csv.Error:
        return []


def _even(rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[str, ...]], list[tuple[int, int]]]:
    """Rows as wide as the first, with empty cells at the end as need be, and those that have too many or one alone.

    Titles above the table are dropped, and a header that has no name for the first column, as R writes it, gets one.
    """
    usual = Counter(len(row) for _, row in rows).most_common(1)[0][0] if rows else 0
    while rows and len(rows[0][1]) < usual - 1 or (rows and len(rows[0][1]) == 1 < usual):
        rows = rows[1:]
    if rows and len(rows[0][1]) == usual - 1:
        rows = [(rows[0][0], ["", *rows[0][1]]), *rows[1:]]
    width = len(rows[0][1]) if rows else 0
    even, odd = [], []
    for line, row in rows:
        while len(row) > width and not row[-1]:
            row = row[:-1]
        if len(row) > width or (len(row) == 1 < width):
            odd.append((line, len(row)))
        else:
            even.append((*row, *[""] * (width - len(row))))
    return even, odd
