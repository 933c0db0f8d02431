"""Fit the cost model to past moves: from logs, and an estate that knows their LPARs, to parameters with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from planner import calibration
from planner.calibration import FitOfMoves, Fitted, Timed
from planner.cost import MIB, state_bytes
from planner.estate.consoles import is_ivm
from planner.estate.model import Estate, Lpar, Parameter
from planner.estate.parameters import RATE, Parameters, link_class, pair_name, parameters_of
from planner.formats.base import Reading
from planner.history.past_moves import PastMove, Transfer, past_moves, transfers
from planner.units import many, show_duration, some

_NAMES = {"hmc": "hmc_overhead_s", "ivm": "overhead_s"}
_LEAST_TRANSFER_S = 20.0
"""A transfer seen earlier says nothing of its rate: its clock counts whole seconds."""
_DIRTY = (0, 10, 20, 30, 40)
"""10⁶ bytes/s per busy core with which a single duration is taken apart."""
_SHOWN = 3
FEW = "too few"


@dataclass(frozen=True, slots=True)
class Learned:
    """A parameter that was fitted, in its own unit; ``why_not``: why it is left out of the file."""

    name: str
    subject: str
    value: float | None
    low: float | None = None
    high: float | None = None
    moves: int = 0
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the logs teach: figures, what was read, what each source proves and what not, and who was left out why."""

    figures: tuple[Learned, ...]
    moves: int
    used: int
    first: str
    last: str
    proved: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> tuple[Parameter, ...]:
        """The figures that can be used, as parameters of an estate."""
        return tuple(Parameter(f.name, f.value, "", f.subject, f.low, f.high, f.moves)
                     for f in self.figures if f.value is not None and not f.why_not)


def calibrate(readings: Sequence[Reading], estate: Estate | None = None, *, by_pair: bool = False,
              others: int = 0) -> Calibration:
    """The cost model's parameters as past moves show them; ``by_pair``: rates of pairs of movers, not of links.

    ``estate`` knows sizes, busy cores, links and consoles of LPARs and movers that the logs only name; ``others``:
    exports beside the logs that are about something else.
    """
    moves, seen = past_moves(readings), transfers(readings)
    join = _Join(estate or Estate(), moves, by_pair=by_pair)
    timed, left = join.timed()
    parameters = parameters_of(estate.parameters)[0] if estate else Parameters()
    validations = [m.validation_s for m in moves if m.validation_s and not m.failed]
    apart = len(validations) >= calibration.LEAST_MOVES and all(m.validation_s for m, _ in timed)
    taught = [replace(t, seconds=t.seconds - (m.validation_s or 0.0)) if apart else t for m, t in timed]
    fit = calibration.fit(taught, parameters, more=int(apart))
    figures = [*_figures(fit, taught), *_of_transfers(seen, join, fit),
               *_validation(validations, len(fit.figures) + 2, apart=apart), _failed(moves)]
    proved = [*_of_sources(moves, estate), *_after_the_copy(moves), *_phases(moves[:_SHOWN]),
              *([] if fit.figures else (_taken_apart(m, t, join, parameters) for m, t in timed[:_SHOWN])),
              *(_of_transfer(one) for one in seen[:_SHOWN])]
    if others:
        proved.append(f"{many(others, 'export')} not about moves: not used (--estate takes an estate).")
    return _told(moves, fit, figures, proved, left)


def _told(moves: Sequence[PastMove], fit: FitOfMoves, figures: Sequence[Learned], proved: Sequence[str],
          left: Counter[str]) -> Calibration:
    dates = sorted(f"{m.start:%Y-%m-%d}" for m in moves if m.start and m.dated) or [""]
    return Calibration(
        tuple(figures), moves=len(moves), used=sum(v.moves for k, v in fit.figures.items() if k[0] == "overhead"),
        first=dates[0], last=dates[-1], proved=tuple(proved),
        left_out=tuple(sorted(left.items(), key=lambda one: (-one[1], one[0]))))


