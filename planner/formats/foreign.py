"""What a file is that no reader knows, in a person's words, and what to do about it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from planner.formats.archive import HEAD
from planner.units import some

#: The rules of what is no export, and of what exports may stand in that nobody sees.
NO_EXPORT, MAY_HOLD = "input.unrecognised", "input.may-hold"


class Foreign(NamedTuple):
    """What it is, with what differs from one file to the next in quotes; what to do; the rule that tells it."""

    what: str
    fix: str = "remove it, or see docs/formats.md for what is read"
    rule: str = NO_EXPORT


ENCRYPTED = Foreign("this workbook is protected by a password, so its cells cannot be read",
                    "save a copy without a password and give that in its place", "input.password")
_AS_TEXT = "export what it shows as text, CSV or a workbook"
_PICTURE = "copy the text instead of a picture of it"
_UNPACK = "unpack it, or pack it as .tar.gz or .zip"
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_BY_BEGINNING: tuple[tuple[bytes, Foreign], ...] = (
    (b"%PDF-", Foreign("a PDF document", _AS_TEXT)), (b"{\\rtf", Foreign("an RTF document", _AS_TEXT)),
    (b"\x89PNG\r\n", Foreign("a picture (PNG)", _PICTURE)), (b"\xff\xd8\xff", Foreign("a picture (JPEG)", _PICTURE)),
    (b"GIF8", Foreign("a picture (GIF)", _PICTURE)), (b"II*\x00", Foreign("a picture (TIFF)", _PICTURE)),
    (b"MM\x00*", Foreign("a picture (TIFF)", _PICTURE)), (b"\x00\x00\x01\x00", Foreign("a picture (icon)", _PICTURE)),
    (b"\x1f\x9d", Foreign("packed by compress (.Z), as snap does", "uncompress it; " + _UNPACK, MAY_HOLD)),
    (b"7z\xbc\xaf'\x1c", Foreign("a 7-Zip archive", _UNPACK, MAY_HOLD)),
    (b"Rar!\x1a\x07", Foreign("a RAR archive", _UNPACK, MAY_HOLD)),
    (b"(\xb5/\xfd", Foreign("packed by zstd", _UNPACK, MAY_HOLD)),
    (b"\x1f\x8b", Foreign("packed by gzip", _UNPACK, MAY_HOLD)),
    (b"\xed\xab\xee\xdb", Foreign("an RPM package")), (b"!<arch>\n", Foreign("a library or Debian package")),
    (b"\x09\x00\x6f\xea", Foreign("an AIX backup (.bff)")), (b"\x7fELF", Foreign("a program (ELF)")),
    (b"\x01\xdf\x00", Foreign("a program (AIX)")), (b"\x01\xf7\x00", Foreign("a program (AIX)")),
    (b"MZ\x90\x00", Foreign("a program (Windows)")), (b"\xca\xfe\xba\xbe", Foreign("a Java class")),
    (b"SQLite format 3\x00", Foreign("an SQLite database", "give a usage history with --history; of another database, "
                                     "export the tables as CSV")),
    (b"PAR1", Foreign("a Parquet file", "export it as CSV")),
)
_PACKED = ((b"word/", "a Word document"), (b"ppt/", "a PowerPoint presentation"), (b"visio/", "a Visio drawing"),
           (b"xl/workbook.bin", "a binary workbook (.xlsb)"), (b"opendocument.spreadsheet", "an OpenDocument workbook"),
           (b"opendocument.", "an OpenDocument file"), (b"META-INF/", "a Java archive"))
_IN_OLE = (("WordDocument", "a Word document"), ("PowerPoint Document", "a PowerPoint presentation"),
           ("VisioDocument", "a Visio drawing"), ("__substg1.0_", "an Outlook message"))
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----")
_MAIL = re.compile(r"(?:(?:From|To|Received|Return-Path|Subject|Message-ID|MIME-Version|Date|X-[\w-]{1,40})"
                   r": [^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n){0,50}){2}")
_SNAP = re.compile(r"^\.{5}\n\.{5}[ \t]{1,8}[^\n]{1,200}\n\.{5}$", re.MULTILINE)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]{0,99})")
_BESIDES = re.compile(r"<\?.{0,2000}?\?>|<!--.{0,2000}?-->|<!DOCTYPE[^>\[]{0,2000}(?:\[.{0,2000}?\]\s{0,9})?>",
                      re.DOTALL)
_JSON = re.compile(r"[{\[]\s*[\"{\[\]}]")
_YAML = re.compile(r"---[ \t]*\n(?:#[^\n]{0,200}\n|[ \t]{0,80}\n){0,50}(?:- |[\w.-]{1,60}:)")
_NMON = re.compile(r"(?:[A-Z][A-Z0-9_]{1,30},[^\n]{0,4000}\n){0,50}"
                   r"[A-Z][A-Z0-9_]{1,30},T[0-9]{4,8},[0-9.,-]{1,4000}$", re.MULTILINE)
_SCANNER = re.compile(r"^[^\t;,|\n]{0,999}\b(?:Managed System Name +Managed System Serial|LPAR name +Slot +State)\b",
                      re.MULTILINE)
_PAIR = re.compile(r"[a-z][a-z0-9_]{1,60}=")
_MAPPING = "say what its columns mean with --mapping FILE (docs/formats.md)"
_MOST_JSON = 8 << 20
_MOST_NAMES = 12


def of_bytes(data: bytes) -> Foreign | None:
    """What its beginning says that it is; None for text and what is asked elsewhere."""
    return next((known for mark, known in _BY_BEGINNING if data.startswith(mark)), None)


def is_encrypted(data: bytes) -> bool:
    """Whether it is an OLE container around a workbook or document that a password protects."""
    return data.startswith(_OLE) and _ENCRYPTED_PACKAGE in data


def of_package(data: bytes) -> Foreign | None:
    """The document that a zip or OLE container is; None for a workbook."""
    if data.startswith(_OLE):
        parts = (data[:1 << 20], data[-(1 << 16):])
        return next((Foreign(what, _AS_TEXT) for name, what in _IN_OLE
                     if any(name.encode("utf-16-le") in part for part in parts)), None)
    if b"xl/workbook.xml" in data:
        return None
    return next((Foreign(what, _AS_TEXT) for name, what in _PACKED if name in data),
                Foreign("a zip file that is damaged or no archive of exports", _UNPACK, MAY_HOLD))


def workbook(sheets: list[str]) -> Foreign:
    """A workbook with none of the sheets of an estate or of a known export."""
    return Foreign(f"a workbook with sheets of its own ('{_listed(sheets)}')", _MAPPING)


def of_text(text: str) -> Foreign | None:
    """What a whole text is; None where it is just text."""
    body = text.lstrip("\ufeff \t\n")
    head = body[:HEAD]
    if "\x00" in head:
        shown = " ".join(f"{ord(c):02x}" for c in text[:8])
        return Foreign(f"binary data of an unknown kind (it begins '{shown}')", rule=MAY_HOLD)
    if _NMON.match(body):
        return Foreign("a recording of nmon without its beginning", "copy the whole file again", MAY_HOLD)
    if body.startswith("#!"):
        return Foreign(f"a script ('{body[2:80].partition(chr(10))[0].strip()}')", "run it, and give what it prints")
    if _KEY.match(body):
        return Foreign("a key or certificate", "keep it out of the exports")
    if body.startswith("<"):
        return _markup(head)
    if _JSON.match(body):
        return _json(body)
    if _MAIL.match(head):
        return Foreign("a mail", "save what is attached to it")
    if _SNAP.search(head):
        return Foreign("a part of an AIX snap", "give what planner collect lpar prints on that LPAR")
    if _YAML.match(head):
        return Foreign("a YAML file")
    if _SCANNER.search(head):
        return Foreign("a sheet of HMC Scanner with blanks between its cells: nothing shows which are empty",
                       "save the sheet as text with tabs, or as CSV, or give the workbook")
    return _table(head, len(body) <= HEAD)


def _markup(head: str) -> Foreign | None:
    if re.search(r"<!doctype html|<html", head[:4096], re.IGNORECASE):
        title = re.search(r"<title[^>]{0,200}>([^<]{0,120})", head, re.IGNORECASE)
        named = " '" + " ".join(title[1].split()).replace("'", "’") + "'" if title and title[1].strip() else ""
        if re.search(r"\btype=[\"']?password", head, re.IGNORECASE) or (
                re.search(r"\blog ?[io]n\b|\bsign ?in\b", named, re.IGNORECASE)):
            return Foreign(f"a login page{named} (HTML), saved instead of the answer", "log in, and export it again")
        return Foreign(f"a web page{named} (HTML)", _AS_TEXT)
    root = _ROOT.search(_BESIDES.sub("", head[:8192]))
    return Foreign(f"XML whose root '{root[1]}' is none of an HMC's", "see docs/formats.md for the answers that are "
                   "read, or remove it") if root else None


def _json(body: str) -> Foreign | None:
    if len(body) > _MOST_JSON:
        return Foreign("JSON of no known kind")
    try:
        value = json.loads(body)
    except RecursionError:
        return Foreign("JSON of no known kind")
    except json.JSONDecodeError as error:
        try:  # an object a line
            value = json.loads(body.partition("\n")[0])
        except (ValueError, RecursionError):
            return Foreign(f"JSON that is damaged or cut off ({error.msg} in line {error.lineno})", "export it again",
                           MAY_HOLD)
    except ValueError:  # a number of thousands of digits
        return Foreign("JSON of no known kind")
    of = ""
    while isinstance(value, list) and value:
        value, of = value[0], " of its objects"
    if not isinstance(value, dict) or not value:
        return Foreign("JSON that states nothing")
    return Foreign(f"JSON of no known kind (the keys{of}: '{_listed(list(value))}')")


def _table(head: str, whole: bool) -> Foreign | None:
    """Lines of as many fields each: with names above them, of values alone, or of names alone."""
    lines = [line for line in head.split("\n") if line.strip()][:20]
    if not whole and len(lines) > 1:
        lines.pop()
    for separator in ("\t", ";", ",", "|", ":") if lines else ():
        count = _each(lines, separator)
        names = [one.strip().strip('"') for one in lines[0].split(separator)]
        sentence = any(len(one) > 60 or (one.endswith(".") and " " in one) for one in names)
        if count >= (2 if separator == ":" else 1) and (not sentence or _valued(names)):
            return _named(names, len(lines) > 1)
    return None


def _valued(names: list[str]) -> bool:
    """Whether what stands in the first line are values, alone or each with its name."""
    return any(re.fullmatch(r"[0-9.]*", one) for one in names) or all(_PAIR.match(one) for one in names)


def _named(names: list[str], rows: bool) -> Foreign | None:
    """What a table is by the fields of its first line, and by whether rows follow."""
    if any(re.fullmatch(r"[0-9.]*", one) for one in names):
        return Foreign("rows of values without names", "if a command printed it with -F, run it again with "
                       "--header; a table needs a row of names") if rows else None
    if _valued(names):
        return Foreign(f"an HMC's listing that no plan needs ('{_listed([n.partition('=')[0] for n in names])}')",
                       "remove it; listings that are read stand in docs/formats.md")
    if not rows:
        return Foreign(f"an empty table: names of columns ('{_listed(names)}') and no row",
                       "export it again, with its rows") if len(names) > 2 else None
    return Foreign(f"a table with columns of its own ('{_listed(names)}')", _MAPPING)


def _each(lines: list[str], separator: str) -> int:
    """How often it stands in every one of these lines; 0 where they differ."""
    counts = {line.count(separator) for line in lines}
    return counts.pop() if len(counts) == 1 else 0


def _listed(names: list[str]) -> str:
    return some((name[:40].replace("'", "’") for name in names), _MOST_NAMES)
