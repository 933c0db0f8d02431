"""A scenario file (TOML): strict, and everything that is wrong with it told at once, with file, line and path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, create_model

from planner.errors import InputError
from planner.estate.energy import HOURS_PER_YEAR, MOST_WATTS, Tariff
from planner.estate.model import Policy
from planner.files import read_text
from planner.findings import Finding, Severity, Source
from planner.formats.values import units_from_cores
from planner.scenarios.model import ALL, Growth, NewServer, Scenario, ServerClock
from planner.toml_file import Place, line_of, parsed
from planner.units import MIB_PER_GIB

_HELP = "see docs/whatif.md"
_MOST_SAID = 600


def shown_path(path: Place) -> str:
    """``("add", 1, "cores")`` → ``add[1].cores``."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out or "scenario"


def problem(file: str, text: str, path: Place, message: str, fix: str = _HELP) -> Finding:
    """One error of a scenario file; what is said of it ends where it is longer than anybody reads."""
    said = f"{shown_path(path)}: {message}"
    if len(said) > _MOST_SAID:
        said = f"{said[:_MOST_SAID]}…"
    return Finding("input.bad-scenario", Severity.ERROR, file, said, fix, Source(file, line_of(text, path)))


def read_scenarios(files: Iterable[Path]) -> tuple[Scenario, ...]:
    """The scenarios of these files; raises InputError with every problem of all of them."""
    wrong: list[Finding] = []
    out: list[Scenario] = []
    for path in files:
        text = text_of(path, wrong)
        if text is not None:
            scenario = parse_scenario(text, path.name, wrong)
            out += [] if scenario is None else [scenario]
    names: dict[str, str] = {}
    for s in out:
        if s.name in names:
            wrong.append(Finding("input.bad-scenario", Severity.ERROR, s.file, f"name: {s.name!r} is the name of "
                                 f"{names[s.name]} as well", "give each scenario a name of its own", Source(s.file)))
        names.setdefault(s.name, s.file)
    if wrong:
        raise InputError(wrong)
    return tuple(out)


def text_of(path: Path, wrong: list[Finding]) -> str | None:
    """The text of a file; a problem is added to ``found``, and then there is none."""
    try:
        return read_text(path)
    except OSError as error:
        wrong.append(problem(path.name, "", (), f"cannot be read: {error.strerror or error}", "check the path"))
    except UnicodeDecodeError as error:
        wrong.append(problem(path.name, "", (), f"not UTF-8 text: {error.reason}", "save it as UTF-8"))
    return None


def parse_scenario(text: str, file: str, wrong: list[Finding]) -> Scenario | None:
    """A scenario from its text; problems are added to ``found``, and then there is none."""
    document = document_of(text, file, wrong)
    return None if document is None else scenario_from(document, text, file, wrong)


def document_of(text: str, file: str, wrong: list[Finding]) -> dict[str, Any] | None:
    """The document of a TOML text, decimals exact; a problem is added to ``found``, and then there is none."""
    try:
        return parsed(text, file, "input.bad-scenario", _HELP)
    except InputError as error:
        wrong += error.findings
        return None


def scenario_from(document: Mapping[str, Any], text: str, file: str, wrong: list[Finding]) -> Scenario | None:
    """A scenario from a parsed document; ``text``: where its lines are looked for. Problems are added to ``found``."""
    try:
        row = _SCENARIO.model_validate(dict(document))
    except ValidationError as error:
        errors = [told_error(file, text, e) for e in error.errors()]
        wrong += sorted(errors, key=lambda f: (f.source.line or 0) if f.source else 0)
        return None
    return _scenario(row, file, _lines(document, text))


def _lines(document: Mapping[str, Any], text: str) -> dict[str, int]:
    """Where each path of the document stands."""
    paths: list[tuple[str | int, ...]] = []
    for key, value in document.items():
        paths.append((key,))
        for number, row in enumerate(value if isinstance(value, list) else ()):
            paths.append((key, number))
            paths += [(key, number, name) for name in row] if isinstance(row, dict) else []
    return {shown_path(p): line for p in paths if (line := line_of(text, p)) is not None}


def told_error(file: str, text: str, error: Any, what: str = "a scenario") -> Finding:
    """One error of pydantic as a finding."""
    path, kind = tuple(error["loc"]), error["type"]
    if kind == "extra_forbidden":
        return problem(file, text, path, f"is no key of {what}", f"take it out or correct its name; {_HELP}")
    if kind == "missing":
        return problem(file, text, path, "is missing", f"state it; {_HELP}")
    value = error.get("input")
    shown = value if isinstance(value, (str, int, bool)) else str(value)
    wanted = error["msg"]
    for start in ("Input should be ", "Value error, ", "String should have "):
        wanted = wanted.removeprefix(start)
    return problem(file, text, path, f"found {shown!r}, expected {wanted}"[:300], f"correct it; {_HELP}")


def _model(title: str, /, **fields: Any) -> Any:
    return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)


def _text(default: Any = "", **more: Any) -> Any:
    return (str, Field(default, strict=True, max_length=500, **more))


def _whole(default: Any, least: int, most: int) -> Any:
    kind = int | None if default is None else int
    return (kind, Field(default, strict=True, ge=least, le=most))