class _Join:
    """Past moves with what the estate knows of their LPARs and movers."""

    def __init__(self, estate: Estate, moves: Sequence[PastMove], *, by_pair: bool) -> None:
        self.by_pair = by_pair
        self.moves = moves
        self.lpars = {p.name.casefold(): p for p in estate.lpars}
        self.links = {v.name: v.link_mbit for v in estate.vioses}
        ivms = {s.name for s in estate.servers if is_ivm(s, [v.name for v in estate.vioses if v.server == s.name])}
        self.ivms = ivms
        self.flights = [(m, _clock(m.start), _clock(m.end)) for m in moves if m.start and m.end]

    def timed(self) -> tuple[list[tuple[PastMove, Timed]], Counter[str]]:
        """The moves that teach something, and why and how many others do not."""
        out, left = [], Counter[str]()
        for m in self.moves:
            timed, why = self._taught(m)
            if timed is None:
                left[why] += 1
            else:
                out.append((m, timed))
        return out, left

    def _taught(self, m: PastMove) -> tuple[Timed | None, str]:
        """What a move teaches, or why it teaches nothing."""
        if m.failed:
            return None, "failed: counted among the failed ones alone"
        if not m.seconds and m.start and m.end:
            return None, "it does not end after it starts, by its log: the clock may have been set back"
        if m.seconds is None or m.seconds <= 0:
            return None, "not both start and end are known"
        timed = self._timed(m, m.seconds)
        if timed is None:
            return None, ("start and end alone: how much was copied is not known (bytes sent, or memory and busy "
                          "cores: --estate)")
        if m.validation_s and m.validation_s >= m.seconds:
            return None, "its validation takes as long as all of it"
        return timed, ""

    def _timed(self, m: PastMove, seconds: float) -> Timed | None:
        row = self.lpars.get(m.lpar.casefold())
        state, busy = _state(m, row), m.busy_cores
        if busy is None and row is not None:
            busy = row.kept_busy_units / 100
        if m.sent_bytes is None and (state is None or busy is None):
            return None
        night = f"{m.start:%Y-%m-%d}" if m.start else ""
        return Timed(seconds, "ivm" if self._ivm(m, row) else "hmc", self.rate_of(m), state, m.sent_bytes, busy,
                     sharing=self._sharing(m), resolution_s=m.resolution_s, night=night)

    def _ivm(self, m: PastMove, row: Lpar | None) -> bool:
        server = m.source_server or (row.server if row else "")
        return m.console.casefold().startswith("ivm") or (not m.console and server in self.ivms)

    def rate_of(self, m: PastMove) -> str:
        """The class of links or the pair of movers over which it went; an unknown link is taken as a plan takes it."""
        if self.by_pair and m.source_mover and m.target_mover:
            return pair_name(m.source_mover, m.target_mover)
        ends = [link for v in (m.source_mover, m.target_mover) if (link := self.links.get(v))]
        return link_class(m.link_mbit or min(ends, default=0))

    def _sharing(self, m: PastMove) -> float:
        """Over how many moves its movers were shared, on harmonic average over its time."""
        if not (m.start and m.end) or m.end <= m.start:
            return 1.0
        first, last = _clock(m.start), _clock(m.end)
        beside = [(a, b, _shared(m, o)) for o, a, b in self.flights if o is not m and a < last and b > first]
        marks = sorted({first, last, *(t for a, b, _ in beside for t in (a, b) if first < t < last)})
        inverse = sum((b - a) / max(_most(beside, (a + b) / 2), 1) for a, b in pairwise(marks))
        return (last - first) / inverse


def _clock(at: datetime) -> float:
    return (at - datetime(2000, 1, 1)).total_seconds()


def _shared(one: PastMove, other: PastMove) -> tuple[bool, bool]:
    """Whether two moves use one source mover, one target mover; servers stand for movers that nobody states."""
    def same(ours: str, theirs: str, here: str, there: str) -> bool:
        return ours == theirs if ours and theirs else here == there
    return (same(one.source_mover, other.source_mover, one.source_server, other.source_server),
            same(one.target_mover, other.target_mover, one.target_server, other.target_server))


def _most(beside: Iterable[tuple[float, float, tuple[bool, bool]]], at: float) -> int:
    flying = [shared for a, b, shared in beside if a <= at < b]
    return 1 + max(sum(out for out, _ in flying), sum(into for _, into in flying))


