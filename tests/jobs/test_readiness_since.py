"""What changed since an earlier estate: every verdict that did, and no other, by the smallest set of changed rows."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from scale_estates import blocks
from typer.testing import CliRunner

from planner import parallel
from planner.cli.app import app
from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.estate.model import Disk, Estate, Policy
from planner.estate.row_changes import in_words, stories, undone
from planner.estate.saved import digest, dump
from planner.jobs import Options
from planner.jobs.readiness.entry import readiness
from planner.jobs.readiness.figures import LparPlaces, ReadinessDocument, ReadyWord, SinceThen
from planner.jobs.readiness.since import least
from planner.jobs.readiness.verdicts import Verdicts
from planner.rules import Site
from tests.estates import BASE, changed, lpar, renamed, server, stating, without
from tests.invented_changes import later
from tests.landscape import DATA, landscape


@cache
def base(name: str) -> Estate:
    if name == "blocks":
        return blocks(8, 30, 3, block=4)
    return landscape() if name == "landscape" else load([DATA / name / f"{name}.xlsx"]).estate


def words(of: Estate) -> dict[tuple[str, str], ReadyWord]:
    d: ReadinessDocument = readiness(Loaded(of), Options())
    return {**{("vios", v.vios): v.verdict for v in d.vioses}, **{("lpar", p.lpar): p.verdict for p in d.lpars},
            **{("server", f.server): f.verdict for f in d.servers}, **{("lost", x.server): x.verdict for x in d.lost}}


@cache
def of_base(name: str) -> dict[tuple[str, str], ReadyWord]:
    return words(base(name))


def since(old: Estate, new: Estate) -> SinceThen:
    found = readiness(Loaded(new), Options(), since=old, name="Friday").since
    assert found is not None
    return found


ESTATES = int(os.environ.get("PLANNER_MORNINGS", "1"))
"""Of each kind."""


@pytest.mark.parametrize("name, seed", [(n, s) for n in ("landscape", "modern", "blocks") for s in range(ESTATES)])
def test_every_changed_verdict_is_named_by_the_smallest_set_of_rows_and_no_other(name: str, seed: int) -> None:
    old = base(name)
    new = later(old, f"{name} {seed}", 3 if name == "landscape" else 4)
    told, before, after = since(old, new), of_base(name), words(new)
    named = {(c.kind, c.subject): c for c in (*told.worse, *told.better)}
    assert {k: (c.before, c.after) for k, c in named.items()} == {
        k: (before[k], after[k]) for k in before.keys() & after.keys() if before[k] is not after[k]}
    rows = stories(old, new)
    assert digest(undone(new, rows)) == digest(old)
    for (kind, subject), c in named.items():
        smallest: list[tuple[str, ...]] = []
        for size in range(1, len(rows) + 1):
            smallest = smallest or [tuple(in_words(some)) for some in combinations(rows, size) if Verdicts(
                Site(undone(new, some)), Options()).word(kind, subject) is c.before]
        assert c.smallest and c.causes in smallest, c
    assert all(c.worse for c in told.worse) and not any(c.worse for c in told.better)


def test_a_virtual_optical_device_is_named_in_one_line() -> None:
    found = since(BASE, BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "fix.iso", "A-v1", "optical", "vtopt0"))))
    assert "since Friday a1 cannot leave its server: virtual optical vtopt0 of a1 on A-v1" in [c.line for c in found.worse]
    assert {(c.kind, c.subject) for c in found.worse} == {("lpar", "a1"), ("server", "A")} and not found.better


def test_two_rows_of_which_each_alone_closes_a_server_are_both_named() -> None:
    shut = stating(changed(BASE, "a2", rmc_active=False), Policy("pin", "a1", "A"))
    found = next(c for c in since(BASE, shut).worse if (c.kind, c.subject) == ("server", "A"))
    assert found.smallest and found.causes == ("a2: RMC active no, was yes", "pin a1 A is new (sheet Policies)")


def test_one_of_two_rows_that_only_together_close_a_server_is_enough() -> None:
    """A's LPARs find room on B or on C: with either of them as it was, A can be freed again."""
    full = changed(changed(BASE, "B", configurable_units=350), "C", configurable_units=200)
    found = next(c for c in since(BASE, full).worse if (c.kind, c.subject) == ("server", "A"))
    assert found.smallest and len(found.causes) == 1


def test_zonings_of_a_lun_are_told_together() -> None:
    """A path over each of two VIOSes is needed: two rows, one story."""
    gone = BASE.replace(zonings=tuple(z for z in BASE.zonings if z.lun != "lun-a1" or z.vios.startswith("A")))
    found = next(c for c in since(BASE, gone).worse if c.kind == "lpar")
    assert found.smallest and found.causes in {(f"LUN lun-a1 no longer seen by {s}-v1, {s}-v2",) for s in "BC"}


