"""A sweep file (TOML): a scenario and a grid of parameters; everything that is wrong with it told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import ConfigDict, Field, ValidationError, create_model

from planner.errors import InputError
from planner.findings import Finding, Source
from planner.scenarios.file import document_of, problem, scenario_from, text_of, told_error
from planner.scenarios.model import Scenario
from planner.toml_file import line_of

HELP = "see docs/sweep.md"
MEASURES = ("servers", "cores", "memory_gib", "watts", "kwh", "money", "co2_kg", "headroom_cores_arrival",
            "headroom_cores", "headroom_gib_arrival", "headroom_gib", "headroom_percent", "month_end_percent_arrival",
            "month_end_percent", "moves", "restarts", "reactivations", "resized", "hours", "outage_minutes", "waves",
            "lanes")
"""What a sweep may minimise or maximise: columns of its results."""
_WORDS = ("cell", "id", "status", "reason", "currency", "objective_s", "bound_s", "gap", "errors", "warnings",
          "lpars", "verified")
_CHOSEN = {"add", "retire"}
_FIXED = ("name", "note", "frontier")
_MOST_CELLS, _MOST_COPIES, _MOST_SHOWN = 100_000, 500, 500
_STEP = re.compile(r"([A-Za-z_][\w-]*)(?:\[(\d+|\*)\])?")


@dataclass(frozen=True, slots=True)
class GridChoice:
    """One value of a parameter: what is shown, and what it sets (path → value)."""

    label: Any
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GridParameter:
    """A dimension of the grid. ``given``: it states what is asked for, such as growth, rather than what is chosen."""

    name: str
    choices: tuple[GridChoice, ...]
    given: bool

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that it sets, in the order of the file."""
        return tuple(dict.fromkeys(p for c in self.choices for p in c.settings))


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep as stated. ``document``: the base scenario as parsed; ``base``: its file, the sweep's own when inline."""

    name: str
    file: str
    note: str
    parameters: tuple[GridParameter, ...]
    minimise: tuple[str, ...]
    maximise: tuple[str, ...]
    document: Mapping[str, Any]
    base: str
    text: str = ""
    base_text: str = ""

    @property
    def size(self) -> int:
        """How many cells the grid has."""
        return prod(len(p.choices) for p in self.parameters)


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the grid: its number from 1, the values of its parameters, and what they make of the scenario."""

    number: int
    values: Mapping[str, Any]
    scenario: Scenario
    rows: tuple[int, ...] = ()
    """For each server that it adds, the row of ``add`` that states it."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """The scenario as parsed, the grid's values in it."""


@dataclass(slots=True)
class Problems:
    """What is wrong with cells: each problem once, with the cells that have it."""

    sweep: Sweep
    cells: dict[Finding, list[str]] = field(default_factory=dict)

    def add(self, values: Mapping[str, Any], rows: Sequence[int], finding: Finding) -> None:
        """A problem of a cell, told with the place that states it; ``rows`` as in Cell."""
        message = _original(finding.message, rows)
        key = replace(finding, subject=self.sweep.file, message=message,
                      source=_place(self.sweep, message.partition(": ")[0]))
        where = self.cells.setdefault(key, [])
        cell = ", ".join(f"{k} = {v}" for k, v in values.items())
        if where[-1:] != [cell]:
            where.append(cell)

    def raise_any(self) -> None:
        """Raises InputError when there are problems."""
        if self.cells:
            raise InputError(self._with_cells(f, where) for f, where in self.cells.items())

    def _with_cells(self, finding: Finding, where: Sequence[str]) -> Finding:
        if len(where) == self.sweep.size:
            return finding
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        return replace(finding, message=f"{finding.message} [in the cell {where[0][:_MOST_SHOWN]}{more}]")


def read_sweep(path: Path) -> Sweep:
    """The sweep of a file; raises InputError with every problem of its form."""
    wrong: list[Finding] = []
    text = text_of(path, wrong)
    document = None if text is None else document_of(text, path.name, wrong)
    if text is None or document is None:
        raise InputError(wrong)
    row = _shaped(document, text, path.name, wrong)
    base, base_file, base_text = _base(document, text, path, wrong)
    parameters = _parameters(document, text, path.name, wrong)
    sweep = Sweep(str(document.get("name", "")), path.name, str(document.get("note", "")), parameters=parameters,
                  minimise=tuple(row.minimise) if row else (), maximise=tuple(row.maximise) if row else (),
                  document=base or {}, base=base_file, text=text, base_text=base_text)
    if row and sweep.size > row.max_cells:
        counts = " × ".join(str(len(p.choices)) for p in parameters)
        wrong.append(problem(path.name, text, ("grid",), f"makes {counts} = {sweep.size} cells, more than max_cells = "
                             f"{row.max_cells}", f"take values out or raise max_cells (at most {_MOST_CELLS})"))
    if wrong:
        raise InputError(dict.fromkeys((*wrong, *(_first_cell(sweep) if base is not None else ()))))
    return sweep


