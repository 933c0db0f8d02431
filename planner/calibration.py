"""What past moves teach the cost model: overhead, rates, dirty rate and spread, each with its interval.

The model of :mod:`planner.cost` is fitted to the logarithms of durations, and of bytes sent where they were counted, by
least squares with Huber's weights, so that a few odd moves do not pull it away; standard errors are Huber's, intervals
Student's, drawn so wide (Bonferroni) that all of them hold together in ``CONFIDENCE`` of sites.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.cost import precopy
from planner.estate.parameters import Parameters

CONFIDENCE = 0.95
LEAST_MOVES = 5
"""Fewer moves give no figure."""
LEAST_OUTCOMES = 20
"""Fewer moves of which is known how they ended give no share of failed ones."""
WIDEST = 4.0
"""An interval whose ends are further apart than this factor says too little to plan with."""
_FREEDOM = 3
"""So many more moves than figures are needed at least."""
_HUBER = 1.345  # 95 % as good as least squares where errors are normal
_ROUNDING = 1 / math.sqrt(6)  # standard deviation of a difference of two times, each rounded down to 1
_BOUNDS = {"overhead": (1.0, 86_400.0), "rate": (1e5, 1e12), "dirty": (1e3, 1e11)}
_START = {"overhead": 100.0, "rate": 79e6, "dirty": 20e6}

Key = tuple[str, str]
"""What a figure is of: ``("overhead", "hmc")``, ``("rate", "link 10000")``, ``("dirty", "")``."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timed:
    """A move whose duration teaches something: what was copied is known. Bytes, seconds, busy cores.

    ``sharing``: over how many moves its movers were shared while it flew, on (harmonic) average.
    """

    seconds: float
    console: str
    rate_of: str
    state_bytes: float | None
    sent_bytes: float | None
    busy_cores: float | None
    sharing: float = 1.0
    resolution_s: float = 1.0
    night: str = ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A figure with its interval, and the number of moves behind it; ``why_not``: why it cannot be used."""

    value: float
    low: float
    high: float
    moves: int
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class FitOfMoves:
    """All figures; σ of single moves (``duration``) and of what all moves of a night share (``common``)."""

    figures: Mapping[Key, Fitted]
    duration_sigma: Fitted | None = None
    common_sigma: float | None = None


class _LogModel:
    """The moves and the figures that they can teach, as vectors of logarithms."""

    def __init__(self, moves: Sequence[Timed], p: Parameters) -> None:
        self.p = p
        self.moves = moves
        self.counted = [m for m in moves if m.sent_bytes and m.state_bytes and m.busy_cores]
        dirty = bool(self.counted) or any(not m.sent_bytes and m.busy_cores for m in moves)
        self.keys: list[Key] = [*(("overhead", c) for c in sorted({m.console for m in moves})),
                                *(("rate", r) for r in sorted({m.rate_of for m in moves})),
                                *([("dirty", "")] if dirty else [])]
        self.place = {key: n for n, key in enumerate(self.keys)}
        self.behind = {key: sum(self._teaches(m, key) for m in moves) for key in self.keys}

    @staticmethod
    def _teaches(m: Timed, key: Key) -> bool:
        return {"overhead": m.console == key[1], "rate": m.rate_of == key[1],
                "dirty": bool(m.state_bytes and m.busy_cores)}[key[0]]

    def _of(self, figures: Array, kind: str, which: str) -> float:
        return math.exp(figures[self.place[kind, which]])

    def _sent(self, m: Timed, figures: Array) -> float:
        dirtied = self._of(figures, "dirty", "") * m.busy_cores if m.busy_cores else 0.0
        rate = self._of(figures, "rate", m.rate_of) / m.sharing
        size = m.state_bytes or 0.0
        rounds, last = precopy(size, size, dirtied, rate, self.p)
        return sum(rounds) + last

    def off(self, figures: Array) -> tuple[Array, Array]:
        """Logarithms of observed over expected: of durations, and of bytes sent where they were counted."""
        durations, sent = [], []
        for m in self.moves:
            copied = (m.sent_bytes or self._sent(m, figures)) * m.sharing / self._of(figures, "rate", m.rate_of)
            fixed = self._of(figures, "overhead", m.console) + self.p.resume_s
            durations.append(math.log(m.seconds / (fixed + copied)))
        for m in self.counted:
            sent.append(math.log((m.sent_bytes or 0.0) / self._sent(m, figures)))
        return np.array(durations), np.array(sent)


def fit(moves: Sequence[Timed], p: Parameters, more: int = 0) -> FitOfMoves:
    """The figures of these moves; ``more``: so many further figures whose intervals are to hold together with these.

    Empty where there are too few moves for anything. Deterministic.
    """
    usable = _enough(moves)
    model = _LogModel(usable, p)
    freedom = len(usable) - len(model.keys)
    if not usable or freedom < _FREEDOM:
        return FitOfMoves({})
    from scipy import special  # start-up: for those who calibrate alone

    figures, scales = _solved(model)
    covariance = _covariance(model, figures, scales)
    level = (1 - CONFIDENCE) / (len(model.keys) + 1 + more)
    quantile = float(special.stdtrit(freedom, 1 - level / 2))
    out = {}
    for key, n in model.place.items():
        half = quantile * math.sqrt(max(float(covariance[n, n]), 0.0))
        out[key] = _figure(float(figures[n]), half, model.behind[key], key)
    durations = model.off(figures)[0]
    return FitOfMoves(out, _spread(durations, usable, freedom, level),
               _common(model, figures, covariance, durations))


def _enough(moves: Sequence[Timed]) -> list[Timed]:
    """The moves without those of a console or a rate that too few have."""
    kept = list(moves)
    while True:
        consoles = [m.console for m in kept]
        rates = [m.rate_of for m in kept]
        left = [m for m in kept if consoles.count(m.console) >= LEAST_MOVES and rates.count(m.rate_of) >= LEAST_MOVES]
        if len(left) == len(kept):
            return kept
        kept = left


def _figure(log: float, half: float, moves: int, key: Key) -> Fitted:
    half = min(half, 50.0)
    value, low, high = math.exp(log), math.exp(log - half), math.exp(log + half)
    if key[0] == "dirty":  # bytes grow with it as a straight line where it is small: its interval reaches further down
        low = value * max(1 - half, 0.0)
    least, most = _BOUNDS[key[0]]
    why = ""
    if moves < LEAST_MOVES:
        why = f"only {moves} of the moves tell of it, at least {LEAST_MOVES} are needed"
    elif value < 1.02 * least or value > most / 1.02:
        why = "the moves do not tell it apart from the other figures"
    elif high > WIDEST * low:
        why = f"too vague: its interval is wider than a factor of {WIDEST:g}"
    return Fitted(value, low, high, moves, why)


def _solved(model: _LogModel) -> tuple[Array, tuple[float, float]]:
    """Logarithms of the figures, and the spread of durations and of bytes with which they were weighed."""
    from scipy.optimize import least_squares  # start-up: for those who calibrate alone

    bounds = np.log(np.array([_BOUNDS[kind] for kind, _ in model.keys])).T
    start = np.log(np.array([_START[kind] for kind, _ in model.keys]))
    scales = (0.2, 0.2)
    for _ in range(5):
        def weighed(figures: Array, scales: tuple[float, float] = scales) -> Array:
            return _weighed(model, figures, scales)

        found = least_squares(weighed, start, bounds=bounds, loss="huber", f_scale=_HUBER, x_scale=1.0, diff_step=1e-4)
        start = np.clip(found.x, bounds[0] + 1e-9, bounds[1] - 1e-9)
        durations, sent = model.off(found.x)
        scales = (_scale(durations, len(model.keys)), _scale(sent, 1) if len(sent) else 0.2)
    return found.x, scales


def _scale(off: Array, figures: int) -> float:
    """A spread that a few odd ones do not widen much; never 0."""
    robust = 1.4826 * float(np.median(np.abs(off)))
    return max(robust * math.sqrt(len(off) / max(len(off) - figures, 1)), 1e-3)


def _weighed(model: _LogModel, figures: Array, scales: tuple[float, float]) -> Array:
    durations, sent = model.off(figures)
    rounding = np.array([_ROUNDING * m.resolution_s / m.seconds for m in model.moves])
    return np.concatenate([durations / np.sqrt(scales[0] ** 2 + rounding ** 2), sent / scales[1]])


def _slopes(of: Callable[[Array], Array], at: Array) -> Array:
    """By how much each value changes with each figure, by central differences."""
    step = 1e-3
    columns = [(of(at + step * unit) - of(at - step * unit)) / (2 * step) for unit in np.eye(len(at))]
    return np.array(columns).T


def _covariance(model: _LogModel, figures: Array, scales: tuple[float, float]) -> Any:
    """Huber's covariance of the figures' logarithms; huge where the moves do not tell figures apart."""
    off = _weighed(model, figures, scales)
    slopes = _slopes(lambda at: _weighed(model, at, scales), figures)
    within = float(np.mean(np.abs(off) < _HUBER)) or 1.0
    bent = np.clip(off, -_HUBER, _HUBER)
    count, of = len(off), len(figures)
    correction = 1 + of / count * (1 - within) / within
    variance = correction ** 2 * float(np.sum(bent ** 2)) / (count - of) / within ** 2
    _, singular, rotation = np.linalg.svd(slopes, full_matrices=False)
    return (rotation.T * (variance / np.maximum(singular, 1e-6) ** 2)) @ rotation


def _spread(off: Array, moves: Sequence[Timed], freedom: int, level: float) -> Fitted:
    """σ of single moves, odd ones included, without what the clock's resolution adds."""
    from scipy import special  # start-up: for those who calibrate alone

    rounding = float(np.mean([(_ROUNDING * m.resolution_s / m.seconds) ** 2 for m in moves]))
    square = max(float(np.sum(off ** 2)) / freedom - rounding, 1e-8)
    low, high = (math.sqrt(square * freedom / float(2 * special.gammaincinv(freedom / 2, q)))  # the quantile of χ²
                 for q in (1 - level / 2, level / 2))
    return Fitted(math.sqrt(square), low, high, len(off))


