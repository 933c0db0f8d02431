"""campaign.json: what page, workbook, calendar and terminal show of a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from planner.estate.saved import digest
from planner.findings import errors
from planner.grouping import grouped
from planner.jobs.alternatives import Beside
from planner.jobs.campaign import CampaignResult, CampaignStep, NotDone
from planner.plan.choices import BACK, OUT, Status
from planner.plan.details import Conflict
from planner.plan.questions import unseen
from planner.plan.wire import Minutes, absent, empty
from planner.scenarios.paths import Door
from planner.scenarios.vios_down import LostPath
from planner.units import many, some


@dataclass(frozen=True, slots=True)
class StepLine:
    """One server worked on, over by ``end`` in ``confidence`` of all nights; ``in_time``: in so many it is with what
    the window keeps free to spare (both None where no nights were drawn). ``stays``: LPARs that are stopped with it;
    ``levels``: server → firmware that holds when the step begins; ``directory``: of its plan. Where nobody leaves there
    is no plan (``status`` None): ``lost`` are the paths of those who stay that go down with one VIOS after the other,
    and ``verified`` says too that each is known to keep one."""

    number: int
    server: str
    directory: str
    window: int
    start: Minutes
    end: Minutes
    work: str
    work_minutes: int
    refilled: bool
    status: Status | None
    verified: bool
    moves_out: int
    moves_back: int
    spare_s: int
    stays: tuple[str, ...]
    levels: Mapping[str, str]
    doors: tuple[Door, ...]
    lost: Annotated[tuple[LostPath, ...], Field(exclude_if=empty)] = ()
    in_time: Annotated[float | None, Field(exclude_if=absent)] = None
    confidence: Annotated[float | None, Field(exclude_if=absent)] = None
    beside: Annotated[Beside | None, Field(exclude_if=absent)] = None
    """Other plans for it, where such were asked for: each in a directory within that of its plan."""

    @property
    def named(self) -> str:
        """``step 2, p570-1``."""
        return f"step {self.number}, {self.server}"

    @property
    def nights(self) -> str:
        """In how many nights it is in time."""
        return "" if self.in_time is None else f"{100 * self.in_time:.0f} of 100"

    @property
    def warning(self) -> str:
        """That these are fewer than are asked for; empty where they are not."""
        if self.in_time is None or self.confidence is None or self.in_time >= self.confidence:
            return ""
        return (f"{self.named}: in time in {self.nights} nights, {100 * self.confidence:.0f} are "
                "asked for: no window is long enough for it, even alone")


@dataclass(frozen=True, slots=True)
class WindowLine:
    """A window, numbered from 1, and what it is used for: ``servers``, or why nothing is done in it."""

    number: int
    start: Minutes
    end: Minutes
    zone: str
    servers: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class LeftLine:
    """A server that is not done, why, and what would mend it."""

    server: str
    status: Status
    why: str
    lifts: tuple[str, ...]
    conflict: Annotated[Conflict | None, Field(exclude_if=absent)] = None


@dataclass(frozen=True, slots=True)
class AwayLine:
    """An LPAR that stands elsewhere at the end."""

    lpar: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CampaignDocument:
    """The whole campaign; ``every_order``: no order of the servers was left out; ``plans``: so many were made;
    ``not_looked_at``: what is to be said of it first."""

    version: Literal[1] = field(default=1, kw_only=True)
    name: str
    estate_sha256: str
    every_order: bool
    plans: int
    moves: int
    steps: tuple[StepLine, ...]
    left: Annotated[tuple[LeftLine, ...], Field(exclude_if=empty)]
    windows: tuple[WindowLine, ...]
    away: Annotated[tuple[AwayLine, ...], Field(exclude_if=empty)]
    not_looked_at: Annotated[tuple[str, ...], Field(exclude_if=empty)]
    notes: tuple[str, ...]


def campaign_document(result: CampaignResult) -> CampaignDocument:
    """The document of a campaign."""
    steps = tuple(_step(result, n, s) for n, s in enumerate(result.steps, 1))
    return CampaignDocument(
        name=result.campaign.name, estate_sha256=digest(result.estate), every_order=result.every_order,
        plans=result.plans, moves=sum(s.moves_out + s.moves_back for s in steps), steps=steps,
        left=tuple(_left(result, one) for one in result.left), windows=_windows(result, steps),
        away=tuple(AwayLine(n, *places) for n, places in sorted(result.away.items())),
        not_looked_at=tuple(_not_looked_at(result)), notes=tuple(_notes(result)))


def _not_looked_at(result: CampaignResult) -> list[str]:
    """What its plans say first: all are made with the same history, or with none."""
    plans = [*(step.plan for step in result.steps), *(one.plan for one in result.left)]
    return list(dict.fromkeys(line for plan in plans if plan is not None for line in unseen(plan.goal.usage)))


def _work(step: CampaignStep) -> str:
    work, parts = step.work, []
    if work.firmware:
        parts.append(f"firmware {step.before.firmware or '(unknown)'} → {work.firmware}")
    if work.vios:
        levels = dict.fromkeys(v.level or "(unknown)" for v in step.estate.vioses if v.server == work.server)
        parts.append(f"VIOS {', '.join(levels)} → {work.vios}")
    if work.replace_by:
        parts.append(f"replaced by {work.replace_by['name']} ({work.replace_by['model']})")
    if not work.empty:
        parts.append("one VIOS after the other, " + (
            "those with a single path leave" if step.plan else "nobody leaves"))
    return "; ".join(parts) or "work"


def _directory(number: int, step: CampaignStep) -> str:
    if step.plan is None:
        return ""
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in step.work.server)
    return f"{number:02d}-{step.start:%Y-%m-%d}-{name}"


def _step(result: CampaignResult, number: int, s: CampaignStep) -> StepLine:
    here = {p.name for p in s.estate.lpars if p.server == s.work.server}
    plan, spare = s.plan, round((s.window.ms_to(s.window.end) - s.window.ms_to(s.end)) / 1000)
    return StepLine(
        number, s.work.server, _directory(number, s), result.windows.index(s.window) + 1, s.start, s.end, _work(s),
        work_minutes=s.work.minutes, refilled=plan is not None and plan.goal.come_back,
        status=None if plan is None else plan.status,
        verified=all(x.known for x in s.lost) and (plan is None or plan.verified),
        moves_out=len(plan.leg(OUT)) if plan else 0, moves_back=len(plan.leg(BACK)) if plan else 0, spare_s=spare,
        stays=plan.goal.left if plan and s.work.empty else tuple(n for n in s.work.leave if n in here),
        levels={r.name: r.firmware for r in s.estate.servers}, doors=s.doors, lost=s.lost, in_time=s.in_time,
        confidence=s.plan.evening.confidence if s.plan and s.plan.evening else None, beside=s.beside)


def _left(result: CampaignResult, one: NotDone) -> LeftLine:
    plan = one.plan
    if one.lost:
        who = grouped(((x.path, x.vios if x.known else ""), x.lpar) for x in one.lost)
        paths = [f"{path} {f'has {vios} alone' if vios else 'is stated by no listing'} "
                 f"({some(dict.fromkeys(lpars), 4)})" for (path, vios), lpars in who.items()]
        can = [v.name for v in result.estate.vioses if v.server == one.work.server
               and v.name not in {x.vios for x in one.lost}]
        status = Status.INFEASIBLE if one.code == 3 else Status.UNKNOWN
        return LeftLine(one.work.server, status, "nobody who stays may lose his only path: " + some(paths)
                        + f"; what can go down alone: {some(can) or 'none'}", (
            "give them a second path over another VIOS", "or move them alone: move_single = true",
            "or stop them for it: leave",
            "or empty the server: empty = true"))
    if plan is None:
        return LeftLine(one.work.server, Status.UNKNOWN, "no window is left that is longer than its work",
                        ("give more windows, or longer ones",))
    if plan.conflict is not None:
        return LeftLine(one.work.server, plan.status, plan.conflict.summary, tuple(plan.conflict.lifts), plan.conflict)
    first = next(iter(errors(plan.findings)), None)
    said = ("windows too few: it fits none that is left", "give more windows, or longer ones")
    if plan.verified and first is not None:
        said = (f"{said[0]}; the last one: {first.message}", f"{said[1]}; {first.fix}")
    elif first is not None:
        said = (first.message, first.fix)
    elif plan.too_few(OUT) and plan.evening is not None:
        said = (f"{said[0]} in {100 * plan.evening.confidence:.0f} nights of 100; the last one in "
                f"{100 * (plan.in_time(OUT) or 0):.0f}", said[1])
    return LeftLine(one.work.server, Status.UNKNOWN, said[0], (said[1],))


def _windows(result: CampaignResult, steps: tuple[StepLine, ...]) -> tuple[WindowLine, ...]:
    out = []
    for number, w in enumerate(result.windows, 1):
        servers = tuple(s.server for s in steps if s.window == number)
        out.append(WindowLine(number, w.start, w.end, w.zone, servers, "" if servers else "not needed"))
    zone = result.windows[0].zone if result.windows else ""
    for w, freeze in result.frozen:
        why = f"freeze {freeze.first} to {freeze.last}" + (f": {freeze.why}" if freeze.why else "")
        out.append(WindowLine(0, w.start, w.end, zone, (), why))
    return tuple(sorted(out, key=lambda line: line.start))


def _notes(result: CampaignResult) -> list[str]:
    looked = (f"Every order of the servers was looked at, but for those that come to the same state later or with more "
              f"moves ({many(result.plans, 'plan')} made)." if result.every_order else
              f"Not every order of the servers was looked at ({many(result.plans, 'plan')} made): one with fewer "
              "windows or moves may exist.")
    notes = [looked, "Each plan has the cheapest moves for its own step alone, from where everybody stands then."]
    asked = next((s.plan.evening.confidence for s in result.steps if s.plan and s.plan.evening), None)
    if asked is not None:
        notes.append(f"A step ends when it is over in {100 * asked:.0f} nights of 100; the next of its window begins "
                     f"{many(result.campaign.pause_minutes, 'minute')} later, and {result.campaign.spare_minutes} more "
                     "stay free at the end.")
    if any(s.work.vios and s.plan and s.plan.goal.come_back for s in result.steps):
        notes.append("A way back in the window of new VIOS levels is planned with the levels before; plans after it "
                     "with the new ones.")
    if any(s.lost for s in result.steps):
        notes.append("VIOSes one after the other: that the other SEA takes over, and that both fabrics lead to the "
                     "same disks, is taken for granted; look before each (entstat -all, lsmap -all, lspath on the "
                     "LPARs), and only go on with the next once the paths over the one before are back.")
    notes += dict.fromkeys(text for s in result.steps for text in s.assumed)
    if any(s.beside for s in result.steps):
        notes.append("Other plans for a step begin where it begins; whether the steps after it hold then is replayed.")
    if any(s.plan and not s.plan.goal.come_back for s in result.steps):
        notes.append("Who is not brought back stays where the plan takes him; the next plan begins there.")
    return notes