def _first_cell(sweep: Sweep) -> list[Finding]:
    """What is wrong with the scenario besides the form of the sweep; what is missing may be what the grid lacks."""
    problems = Problems(sweep)
    list(islice(cells(sweep, problems), 1))
    return [f for f in problems.cells if not f.message.endswith("is missing")]


def _shaped(document: Mapping[str, Any], text: str, file: str, wrong: list[Finding]) -> Any:
    try:
        return _FORM.model_validate({k: v for k, v in document.items() if k not in ("scenario", "grid")})
    except ValidationError as error:
        errors = [told_error(file, text, e, "a sweep") for e in error.errors()]
        wrong += [replace(f, fix=f.fix.replace("docs/whatif.md", "docs/sweep.md")) for f in errors]
        return None


_MEASURES: Any = list[Literal[MEASURES]]  # type: ignore[valid-type]
_FORM = create_model(
    "SweepFile", __config__=ConfigDict(extra="forbid"),
    name=(str, Field(strict=True, min_length=1, max_length=500)),
    note=(str, Field("", strict=True, max_length=5000)), base=(str | None, Field(None, strict=True)),
    given=(list[str], Field(default_factory=list)), max_cells=(int, Field(1000, strict=True, ge=1, le=_MOST_CELLS)),
    minimise=(_MEASURES, Field(default_factory=lambda: ["servers", "watts"])),
    maximise=(_MEASURES, Field(default_factory=lambda: ["headroom_cores"])))


def _base(document: Mapping[str, Any], text: str, path: Path, wrong: list[Finding]
          ) -> tuple[dict[str, Any] | None, str, str]:
    """The base scenario, its file and that file's text."""
    inline, other = document.get("scenario"), document.get("base")
    if (inline is None) == (other is None):
        wrong.append(problem(path.name, text, ("base" if other else "scenario",), "expected either base (a scenario "
                             f"file) or a table [scenario], found {'both' if other else 'neither'}", HELP))
        return None, path.name, text
    if isinstance(inline, dict):
        return dict(inline), path.name, text
    if not isinstance(other, str):
        if inline is not None:
            wrong.append(problem(path.name, text, ("scenario",), f"found {inline!r}, expected a table", HELP))
        return None, path.name, text  # a base that is no text is told with the form
    file = path.parent / other
    read: list[Finding] = []
    base_text = text_of(file, read)
    base = None if base_text is None else document_of(base_text, file.name, read)
    wrong += [replace(f, message=f"{f.message} (base of {path.name})") for f in read]
    return base, file.name, base_text or ""


# ---- the grid -------------------------------------------------------------------------------------------------------


def _parameters(document: Mapping[str, Any], text: str, file: str, said: list[Finding]) -> tuple[GridParameter, ...]:
    grid = document.get("grid")
    if not isinstance(grid, dict) or not grid:
        said.append(problem(file, text, ("grid",), "is missing" if grid is None else f"found {grid!r}, expected a "
                            'table of paths, such as "growth[0].cores_percent" = [0, 10]', HELP))
        return ()
    stated = document.get("given")
    given = stated if isinstance(stated, list) else None

    def wrong(name: str, message: str, fix: str = HELP) -> None:
        said.append(problem(file, text, ("grid", name), message, fix))

    out: list[GridParameter] = []
    for name, value in grid.items():
        choices = tuple(_choices(name, value, lambda m, fix=HELP, name=name: wrong(name, m, fix)))
        shown = [plain(c.label) for c in choices]
        if len({str(x) for x in shown}) < len(shown):
            wrong(name, "has the same value twice", "list each once")
        if choices:
            paths = {p.split("[")[0].split(".")[0] for c in choices for p in c.settings}
            out.append(GridParameter(name, choices, name in given if given is not None else not paths & _CHOSEN))
    _clashes(out, wrong)
    for number, name in enumerate(given or ()):
        if name not in grid:
            said.append(problem(file, text, ("given", number), f"{name!r} is no parameter of the grid",
                                f"one of: {', '.join(grid)}"))
    return tuple(out)


