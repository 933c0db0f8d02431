"""Assembling the records of several sources into one estate, with provenance and findings.

Order of trust: the estate workbook (what a person corrected) over machine output, of which the newest counts. A
difference between two sources is reported with both places; a row that a person states twice is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from planner.errors import InputError
from planner.estate.captures import CaptureTimes, Difference, differences, newest_first
from planner.estate.catalogue import generation_of, judged_generation
from planner.estate.join import Join
from planner.estate.model import CLASSES, GENERATIONS, TABLE, Estate, Policy, Table, Type, sorted_estate
from planner.findings import Finding, Severity, Source, errors, ordered
from planner.formats import registry, saved_estate
from planner.formats.base import Reading
from planner.formats.facts import Intake, Row, SelfReport
from planner.formats.values import LEVELS, same_level
from planner.units import gib, show_cores, some

Key = tuple[Any, ...]
Provenance = dict[str, Source]

ASSUMED = 2
"""Rank of a fact that no source states: anything stated replaces it without a word."""


def fact_name(kind: str, key: Key, name: str) -> str:
    """The name under which a fact's place is kept: ``lpars/bxaix85/memory_mib``."""
    return "/".join((kind, *map(str, key), name))


@dataclass(frozen=True, slots=True)
class Fact:
    """One value, where it stands, and how far it is trusted (lower first)."""

    value: Any
    source: Source
    rank: int


NOTHING_TO_PLAN = "input.nothing-to-plan"
"""No server or no LPAR: what there is can be shown and corrected, but nothing can be planned."""


@dataclass(slots=True)
class Loaded:
    """An estate, where each of its facts came from, and what there is to say about them."""

    estate: Estate
    provenance: Provenance = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)
    """Kind of export → the number of values that it states."""
    partial: tuple[tuple[str, dict[str, Any]], ...] = ()
    """(kind, stated fields) of rows that lack a fact without which they cannot be in an estate."""
    lifted: tuple[Policy, ...] = ()
    """Policies of the estate's own that a policy file sets inactive."""

    def source(self, kind: str, key: Key, name: str) -> Source | None:
        """Where a fact stands, or where its row does."""
        return self.provenance.get(fact_name(kind, key, name)) or self.provenance.get(fact_name(kind, key, ""))

    def usable(self) -> Loaded:
        """Itself; raises InputError with every error when there is one, and when there is nothing to plan."""
        fatal = errors(self.findings) or [f for f in self.findings if f.rule == NOTHING_TO_PLAN]
        if fatal:
            raise InputError([replace(f, severity=Severity.ERROR) for f in fatal])
        return self


class Facts:
    """Collects facts by kind and key before they become an estate."""

    def __init__(self, times: CaptureTimes | None = None) -> None:
        self.times = times or CaptureTimes()
        self.differing: list[Difference] = []
        self.rows: dict[tuple[str, Key], dict[str, list[Fact]]] = {}
        self.places: dict[tuple[str, Key], list[tuple[Source, int]]] = {}
        self.findings: list[Finding] = []
        self.reports: dict[str, Source] = {}

    def add(self, kind: str, key: Key, values: dict[str, tuple[Any, Source]], where: Source, rank: int) -> None:
        row = self.rows.setdefault((kind, key), {})
        self.places.setdefault((kind, key), []).append((where, rank))
        for name, (value, source) in values.items():
            row.setdefault(name, []).append(Fact(value, source, rank))


def _header(kind: str, name: str) -> str:
    return next((c.header for c in TABLE[kind].columns if c.field == name), name)


def shown_value(kind: str, name: str, value: Any) -> str:
    """A value in the unit of its header: cores and GiB."""
    column = next((c for c in TABLE[kind].columns if c.field == name), None)
    if column and isinstance(value, int) and column.type in (Type.CORES, Type.GIB):
        return show_cores(value) if column.type is Type.CORES else f"{gib(value):g}"
    return "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _add_row(facts: Facts, row: Row) -> None:
    """A row of the estate workbook (rank 0), which may stand there once, or of a person's own table."""
    kind, key, values, source, rank = row
    earlier = [place for place, ranked in facts.places.get((kind, key), []) if rank == ranked == 0]
    if earlier:
        # A policy or path may stand twice without harm only when it says the same; anything else is a slip.
        facts.findings.append(Finding(
            "input.duplicate", Severity.ERROR, str(key[0]),
            f"{TABLE[kind].sheet}: {' / '.join(map(str, key))} stands twice (first at {earlier[0]})",
            "keep one row", source))
        return
    facts.add(kind, key, values, source, rank)


def _add_report(facts: Facts, report: SelfReport) -> None:
    """What a partition says of itself: of an LPAR, or of a VIOS when another source knows that name as one."""
    name = report.name
    if name in facts.reports and report.embedded:
        return
    facts.reports[name] = report.source
    kind = "vioses" if ("vioses", (name,)) in facts.rows else "lpars"
    known = {f.name for f in fields(CLASSES[kind])} - ({"state"} if kind == "vioses" else set())
    for values, rank in ((report.assumed, ASSUMED), (report.values, 1)):
        if values:
            facts.add(kind, (name,), {k: v for k, v in values.items() if k in known}, report.source, rank)


