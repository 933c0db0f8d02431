"""Command lines that stand in a capture of an HMC session: what the output below them is, and of which server."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from planner.formats.hmc_attributes import LISTINGS

_COMMAND = re.compile(r"(?<![\w-])(lssyscfg|lshwres|lslparmigr|lslparutil|migrlpar)\s+-")
_PROMPT = re.compile(r"\[?[\w.@-]{1,80}[: ][~/][^\s>$#]{0,80}\]?[ ]?[>$#](?:\s*(.*))$")
_END_OF_COMMAND = frozenset({"|", ";", "&&", "||", "&", ">", ">>", "2>", "2>&1", "<"})
_LONGEST = 4000
#: ``lslparutil -r all``: samples of every kind, each of which says what it is.
ALL_SAMPLES = "hmc-lslparutil-all"
_SEPARATORS = ",:;|/ "
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
    lpar_names: tuple[str, ...] = ()
    lpar_ids: tuple[int, ...] = ()

    @property
    def is_unread(self) -> bool:
        """Whether it lists something, but nothing that the readers know."""
        return self.kind is None and self.program != "migrlpar"

    def prints(self, kind: str) -> bool:
        """Whether records of this kind belong to its output."""
        return kind == self.kind or (self.kind == ALL_SAMPLES and kind.startswith("hmc-lslparutil-"))


def parse_command(line: str, number: int = 1) -> Command | None:
    """The command of a line that is an echo of one, behind a prompt, ``ssh`` or nothing; None for any other line."""
    match = _COMMAND.search(line) if len(line) <= _LONGEST else None
    if match is None or not _is_prompt(line[: match.start()]):
        return None
    words = _words(line[match.start():])
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
    return Command(
        number, program, _kind(program, options), _literal(options.get("-m")), _literal(options.get("-t")),
        options.get("-o") or None, columns, separator, "--header" in options, names, ids,
    )


def _kind(program: str, options: dict[str, str]) -> str | None:
    resource = options.get("-r", "")
    if program == "lshwres":
        resource = _LSHWRES.get((resource, options.get("--rsubtype", ""), options.get("--level", "")), "")
    kind = f"hmc-{program}-{resource}"
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
