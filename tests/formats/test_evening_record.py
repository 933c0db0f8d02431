"""The record of an evening: its form, and what cannot have been."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evening import ticked

from planner.formats import evening_record
from planner.formats.registry import read_document
from planner.history.past_moves import past_moves

FIXTURE = Path(__file__).parents[1] / "fixtures" / "past_moves" / "evening_record.json"


def document() -> Any:
    return json.loads(FIXTURE.read_text(encoding="utf-8"))


def wrong(changed: Any) -> list[str]:
    reading, = read_document((changed if isinstance(changed, str) else json.dumps(changed)).encode(), "night.json")
    assert reading.kind == evening_record.KIND and bool(reading.records) != bool(reading.findings)
    return [f"{f.source}: {f.message}" for f in reading.findings]


def test_each_try_of_a_move_is_a_move_of_the_past() -> None:
    assert wrong(document()) == []
    moves = past_moves(read_document(FIXTURE.read_bytes(), "night.json"))
    assert [(m.lpar, m.start and f"{m.start:%H:%M}", m.seconds, m.failed, m.source_server, m.target_mover) for m in moves] == [
        ("app1", "22:03", 242, False, "p6-1", "p6-2-vios1"), ("db1", "22:04", 340, True, "p6-1", "p6-2-vios2"),
        ("db1", "22:15", 1205, False, "p6-1", "p6-2-vios2"), ("web1", "22:40", None, None, "p6-1", "")]
    assert all(m.resolution_s == 60 for m in moves)


def test_an_hour_that_comes_twice_does_not_lengthen_a_move() -> None:
    told = document()
    told["moves"] = told["moves"][:1]
    for event, at in zip(told["moves"][0]["events"], ("2026-10-25T02:58:00+02:00", "2026-10-25T02:03:00+01:00"), strict=True):
        event["at"] = at
    assert [m.seconds for m in past_moves(read_document(json.dumps(told).encode(), "n"))] == [300]


@pytest.mark.parametrize(("events", "said"), [
    (("started", "arrived", "arrived"), "moves[0].events[2]]: move 1 (app1) is arrived after it was arrived"),
    (("stopped",), "moves[0].events[0]]: move 1 (app1) is stopped after it was not begun"),
    (("started", "failed", "recovered"), "moves[0].events[2]]: move 1 (app1) is recovered after it was failed"),
    (("started", "lost"), "moves[0].events[1].event]: Input should be 'started'")])
def test_what_cannot_have_been_is_told_with_its_place(events: tuple[str, ...], said: str) -> None:
    told = document()
    told["moves"][0]["events"] = ticked(events)
    assert f"night.json[{said}" in "\n".join(wrong(told))


def test_times_that_go_back_and_times_without_an_offset() -> None:
    told = document()
    told["moves"][0]["events"][1]["at"] = "2026-12-05T21:00:00+01:00"
    assert "arrived before it is started" in wrong(told)[0]
    told["moves"][0]["events"][1]["at"] = "2026-12-05T23:00:00"
    assert "has no offset" in wrong(told)[0]


def test_a_move_that_stands_twice_and_work_that_ends_unbegun() -> None:
    told = document()
    told["moves"].append(told["moves"][0])
    told["work"] = ticked(("over",))
    assert [w.split("]: ")[1] for w in wrong(told)] == ["move 1 stands in moves[0] already",
                                                        "the work is over after it was not begun: that cannot be"]


@pytest.mark.parametrize("hostile", [
    '{"planner-record":' + "[" * 100_000, '{"planner-record": NaN}', '{"planner-record": 1' + "0" * 5000 + "}",
    '{"format":"planner-record","version":2}', '{"format":"planner-record","moves":{"a":1}}'])
def test_hostile_files_are_findings(hostile: str) -> None:
    assert wrong(hostile) and all(len(w) < 500 for w in wrong(hostile))