def _number(default: Any, least: float, most: float) -> Any:
    kind = Decimal | None if default is None else Decimal
    return (kind, Field(default, ge=least, le=most, allow_inf_nan=False))


_MANY: Any = list
_NAME = _text(..., min_length=1, pattern=r"^[^\s/;*?\[\]][^/;*?\[\]]*$")
_NEW = _model(
    "Add", name=_NAME, model=_text(..., min_length=1), cores=_whole(..., 1, 4096), ghz=_number(None, 0.1, 20),
    memory_gib=_number(..., 1, 1 << 20), wired_like=_text(ALL), console=_text(), site=_text(), firmware=_text(),
    firmware_memory_gib=_number(None, 0, 4096), lmb_mib=_whole(None, 1, 4096), idle_watts=_whole(None, 0, MOST_WATTS),
    max_watts=_whole(None, 0, MOST_WATTS), max_migrations=_whole(None, 1, 64), vioses=_whole(2, 1, 8),
    vios_cores=_number(1, 0.05, 64), vios_memory_gib=_number(4, 0.5, 1024), vios_link_mbit=_whole(None, 1, 1_000_000),
    vios_level=_text())
_GROWTH = _model("Growth", lpars=_text(..., min_length=1), cores_percent=_number(0, -90, 10_000),
                 memory_percent=_number(0, -90, 10_000))
_RESIZE = _model("Resize", enabled=(bool, Field(True, strict=True)), headroom_percent=_number(0, -50, 1000))
_CLOCK = _model("Clock", server=_text(..., min_length=1), ghz=_number(..., 0.1, 20))
_CEILING = _model("Ceiling", servers=_text("*"), cpu_percent=_whole(None, 1, 100), memory_percent=_whole(None, 1, 100))
_POLICY = _model("Policy", kind=_text(..., min_length=1), subject=_text(), value=(str | int | Decimal, ""),
                 active=(bool, Field(True, strict=True)), note=_text())
_MIGRATION = _model("Migration", restart_minutes=_whole(30, 1, 10_000), restart_cost_minutes=_whole(240, 0, 100_000))
_ENERGY = _model("Energy", price_per_kwh=_number(None, 0, 1000), currency=_text(), co2_kg_per_kwh=_number(None, 0, 100),
                 hours=_whole(HOURS_PER_YEAR, 1, 1_000_000))
_SCENARIO = _model(
    "ScenarioFile", name=_NAME, note=(str, Field("", strict=True, max_length=5000)),
    retire=(list[str], Field(default_factory=list)), add=(_MANY[_NEW], Field(default_factory=list)),
    growth=(_MANY[_GROWTH], Field(default_factory=list)), resize=(_RESIZE, Field(default_factory=_RESIZE)),
    clock=(_MANY[_CLOCK], Field(default_factory=list)), ceiling=(_MANY[_CEILING], Field(default_factory=list)),
    policy=(_MANY[_POLICY], Field(default_factory=list)), energy=(_ENERGY, Field(default_factory=_ENERGY)),
    migration=(_MIGRATION, Field(default_factory=_MIGRATION)), frontier=(bool, Field(True, strict=True)))


def _mib(gib: Decimal | None) -> int | None:
    return None if gib is None else round(Fraction(gib) * MIB_PER_GIB)


def _ghz(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _share(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100


def _new(row: Any) -> NewServer:
    return NewServer(
        row.name, model=row.model.strip().upper(), cores=row.cores, memory_mib=_mib(row.memory_gib) or 0,
        wired_like=row.wired_like, ghz=_ghz(row.ghz), console=row.console, site=row.site, firmware=row.firmware,
        firmware_memory_mib=_mib(row.firmware_memory_gib), lmb_mib=row.lmb_mib, idle_watts=row.idle_watts,
        max_watts=row.max_watts, max_migrations=row.max_migrations, vioses=row.vioses,
        vios_units=units_from_cores(round(row.vios_cores, 2)), vios_memory_mib=_mib(row.vios_memory_gib) or 0,
        vios_link_mbit=row.vios_link_mbit, vios_level=row.vios_level)


def _policies(row: Any) -> tuple[Policy, ...]:
    out = [Policy(p.kind, p.subject, str(p.value), p.active, p.note) for p in row.policy]
    for c in row.ceiling:
        for kind, percent in (("cpu-ceiling", c.cpu_percent), ("memory-ceiling", c.memory_percent)):
            if percent is not None:
                out.append(Policy(kind, c.servers, str(percent), note="ceiling of the scenario"))
    return tuple(out)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _scenario(row: Any, file: str, lines: Mapping[str, int]) -> Scenario:
    e = row.energy
    return Scenario(
        row.name, file, row.note, add=tuple(_new(a) for a in row.add), retire=tuple(row.retire),
        growth=tuple(Growth(g.lpars, _share(g.cores_percent), _share(g.memory_percent)) for g in row.growth),
        clocks=tuple(ServerClock(c.server, _ghz(c.ghz)) for c in row.clock), policies=_policies(row),
        resize=row.resize.enabled, headroom=_share(row.resize.headroom_percent),
        restart_minutes=row.migration.restart_minutes, restart_cost_s=60 * row.migration.restart_cost_minutes,
        tariff=Tariff(_float(e.price_per_kwh), e.currency, _float(e.co2_kg_per_kwh)), hours=e.hours,
        frontier=row.frontier, lines=lines)