def _differ(facts: Facts, kind: str, subject: str, name: str, best: tuple[Any, Source],
            other: tuple[Any, Source]) -> None:
    """Note that two machines say something else."""
    if name in LEVELS and same_level(name, str(best[0]), str(other[0])):
        return
    facts.differing.append(Difference(subject, _header(kind, name), shown_value(kind, name, best[0]),
                                      shown_value(kind, name, other[0]), best[1], other[1]))


def _choose(facts: Facts, kind: str, key: Key, name: str, candidates: list[Fact]) -> Fact:
    if len(candidates) == 1:
        return candidates[0]
    best = min(candidates, key=lambda f: (f.rank, *facts.times.order(f.source)))
    for other in candidates:
        if other.value == best.value or other.rank >= ASSUMED:
            continue
        if best.rank and name != "server":
            _differ(facts, kind, str(key[0]), name, (best.value, best.source), (other.value, other.source))
            continue
        if name in LEVELS and same_level(name, str(best.value), str(other.value)):
            continue
        facts.findings.append(Finding(
            "input.two-servers" if name == "server" else "input.conflict", Severity.WARNING, str(key[0]),
            f"{_header(kind, name)} of {key[0]}: {shown_value(kind, name, best.value)} here, "
            f"{shown_value(kind, name, other.value)} in {other.source}; the first is used",
            "correct one of the two", best.source))
    return best


def _join(facts: Facts, intake: Intake) -> None:
    """What exports say, joined and added as facts. A name in the workbook stands over one that an export gives."""
    for stated in intake.rows:
        _add_row(facts, stated)
    for (kind, key), row in facts.rows.items():
        if kind == "servers":
            serial = [str(f.value) for f in row.get("serial", ())]
            intake.aliases.update({str(key[0]): str(key[0]), **{s: str(key[0]) for s in serial}})
    known = [(str(key[0]), str(row["server"][0].value)) for (kind, key), row in facts.rows.items()
             if kind == "vioses" and "server" in row]
    joined = Join(intake, known, facts.times).run()
    facts.findings += joined.findings
    for kind, key, values, source, rank in joined.rows:
        facts.add(kind, tuple(key), values, source, rank)
    for report in intake.reports:
        _add_report(facts, report)
    kinds = {name: kind for (kind, (name, *_)) in facts.rows if kind in ("servers", "vioses", "lpars")}
    for subject, name, best, other in intake.differing:
        kind = kinds.get(subject, "")
        if kind and any(c.field == name for c in TABLE[kind].columns):
            _differ(facts, kind, subject, name, best, other)
    _name_servers(facts)


def _name_servers(facts: Facts) -> None:
    """A server that exports name and none describes is a server of which nothing is known."""
    for (kind, _), row in list(facts.rows.items()):
        best = min(row.get("server", ()), key=lambda f: (f.rank, *facts.times.order(f.source)), default=None)
        known = ("servers", (best.value,)) in facts.rows if best else True
        if kind in ("lpars", "vioses", "pools", "sriov") and best and best.rank and not known:
            facts.add("servers", (best.value,), {}, best.source, best.rank)


_PARTITION = frozenset({"entitlement_units", "virtual_processors", "memory_mib", "max_memory_mib"})
#: What stands for facts that nothing states, and what they cost: such a partition or the LPAR of such an adapter is not
#: planned, such a server lets nobody in.
_UNKNOWN: dict[str, tuple[frozenset[str], Any, str]] = {
    "lpars": (_PARTITION, 0, "; not planned"), "vioses": (_PARTITION, 0, "; not planned"),
    "servers": (frozenset({"configurable_units", "configurable_memory_mib"}), 0, "; nobody is planned onto it"),
    "fibres": (frozenset({"wwpn1", "wwpn2"}), "", "; its LPAR is not planned")}


def _missing(facts: Facts, table: Table, key: Key, absent: list[str]) -> None:
    headers = {c.field: c.header for c in table.columns}
    places = [s for s, _ in sorted(facts.places[(table.kind, key)], key=lambda p: p[1])]
    _, _, cost = _UNKNOWN.get(table.kind, ("", "", ""))
    facts.findings.append(Finding(
        "input.missing-fact", Severity.WARNING if cost else Severity.ERROR, str(key[0]),
        f"{table.sheet}: {' / '.join(map(str, key))} has no " + ", ".join(headers.get(a, a) for a in absent)
        + cost,
        f"add it in sheet {table.sheet} or give the export that has it", places[0]))


def _take(intake: Intake, reading: Reading) -> None:
    form = registry.by_kind(reading.kind)
    for record in reading.records if form else ():
        take = (form.facts.get(record.kind) or form.facts.get("")) if form else None
        if take:
            take(intake, record, reading)


