"""``lparstat [interval [count]]`` of AIX and of Linux on Power: the listing of utilisation.

One record for each configuration line and column header (a repeated header opens no new record): ``os``; ``config``
(``ent`` in hundredths of a core, ``mem`` in MiB, ``lcpu`` threads, of Linux virtual processors, ``psize`` and ``cpus``
processors in the pool); ``columns``; ``rows``, one tuple for each interval (% and cores float, counts int, ``-`` as
NonValue.DASH); ``row_lines``; ``since_boot``, whether a single row is an average since boot, or nothing can tell. Rows
with inf, nan, an absurd value or a wrong number of values are refused with a finding. Listings of memory (``-m``),
adapter pools (``-e``), energy (``-E``) and hypervisor calls (``-H``) hold no usage: they are told and left out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from planner.findings import Severity, Source
from planner.formats.base import Format, NonValue, Reading, Record, clean
from planner.formats.lines import Notes
from planner.formats.samples import Extract, Kind, Sample, thousandths, whole
from planner.formats.values import MOST_PROCESSORS, counter, memory, number, processors, units

KIND = "lparstat-interval"

Value = float | int | str | NonValue

_REFUSED = "this row is left out"
_COMMAND = re.compile(r"lparstat(?:\s+-\w+)*\s+([1-9][0-9]{0,5})(?:\s|$)")
_POINT = re.compile(r"^[ \t0-9,]*[0-9]\.[0-9]", re.MULTILINE)  # in a row
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")  # of a locale: ``0,25``
_CONFIG = re.compile(r"System [Cc]onfiguration(:?)(.*)")
_CHANGED = re.compile(r"System configuration (?:has )?changed", re.IGNORECASE)
_DASHES = re.compile(r"n?[- ]+")
_UTILISATION = ("%user", "%sys", "%wait", "%idle")
_ENERGY_AIX = ("user", "sys", "wait", "idle", "freq", "user", "sys", "wait", "idle")
_ENERGY_LINUX = ("%busy", "%idle", "Frequency", "%busy", "%idle")
_POOLS = ("iompn:", "iomin", "iodes", "iomu", "iores", "iohwm", "iomaf")
_COUNTS = frozenset({"vcsw", "phint"})
_PERCENT_OF_TIME = frozenset({*_UTILISATION, "lbusy"})
_KNOWN = frozenset({
    *_UTILISATION, "physc", "%entc", "lbusy", "app", "vcsw", "phint", "%nsp", "%utcyc", "%xcpu", "dxm",
})
_NUMBER_LIKE = frozenset({"inf", "-inf", "nan", "-nan", "-"})
_SINCE_BOOT = 1_000_000  # context switches in one row; less means an interval
_LARGER = 100  # times as many context switches as in the intervals before: since boot
_MOST_PERCENT = 100_000.0


def _threads(text: str) -> int | str:
    return text if text in ("On", "Off") else processors(text)


_CONFIG_KEYS: dict[str, Callable[[str], Any]] = {
    "type": str, "mode": str, "smt": _threads, "lcpu": processors, "mem": memory, "psize": processors,
    "cpus": processors, "ent": units, "Power": str, "mpsz": str, "iome": str, "iomp": str,
}


def recognise(text: str) -> bool:
    """A header or a configuration line that only lparstat prints (vmstat, iostat, mpstat, sar print others)."""
    return any(_variant(line[:400].split()) or _is_own_configuration(line) for line in clean(text).split("\n")[:400])


def _is_own_configuration(line: str) -> bool:
    keys = {word.partition("=")[0] for word in line[:400].split() if "=" in word}
    return "lcpu" in keys and "mem" in keys and ("type" in keys or "iome" in keys)


def _variant(words: list[str]) -> str:
    """The option whose header these words are, ``utilisation`` for none; empty when they are no header."""
    if tuple(words[:4]) == _UTILISATION:
        return "utilisation"
    if words[:3] == ["physb", "hpi", "hpit"] or tuple(words) == _POOLS:
        return "-m"
    above = "".join(words[:2]).strip("-")  # a title
    if tuple(words) in (_ENERGY_AIX, _ENERGY_LINUX) or above.startswith(("Actual", "PhysicalProcessor")):
        return "-E"
    return "-H" if words[:3] in (["Hypervisor", "Number", "of"], ["Detailed", "information", "on"]) else ""


def _joined(words: list[str]) -> list[str]:
    """Give a unit that stands alone back to its figure: ``mem=4101120 kB``."""
    joined: list[str] = []
    for word in words:
        if word in ("kB", "KB", "MB", "GB") and joined and "=" in joined[-1]:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


@dataclass
class _IntervalRun:
    """One configuration line and the rows under it."""

    line: int
    os: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    columns_line: int = 0
    rows: list[tuple[Value, ...]] = field(default_factory=list)
    row_lines: list[int] = field(default_factory=list)
    since_boot: bool = False

    def most_processors(self) -> float:
        """What physc and app cannot exceed, with 5 % and 0.1 cores of slack for sampling."""
        limit = self.config.get("psize") or self.config.get("cpus") or self.config.get("lcpu") or MOST_PROCESSORS
        return float(limit) * 1.05 + 0.1

    def switches(self) -> list[int]:
        at = self.columns.index("vcsw") if "vcsw" in self.columns else len(self.columns)
        return [value for row in self.rows for value in row[at:at + 1] if isinstance(value, int)]

    def continues(self, before: _IntervalRun) -> bool:
        """Whether only a repeated configuration line stands between the rows of ``before`` and these."""
        if (self.os, self.config, self.columns) != (before.os, before.config, before.columns):
            return False
        if len(self.rows) == 1 and len(before.rows) > 1 and not before.since_boot:
            return max(self.switches(), default=0) <= _LARGER * max(before.switches(), default=0)
        return self.since_boot == before.since_boot

    def as_record(self, file: str) -> Record:
        fields: dict[str, Any] = {
            "config": self.config, "columns": self.columns, "rows": tuple(self.rows),
            "row_lines": tuple(self.row_lines), "since_boot": self.since_boot}
        return Record(KIND, fields | ({"os": self.os} if self.os else {}), Source(file, self.line),
                      {"columns": self.columns_line} if self.columns else {})


class _IntervalReader:
    """Reads line by line; a run ends where a configuration line or another header stands."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.notes = Notes(file)
        self.runs: list[_IntervalRun] = []
        self.unread: dict[str, int] = {}
        self.reads = True
        self.awaits_config = False

    def line(self, line: str, at: int) -> None:
        match = _CONFIG.match(line)
        if _CHANGED.match(line):
            self.notes.add(Severity.WARNING, "input.configuration-changed",
                           f"the LPAR was changed here: {line[:80]!r}",
                           "the row beside this line mixes two configurations", at)
        elif match and (match[1] or not match[2].strip()):
            self.configuration("AIX" if match[1] else "Linux", match[2].split(), at)
        elif _is_own_configuration(line):
            self.configuration("", line.split(), at)
        elif not self.header(line.split(), at) and self.reads and not _DASHES.fullmatch(line[:400]):
            self.row(line, at)

    def configuration(self, os: str, words: list[str], at: int) -> None:
        if not self.awaits_config:
            self.runs.append(_IntervalRun(at, os))
        self.reads = True
        self.awaits_config = not words
        for word in _joined(words):
            self.config_word(self.runs[-1].config, word, at)

    def config_word(self, config: dict[str, Any], word: str, at: int) -> None:
        key, equals, value = word.partition("=")
        name = key.lower()
        if not equals:
            self.notes.unknown(word, "lparstat's configuration line (key=value)", at)
        elif name in config:
            self.notes.add(Severity.WARNING, "input.duplicate-key", f"{key!r} stands twice", "run lparstat again", at)
        elif not value:
            self.notes.add(Severity.WARNING, "input.missing-value", f"{key!r} has no value", "run lparstat again", at)
        elif key not in _CONFIG_KEYS:
            config[name] = value
            self.notes.once(f"key {key}", Severity.WARNING, "input.unknown-text", f"unknown key {key[:40]!r}",
                            "kept as text", at)
        else:
            try:
                config[name] = _CONFIG_KEYS[key](value)
            except ValueError as error:
                self.notes.add(Severity.WARNING, "input.bad-value", f"{key!r}: {error}", "run lparstat again", at)

    def header(self, words: list[str], at: int) -> bool:
        variant = _variant(words)
        if not variant:
            return False
        self.awaits_config = False
        self.reads = variant == "utilisation"
        if not self.reads:
            self.unread.setdefault(variant, at)
            if self.runs and not self.runs[-1].columns:
                self.runs.pop()
            return True
        run = self.run_under(tuple(words), at)
        if not run.columns:
            run.columns, run.columns_line = tuple(words), at
            self.unknown_columns(run, at)
        return True

    def run_under(self, columns: tuple[str, ...], at: int) -> _IntervalRun:
        """The run that this header belongs to; a new one with the same configuration when the columns change."""
        if not self.runs:
            self.notes.add(Severity.WARNING, "input.truncated", "no line 'System configuration' before the header",
                           "keep all lines of lparstat", at)
            self.runs.append(_IntervalRun(at))
        elif self.runs[-1].columns not in ((), columns):
            self.runs.append(_IntervalRun(self.runs[-1].line, self.runs[-1].os, self.runs[-1].config))
        return self.runs[-1]

    def unknown_columns(self, run: _IntervalRun, at: int) -> None:
        for name in run.columns:
            if name not in _KNOWN:
                self.notes.once(f"column {name}", Severity.WARNING, "input.unknown-text",
                                f"unknown column {name[:40]!r}", "kept; its unit is not known", at)

    def row(self, line: str, at: int) -> None:
        words = line.split()
        run = self.runs[-1] if self.runs else _IntervalRun(at)
        if run.columns and (words[0][0].isdigit() or words[0].lower() in _NUMBER_LIKE):
            self.plain_row(words, run, at)
        else:
            self.notes.unknown(line, "lparstat", at)

    def plain_row(self, words: list[str], run: _IntervalRun, at: int) -> None:
        if len(words) != len(run.columns):
            self.refuse(f"{len(words)} values under {len(run.columns)} columns", at,
                        "input.truncated" if len(words) < len(run.columns) else "input.bad-value")
            return
        values = self.values(words, run.columns, at)
        if values is not None and self.is_possible(dict(zip(run.columns, values, strict=True)), run, at):
            run.rows.append(values)
            run.row_lines.append(at)

    def values(self, words: list[str], columns: tuple[str, ...], at: int) -> tuple[Value, ...] | None:
        """The typed values of a row; None, with a finding, when one of them is refused."""
        values: list[Value] = []
        for name, word in zip(columns, words, strict=True):
            try:
                values.append(_value(name, word))
            except ValueError as error:
                self.refuse(f"{name!r}: {error}", at)
                return None
        return tuple(values)

    def refuse(self, why: str, at: int, rule: str = "input.bad-value") -> None:
        self.notes.add(Severity.WARNING, rule, why, _REFUSED, at)

    def is_possible(self, row: dict[str, Value], run: _IntervalRun, at: int) -> bool:
        """Refuse rows with more cores than there are, or no use of cores beside busy time; check sums."""
        for name in ("physc", "app"):
            value = row.get(name, 0.0)
            if isinstance(value, float) and value > run.most_processors():
                self.refuse(f"{name!r}: {value} is more than the processors that the LPAR can use", at)
                return False
        entitled = run.config.get("ent", 0) / 100
        busy = _sum(row, ("%user", "%sys"))
        if row.get("physc") == 0 and busy * entitled / 100 >= 0.05:
            self.refuse(f"'physc': 0 cores used although {busy:.1f} % busy", at)
            return False
        self.check_sums(row, entitled, at)
        return True

    def check_sums(self, row: dict[str, Value], entitled: float, at: int) -> None:
        """A value under the wrong header shows in sums that do not add up."""
        total = _sum(row, _UTILISATION)
        used, percent = row.get("physc"), row.get("%entc")
        if "%user" in row and total and abs(total - 100) > 2:
            self.slip(f"%user, %sys, %wait and %idle make {total:.1f}, not 100", at)
        elif isinstance(used, float) and isinstance(percent, float) and entitled > 0:
            expected = used / entitled * 100
            if abs(expected - percent) > 0.6 / entitled + 0.03 * percent + 0.2:
                self.slip(f"%entc {percent} does not fit physc {used} of {entitled} cores", at)

    def slip(self, what: str, at: int) -> None:
        self.notes.once("slip", Severity.WARNING, "input.column-slip", what,
                        "values may stand under the wrong header, or the LPAR was changed; reported once per file", at)

    def mark_since_boot(self) -> None:
        for run in self.runs:
            switches = run.switches()
            run.since_boot = len(run.rows) == 1 and (not switches or switches[0] >= _SINCE_BOOT)

    def merged(self) -> list[_IntervalRun]:
        whole: list[_IntervalRun] = []
        for run in self.runs:
            if whole and run.continues(whole[-1]):
                whole[-1].rows += run.rows
                whole[-1].row_lines += run.row_lines
            else:
                whole.append(run)
        return whole

    def tell_since_boot(self, run: _IntervalRun) -> None:
        at = run.row_lines[0] if run.row_lines else run.line
        switches = run.switches()
        if run.since_boot:
            sign = f"{switches[0]} context switches: an" if switches else "no sign of its interval: taken as an"
            self.notes.add(Severity.INFO, "input.since-boot", f"a single interval with {sign} average since boot",
                           "run lparstat with an interval and a count for usage", at)
        elif len(switches) > 1 and switches[0] >= _SINCE_BOOT and all(a <= b for a, b in pairwise(switches)):
            self.notes.add(Severity.INFO, "input.since-boot", "'vcsw' and 'phint' count since boot in every row",
                           "take differences", at)


