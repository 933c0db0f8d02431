"""Recognising what a document is by its content, and reading it with the reader of its format.

Readers are imported when their turn comes: a site with ``lparstat -i`` and an estate workbook loads no other.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from typing import IO, TYPE_CHECKING

from planner.findings import Finding, Severity, Source
from planner.formats import capture, foreign, hmc_scanner_text
from planner.formats.archive import HEAD, MOST_DOCUMENT, MOST_SAVED, MOST_WORKBOOK, swollen
from planner.formats.base import Format, Reading, decode
from planner.units import many

if TYPE_CHECKING:
    from planner.formats import split

UNRECOGNISED = "unrecognised"
SESSION = "session"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_EMPTY_ZIP = b"PK\x05\x06"
_MOST_CELLS = 1_000_000
_CELL = re.compile(rb"<(?:\w{1,20}:)?(?:c|row)[\s/>]")
_NMON = ("AAA,", "ZZZZ,")
_SYSLOG = re.compile(r"(?:[A-Z][a-z]{2} [ 0-9][0-9]|[0-9]{4}-[0-9]{2}-[0-9]{2}T)[ 0-9:]{8,9}\S{0,16} \S+ [^\n]")

#: Kind of reading → module of its format. Texts are asked in this order: an HMC's grammar, the loosest, comes last.
_TEXTS = {
    "lparstat-i": "lparstat_i", "lparstat-interval": "lparstat_interval", "lparcfg": "lparcfg", "nmon": "nmon",
    "pcm": "pcm", "njmon": "njmon",
    "hmc-rest": "hmc_rest", "vios-lsmap": "vios_lsmap", "vios-lsmap-net": "vios_lsmap", "vios-lsmap-npiv": "vios_lsmap",
    "vios-lsmap-vnic": "vios_lsmap", "vios-lspv": "vios_disks", "vios-hdisk-attr": "vios_disks",
    "vios-lsdev": "vios_disks", "vios-entstat": "vios_entstat", "vios-ioslevel": "vios_level", "vios-lpm": "vios_lpm",
    "vios-lsnports": "vios_lsnports", "vios-cluster": "vios_cluster",
    "vios-vasistat": "vios_vasistat", "aix-errpt": "aix_errpt", "syslog": "syslog",
    "fcstat": "vios_fcstat", "past-moves": "past_moves", "hmc-events": "hmc_events",
    "hmc-scanner": "hmc_scanner_text",
    "aix-config": "aix_config", "hmc-level": "hmc_level", "hmc-lspartition": "hmc_lspartition", "hmc-cli": "hmc_cli",
}
_WORKBOOKS = {"hmc-scanner": "hmc_scanner"}
_MODULES = {**_TEXTS, **_WORKBOOKS, "ansible": "ansible_facts", "checkmk": "checkmk",
            "vios-site-log": "vios_site_log",
            "estate-workbook": "estate_workbook", "saved-estate": "saved_estate",
            "evening-record": "evening_record", "table": "table"}
_TEXT = tuple(dict.fromkeys(_TEXTS.values()))
_HMC = "hmc_cli"
_DISKS = "vios_disks"
_CLUSTER = "vios_cluster"
#: Command → module of the reader of its output.
_COMMANDS = (
    (r"(?:lssyscfg|lshwres|lslparmigr|lslparutil|migrlpar|lslic|lsmemopt|lsnportlogin|lstskey)\b", _HMC),
    (r"lparstat\b.*\s-\w*i", "lparstat_i"),
    (r"lparstat\b", "lparstat_interval"),
    (r"cat\s+/proc/(?:ppc64|powerpc)/lparcfg", "lparcfg"),
    (r"lsmap\b", "vios_lsmap"),
    (r"(?:prtconf|lsconf|lscfg|lsmcode|lsattr\s+-El\s+sys0)\b", "aix_config"),
    (r"(?:lsdev\s+-dev|lsattr\s+-El)\s+vioslpm0\b", "vios_lpm"),
    (r"(?:lspv|lsdev|lsattr)\b", _DISKS),
    (r"entstat\b", "vios_entstat"),
    (r"ioslevel\b", "vios_level"),
    (r"lsnports\b", "vios_lsnports"),
    (r"(?:cluster\s+-(?:list|status)|lssp\s+.*-clustername)\b", _CLUSTER),
    (r"vasistat\b", "vios_vasistat"),
    (r"fcstat\b", "vios_fcstat"),
    (r"errpt\b", "aix_errpt"),
    (r"lshmc\b", "hmc_level"),
    (r"lssvcevents\b", "hmc_events"),
    (r"lspartition\b", "hmc_lspartition"),
)
_DEVICE = re.compile(r"(?:lsdev\s+-dev|lsattr\s+-El)\s+(?!sys0|vioslpm0)([\w.-]{1,64})")
_CHATTER = re.compile(
    r"\s*(?:Last (?:unsuccessful )?login:.*|login as:.*|(?:.{1,80} )?login: ?\S{0,80}|.{1,80}'s password:.*"
    r"|Password:\s*|Connection to \S+ closed\.?"
    r"|logout|exit|Script (?:started|done|command is (?:started|complete))\b.*|=~=~.*|[█_]|```\w*|-{2,}|)\s*"
)


@cache
def _formats(module: str) -> tuple[Format, ...]:
    imported = import_module(f"planner.formats.{module}")
    return tuple(getattr(imported, "FORMATS", ())) or (imported.FORMAT,)


def kinds() -> tuple[str, ...]:
    """Every kind of reading that a format gives."""
    return tuple(dict.fromkeys(_MODULES))


def by_kind(kind: str) -> Format | None:
    """The format whose readings are of this kind; None for what is no export (``unrecognised``, ``archive``)."""
    module = _MODULES.get(kind)
    return next((form for form in _formats(module) if form.kind == kind), None) if module else None


def format_of(text: str, command: str = "") -> Format | None:
    """The format of a text, or None. The command that printed it, where it is known, is asked first."""
    head = text[:HEAD]
    hinted = _module_of(command)
    modules = (hinted, *(m for m in _TEXT if m != hinted)) if hinted else _TEXT
    for module in modules:
        for form in _formats(module):
            if form.recognise(head):
                return form
    return None


@lru_cache(maxsize=256)
def _module_of(command: str) -> str | None:
    return next((module for pattern, module in _COMMANDS if re.match(pattern, command)), None)


def read_document(data: bytes, shown_as: str) -> list[Reading]:
    """All that one file says, one reading for each section and host. Raises nothing for any bytes whatever."""
    if not data or data.isspace():
        severity = Severity.ERROR if shown_as.lower().endswith((".xlsx", ".xlsm")) else Severity.WARNING
        said = _finding(shown_as, "the file is empty", "export it again", "input.unreadable", severity)
        return [Reading("empty", (), (said,))]
    if data.startswith((_ZIP, _EMPTY_ZIP, _OLE)) or shown_as.lower().endswith((".xlsx", ".xlsm")):
        return [_read_binary(data, shown_as)]
    if (known := foreign.of_bytes(data)) is not None:
        return [_not_read(known, shown_as)]
    text, notes = decode(data, shown_as)
    return read_text_document(text, shown_as, notes)


def is_nmon(head: bytes) -> bool:
    """Whether a file that begins so is nmon, which is read line by line."""
    if head.startswith((_ZIP, _EMPTY_ZIP, _OLE)):
        return False
    text, _ = decode(head, "")
    return text[:4096].lstrip().startswith(_NMON) and _whole(text) is not None


def most_of(head: bytes) -> int:
    """How many bytes of a file that begins so are read: what load has written is read again, however large."""
    return MOST_SAVED if b'"planner-estate"' in head else MOST_DOCUMENT


def _with_findings(readings: list[Reading], notes: tuple[Finding, ...]) -> list[Reading]:
    return [replace(readings[0], findings=(*notes, *readings[0].findings)), *readings[1:]] if notes else readings


def read_text_document(text: str, shown_as: str, notes: tuple[Finding, ...] = ()) -> list[Reading]:
    """The same of a text that has been decoded; ``notes`` go with the first reading."""
    text = _unquoted(text)
    form = _whole(text)
    times = capture.clock(text)
    if form is not None:
        readings = [replace(reading, taken=times.at(1)) for reading in
                    _with_inside(form, form.read(text, shown_as), shown_as)]
    else:
        from planner.formats import split  # start-up: its patterns, for captures and listings only

        wrapped = _unwrapped(times.text, shown_as)
        if wrapped:
            notes = (*notes, wrapped[1])
            times = replace(times, text=wrapped[0])
        parts = split.sections(times.text, lambda one: format_of(one) is not None)
        readings = _own_vios(_one_host([replace(r, taken=times.at(part.first_line)) for part in parts
                                        for r in _read_section(part, shown_as, len(parts) > 1)]))
    if all(r.kind == UNRECOGNISED and {f.rule for f in r.findings} == {foreign.NO_EXPORT} for r in readings):
        known = foreign.of_text(text)
        readings = [_not_read(known, shown_as)] if known else readings or [_unrecognised(text, shown_as, 1, "")]
    return _with_findings(readings, notes if any(r.kind != UNRECOGNISED for r in readings) else ())


def _unquoted(text: str) -> str:
    """A text that a mail quotes, without the ``>`` before each of its lines."""
    if not text.startswith(">") or not all(line[:1] in (">", "", "\r") for line in text.split("\n")):
        return text
    return "\n".join(line[1:].removeprefix(" ") for line in text.split("\n"))


def _unwrapped(text: str, shown_as: str) -> tuple[str, Finding] | None:
    """A capture of a terminal that wrapped the lines of an HMC's listing, put together again, and that it was."""
    if "=" not in text and "," not in text:
        return None
    from planner.formats import wrapped  # start-up: of listings alone

    whole, joined, width = wrapped.rejoined(text)
    return (whole, _finding(
        shown_as, f"a terminal of {width} columns wrapped its lines: {many(joined, 'line')} joined to those before",
        "nothing to do; to be sure redirect the command's output to a file instead of copying it from a terminal",
        "input.wrapped", Severity.INFO)) if joined else None


