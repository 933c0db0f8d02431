"""Output of the HMC's listing commands, alone or mixed in one file, and the messages that come with it.

Grammar: one record a line. Without ``-F`` it is ``attribute=value`` in CSV (a field that holds a comma stands in
double quotes, quotes inside are doubled, the value of a list attribute is CSV again); with ``-F a,b`` or ``-F a:b``
values alone, whose names are known from a ``--header`` line or from the command line. A record's kind (``hmc-`` and
the command's name and options) comes from its attribute names; an echo of the command (``hmc:~> lshwres …``, also
behind ``ssh`` or without a prompt) settles doubts and gives the field ``managed_system`` (``-m``), which the output
itself does not hold. What ``lslparmigr -r msp|mspconnection|virtualio|procpool|sriov`` answers is about a target
(``target_system``) and LPARs (``lpar_names``, ``lpar_ids``) that only the command line names.

Units: memory in MiB, processing units in hundredths of a core, cycles and bytes as counted, times as local times
without a zone.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from typing import Any

from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, Reading, Record
from planner.formats.hmc_attributes import FACTS, LISTINGS, Listing, kinds_of, most_known, parser, take_samples
from planner.formats.values import split_fields, text, typed
from planner.units import some

KIND = "hmc-cli"


# --- command lines ---------------------------------------------------------------------------------------------------


_PROGRAM = r"(?:lssyscfg|lshwres|lslparmigr|lslparutil|migrlpar|lslic|lsmemopt|lsnportlogin|lstskey)\s+-"
_COMMAND, _NEXT = re.compile(rf"(?<![\w-]){_PROGRAM}"), re.compile(rf";\s*(?={_PROGRAM})")
_PROMPT = re.compile(r"\[?[\w.@-]{1,80}[: ][~/][^\s>$#]{0,80}\]?[ ]?[>$#](?:\s*(.*))$")
_END_OF_COMMAND = frozenset({"|", ";", "&&", "||", "&", ">", ">>", "2>", "2>&1", "<"})
_LONGEST = 4000
#: ``lslparutil -r all``: samples of every kind, each of which says what it is.
ALL_SAMPLES = "hmc-lslparutil-all"
_SEPARATORS = ",:;|/ \t%#@!^~+*&?"
_COLUMN = re.compile(r"[A-Za-z0-9_]+")

#: (-r, --rsubtype, --level) of lshwres → what the kind is called after ``hmc-lshwres-``.
_LSHWRES = {
    ("proc", "", "sys"): "proc-sys",
    ("proc", "", "lpar"): "proc-lpar",
    ("proc", "", "pool"): "proc-pool",
    ("procpool", "", ""): "procpool",
    ("mem", "", "sys"): "mem-sys",
    ("mem", "", "lpar"): "mem-lpar",
    ("mem", "", "pool"): "mempool",
    ("mempool", "", ""): "mempool",
    ("virtualio", "eth", "lpar"): "eth",
    ("virtualio", "scsi", ""): "scsi",
    ("virtualio", "scsi", "lpar"): "scsi",
    ("virtualio", "fc", "lpar"): "fc",
    ("virtualio", "serial", "lpar"): "serial",
    ("virtualio", "slot", "lpar"): "vslot",
    ("virtualio", "slot", "slot"): "vslot",
    ("virtualio", "vnic", "lpar"): "vnic",
    ("virtualio", "vnic", ""): "vnic",
    ("virtualio", "vnicbkdev", ""): "vnicbkdev",
    ("sriov", "adapter", ""): "sriov-adapter",
    **{("sriov", what, level): f"sriov-{what}" for what in ("physport", "logport")
       for level in ("", "eth", "ethc", "roce", "rocec")},
    ("virtualio", "vswitch", ""): "vswitch",
    ("virtualio", "vnetwork", ""): "vnetwork",
    ("io", "slot", ""): "slot",
    ("io", "slot", "sys"): "slot",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command line. ``kind`` is None if its output is none that the readers know.

    ``columns`` are the names of ``-F`` (empty without, or when a header line names them) and ``header`` says that
    the first line of output is such a line. ``lpar_names`` and ``lpar_ids`` come from ``-p``, ``--id``, ``--filter``.
    ``others`` are the kinds that further commands of the line print of the same system.
    """

    line: int
    program: str
    kind: str | None
    managed_system: str | None = None
    target_system: str | None = None
    operation: str | None = None
    columns: tuple[str, ...] = ()
    separator: str = ","
    header: bool = False
    resource: str = ""
    lpar_names: tuple[str, ...] = ()
    lpar_ids: tuple[int, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def is_unread(self) -> bool:
        """Whether it lists something, but nothing that the readers know."""
        return self.kind is None and self.program != "migrlpar"

    def prints(self, kind: str) -> bool:
        """Whether records of this kind belong to its output."""
        return kind in (self.kind, *self.others) or (
            self.kind == ALL_SAMPLES and kind.startswith("hmc-lslparutil-"))


def parse_command(line: str, number: int = 1) -> Command | None:
    """The command of a line that is an echo of one, behind a prompt, ``ssh`` or nothing; None for any other line."""
    match = _COMMAND.search(line) if len(line) <= _LONGEST else None
    if match is None or not _is_prompt(line[: match.start()]):
        return None
    first, *more = (_one_command(part, number) for part in _NEXT.split(line[match.start():]))
    if not more or {one.managed_system for one in more} != {first.managed_system}:
        return first
    return replace(first, columns=(), header=False, others=tuple(one.kind for one in more if one.kind))


def _one_command(text: str, number: int) -> Command:
    words = _words(text)
    return _command(words[0], _options(words[1:]), number)


def other_command(line: str) -> str | None:
    """What was typed at an HMC prompt if the line is one (maybe nothing); None for any other line."""
    match = _PROMPT.match(line) if len(line) <= _LONGEST else None
    return None if match is None else (match[1] or "").strip()


def _is_prompt(before: str) -> bool:
    before = before.removesuffix("/usr/hmcrbin/").rstrip()
    return not before or before[-1] in ">$#%+" or re.search(r"(?:^|[>$#%+]\s*)ssh\s", before) is not None


def _words(text: str) -> list[str]:
    if text.count('"') % 2 or text.count("'") % 2:
        text = text.rstrip().rstrip("\"'")
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return words[: next((i for i, word in enumerate(words) if word in _END_OF_COMMAND), len(words))]


def _options(words: list[str]) -> dict[str, str]:
    """Options and their values; one without a value has an empty one."""
    options: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            options[name] = value
        elif word.startswith("-") and len(word) > 1 and not word[1].isdigit():
            name = word[:2]
            options[name] = word[2:].rstrip(";")
        elif name and not options[name]:
            options[name] = word.rstrip(";")
    return options


def _command(program: str, options: dict[str, str], number: int) -> Command:
    columns, separator = _columns(options.get("-F", ""))
    names, ids = _partitions(options)
    target = None if program == "lslic" else _literal(options.get("-t"))
    return Command(
        number, program, kind=_kind(program, options), managed_system=_literal(options.get("-m")), target_system=target,
        operation=options.get("-o") or None, columns=columns, separator=separator, header="--header" in options,
        resource=" ".join(f"{name} {options[name]}" for name in ("-r", "--rsubtype") if name in options),
        lpar_names=names, lpar_ids=ids)


def _kind(program: str, options: dict[str, str]) -> str | None:
    resource = options.get("-t", "sys").removesuffix("power") if program == "lslic" else options.get("-r", "")
    if program == "lshwres":
        resource = _LSHWRES.get((resource, options.get("--rsubtype", ""), options.get("--level", "")), "")
    kind = f"hmc-{program}-{resource}".rstrip("-")
    return kind if kind in LISTINGS or kind == ALL_SAMPLES else None


def _literal(value: str | None) -> str | None:
    """A name that is spelt out: a shell variable such as ``$ms`` names nothing."""
    return None if not value or "$" in value or "`" in value else value


def _columns(text: str) -> tuple[tuple[str, ...], str]:
    other = next((char for char in text if not (char.isalnum() or char == "_")), ",")
    names = tuple(text.split(other)) if text else ()
    usable = other in _SEPARATORS and all(_COLUMN.fullmatch(name) for name in names)
    return (names, other) if usable else ((), ",")


def _partitions(options: dict[str, str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    names = _literal(options.get("-p"))
    ids = _literal(options.get("--id"))
    key, _, value = options.get("--filter", "").strip("\"'").partition("=")
    if key == "lpar_names":
        names = _literal(value)
    elif key == "lpar_ids":
        ids = _literal(value)
    numbers = tuple(int(one) for one in (ids or "").split(",") if re.fullmatch("[0-9]{1,6}", one))
    return tuple(names.split(",")) if names else (), numbers


# --- messages --------------------------------------------------------------------------------------------------------


#: A code, a sentence in the console's language, and the lines that belong to them: the code survives localisation.
BLOCK_START = "VIOS_DETAILED_ERROR"
BLOCK_END = "End Detailed Message"
#: Sentences of commands that found nothing to list.
NO_RESULTS = ("No results were found", "Nie znaleziono wyników")

_CODED = re.compile(r"(HSC[A-Z]{1,2}[A-Z0-9]{4,5}|[0-9]{4}-[0-9]{3}):?\s+(\S.*)")
_HEADINGS = {"Errors:": "error", "Error:": "error", "Warnings:": "warning", "Warning:": "warning"}
_NO_CONNECTION = re.compile(r"cannot communicate with partition (\S.{0,100}?)\.(?:\s|$)")


def coded(line: str) -> tuple[str, str] | None:
    """The code and the text of a message such as ``HSCLA246 The management console …``; None for other lines."""
    match = _CODED.match(line)
    return (match[1], match[2].rstrip()) if match else None


def heading(line: str) -> str | None:
    """``error`` or ``warning`` if the line announces such messages."""
    return _HEADINGS.get(line)


def found_nothing(line: str) -> bool:
    """Whether a command says that it has nothing to list."""
    return line.startswith(NO_RESULTS)


@dataclass(slots=True)
class Message:
    """A message while its lines come in. ``code`` is empty for lines under a heading that have none."""

    line: int
    code: str
    text: str
    severity: str | None
    context: dict[str, Any]
    details: list[str] = field(default_factory=list)
    detailed_error: list[str] = field(default_factory=list)
    block_line: int | None = None

    def add(self, number: int, line: str) -> None:
        """One more line of this message, of its text or of the block of the VIOS."""
        if line.startswith(BLOCK_START):
            self.block_line = number
        elif line.startswith(BLOCK_END):
            self.block_line = None
        else:
            (self.details if self.block_line is None else self.detailed_error).append(line)

    def record(self, file: str) -> Record:
        """All of it; ``lpar_name`` where the text names the LPAR that does not answer."""
        fields: dict[str, Any] = {"code": self.code, "text": self.text, **self.context}
        named = _NO_CONNECTION.search(self.text)
        if named:
            fields["lpar_name"] = named[1]
        if self.severity:
            fields["severity"] = self.severity
        fields["details"] = tuple(self.details)
        fields["vios_detailed_error"] = tuple(self.detailed_error)
        return Record("hmc-message", fields, Source(file, self.line))


# --- records ---------------------------------------------------------------------------------------------------------


#: How a record of ``attribute=value`` begins.
ATTRIBUTE = re.compile(r'"?[A-Za-z0-9_]{1,80}=')
_BLANKS = re.compile(r'(?<=[,"])[ \t]+(?="?[A-Za-z0-9_]{1,80}=)')
_KEY = re.compile(r"[A-Za-z0-9_]{1,80}")
_AFTER_SEPARATOR = re.compile(r"(?<=[,;:|]) +")
_NAME = re.compile(r"[0-9]{0,8}[a-z][a-z0-9_]{0,79}")
_VALUES_OF_THE_HMC = frozenset({
    "aixlinux", "vioserver", "os400", "Not Activated", "uncap", "share_idle_procs", "keep_idle_procs"})
_SCSI = "hmc-lshwres-scsi"
_SCSI_OR_FC = (_SCSI, "hmc-lshwres-fc")
_HEAD_LINES = 400
_OF_ONE_MOVE = tuple(f"hmc-lslparmigr-{of}" for of in ("msp", "mspconnection", "virtualio", "procpool", "sriov"))
#: Listings that no plan needs a row of.
_NOT_NEEDED = {"hmc-lshwres-serial": "virtual serial adapters (terminals): not needed"}
_NARROWEST_TERMINAL = 79
_MOST_NAMED = 20

_NAMES = re.compile(r"[a-z][a-z0-9_]{1,40}(?:[^a-z0-9_][a-z][a-z0-9_]{1,40})+$")
_USE_HEADER = "run the command again with --header after -F, or keep its command line above the output"
_RUN_AGAIN = "run the command again"
_SEMICOLONS = re.compile(r"[a-z_]{1,80}=[^,=]{0,200};[a-z_]{1,80}=[^,]*")
_SHELL = re.compile(r"(?:[\w./-]{1,80}: ){1,3}.{0,200}(?:not found|[Pp]ermission denied|No such file or directory)\.?"
                    r"|(?:[\w./-]{1,80}: )?.{0,200}: command not found\.?")
_TO_A_FILE = "redirect the command's output to a file instead of copying it from a terminal"


@dataclass(frozen=True, slots=True)
class _ListingTable:
    """Names of the columns of ``-F`` output. ``readable`` is False if rows cannot be told to be of any kind."""

    names: tuple[str, ...]
    separator: str
    readable: bool = True


@dataclass(slots=True)
class _ListingRun:
    """Lines left out one after another for the same reason: one finding."""

    rule: str
    severity: Severity
    message: str
    fix: str
    first: int
    last: int

    def finding(self, file: str) -> Finding:
        more = self.last - self.first
        message = self.message + (f", and {more} more such lines" if more else "")
        return Finding(self.rule, self.severity, file, message, self.fix, Source(file, self.first))


@dataclass(frozen=True, slots=True)
class _Written:
    """What the line just read gave, in case the next line shows that the terminal had wrapped it."""

    line: int
    length: int
    last_name: str
    fields: dict[str, Any]


def recognise(text: str) -> bool:
    """An echo of a listing command, records or a header of one of its listings, or an HSC message."""
    return any(_is_ours(line.strip()) for line in text[:65536].split("\n", _HEAD_LINES)[:_HEAD_LINES])


def _is_ours(line: str) -> bool:
    if not line or len(line) > 65536:
        return False
    code, _ = coded(line) or ("", "")
    if code.startswith("HSC") or found_nothing(line) or parse_command(line):
        return True
    if ATTRIBUTE.match(line):
        names = attribute_names(line)
        kinds = kinds_of(names)
        return most_known(names) >= 2 and (len(kinds) == 1 or kinds == _SCSI_OR_FC)
    return _header(line) is not None or _is_untyped_row(line)


def attribute_names(line: str) -> tuple[str, ...]:
    """Names of the attributes of a record of ``attribute=value``; none if it is not well-formed."""
    try:
        return tuple(one.partition("=")[0].strip() for one in split_fields(_retyped(line)))
    except ValueError:
        return ()


def _retyped(line: str) -> str:
    """A line without the blanks that retyping puts between attributes: ``a=1, b=2``, ``," c=3,4"``."""
    return _BLANKS.sub("", line) if ", " in line or '" ' in line else line


def _split(line: str, separator: str) -> list[str]:
    """Split at a separator; blanks may be repeated."""
    return line.split() if separator == " " else line.split(separator)


def names_of(line: str) -> tuple[tuple[str, ...], str]:
    """What would be the names of a header's columns, and what separates them; blanks may be repeated."""
    bare = _AFTER_SEPARATOR.sub("", line.strip('"'))
    separator = next((char for char in bare if not (char.isalnum() or char == "_")), "")
    names = tuple(_split(bare, separator)) if separator and separator in _SEPARATORS else ()
    return (names, separator) if len(names) > 1 and all(map(_NAME.fullmatch, names)) else ((), "")


def _header(line: str) -> _ListingTable | None:
    """Two or more names, all of them attributes of one listing, or half of them, three or more, and of no other."""
    names, separator = names_of(line)
    if len(names) < (3 if separator == " " else 2):
        return None
    known = most_known(names)
    mostly = 4 * known >= 3 * len(names) or (known > 2 and 2 * known >= len(names) and _NAMES.match(line))
    if known == len(names) or (mostly and len(kinds_of(names)) == 1):
        return _ListingTable(names, separator)
    return None


def _is_untyped_row(line: str) -> bool:
    """Whether three or more values without names hold one that only the HMC writes."""
    rows = (line.split(separator) for separator in (",", ":"))
    return any(len(row) > 2 and not _VALUES_OF_THE_HMC.isdisjoint(row) for row in rows)


def _is_sentence(line: str) -> bool:
    return line.endswith(".") and " " in line


def _line_of(record: Record) -> int:
    return record.source.line or 0


class _ListingReader:
    """Reads a file line by line; what a line means depends on the command, header and message above it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.records: list[Record] = []
        self.findings: list[Finding] = []
        self._command: Command | None = None
        self._header_due = False
        self._table: _ListingTable | None = None
        self._message: Message | None = None
        self._severity: str | None = None
        self._run: _ListingRun | None = None
        self._written: _Written | None = None
        self._unknown: dict[str, dict[str, int]] = {}
        self._adapters: list[tuple[int, dict[str, str]]] = []
        self._adapter_kinds: set[str] = set()
        self._steps = (
            self._take_command, self._take_block, self._take_coded, self._take_nothing_found, self._take_attributes,
            self._take_header, self._take_row, self._take_detail, self._take_fragment,
        )

    def read(self, content: str, first_line: int) -> Reading:
        for number, line in enumerate(content.split("\n"), first_line):
            stripped = line.strip()
            if stripped and not any(step(number, stripped) for step in self._steps):
                self._leave_out(number, stripped)
        self._close()
        return Reading(KIND, tuple(sorted(self.records, key=_line_of)), tuple(self.findings))

    def _close(self) -> None:
        self._end_message()
        self._end_adapters()
        self._end_run()
        for kind, names in self._unknown.items():
            self._report_unknown(kind, names)

    def _report(self, rule: str, severity: Severity, subject: str, message: str, fix: str, line: int) -> None:
        self._end_run()
        self.findings.append(Finding(rule, severity, subject, message, fix, Source(self.file, line)))

    def _report_run(self, rule: str, severity: Severity, message: str, fix: str, line: int) -> None:
        run = self._run
        if run and (run.rule, run.fix, run.last + 1) == (rule, fix, line):
            run.last = line
        else:
            self._end_run()
            self._run = _ListingRun(rule, severity, message, fix, line, line)

    def _end_run(self) -> None:
        if self._run:
            run, self._run = self._run, None
            self.findings.append(run.finding(self.file))

    def _report_unknown(self, kind: str, names: dict[str, int]) -> None:
        self._report(
            "input.unknown-key", Severity.WARNING, self.file, f"{kind} has attributes that are not known: "
            f"{some(names, _MOST_NAMED)}",
            "kept as text; nothing depends on them", next(iter(names.values())),
        )

    # Command lines

    def _take_command(self, number: int, line: str) -> bool:
        command = parse_command(line, number)
        other = None if command else other_command(line)
        if command is None and other is None:
            return False
        self._end_message()
        self._end_adapters()
        self._severity = None
        self._written = None
        self._command = command
        self._table = None
        self._header_due = False
        if command:
            self._start(command)
        elif other:
            self._report_run("input.unknown-text", Severity.INFO, f"a command that is not read: {other[:80]!r}",
                             "left out, and what it printed is not expected here", number)
        return True

    def _start(self, command: Command) -> None:
        self._header_due = command.header and not command.columns
        if command.columns:
            self._table = _ListingTable(command.columns, command.separator, readable=command.kind is not None)
        if command.is_unread:
            self._report("input.unknown-text", Severity.INFO, self.file,
                         f"a listing that is not read: {command.program} {command.resource}".rstrip(), "left out",
                         command.line)

    def _context(self) -> dict[str, Any]:
        """What the command line says of the messages below it."""
        command = self._command
        if command is None:
            return {}
        stated = {
            "managed_system": command.managed_system, "target_system": command.target_system,
            "operation": command.operation, "lpar_names": command.lpar_names, "lpar_ids": command.lpar_ids,
        }
        return {name: value for name, value in stated.items() if value}

    # Messages

    def _take_block(self, number: int, line: str) -> bool:
        if self._message is None or self._message.block_line is None or coded(line):
            return False
        self._message.add(number, line)
        return True

    def _take_coded(self, number: int, line: str) -> bool:
        severity = heading(line)
        message = coded(line)
        if severity:
            self._end_message()
            self._severity = severity
        elif message:
            self._start_message(number, *message)
        elif line.startswith(BLOCK_START):
            if self._message is None:
                self._start_message(number, "", line)
            if self._message:
                self._message.add(number, line)
        return bool(severity or message or line.startswith(BLOCK_START))

    def _start_message(self, number: int, code: str, sentence: str) -> None:
        self._end_message()
        self._written = None
        self._message = Message(number, code, sentence, self._severity, self._context())
        self._report("input.error-text", Severity.WARNING, code or self.file,
                     f"the console says: {f'{code} {sentence}'.strip()[:200]}",
                     "mend what it names and " + _RUN_AGAIN, number)

    def _end_message(self) -> None:
        if self._message:
            message, self._message = self._message, None
            self.records.append(message.record(self.file))
            if message.block_line is not None:
                self._report("input.truncated", Severity.WARNING, self.file,
                             f"{BLOCK_START} without its {BLOCK_END!r}", _RUN_AGAIN,
                             message.block_line)

    def _take_detail(self, number: int, line: str) -> bool:
        if self._message is None and self._severity:
            self._start_message(number, "", line)
            return True
        if self._message is None or _is_untyped_row(line):
            return False
        self._message.add(number, line)
        return True

    def _take_nothing_found(self, number: int, line: str) -> bool:
        if not found_nothing(line):
            return False
        command = self._command
        which = f"{command.program} in line {command.line}" if command else "a command"
        self._report("input.error-text", Severity.INFO, self.file, f"{which} found nothing to list: {line[:80]}",
                     "nothing to do if there is none", number)
        return True

    # Records

    def _take_attributes(self, number: int, line: str) -> bool:
        if not ATTRIBUTE.match(line) or (self._message and len(kinds_of(attribute_names(line))) != 1):
            return False
        if _SEMICOLONS.fullmatch(line):
            self._end_run()
            said = Finding("input.unknown-text", Severity.WARNING, self.file, "attributes stand with ; between them: "
                           "no record can be read from such lines", "export again with the commas of the HMC",
                           Source(self.file))
            self.findings += [said] if said not in self.findings else []
            return True
        try:
            fields = split_fields(_retyped(line))
        except ValueError as error:
            self._report("input.truncated", Severity.WARNING, self.file, f"{error} in {line[:60]!r}: record left out",
                         _TO_A_FILE, number)
            return True
        self._leave_message()
        self._table = None
        self._attribute_record(number, self._pairs(number, fields), len(line))
        return True

    def _attribute_record(self, number: int, raw: dict[str, str], length: int) -> None:
        """A client adapter of fibre channel has WWPNs; nothing in a server adapter tells it from one of SCSI."""
        kinds = self._kind(raw)
        if kinds == _SCSI_OR_FC and raw.get("adapter_type") == "client":
            kinds = (_SCSI,)
        if kinds == _SCSI_OR_FC:
            self._adapters.append((number, raw))
            self._written = _Written(number, length, next(reversed(raw)), raw)
            return
        self._adapter_kinds.update(set(kinds).intersection(_SCSI_OR_FC))
        self._record(kinds, number, raw, length)

    def _end_adapters(self) -> None:
        """Server adapters are of the kind of the client adapters listed with them, if those are of one kind."""
        kinds = _SCSI_OR_FC if len(self._adapter_kinds) != 1 else tuple(self._adapter_kinds)
        for number, raw in self._adapters:
            self._record(kinds, number, raw, 0)
        self._adapters.clear()
        self._adapter_kinds.clear()

    def _leave_message(self) -> None:
        self._end_message()
        self._severity = None

    def _pairs(self, number: int, fields: list[str]) -> dict[str, str]:
        raw: dict[str, str] = {}
        for position, one in enumerate(fields, 1):
            name, equals, value = one.partition("=")
            if not equals or not _KEY.fullmatch(name):
                cut = position == len(fields)
                self._report(
                    "input.truncated" if cut else "input.bad-value", Severity.WARNING, raw.get("lpar_name", self.file),
                    f"{one[:60]!r} is not attribute=value" + (" (the line is cut here)" if cut else ""),
                    _TO_A_FILE, number,
                )
            elif name in raw:
                self._report("input.duplicate-key", Severity.WARNING, raw.get("lpar_name", self.file),
                             f"{name!r} stands twice in one record: the first is used", _RUN_AGAIN, number)
            else:
                raw[name] = value
        return raw

    def _take_header(self, number: int, line: str) -> bool:
        table = self._table_of(line)
        if table is None:
            return False
        self._leave_message()
        self._header_due = False
        self._written = None
        kinds = self._kinds(table.names)
        doubled = len(set(table.names)) != len(table.names)
        if self._command and self._command.is_unread:
            table = _ListingTable(table.names, table.separator, readable=False)
        elif doubled or len(kinds) != 1:
            what = "a column stands twice" if doubled else "the columns fit " + (", ".join(kinds) or "no listing")
            self._report("input.duplicate-key" if doubled else "input.ambiguous", Severity.WARNING, self.file,
                         f"{what}: rows under this header are left out",
                         "keep the command line above its output, or list more columns", number)
            table = _ListingTable(table.names, table.separator, readable=False)
        self._table = table
        return True

    def _table_of(self, line: str) -> _ListingTable | None:
        """The header that this line is, if it is one: by position, as the command's columns again, or by its names."""
        if self._table and tuple(_split(line.strip('"'), self._table.separator)) == self._table.names:
            return self._table
        names, separator = names_of(line)
        if names and self._header_due:
            return _ListingTable(names, separator)
        if self._header_due and _NAME.fullmatch(line):
            return _ListingTable((line,), ",")
        return _header(line)

    def _take_row(self, number: int, line: str) -> bool:
        table = self._table
        if table is None:
            return False
        try:
            values = split_fields(" ".join(line.split()) if table.separator == " " else line, table.separator)
            values = [value.strip() for value in values]
        except ValueError:
            values = []
        if len(values) == len(table.names) and not (len(values) < 4 and _is_sentence(line)):
            self._leave_message()
            if table.readable:
                raw = dict(zip(table.names, values, strict=True))
                self._record(self._kind(raw), number, raw, len(line))
            return True
        if self._message or not table.readable or _is_sentence(line):
            return False
        self._report_run("input.bad-value", Severity.WARNING,
                         f"{len(values)} values for {len(table.names)} columns in {line[:60]!r}: row left out",
                         "one row a line; " + _TO_A_FILE, number)
        return True

    def _kinds(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Of which listings attributes of these names can be; the command line decides where they do not."""
        kind = self._command.kind if self._command else None
        kinds = kinds_of(names, kind)
        listing = LISTINGS.get(kind or "")
        if listing and (listing.open or (len(kinds) != 1 and any(map(listing.knows, names)))):
            return (listing.kind,)
        return kinds

    def _kind(self, raw: dict[str, str]) -> tuple[str, ...]:
        if self._command and self._command.is_unread:
            return ()
        resource = raw.get("resource_type")
        if resource is None or "time" not in raw:
            return self._kinds(tuple(raw))
        kind = f"hmc-lslparutil-{resource}"
        return (kind,) if kind in LISTINGS else ()

    def _record(self, kinds: tuple[str, ...], number: int, raw: dict[str, str], length: int) -> None:
        self._written = None
        if len(kinds) != 1:
            self._report_kinds(number, kinds, raw)
            return
        listing = LISTINGS[kinds[0]]
        if listing.kind in _NOT_NEEDED:
            self._report_run("input.not-needed", Severity.INFO, _NOT_NEEDED[listing.kind], "nothing to do", number)
        subject = raw.get("lpar_name") or raw.get("name") or self.file
        if listing.identity and not any(raw.get(name) for name in listing.identity):
            self._report_run("input.missing-value", Severity.WARNING,
                             f"a record of {listing.kind} without {' or '.join(listing.identity)}: left out",
                             "list that attribute too; if the terminal wrapped the line, " + _TO_A_FILE, number)
            return
        fields = {**self._place(number, listing), **self._typed(number, listing, raw, subject)}
        self.records.append(Record(listing.kind, fields, Source(self.file, number)))
        self._written = _Written(number, length, next(reversed(raw)), fields)

    def _report_kinds(self, number: int, kinds: tuple[str, ...], raw: dict[str, str]) -> None:
        shown = ", ".join(list(raw)[:_MOST_NAMED])
        if kinds:
            self._report_run("input.ambiguous", Severity.WARNING,
                             f"these attributes ({shown}) fit {', '.join(kinds)}: record left out",
                             "keep the command line above its output, or list more attributes", number)
        elif not (self._command and self._command.is_unread):
            self._report_run("input.unknown-text", Severity.WARNING, f"a record of a listing that is not read: {shown}",
                             "left out", number)

    def _place(self, number: int, listing: Listing) -> dict[str, Any]:
        """What the command line says of a record: its managed system and, for a migration, the target and LPARs."""
        command = self._command
        if command and not command.prints(listing.kind):
            self._report("input.mixed-listing", Severity.WARNING, self.file,
                         f"a record of {listing.kind} under a command that prints {command.kind or 'none'}",
                         "keep every command line above its own output", number)
            self._command = command = None
        if command is None:
            return {}
        stated: dict[str, Any] = {"managed_system": command.managed_system, "target_system": command.target_system}
        if listing.kind in _OF_ONE_MOVE:
            stated.update(lpar_names=command.lpar_names, lpar_ids=command.lpar_ids)
        return {name: value for name, value in stated.items() if value}

    def _typed(self, number: int, listing: Listing, raw: dict[str, str], subject: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in raw.items():
            known = listing.knows(name)
            if not known and not listing.open:
                self._unknown.setdefault(listing.kind, {}).setdefault(name, number)
            try:
                fields[name] = typed(value, parser(name) if known else text)
            except ValueError as error:
                self._report("input.bad-value", Severity.WARNING, subject, f"{name!r}: {error}", _RUN_AGAIN, number)
        return fields

    # What is left

    def _take_fragment(self, number: int, line: str) -> bool:
        """The rest of a record that a terminal wrapped: the record's last value cannot be trusted."""
        written = self._written
        if written is None or written.line + 1 != number or written.length < _NARROWEST_TERMINAL:
            return False
        if line.endswith(":") or not (line[0].isalnum() or line[0] in '",/'):
            return False
        if " " in line and not ("=" in line or "," in line):
            return False
        self._written = None
        written.fields.pop(written.last_name, None)
        self._report("input.truncated", Severity.WARNING, self.file,
                     f"looks like the rest of the record above, which was wrapped: {line[:60]!r}; its last attribute, "
                     f"{written.last_name!r}, is left out too", _TO_A_FILE, number)
        return True

    def _leave_out(self, number: int, line: str) -> None:
        if "," in line and ", " not in line and not line.endswith("."):
            self._report_run("input.no-header", Severity.WARNING, f"values without names: {line[:80]!r}", _USE_HEADER,
                             number)
        elif _SHELL.fullmatch(line):
            self._report_run("input.error-text", Severity.WARNING, f"a message of the shell: {line[:160]!r}",
                             "mend it and " + _RUN_AGAIN, number)
        elif _is_sentence(line):
            self._report_run("input.error-text", Severity.WARNING, f"a sentence, not a record: {line[:160]!r}",
                             "if it is an error, mend it and " + _RUN_AGAIN, number)
        else:
            self._report_run("input.unknown-text", Severity.WARNING, f"not a record of an HMC listing: {line[:80]!r}",
                             "left out; if it is a value of -F, " + _USE_HEADER, number)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """Every record and message of the text. What is not one, or is not whole, is a finding."""
    return _ListingReader(file).read(text, first_line)


FORMAT = Format(KIND, recognise, read, FACTS, take_samples)