def test_who_came_went_or_moved_is_one_story() -> None:
    """An LPAR on another server is not put back without its disks; a new one goes with all that is its own."""
    moved = BASE.moved({"a1": "B"}).replace(disks=tuple(
        replace(d, vios=d.vios.replace("A-", "B-")) if d.lpar == "a1" else d for d in BASE.disks))
    assert [len(s.rows) for s in stories(BASE, moved)] == [5]
    assert in_words(stories(BASE, moved)) == ["a1 is on B, was on A"]
    more = BASE.replace(servers=(*BASE.servers, server("D")), lpars=(*BASE.lpars, lpar("d1", "D", lpar_id=77)))
    assert [len(s.rows) for s in stories(BASE, more)] == [2]
    assert since(BASE, more).came == ("D", "d1") and since(more, BASE).went == ("D", "d1")


def test_an_lpar_that_is_called_otherwise_is_the_same_one() -> None:
    of = stating(BASE, Policy("keep-apart", "both", "a1; a2"))
    told = since(renamed(of, {"a1": "old-a1"}), changed(of, "a1", rmc_active=False))
    assert (told.renamed, told.came, told.went, told.rows) == ({"old-a1": "a1"}, (), (), 1)
    assert {(c.kind, c.subject) for c in told.worse} == {("lpar", "a1"), ("server", "A")}
    other = without(BASE, "disks", lpar="a1")
    assert since(renamed(other, {"a1": "old-a1"}), BASE).went == ("old-a1",)


def test_a_policy_that_names_whom_the_earlier_estate_has_not_is_no_error(tmp_path: Path) -> None:
    old = stating(renamed(BASE, {"b1": "gone"}), Policy("pin", "b1", "B"))
    (tmp_path / "old.json").write_text(dump(Loaded(old)))
    (tmp_path / "new.json").write_text(dump(Loaded(BASE)))
    done = CliRunner().invoke(app, ["readiness", str(tmp_path / "new.json"), "--since", str(tmp_path / "old.json")])
    assert done.exit_code == 0 and "now called: b1 (was gone)" in " ".join(done.output.split()), done.output


def test_nothing_changed_nothing_is_told() -> None:
    assert since(BASE, BASE) == SinceThen("Friday", digest(BASE), 0, (), ())


def test_parts_that_nothing_touches_are_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    old = base("blocks")
    name = old.lpars[0].name
    asked: list[str] = []
    monkeypatch.setattr(parallel, "two_processors", lambda: False)  # another process asks elsewhere
    real = Verdicts.word
    monkeypatch.setattr(Verdicts, "word", lambda self, kind, subject: asked.append(subject) or real(self, kind, subject))
    since(old, changed(old, name, rmc_active=False))
    servers = {s.name for s in old.servers}
    assert {s for s in asked if s in servers} == {f"srv00{n}" for n in range(4)}


@pytest.mark.parametrize("seed", range(2 * ESTATES))
def test_what_nothing_touches_is_taken_over_as_it_would_be_found_anew(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    old = base("blocks")
    new = later(old, f"kept {seed}", 1)
    document = readiness(Loaded(old), Options())
    fresh = readiness(Loaded(new), Options(), since=old, name="Friday")
    asked: list[str] = []
    of_then: list[str] = []
    monkeypatch.setattr(parallel, "two_processors", lambda: False)  # another process asks elsewhere
    real = Verdicts.lpar

    def lpar(self: Verdicts, name: str) -> LparPlaces:
        (of_then if self.site.estate is old else asked).append(name)
        return real(self, name)

    monkeypatch.setattr(Verdicts, "lpar", lpar)
    assert readiness(Loaded(new), Options(), since=old, name="Friday", document=document) == fresh
    mine = len(asked)
    assert 0 < mine < len(new.lpars) and not of_then, "what was written is not asked again"
    for other in (replace(document, made="0.0; gap 0"), replace(document, estate_sha256="")):
        asked.clear()
        assert readiness(Loaded(new), Options(), since=old, name="Friday", document=other) == fresh
        assert len(asked) > mine and of_then


@pytest.mark.parametrize("needed", [{3}, {0, 9}, {2, 5, 7}, set()])
def test_halving_finds_exactly_what_is_needed(needed: set[int]) -> None:
    assert set(least(range(10), lambda some: needed <= set(some))) == needed


def test_cron_sees_what_got_worse_and_tomorrow_compares_with_what_today_wrote(tmp_path: Path) -> None:
    file, out = tmp_path / "estate.json", tmp_path / "readiness"

    def run(of: Estate, *options: str) -> tuple[int, str]:
        file.write_text(dump(Loaded(of)))
        done = CliRunner().invoke(app, ["readiness", str(file), "--out", str(out), *options])
        return done.exit_code, done.output

    code, told = run(BASE, "--since", str(DATA / "modern" / "modern.xlsx"))
    assert code == 2 and "none of its servers" in told
    daily = ("--since", str(out))
    assert run(BASE)[0] == 0
    assert run(BASE, *daily)[0] == 0
    code, told = run(stating(BASE, Policy("pin", "a1", "A")), *daily)
    assert code == 1 and "a1 cannot leave its server" in told and "pin a1 A is new" in told
    assert run(stating(BASE, Policy("pin", "a1", "A")), *daily)[0] == 0
    assert run(BASE, *daily)[0] == 0
    code, told = run(BASE.replace(servers=(*BASE.servers, server("D"))), *daily)
    assert code == 0 and "0 better; new: D" in told and "0 better; gone: D" in run(BASE, *daily)[1]