def _with_inside(form: Format, reading: Reading, shown_as: str) -> list[Reading]:
    """A reading, and those of the captures that it carries."""
    captures = form.inside(reading) if form.inside else ()
    inside = (one for capture in captures for one in read_text_document(capture, shown_as))
    return [reading, *(one if one.host else replace(one, host=reading.host) for one in inside)]


def _whole(text: str) -> Format | None:
    """The format of what is never taken apart: nmon holds commands and their output, and XML and JSON any text."""
    start = text[:4096].lstrip("\ufeff \t\n")
    if start.startswith(_NMON):
        return next((form for form in _formats("nmon") if form.recognise(text[:HEAD])), None)
    if start.startswith("{"):
        modules: tuple[str, ...] = ("saved_estate", "evening_record", "njmon", "ansible_facts", "pcm", "hmc_rest")
    else:
        modules = ("njmon", "checkmk", "pcm", "hmc_rest") if start.startswith(("<", "[", "INFO{")) else ()
        modules = ("syslog",) if _SYSLOG.match(start) else modules
        modules = ("hmc_scanner_text",) if not modules and hmc_scanner_text.is_whole(text) else modules
        modules = ("vios_site_log",) if "VIOS hostname:" in start or "running lssea on" in text[:HEAD] else modules
    return next((form for module in modules for form in _formats(module) if form.recognise(text)), None)


