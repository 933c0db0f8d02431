"""The night as one line of letters, as wide as there is room for."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan, Window
from planner.report.night import hour_scale
from planner.report.seen import Text
from planner.report.turns import about, middle, must_begin_ms

_LEAST, _MOST = 40, 120


class NightBar:
    """Way out, work, way back, what late nights take and the point of no return, to scale, over a scale of hours."""

    def __init__(self, plan: Plan, window: Window) -> None:
        self.plan, self.window = plan, window

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        wide = min(max(options.max_width - 4, _LEAST), _MOST)
        yield Text(f"  {hour_scale(self.plan, 0, self._length_ms(), wide)}", "dim")
        yield Text(f"  {self._bar(wide)}")
        yield Text(f"  {self._legend()}", "dim")

    def _length_ms(self) -> int:
        return max(self.window.length_s * 1000, *(m.end_ms for m in self.plan.moves), 1)

    def _at(self, ms: int, wide: int) -> int:
        return min(max(ms, 0) * wide // self._length_ms(), wide - 1)

    def _bar(self, wide: int) -> str:
        bar = ["."] * wide
        evening, end = self.plan.evening, self.window.length_s * 1000
        at = middle(self.plan)
        spans = [(min(at[m][0] for m in moves), max(at[m][1] for m in moves), letter)
                 for moves, letter in ((self.plan.leg(OUT), "O"), (self.plan.leg(BACK), "B")) if moves]
        out, back = self.plan.leg(OUT), self.plan.leg(BACK)
        if back and (out or self.plan.work_s):
            spans.insert(0, (max((at[m][1] for m in out), default=0), min(at[m][0] for m in back), "w"))
        if evening is not None:
            spans.insert(0, (max(end for _, end in at.values()), (evening.back or evening.out).most_ms, "~"))
        if (last := must_begin_ms(self.plan)) is not None and 0 <= last <= end:
            spans.insert(0, (last, end, "x"))
            spans.append((last, last, "!"))
        if end < self._length_ms():
            spans.append((end, end, "|"))
        for start, stop, letter in spans:
            for n in range(self._at(start, wide), self._at(max(stop - 1, start), wide) + 1):
                bar[n] = letter
        return "".join(bar)

    def _legend(self) -> str:
        letters = ["O out"] if self.plan.leg(OUT) else []
        letters += ["w work", "B back"] if self.plan.leg(BACK) else []
        letters += ["~ late night"] if self.plan.evening is not None else []
        if (last := must_begin_ms(self.plan)) is not None:
            letters.append(f"! point of no return {about(self.plan, last)}")
        if self.window.length_s * 1000 < self._length_ms():
            letters.append("| end of the window")
        return "   ".join(letters)
