"""A small history of usage for commands that read one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from planner.formats.samples import Kind
from planner.history.store import Columns, History


def history_of(path: Path, used: Mapping[str, Sequence[int]], start_s: int = 1_700_000_100) -> None:
    """LPAR → thousandths of a core in successive slots of five minutes."""
    rows = [(name, start_s + 300 * (n + 1), value) for name, values in used.items() for n, value in enumerate(values)]
    columns = Columns("sample", [(Kind.LPAR.value, name, "s1") for name, _, _ in rows], {
        "t": [end for _, end, _ in rows], "span": [300] * len(rows), "physc": [value for _, _, value in rows],
        "ent": [50] * len(rows), "mem_used": [1000] * len(rows), "mem_total": [4096] * len(rows)})
    with History.open(path) as history:
        history.add_columns(columns, "usage.csv", "0" * 64, "Australia/Melbourne")
