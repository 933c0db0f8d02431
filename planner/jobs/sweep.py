"""A sweep: many scenarios answered, each on its own, wherever there is a processor; finished cells are kept.

What a cell's answer is depends on the estate, its scenario and the options, not on where or in which order it runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner import __version__
from planner.errors import InputError, ReplayError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.catalogue import CATALOGUE, Catalogue
from planner.estate.model import Estate
from planner.estate.saved import digest
from planner.files import alone, read_all
from planner.files import replace as write
from planner.findings import Severity
from planner.jobs.common import Options
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import on_arrival, whatif
from planner.plan.choices import Status
from planner.plan.plan import Findings
from planner.plan.wire import adapter, as_json
from planner.scenarios.build import problems as unsuited
from planner.scenarios.model import Scenario
from planner.scenarios.sweep_file import Cell, Problems, Sweep, cells

if TYPE_CHECKING:  # start-up: what reads a history
    from planner.jobs.peak_hours import UsageGiven

VERSION = 1
FAILED = "failed"
PROVED = (Status.OPTIMAL, Status.INFEASIBLE)


@dataclass(frozen=True, slots=True)
class CellConflict:
    """The first twenty of each part of a conflict."""

    lpars: tuple[str, ...]
    servers: tuple[str, ...]
    rules: tuple[str, ...]
    lifts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """The answer to a cell, kept as JSON. ``status``: one of Status, or FAILED; ``reason``: why there is no placement;
    ``figures``: by the name of their column, as what is minimised and maximised is chosen by it."""

    status: str
    reason: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    conflict: CellConflict | None = None
    findings: Findings = ()
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepContext:
    """What all cells have in common; picklable. ``used`` as for whatif."""

    loaded: Loaded
    options: Options
    catalogue: Catalogue = CATALOGUE
    used: UsageGiven | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A cell's scenario and its id."""

    id: str
    scenario: Scenario


Runner = Callable[[SweepContext, Sequence[Task]], Iterator[tuple[str, CellAnswer]]]
"""Answers tasks in any order; closing it stops the work."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is: scenarios done of all, how many of these were kept from before, how many failed."""

    done: int
    of: int
    reused: int
    failed: int


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """The ids of the cells in their order, and the answers by id; ``reused``: answers that were kept from before."""

    ids: tuple[str, ...]
    answers: Mapping[str, CellAnswer]
    reused: int
    damaged: int

    @property
    def failed(self) -> int:
        """How many cells have no answer because something broke."""
        return sum(self.answers[i].status == FAILED for i in self.ids)


# ---- one cell -------------------------------------------------------------------------------------------------------


def answer(context: SweepContext, scenario: Scenario) -> CellAnswer:
    """The answer to one cell; what breaks becomes the status ``failed`` with its reason."""
    o = context.options
    try:
        o = replace(o, pacing=replace(o.pacing, nights=o.window is not None))  # all that is told of it: is it in time
        return _answer(whatif(context.loaded, scenario, o, context.catalogue, context.used))
    except Exception as error:  # a cell that breaks must not take the others with it
        first = (str(error).splitlines() or [""])[0]
        what = "its own plan failed its replay" if isinstance(error, ReplayError) else "broke off"
        return CellAnswer(FAILED, f"{what}: {type(error).__name__}: {first}"[:500])


def _answer(r: ScenarioResult) -> CellAnswer:
    c, conflict, reason = r.conflict, None, ""
    if c is not None:
        reason, conflict = c.summary, CellConflict(c.lpars[:20], c.servers[:20], c.rules[:20], c.lifts[:20])
    elif r.status is Status.UNKNOWN:
        reason = "; ".join(f.message for f in r.findings)
    return CellAnswer(r.status.value, reason, _figures(r), conflict, r.findings, r.assumptions)


def _figures(r: ScenarioResult) -> dict[str, Any]:
    """The columns of a cell: cores, GiB, watts; the totals only of a cell that has a placement."""
    counts = {word: sum(f.severity is kind for f in r.findings)
              for word, kind in (("errors", Severity.ERROR), ("warnings", Severity.WARNING))}
    out: dict[str, Any] = {"objective_s": r.objective, "bound_s": r.bound, "gap": r.gap, **counts}
    if r.totals is None:
        return out
    limit, m = sum(s.units_limit for s in r.servers), r.migration
    totals = as_json(r.totals)
    del totals["watts_assumed"], totals["hours"]
    return {
        **totals, "headroom_percent": round(100 * r.totals.free_units / limit, 2) if limit else 0.0,
        "moves": m.live, "restarts": m.restarts, "reactivations": m.reactivations, "resized": m.resized,
        "hours": m.hours, "outage_minutes": m.outage_minutes, "waves": m.waves, "lanes": m.lanes,
        **out}