def _read_section(part: split.Section, file: str, of_several: bool) -> list[Reading]:
    hosts = part.hosts or ("",)
    if part.note:
        finding = _finding(file, part.note, "split the file by host", "input.interleaved", Severity.ERROR,
                           part.first_line)
        return [Reading(UNRECOGNISED, (), (finding,), hosts[0], part.command)]
    if not part.text.strip():
        return _nothing_printed(part, file, hosts)
    text, first_line = _with_echo(part)
    form = format_of(text, part.command)
    if form is None:
        if all(_CHATTER.fullmatch(line) for line in part.text.split("\n", 200)):
            return [] if of_several else [Reading(SESSION)]
        return [replace(_unrecognised(part.text, file, part.first_line, part.command), host=hosts[0],
                        command=part.command)]
    reading, *inside = _with_inside(form, form.read(text, file, first_line), file)
    return [*(replace(reading, host=host, command=part.command) for host in hosts), *inside]


def _with_echo(part: split.Section) -> tuple[str, int]:
    """The text with the command above it, for the readers that look for what only the command says."""
    module = _module_of(part.command)
    device = _DEVICE.match(part.command)
    fields = module == "vios_lsmap" and " -field " in part.command
    pool = module == _CLUSTER and part.command.startswith("lssp")
    if part.first_line > 1 and (module == _HMC or device or fields or pool):
        echo = f"lsdev -dev {device[1]} -attr" if device else part.command
        return f"{echo}\n{part.text}", part.first_line - 1
    return part.text, part.first_line


def _nothing_printed(part: split.Section, file: str, hosts: tuple[str, ...]) -> list[Reading]:
    """A listing that is empty is worth a word; a command that is not read and prints nothing is not."""
    module = _module_of(part.command)
    if module is None:
        return []
    said = _finding(file, f"{part.command[:80]!r} printed nothing", "nothing to do if there is none",
                    "input.empty-output", Severity.INFO, max(1, part.first_line - 1))
    kind = _formats(module)[0].kind
    return [Reading(kind, (), (said,), host, part.command) for host in hosts]


def _one_host(readings: list[Reading]) -> list[Reading]:
    """Where a file names one host only, all of it is of that host."""
    hosts = {r.host for r in readings if r.host}
    if len(hosts) != 1:
        return readings
    host = hosts.pop()
    return [r if r.host else replace(r, host=host) for r in readings]