def _value(name: str, word: str) -> Value:
    if word == "-":
        return NonValue.DASH
    value = counter(word) if name in _COUNTS else number(word)
    if value > (100.5 if name in _PERCENT_OF_TIME else _MOST_PERCENT) and (name[0] == "%" or name in _PERCENT_OF_TIME):
        raise ValueError(f"{word} % cannot be")
    return value


def _sum(row: dict[str, Value], names: tuple[str, ...]) -> float:
    return sum(value for name in names if isinstance(value := row.get(name), float))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """All rows of lparstat in a file. Refused rows, unknown columns and rows since boot are findings."""
    reader = _IntervalReader(file)
    text = clean(text)
    if not _POINT.search(text):
        text = _COMMA.sub(".", text)
    for at, line in enumerate(text.split("\n"), first_line):
        if line.strip():
            reader.line(line.strip(), at)
    reader.mark_since_boot()
    runs = reader.merged()
    for run in runs:
        reader.tell_since_boot(run)
    for option, at in reader.unread.items():
        reader.notes.add(Severity.INFO, "input.not-read", f"a listing of lparstat {option}: no usage is made of it",
                         "run lparstat with an interval and a count for usage", at)
    if not runs and not reader.unread:
        reader.notes.add(Severity.WARNING, "input.truncated", "neither a configuration line nor a header of lparstat",
                         "run lparstat again", first_line)
    return Reading(KIND, tuple(run.as_record(file) for run in runs), reader.notes.all())