def _clashes(parameters: Sequence[GridParameter], wrong: Any) -> None:
    owner: dict[str, str] = {}
    for p in parameters:
        if p.name in (*_WORDS, *MEASURES):
            wrong(p.name, "is the name of a column of the results", "choose another name")
        for path in p.paths:
            if owner.setdefault(path, p.name) != p.name:
                wrong(p.name, f"sets {path}, which {owner[path]} sets as well", "set it in one of them")
        if p.name in owner and owner[p.name] != p.name:
            wrong(p.name, f"is set by {owner[p.name]} as well", "set it in one of them")


def _choices(name: str, value: Any, wrong: Any) -> Iterator[GridChoice]:
    """The choices of one entry of the grid: a list of values, of tables (paths set together), or a range."""
    if isinstance(value, dict):
        yield from (GridChoice(v, {name: v}) for v in _range(value, wrong) if _path(name, wrong))
    elif not isinstance(value, list) or not value:
        wrong(f"found {value!r}, expected a list of values or {{ start = 0, stop = 30, step = 10 }}")
    elif all(isinstance(v, dict) for v in value):
        yield from (choice for row in value for choice in _together(row, wrong))
    elif any(isinstance(v, dict) for v in value):
        wrong("mixes tables and values", "write all values as tables, or none")
    elif _path(name, wrong):
        yield from (GridChoice(v, {name: v}) for v in value)


def _together(row: Mapping[str, Any], wrong: Any) -> Iterator[GridChoice]:
    """The choice that sets the paths of a table together."""
    settings = {k: v for k, v in row.items() if k != "label"}
    label = row.get("label", ", ".join(str(plain(v)) for v in settings.values()))
    if not settings or not isinstance(label, str):
        wrong(f"found {row!r}, expected a table of paths and values, and perhaps a label (a text)")
    elif False not in [_path(p, wrong) for p in settings]:
        yield GridChoice(label, settings)