def _own_vios(readings: list[Reading]) -> list[Reading]:
    """Where no prompt names a VIOS, the location codes in one listing of a session name it for all of that session. A
    session ends where a command comes again."""
    sessions: list[tuple[set[tuple[str, str]], set[str], list[int]]] = []
    for at, reading in enumerate(readings):
        if reading.host or not reading.kind.startswith("vios-"):
            continue
        ran = reading.kind, reading.command
        if not sessions or ran in sessions[-1][0]:
            sessions.append((set(), set(), []))
        seen, codes, members = sessions[-1]
        seen.add(ran)
        codes |= {f"{r.fields['serial_num']}-V{r.fields['vios_partition_id']}" for r in reading.records
                  if isinstance(r.fields.get("serial_num"), str) and isinstance(r.fields.get("vios_partition_id"), int)}
        members.append(at)
    hosts = {at: code for _, codes, members in sessions if len(codes) == 1 < len(members)
             for code in codes for at in members}
    return [replace(r, host=hosts[at]) if at in hosts else r for at, r in enumerate(readings)]


def _finding(file: str, message: str, fix: str, rule: str, severity: Severity, line: int | None = None) -> Finding:
    return Finding(rule, severity, file, message, fix, Source(file, line))


def _unrecognised(text: str, file: str, first_line: int, command: str) -> Reading:
    """One warning: how the text begins, and where."""
    body = text.lstrip()
    line = first_line + text[:len(text) - len(body)].count("\n")
    begins = f" (it begins {body[:40]!r})"
    known = foreign.Foreign(f"the output of {command[:60]!r}{begins}" if command else f"text of no known kind{begins}")
    return _not_read(known, file, line if line > 1 or command else None)


def _not_read(known: foreign.Foreign, file: str, line: int | None = None) -> Reading:
    return Reading(UNRECOGNISED, (), (_finding(file, f"{known.what}: not a format that the planner reads", known.fix,
                                               known.rule, Severity.WARNING, line),))


# --- workbooks --------------------------------------------------------------------------------------------------------


def _read_binary(data: bytes, shown_as: str) -> Reading:
    from planner.formats import estate_workbook  # start-up: openpyxl is for workbooks alone

    locked = _finding(shown_as, *foreign.ENCRYPTED, Severity.ERROR) if foreign.is_encrypted(data) else None
    if refusal := locked or _bomb(data, shown_as):
        return Reading(UNRECOGNISED, (), (refusal,))
    sheets = _sheet_names(data)
    if not {"Servers", "LPARs"} <= set(sheets):
        for form in (form for module in _WORKBOOKS.values() for form in _formats(module)):
            if form.recognise(data):
                return form.read(data, shown_as)
    named_as_one = shown_as.lower().endswith((".xlsx", ".xlsm"))
    if data.startswith((_ZIP, _OLE)) and not named_as_one and (known := foreign.of_package(data)) is not None:
        return _not_read(known, shown_as)
    if sheets and not estate_workbook.SHEETS.intersection(map(str.casefold, sheets)):
        return _not_read(foreign.workbook(sheets), shown_as)
    refusal = _too_many_cells(data, shown_as)
    return Reading(UNRECOGNISED, (), (refusal,)) if refusal else estate_workbook.read_bytes(data, shown_as)


def _sheet_names(data: bytes) -> list[str]:
    names = re.findall(rb"<(?:\w{1,20}:)?sheet\s[^<>]{0,400}?\bname=\"([^\"<>]{1,80})\"", _book_xml(data))
    return [name.decode(errors="replace") for name in names]


def _book_xml(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book, book.open("xl/workbook.xml") as part:
            return part.read(1 << 20)
    except Exception:  # zipfile and zlib raise many kinds for damaged archives
        return b""


def _bomb(data: bytes, shown_as: str) -> Finding | None:
    """Refuse a workbook by what it says of its size, before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            unpacked = swollen(book.infolist(), len(data), MOST_WORKBOOK)
    except Exception:  # as in _book_xml; the reader says what is damaged
        return None
    return None if not unpacked else _finding(shown_as, unpacked, "check where the file comes from; export it again",
                                              "input.decompression-bomb", Severity.ERROR)


def _too_many_cells(data: bytes, shown_as: str) -> Finding | None:
    """Refuse an estate workbook whose sheets would take minutes and gigabytes, most of them empty cells."""
    count = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            for name in (n for n in book.namelist() if n.startswith("xl/worksheets/") and count <= _MOST_CELLS):
                with book.open(name) as part:
                    count += _cells(part)
    except Exception:  # as in _book_xml
        return None
    if count <= _MOST_CELLS:
        return None
    return _finding(shown_as, f"its sheets hold more than {_MOST_CELLS:,} cells and rows",
                    "delete the empty but formatted cells and save it again", "input.too-large", Severity.ERROR)


def _cells(part: IO[bytes]) -> int:
    count, rest = 0, b""
    while count <= _MOST_CELLS and (piece := part.read(1 << 20)):
        piece = rest + piece
        count += sum(1 for _ in _CELL.finditer(piece))
        rest = piece[piece.rfind(b"<"):][:100] if b"<" in piece[-100:] else b""
        count -= _CELL.match(rest) is not None
    return count
