"""The evening of a plan: when it is over in most nights, and until when what can be decided. Seconds from its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from planner.plan.wire import Scaled, absent, empty

At = Annotated[int, Scaled(1000)]
"""Milliseconds from the start of the plan, or before it; seconds in JSON."""


@dataclass(frozen=True, slots=True)
class NightSpread:
    """Half, nine in ten, and 97 in 100 nights are over by then."""

    half_ms: Annotated[At, Field(alias="half_s")]
    most_ms: Annotated[At, Field(alias="nine_in_ten_s")]
    nearly_all_ms: Annotated[At, Field(alias="nearly_all_s")]


@dataclass(frozen=True, slots=True)
class MoveRange:
    """One move in 8 of 10 nights: its begin from ``early_ms`` to ``late_ms``, over by ``over_ms``, taking ``short_ms``
    to ``long_ms``; begun by ``begun_ms`` and over by ``half_ms`` in half of them. ``latest_ms``: begun later than that,
    what follows is not over in time at the asked confidence."""

    number: int
    early_ms: Annotated[At, Field(alias="early_s")]
    late_ms: Annotated[At, Field(alias="late_s")]
    over_ms: Annotated[At, Field(alias="over_s")]
    latest_ms: Annotated[At | None, Field(alias="latest_s", exclude_if=absent)] = None
    short_ms: Annotated[At | None, Field(alias="short_s", exclude_if=absent)] = None
    long_ms: Annotated[At | None, Field(alias="long_s", exclude_if=absent)] = None
    half_ms: Annotated[At | None, Field(alias="half_s", exclude_if=absent)] = None
    begun_ms: Annotated[At | None, Field(alias="begun_s", exclude_if=absent)] = None


@dataclass(frozen=True, slots=True)
class Turning:
    """Until when everybody could still be home in time, were a way back begun: by ``by_ms`` once all have moved; where
    that is too late, after the move ``after`` at the latest (0: not after any). ``back_s``: what it takes at the asked
    confidence, of all or of these. ``barred``: who cannot come back as the estate is today, and then there is none."""

    by_ms: Annotated[At | None, Field(alias="by_s", exclude_if=absent)] = None
    after: Annotated[int | None, Field(exclude_if=absent)] = None
    back_s: Annotated[int | None, Field(exclude_if=absent)] = None
    barred: Annotated[tuple[str, ...], Field(exclude_if=empty)] = ()


@dataclass(frozen=True, slots=True)
class Evening:
    """See the module. ``nights`` were drawn; ``people`` work the checklists (0: nobody's time counts).

    ``in_time``: the share of nights that are over by the end of the window; ``in_time_of``: leg → the same of each,
    where both have a window of their own; ``fits``: whether that is as much as the ``confidence`` asks. ``go_by_ms``:
    the latest start of the first move (None where the way out has no end of its own); ``work_by_ms``: when the work
    must be over at the latest, the point of no return: later the way back does not fit; ``slack_ms``: by how much the
    work may take longer. ``turning``: of a plan without a way back, until when there is one. ``safe_after``: after
    these moves, everything begun before them over, everything is whole. ``left_first``: who is left where he is first,
    if it gets late.
    """

    nights: int
    confidence: float
    people: int
    out: NightSpread
    back: Annotated[NightSpread | None, Field(exclude_if=absent)] = None
    in_time: Annotated[float | None, Field(exclude_if=absent)] = None
    in_time_of: Annotated[Mapping[str, float], Field(exclude_if=empty)] = field(default_factory=dict)
    go_by_ms: Annotated[At | None, Field(alias="go_by_s", exclude_if=absent)] = None
    work_by_ms: Annotated[At | None, Field(alias="work_by_s", exclude_if=absent)] = None
    slack_ms: Annotated[At | None, Field(alias="work_slack_s", exclude_if=absent)] = None
    turning: Annotated[Turning | None, Field(exclude_if=absent)] = None
    moves: tuple[MoveRange, ...] = ()
    safe_after: Annotated[tuple[int, ...], Field(exclude_if=empty)] = ()
    left_first: Annotated[tuple[str, ...], Field(exclude_if=empty)] = ()

    @property
    def fits(self) -> bool | None:
        """Whether enough nights are over in time; None without a window."""
        return None if self.in_time is None else self.in_time >= self.confidence