def _common(model: _LogModel, figures: Array, covariance: Any, off: Array) -> float:
    """σ of what the moves of a night are off together: the figures' own doubt, and what nights differ by."""
    slopes = _slopes(lambda at: model.off(at)[0], figures)
    doubt = float(np.mean(np.einsum("ij,jk,ik->i", slopes, covariance, slopes)))
    return math.sqrt(max(doubt, 0.0) + _between([m.night for m in model.moves], off))


def _between(nights: Sequence[str], off: Array) -> float:
    """Variance of nights among each other, by analysis of variance; 0 with fewer than four nights."""
    groups = [off[[n for n, one in enumerate(nights) if one == night]] for night in sorted(set(nights))]
    count, of = len(groups), len(off)
    if count < 4 or of - count < 4:
        return 0.0
    mean = float(np.mean(off))
    among = sum(len(g) * (float(np.mean(g)) - mean) ** 2 for g in groups) / (count - 1)
    inside = sum(float(np.sum((g - np.mean(g)) ** 2)) for g in groups) / (of - count)
    each = (of - sum(len(g) ** 2 for g in groups) / of) / (count - 1)
    return max(among - inside, 0.0) / each


def middle(seconds: Sequence[float], figures: int) -> Fitted | None:
    """The geometric mean of times that were measured by themselves, such as validations, with Student's interval."""
    if len(seconds) < LEAST_MOVES:
        return None
    from scipy import special  # start-up: for those who calibrate alone

    logs = np.log(np.array(seconds))
    level = (1 - CONFIDENCE) / max(figures, 1)
    half = float(special.stdtrit(len(logs) - 1, 1 - level / 2)) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    at = float(np.mean(logs))
    vague = f"too vague: its interval is wider than a factor of {WIDEST:g}" if 2 * half > math.log(WIDEST) else ""
    return Fitted(math.exp(at), math.exp(at - half), math.exp(at + half), len(logs), vague)


def share(failed: int, known: int) -> Fitted | None:
    """The share of moves that failed, with Jeffreys' interval; None of too few."""
    if known < LEAST_OUTCOMES:
        return None
    from scipy import special  # start-up: for those who calibrate alone

    low, high = (float(special.betaincinv(failed + 0.5, known - failed + 0.5, q))
                 for q in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Fitted((failed + 0.5) / (known + 1), low if failed else 0.0, high if failed < known else 1.0, known)


def overhead_left(m: Timed, rate: float, dirty: float, p: Parameters) -> float:
    """Seconds of a move that are not explained by its copy at this rate (bytes/s) and dirty rate (bytes/s per core)."""
    size = m.state_bytes or 0.0
    rounds, last = precopy(size, size, dirty * (m.busy_cores or 0.0), rate / m.sharing, p)
    return m.seconds - (m.sent_bytes or sum(rounds) + last) * m.sharing / rate - p.resume_s