# ---- which cells ----------------------------------------------------------------------------------------------------


def planned(sweep: Sweep, loaded: Loaded, catalogue: Catalogue = CATALOGUE) -> tuple[Cell, ...]:
    """All cells, checked before any is answered; raises InputError with every problem of all of them."""
    problems = Problems(sweep)
    out = []
    sound: dict[Any, bool] = {}
    for cell in cells(sweep, problems):
        s = cell.scenario
        wrong = list(unsuited(loaded.estate, s, catalogue))
        for f in wrong:
            problems.add(cell.values, cell.rows, f)
        key = (s.add, s.retire, s.policies)
        if not wrong and not sound.get(key):
            sound[key] = _arrives(loaded, cell, catalogue, problems)
        out.append(cell)
    problems.raise_any()
    return tuple(out)


def _arrives(loaded: Loaded, cell: Cell, catalogue: Catalogue, problems: Problems) -> bool:
    try:
        on_arrival(loaded, cell.scenario, catalogue)
    except InputError as error:
        for f in error.findings:
            problems.add(cell.values, cell.rows, f)
        return False
    return True


def _json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return str(value) if not isinstance(value, (tuple, frozenset)) else sorted(value)


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_json)
    return hashlib.sha256(text.encode()).hexdigest()


def common_id(context: SweepContext, estate: Estate | None = None) -> str:
    """What every cell's id depends on: program, estate, gap, window, catalogue, usage. Not the time limit."""
    o = context.options
    return _hash([VERSION, __version__, digest(estate or context.loaded.estate), o.gap, o.window, context.catalogue,
                  context.used and context.used.basis.sha256])


def cell_id(common: str, scenario: Scenario) -> str:
    """A scenario's id: the same for the same estate, scenario and options, whatever it is called."""
    bare = replace(scenario, name="", file="", note="", lines={})
    return _hash([common, bare])[:20]


# ---- kept cells -----------------------------------------------------------------------------------------------------


class Store:
    """Finished cells: ``DIR/ID.json``, each written whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.damaged = directory, 0

    def load(self, id_: str, time_limit: float) -> CellAnswer | None:
        """A kept answer that is as good as a new one: proved, or given no less time."""
        path = self.directory / f"{id_}.json"
        if not path.exists():
            return None
        try:
            document = json.loads(read_all(path))
            body = document["cell"]
            sound = document["sha256"] == _hash(body) and body["id"] == id_
            kept: CellAnswer = adapter(CellAnswer).validate_json(json.dumps(body["answer"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            sound = False
        if not sound:
            self.damaged += 1
            return None
        return kept if kept.status in PROVED or body["time_limit_s"] >= time_limit else None

    def save(self, task: Task, answer: CellAnswer, time_limit: float) -> None:
        """Keep an answer. Raises UsageError when the disk refuses."""
        bare = json.loads(json.dumps(replace(task.scenario, lines={}), default=_json))
        body = {"id": task.id, "time_limit_s": time_limit, "scenario": bare, "answer": as_json(answer)}
        data = json.dumps({"cell": body, "sha256": _hash(body)}, ensure_ascii=False, indent=1) + "\n"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with alone(self.directory):
                write({self.directory / f"{task.id}.json": data.encode()})
        except OSError as error:
            raise UsageError(f"cannot write {self.directory}: {error.strerror or error}") from None


# ---- all cells ------------------------------------------------------------------------------------------------------


def run_sweep(context: SweepContext, planned_cells: Sequence[Cell], run: Runner, store: Store | None = None, *,
              resume: bool = True, progress: Callable[[Progress], None] | None = None) -> SweepOutcome:
    """Answer every cell; each finished one is kept in the store at once. Cells of the same scenario are one task."""
    common, limit = common_id(context), context.options.time_limit
    ids = tuple(cell_id(common, c.scenario) for c in planned_cells)
    tasks = {i: Task(i, c.scenario) for i, c in zip(ids, planned_cells, strict=True)}
    answers: dict[str, CellAnswer] = {}
    if store is not None and resume:
        answers = {i: stored for i in tasks if (stored := store.load(i, limit)) is not None}
    reused, broken = len(answers), 0
    stream = run(context, [t for i, t in tasks.items() if i not in answers])
    try:
        while True:
            if progress is not None:
                progress(Progress(len(answers), len(tasks), reused, broken))
            finished = next(stream, None)
            if finished is None:
                break
            id_, answers[id_] = finished
            if answers[id_].status == FAILED:
                broken += 1
            elif store is not None:
                store.save(tasks[id_], answers[id_], limit)
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()
    return SweepOutcome(ids, answers, reused, store.damaged if store else 0)
