"""What reports on readiness say of its verdicts: one wording for terminal, page and workbook."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from planner.grouping import grouped
from planner.jobs.readiness.figures import (
    Blocker,
    LparPlaces,
    ReadinessDocument,
    ReadyWord,
    ServerFree,
    ServerLost,
    SinceThen,
    ViosDown,
)
from planner.plan.evening import NightSpread
from planner.units import many, some

LOOK = {ReadyWord.YES: "good", ReadyWord.IF: "warn", ReadyWord.ONE_WAY: "warn", ReadyWord.UNKNOWN: "bad",
        ReadyWord.NO: "bad"}
"""How a verdict looks, in words of the sheets and of the page's style."""


def nights(spread: NightSpread | None) -> str:
    """``24–28 min``: over in half of all nights, and in nine of ten."""
    if spread is None:
        return ""
    half, most = (math.ceil(ms / 60_000) for ms in (spread.half_ms, spread.most_ms))
    return f"{half}–{most} min" if half != most else f"{half} min"


def said(document: ReadinessDocument) -> list[str]:
    """The answer in a few lines."""
    dead = [x.verdict for x in document.lost]
    return [_tally([f.verdict for f in document.servers], "servers can be freed for an evening, everybody home again"),
            f"of {dead.count(ReadyWord.YES)} of {many(len(dead), 'server')} all LPARs restart elsewhere, should it die"
            + _rest(dead), _tally([v.verdict for v in document.vioses], "VIOSes may go down alone")]


def _tally(verdicts: Sequence[ReadyWord], what: str) -> str:
    more = verdicts.count(ReadyWord.IF)
    return (f"{verdicts.count(ReadyWord.YES)} of {len(verdicts)} {what}"
            + (f", {more} more if what has to be looked up holds" if more else "") + _rest(verdicts))


def _rest(verdicts: Sequence[ReadyWord]) -> str:
    rest = ", ".join(f"{n} {word}" for word in (ReadyWord.ONE_WAY, ReadyWord.UNKNOWN) if (n := verdicts.count(word)))
    return f" ({rest})" if rest else ""


def came_and_went(then: SinceThen) -> str:
    """``; gone: a; new: b; now called: c (was d)``: what is in one of the two estates alone, or nothing."""
    now = [f"{b} (was {a})" for a, b in then.renamed.items()]
    return "".join(f"; {word}: {some(names, 6)}" for word, names in (
        ("gone", then.went), ("new", then.came), ("now called", now)) if names)


def reasons(free: ServerFree, most: int | None = None) -> list[str]:
    """Why a server cannot be freed, or what has to be looked up first."""
    lines = [free.why] if free.why else []
    if free.remedy:
        lines.append(f"what would make it possible ({free.remedy_cost} points): {'; '.join(free.remedy)}")
    lines += [f"{o.subject}: {o.reason} ({o.rule})" + (f": {o.fix}" if o.fix else "") for o in free.obstacles[:most]]
    if most is not None and len(free.obstacles) > most:
        lines.append(f"and {many(len(free.obstacles) - most, 'further reason')}")
    if free.stays:
        lines.append(f"not activated, so their profiles stay unless --inactive takes them along: {some(free.stays, 6)}")
    return lines + [f"look up: {x}" for x in free.settles[:most]] + (
        [f"and {len(free.settles) - most} more to look up"] if most is not None and len(free.settles) > most else [])


def restarts(lost: ServerLost) -> str:
    """Where what runs on a server starts anew, and who does not."""
    told = [", ".join(f"{len(names)} on {s}" for s, names in lost.restarts.items())] if lost.restarts else []
    if lost.nowhere:
        told.append(f"no place by the rules: {some((o.subject for o in lost.nowhere), 6)}")
    if lost.left:
        proof = lost.lacks or "no way in which all fit was found, which is no proof that there is none"
        told.append(f"no room: {some(lost.left, 6)} ({proof})")
    return "; ".join(told) or ("nothing runs there" if not lost.lpars else "")


def blocking(b: Blocker) -> str:
    """``VLAN 30, bridged by every VIOS that bridges any: would open 3 evacuations (a, b, c)``."""
    what = (f"would open {many(len(b.opens), 'evacuation')} ({some(b.opens, 6)})" if b.opens else
            f"would close {many(len(b.closes), 'evacuation')} ({some(b.closes, 6)})")
    return f"{b.kind} {b.name}, {b.how}: {what}"


def vios_words(down: ViosDown) -> str:
    """Who has no other path."""
    told = [f"the only path of {many(len(down.only), 'LPAR')}: {some(down.only, 6)}"] if down.only else []
    told += [f"not stated what else serves {some(down.unknown, 6)}"] if down.unknown else []
    return "; ".join(told)


def stuck(document: ReadinessDocument) -> list[LparPlaces]:
    """The LPARs that may go nowhere."""
    return [p for p in document.lpars if not p.places]


def poorer(document: ReadinessDocument) -> list[LparPlaces]:
    """The LPARs of which some move takes a path away, or that only a path keeps from a server."""
    return [p for p in document.lpars if p.single or p.closed]


def path_words(p: LparPlaces) -> str:
    """What an LPAR's paths have to do with where it may go."""
    told = [f"on {some(p.single, 4)} it would keep fewer paths than now"] if p.single else []
    told += [f"{some(p.closed, 4)} would be open to it, were it allowed to lose a path"] if p.closed else []
    return "; ".join(told)


def since_lines(document: ReadinessDocument) -> Iterator[tuple[str, str]]:
    """(worse or better, line) of what is other than it was; what is so for the same reason in one line."""
    then = document.since
    for word, changes in (("worse", then.worse), ("better", then.better)) if then else ():
        alike = grouped(((c.says, c.causes, c.line if not c.causes else ""), c.subject) for c in changes)
        for (says, causes, line), subjects in alike.items():
            yield word, line or f"{some(subjects, 6)} {says}: {'; '.join(causes)}"