def _state(m: PastMove, row: Lpar | None) -> float | None:
    memory = m.memory_mib or (row.memory_mib if row else None)
    if not memory:
        return None
    return float(state_bytes(memory, max(m.max_memory_mib or (row.max_memory_mib if row else memory), memory)))


def _figures(fit: FitOfMoves, moves: Sequence[Timed]) -> list[Learned]:
    """All that could be fitted, with what was, in the units of the parameters."""
    tally = Counter([*(("overhead", m.console) for m in moves), *(("rate", m.rate_of) for m in moves)])
    tally["dirty", ""] = sum(bool(m.state_bytes and m.busy_cores) for m in moves)
    asked = sorted({*tally, ("dirty", ""), *([] if moves else [("overhead", "hmc")])})
    out = [_learned(kind, of, fit.figures.get((kind, of)), tally[kind, of]) for kind, of in asked]
    sigma = fit.duration_sigma
    out.append(_few("duration_sigma", len(moves)) if sigma is None else Learned(
        "duration_sigma", "", sigma.value, sigma.low, sigma.high, sigma.moves))
    whole = bool(fit.figures) and not any(f.why_not for f in fit.figures.values())
    doubtful = "a figure that it stands on is left out" if fit.figures else _few("", len(moves)).why_not
    out.append(Learned("common_sigma", "", fit.common_sigma, moves=len(moves), why_not="" if whole else doubtful))
    return out


def _learned(kind: str, of: str, found: Fitted | None, moves: int) -> Learned:
    name = {"overhead": _NAMES.get(of, ""), "rate": RATE, "dirty": "dirty_mb_s_per_core"}[kind]
    subject = of if kind == "rate" else ""
    if found is None:
        return replace(_few(name, moves), subject=subject)
    per = 1.0 if kind == "overhead" else 1e6
    return Learned(name, subject, found.value / per, found.low / per, found.high / per, found.moves, found.why_not)


def _few(name: str, moves: int) -> Learned:
    return Learned(name, "", None, moves=moves, why_not=(
        f"{FEW} moves tell of it: {moves}; {calibration.LEAST_MOVES} are needed, and 3 more than there are figures"))


def _of_transfers(seen: Sequence[Transfer], join: _Join, fit: FitOfMoves) -> list[Learned]:
    """Rates of links of which no move teaches one, by what VASI devices had sent alone after so many seconds."""
    rates: dict[str, list[float]] = {}
    for one in seen:
        if one.seconds >= _LEAST_TRANSFER_S and one.beside == 1 and one.vios in join.links:
            sent = (one.total_bytes - one.left_bytes) / one.seconds
            rates.setdefault(link_class(join.links[one.vios]), []).append(sent)
    return [_learned("rate", of, calibration.middle(rates[of], len(rates)), len(rates[of]))
            for of in sorted(rates) if ("rate", of) not in fit.figures]


def _validation(seconds: Sequence[float], figures: int, *, apart: bool) -> list[Learned]:
    """Validation that was timed apart; else the overhead contains it."""
    found = calibration.middle(seconds, figures) if apart else None
    if found is not None:
        return [Learned("validation_s", "", found.value, found.low, found.high, found.moves, found.why_not)]
    return [Learned("validation_s", "", None, moves=len(seconds), why_not=(
        "not timed apart for all moves: it is part of the overhead"))]


def _failed(moves: Sequence[PastMove]) -> Learned:
    known = [m.failed for m in moves if m.failed is not None]
    found = calibration.share(sum(known), len(known))
    if found is None:
        return Learned("failed_share", "", None, moves=len(known), why_not=(
            f"{FEW} moves of which is known how they ended: {len(known)}; {calibration.LEAST_OUTCOMES} are needed"))
    return Learned("failed_share", "", found.value, found.low, found.high, found.moves)


# ---- what was seen, in words -----------------------------------------------------------------------------------------