def assemble(readings: Iterable[Reading]) -> Loaded:
    """Merge what the readers found. Never raises for bad content: everything is in the findings."""
    every = list(readings)
    if any(reading.kind == "hmc-cli" for reading in every):
        from planner.estate.whose import placed  # start-up: the listings of an HMC are known to few

        every = list(placed(every))
    if any(reading.kind == "hmc-scanner" for reading in every):
        from planner.formats.hmc_scanner import together  # start-up: the libraries that read workbooks

        every = together(every)
    times = CaptureTimes(every)
    facts, intake = Facts(times), Intake()
    kinds: dict[str, int] = {}
    stated: dict[str, int] = {}
    for reading in newest_first(every, times):
        kinds[reading.kind] = kinds.get(reading.kind, 0) + 1
        stated[reading.kind] = stated.get(reading.kind, 0) + sum(len(r.fields) for r in reading.records)
        facts.findings += reading.findings
        if reading.records:
            _take(intake, reading)
    if intake.saved is not None:
        estate, places = intake.saved
        provenance = {name: Source(place) for name, place in places.items()}
        return Loaded(estate, provenance, ordered(facts.findings), {saved_estate.KIND: 1})
    _join(facts, intake)
    rows, provenance, partial = _build(facts)
    facts.findings += differences(facts.differing, times)
    estate = sorted_estate(Estate(**{k: tuple(v) for k, v in rows.items()}))
    return Loaded(estate, provenance, ordered(_gathered(facts.findings)), kinds, stated, tuple(partial))


_MANY = 5


def _row_of(source: Source | None) -> tuple[str, str, str] | None:
    """(file, sheet, row) of a cell."""
    sheet, _, cell = (source.cell or "").rpartition("!") if source else ("", "", "")
    return (source.file, sheet, cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) if source and sheet else None


def _gathered(findings: Sequence[Finding]) -> list[Finding]:
    """Many rows that lack the same fact are one finding: a column was renamed, or an export is missing. A row whose
    bad cell was told already lacks nothing more."""
    bad = {_row_of(f.source) for f in findings if f.rule == "input.bad-value"} - {None}
    findings = [f for f in findings if f.rule != "input.missing-fact" or _row_of(f.source) not in bad]
    groups: dict[tuple[str, str], list[Finding]] = {}
    for f in findings:
        if f.rule == "input.missing-fact":
            sheet, _, rest = f.message.partition(": ")
            groups.setdefault((sheet, rest.partition(" has no ")[2]), []).append(f)
    many = {key: group for key, group in groups.items() if len(group) > _MANY}
    hidden = {id(f) for group in many.values() for f in group}
    out = [f for f in findings if id(f) not in hidden]
    for (sheet, lacking), group in many.items():
        out.append(replace(group[0], subject=sheet,
                           message=f"{sheet}: {len(group)} rows have no {lacking}: "
                                   f"{some(f.subject for f in group)}"))
    return out


def _whole(facts: Facts, table: Table, key: Key, chosen: dict[str, Fact]) -> bool:
    """Whether a row states all that it must; what may be unknown is filled, and said so."""
    needed = [f.name for f in fields(CLASSES[table.kind]) if f.default is MISSING and f.name not in chosen]
    if needed == ["max_memory_mib"]:
        chosen["max_memory_mib"] = chosen["memory_mib"]
        return True
    if needed:
        _missing(facts, table, key, needed)
    replaceable, unknown, _ = _UNKNOWN.get(table.kind, (frozenset(), None, ""))
    if needed and replaceable.issuperset(needed):
        chosen |= {name: Fact(unknown, facts.places[(table.kind, key)][0][0], ASSUMED) for name in needed}
        return True
    return not needed


def _build(facts: Facts) -> tuple[dict[str, list[Any]], Provenance, list[tuple[str, dict[str, Any]]]]:
    rows: dict[str, list[Any]] = {kind: [] for kind in CLASSES}
    partial: list[tuple[str, dict[str, Any]]] = []
    provenance: Provenance = {}
    for (kind, key), stated in facts.rows.items():
        cls, table = CLASSES[kind], TABLE[kind]
        chosen = {name: _choose(facts, kind, key, name, readings) for name, readings in stated.items()}
        for part, name in zip(key, table.key, strict=True):
            chosen.setdefault(name, Fact(part, facts.places[(kind, key)][0][0], 0))
        for name, fact in chosen.items():
            provenance[fact_name(kind, key, name)] = fact.source
        provenance[fact_name(kind, key, "")] = facts.places[(kind, key)][0][0]
        if not _whole(facts, table, key, chosen):
            partial.append((kind, {name: fact.value for name, fact in chosen.items()}))
            continue
        values = {name: fact.value for name, fact in chosen.items()}
        if kind == "servers" and chosen.get("generation") and chosen["generation"].rank and (
                values["generation"] not in ("", *GENERATIONS)):
            facts.findings.append(Finding(
                "input.bad-value", Severity.WARNING, str(key[0]), f"{key[0]}: unknown generation "
                f"{values.pop('generation')!r}: taken as unknown", "fill Generation in sheet Servers",
                chosen["generation"].source))
        if kind == "servers" and (not values.get("generation") or chosen["generation"].rank == ASSUMED):
            values["generation"] = (generation_of(values.get("model", "")) or values.get("generation", "")
                                    or judged_generation(values.get("modes", ()), values.get("firmware", "")))
        rows[kind].append(cls(**values))
    return rows, provenance, partial