# --- what is taken ----------------------------------------------------------------------------------------------------


def _take_samples(out: Extract, reading: Reading) -> None:
    """The rows of all runs follow one another; a row that the reader refused has taken its time too."""
    records = [record for record in reading.records if not record.fields.get("since_boot")]
    lines = [f.source.line for f in reading.findings if f.fix == _REFUSED and f.source and f.source.line]
    lines += [line for record in records for line in record.fields["row_lines"]]
    for record in records:
        _take_rows(out, record, reading, sorted(lines))


def _take_rows(out: Extract, record: Record, reading: Reading, lines: list[int]) -> None:
    context = out.context
    stated = _COMMAND.search(reading.command)
    interval = context.interval_s or (int(stated[1]) if stated else None)
    name = context.lpar or reading.host
    lacking = [what for value, what in ((context.start, "--start 'YYYY-MM-DD HH:MM'"), (interval, "--interval SECONDS"),
                                        (name, "--lpar NAME")) if not value]
    if lacking:
        out.once("lparstat", "history.no-clock", Severity.ERROR,
                 "lparstat prints no time of day, and not always its interval and whose output it is",
                 "give " + ", ".join(lacking) + " for this file alone, or use nmon", record.source)
        return
    assert context.start is not None and interval is not None
    started = out.instants([context.start], name)
    if started is None:
        return
    config, columns = record.fields["config"], record.fields["columns"]
    for row, line in zip(record.fields["rows"], record.fields["row_lines"], strict=True):
        where, number = Source(out.file, line), bisect_right(lines, line)
        used = _physc(dict(zip(columns, row, strict=True)), config, record.fields.get("os", ""))
        if used is None:
            out.once("lparstat physc", "history.no-physc", Severity.WARNING,
                     "neither physc nor a number of threads per core (smt) to tell the cores used", "not known", where)
        out.sample(Sample(Kind.LPAR, name, "", started[0] + number * interval, interval, physc=used,
                          entitlement=whole(config.get("ent")), memory_used_mib=None,
                          memory_total_mib=whole(config.get("mem"))), where)


def _physc(row: dict[str, Any], config: dict[str, Any], system: str) -> int | None:
    """``physc``, or the busy share of a dedicated LPAR's cores (Linux counts cores in ``lcpu``, AIX threads)."""
    if isinstance(row.get("physc"), int | float):
        return thousandths(row["physc"])
    threads = 1 if system == "Linux" or config.get("smt") == "Off" else config.get("smt")
    busy = [row.get("%user"), row.get("%sys")]
    if config.get("type") != "Dedicated" or not isinstance(threads, int) or not threads or "lcpu" not in config:
        return None
    if not all(isinstance(share, int | float) for share in busy):
        return None
    return thousandths(sum((Decimal(str(share)) for share in busy), Decimal(0)) * config["lcpu"] / threads / 100)


FORMAT = Format(KIND, recognise, read, samples=_take_samples)


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "they check the figures beside them, or say what is in the others": (
        ("config", "mode psize cpus power"),
        ("columns", "%wait %idle %entc lbusy app vcsw phint %nsp %utcyc %xcpu dxm")),
}