def _of_sources(moves: Sequence[PastMove], estate: Estate | None) -> list[str]:
    """What each source tells of how many moves."""
    out = []
    for by, count in sorted(Counter(m.by for m in moves).items()):
        own = [m for m in moves if m.by == by]
        told = [f"{sum(m.seconds is not None for m in own)} with start and end",
                f"{sum(m.sent_bytes is not None for m in own)} with bytes sent"]
        out.append(f"{by}: {many(count, 'move')}, {', '.join(told)}.")
    ended = [m.lpar or "an LPAR that no prompt names" for m in moves if m.seconds is None and m.end and not m.start]
    if ended:
        out.append(f"Only the end is known of {some(ended)}: that they moved, not how long it took.")
    named = [m.lpar for m in moves if estate and m.lpar.casefold() not in {p.name.casefold() for p in estate.lpars}]
    if named:
        out.append(f"Not in the estate: {some(list(dict.fromkeys(named)))}.")
    return out


def _after_the_copy(moves: Sequence[PastMove]) -> list[str]:
    """How much of the overhead the LPAR's own work after the copy is, where syslog times it."""
    post = calibration.middle([m.post_s for m in moves if m.post_s], 1)
    return [] if post is None else [f"DRMGR's POST phase took {post.value:.0f} s ({post.low:.0f} to {post.high:.0f} s, "
                                    f"{many(post.moves, 'move')}): part of the overhead."]


def _phases(moves: Sequence[PastMove]) -> Iterator[str]:
    """How logs take single moves apart, and what they do not."""
    for m in moves:
        parts = {"PRE": m.pre_s, "KERNEL": m.kernel_s, "POST": m.post_s}
        known = {name: s for name, s in parts.items() if s is not None}
        if known and m.seconds is not None:
            told = sum(known.values())
            yield (f"{m.lpar}: {m.seconds:.0f} s end to end, of them {told:.0f} s in DRMGR's phases ("
                   + ", ".join(f"{name} {s:.0f} s" for name, s in known.items())
                   + f"); the other {m.seconds - told:.0f} s may be validation, waiting or the copy: the log does not "
                   "say.")


def _taken_apart(m: PastMove, t: Timed, join: _Join, p: Parameters) -> str:
    """One duration is one equation: the overheads that go with several dirty rates at the default rate."""
    mbit = join.rate_of(m).removeprefix("link ")
    rate = p.rates.get(t.rate_of) or p.link_efficiency * (float(mbit) if mbit.isdecimal() else 1000.0) * 1e6 / 8
    if t.sent_bytes is not None or not t.busy_cores:
        left = calibration.overhead_left(t, rate, 0.0, p)
        return (f"{m.lpar}: {t.seconds:.0f} s; at {rate / 1e6:.0f} MB/s (default) {left:.0f} s of it are not the copy. "
                "One move does not tell overhead and rate apart.")
    pairs = [(d, calibration.overhead_left(t, rate, d * 1e6, p)) for d in _DIRTY]
    fits = ", ".join(f"{left:.0f} s with {d} MB/s" for d, left in pairs if left >= 0)
    return (f"{m.lpar}: {t.seconds:.0f} s is one equation for overhead, rate and dirty rate. At {rate / 1e6:.0f} MB/s "
            f"(default) these overheads and dirty rates per busy core fit alike: {fits or 'none'}.")


def _of_transfer(one: Transfer) -> str:
    """What an operation of a VASI device shows: the size of an LPAR's state, and, late enough, a rate."""
    gib = (one.total_bytes - 5 * MIB / 2) / MIB / (1 + 1 / 64) / 1024
    fits = f": memory + maximum memory / 64 + 2.5 MiB of an LPAR of {gib:g} GiB, its maximum, to the byte"
    size = f"{one.total_bytes:,} bytes of state" + (fits if abs(gib - round(gib, 2)) < 1e-6 else "")
    sent = one.total_bytes - one.left_bytes
    if one.seconds < _LEAST_TRANSFER_S:
        return f"vasistat: {size}; {show_duration(one.seconds)} after its start it tells no rate."
    beside = "" if one.beside == 1 else f" ({one.beside or 'unknown how many'} operations at that time)"
    return f"vasistat: {size}; {sent / one.seconds / 1e6:.1f} MB/s over {show_duration(one.seconds)}{beside}."