def _range(row: Mapping[str, Any], wrong: Any) -> Iterator[Any]:
    """start, start + step … up to stop; whole numbers stay whole."""
    unknown = sorted(set(row) - {"start", "stop", "step"})
    start, stop, step = row.get("start"), row.get("stop"), row.get("step", 1)
    if unknown or not all(isinstance(x, (int, Decimal)) and not isinstance(x, bool) for x in (start, stop, step)):
        wrong(f"found {dict(row)}, expected the numbers start, stop and perhaps step")
        return
    assert isinstance(start, (int, Decimal)) and isinstance(stop, (int, Decimal))
    if not all(Decimal(x).is_finite() for x in (start, stop, step)) or step == 0 or (stop - start) * step < 0:
        wrong(f"found {start} to {stop} in steps of {step}, which never ends there", "correct start, stop or step")
        return
    if (stop - start) / step >= _MOST_CELLS:
        wrong(f"has more than {_MOST_CELLS} values", "take a larger step")
        return
    for n in range(int((stop - start) // step) + 1):
        yield start + n * step


def _steps(path: str) -> list[str | int] | None:
    """``add[0].cores`` → ["add", 0, "cores"]; ``*`` for every row; None when it is no path."""
    out: list[str | int] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            return None
        out.append(match[1])
        if match[2] is not None:
            out.append(match[2] if match[2] == "*" else int(match[2]))
    return out


def _path(path: str, wrong: Any) -> bool:
    steps = _steps(path)
    if steps is None:
        wrong(f"{path!r} is no path into a scenario", "write it like growth[0].cores_percent or add[*].cores; a name "
              "of your own needs tables as values")
    elif steps[0] in _FIXED:
        wrong(f"{path!r} changes no answer", "take it out")
    return steps is not None and steps[0] not in _FIXED


# ---- cells ----------------------------------------------------------------------------------------------------------


def cells(sweep: Sweep, problems: Problems) -> Iterator[Cell]:
    """The cells in the order of the grid, the last parameter changing fastest; problems of others are gathered."""
    for number, choices in enumerate(product(*(p.choices for p in sweep.parameters)), 1):
        values = {p.name: plain(c.label) for p, c in zip(sweep.parameters, choices, strict=True)}
        wrong: list[Finding] = []
        document, rows = _document(sweep, choices, wrong)
        scenario = None if wrong else scenario_from(document, "", sweep.file, wrong)
        for f in wrong:
            problems.add(values, rows, f)
        if scenario is not None:
            shown = ", ".join(f"{k} {v}" for k, v in values.items())
            yield Cell(number, values, replace(scenario, note=shown, frontier=False), tuple(rows), document)


def _original(message: str, rows: Sequence[int]) -> str:
    """A message on an added server, with the row that the file states instead of its copy."""
    match = re.match(r"add\[(\d+)\]", message)
    if match is None or int(match[1]) >= len(rows):
        return message
    return f"add[{rows[int(match[1])]}]{message[match.end():]}"


def _document(sweep: Sweep, choices: Sequence[GridChoice], said: list[Finding]) -> tuple[dict[str, Any], list[int]]:
    """The scenario of a cell, and for each server that it adds the row that states it."""
    document: dict[str, Any] = {"name": "sweep", **deepcopy(dict(sweep.document))}
    document["frontier"] = False
    for choice in choices:
        for path, value in choice.settings.items():
            wrong = _set(document, _steps(path) or [], value)
            if wrong:
                said.append(problem(sweep.file, "", (path,), *wrong))
    return document, _copied(document, sweep.file, said)


def _set(node: Any, steps: Sequence[str | int], value: Any) -> tuple[str, str] | None:
    """Set a value at a path, tables made where there are none; what is wrong and what to do, or None."""
    head, rest = steps[0], steps[1:]
    if isinstance(head, int) or head == "*":
        rows = node if isinstance(node, list) else []
        wanted = [head] if isinstance(head, int) else list(range(len(rows)))
        if not rows or wanted[-1] >= len(rows):
            return f"the base scenario has {len(rows)} rows there", "add the row to the base, or correct the number"
        for n in wanted:
            if not rest:
                rows[n] = deepcopy(value)
            elif wrong := _set(rows[n], rest, value):
                return wrong
        return None
    if not isinstance(node, dict):
        return "leads into something that is no table", HELP
    if not rest:
        node[str(head)] = deepcopy(value)
        return None
    if isinstance(rest[0], str) and rest[0] != "*":
        node.setdefault(str(head), {})
    if isinstance(node.get(str(head)), list) and isinstance(rest[0], str) and rest[0] != "*":
        return f"{head} has rows", f"say which: {head}[0] or {head}[*]"
    return _set(node.get(str(head)), rest, value)


def _copied(document: dict[str, Any], file: str, wrong: list[Finding]) -> list[int]:
    """Write rows of ``add`` that state a ``count`` so many times, ``NAME-1`` and on; the row of each server."""
    stated = document.get("add")
    if not isinstance(stated, list):
        return []
    out, rows = [], []
    for number, row in enumerate(stated):
        count = row.pop("count", None) if isinstance(row, dict) else None
        if count is None:
            out.append(row)
            rows.append(number)
        elif isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_COPIES:
            wrong.append(problem(file, "", ("add", len(out), "count"), f"found {count!r}, expected a whole number from "
                                 f"0 to {_MOST_COPIES}", f"correct it; {HELP}"))
            out.append(row)
            rows.append(number)
        else:
            out += [{**row, "name": f"{row.get('name', 'server')}-{n}"} for n in range(1, count + 1)]
            rows += [number] * count
    document["add"] = out
    return rows


def _place(sweep: Sweep, path: str) -> Source:
    """Where a path of the scenario is stated: in the grid, in the table [scenario], or in the base file."""
    wanted = _steps(path) or []
    made_here = bool(wanted) and wanted[0] not in sweep.document
    for p in sweep.parameters:
        for stated in p.paths:
            steps = _steps(stated) or []
            alike = all(a == b or a == "*" for a, b in zip(steps, wanted, strict=False))
            if alike and (made_here or len(steps) <= len(wanted)):
                return Source(sweep.file, line_of(sweep.text, ("grid", p.name)))
    if sweep.base != sweep.file:
        return Source(sweep.base, line_of(sweep.base_text, wanted) if wanted else None)
    inside = ("scenario", *wanted[:1]) if len(wanted) < 2 else (f"scenario.{wanted[0]}", *wanted[1:])
    return Source(sweep.file, line_of(sweep.text, inside) or line_of(sweep.text, ("scenario", *wanted[:1])))


def scenario_text(sweep: Sweep, cell: Cell) -> str:
    """A cell as a scenario file for ``planner whatif``."""
    name = re.sub(r"[/;*?\[\]]", " ", sweep.name).strip() or "sweep"
    stated = {k: v for k, v in cell.document.items() if k not in _FIXED}
    note = f"{sweep.file}: {', '.join(f'{k} = {v}' for k, v in cell.values.items())}"
    return tomli_w.dumps({"name": f"{name[:400]} cell {cell.number}", "note": note[:5000], **stated})


def plain(value: Any) -> Any:
    """A value of TOML as JSON has it: decimals as numbers, the rest of what is no number or truth as a text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, list):
        return ", ".join(str(plain(v)) for v in value) or "none"
    return str(value)
