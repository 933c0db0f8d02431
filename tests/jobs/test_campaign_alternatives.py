"""Other plans for the steps of a campaign: each from where its step begins; what they do to the steps after is replayed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from estates import changed, estate, lpar, server
from openpyxl import load_workbook
from typer.testing import CliRunner

import planner
from planner import jobs
from planner.cli.app import app
from planner.estate.assemble import Loaded
from planner.estate.saved import dump
from planner.jobs.alternatives import Alternative, traits_of
from planner.jobs.campaign import CampaignResult, CampaignStep, campaign, with_levels
from planner.jobs.common import exit_code
from planner.plan.carried_out import carried_out
from planner.plan.choices import OUT
from planner.report.campaign_json import campaign_document
from planner.scenarios.campaign_file import Campaign
from planner.verify import verify_plan

#: C has room, on a slow link: whoever leaves A or B goes to the other of them, unless more is to be kept free.
OF = estate([server("A", 16), server("B", 6), server("C", 16)],
            [lpar("a1", "A", 4, 8), lpar("b1", "B", 0.5, 8, environment="production"), lpar("c1", "C", 1, 8)])
OF = changed(changed(OF, "C-v1", link_mbit=100), "C-v2", link_mbit=100)
NIGHT = {"start": dt.datetime(2026, 12, 5, 22), "end": dt.datetime(2026, 12, 6, 8), "times": 2}
ANEW = "are to be planned anew"


def asked(*, refill: bool, others: int = 4, **more: Any) -> CampaignResult:
    question = Campaign.model_validate({
        "name": "Levels", "window": [NIGHT], **more,
        "work": [{"server": s, "firmware": "EM350_149", "refill": refill} for s in "AB"]})
    return campaign(Loaded(OF), question, jobs.Options(20, zone="UTC"), others=others)


@pytest.fixture(scope="module", params=[True, False], ids=["refilled", "left where they are"])
def result(request: pytest.FixtureRequest) -> CampaignResult:
    return asked(refill=request.param)


def made(step: CampaignStep) -> list[Alternative]:
    assert step.beside is not None
    return [a for a in step.beside.alternatives if a.plan]


def test_each_is_verified_from_where_its_step_begins_and_fits(result: CampaignResult) -> None:
    assert len(result.steps) == 2 and any(made(step) for step in result.steps)
    for step in result.steps:
        assert step.plan is not None and step.beside is not None and step.beside.first == traits_of(step.plan, step.estate)
        for a in made(step):
            assert a.plan is not None and verify_plan(a.plan, step.estate).holds and exit_code(a.plan) == 0
            assert a.plan.goal.freed == (step.work.server,) and a.plan.goal.come_back == step.plan.goal.come_back
            assert not {m.lpar for m in a.plan.moves} & {*a.plan.goal.stay}
            then = carried_out(step.estate, a.plan.leg(OUT))
            assert step.work.server not in {p.server for p in then.lpars}
            assert a.plan.window is not None and step.plan.window is not None
            assert (a.plan.window.start, a.plan.window.end) == (step.plan.window.start, step.plan.window.end)


def test_what_it_does_to_the_next_step_is_what_its_replay_says(result: CampaignResult) -> None:
    first, second = result.steps
    for a in made(first):
        assert a.plan is not None and second.plan is not None
        then = with_levels(carried_out(first.estate, a.plan.moves), first.work)
        holds = verify_plan(second.plan, then, another_estate=True).holds
        assert any(ANEW in told for told in a.gives_up) == (not holds)
        if first.work.refill:
            assert holds
    assert not any(ANEW in told for a in made(second) for told in a.gives_up)


def test_who_is_left_elsewhere_makes_the_rest_anew() -> None:
    """Without a way back the roomier plan leaves on C whom the plan after it has on A or B."""
    steps = asked(refill=False).steps
    told = [[x for a in made(s) for x in a.gives_up if ANEW in x] for s in steps]
    assert told == [["step 2 and what comes after it are to be planned anew"], []]


def test_what_is_over_later_than_the_next_begins_is_told() -> None:
    """Both steps in one night: the roomier plan has more moves than the first, and is over later."""
    first, second = asked(refill=True).steps
    assert first.window == second.window
    late = [x for a in made(first) for x in a.gives_up if "too late for step 2 in this window" in x]
    longer = [a for a in made(first) if a.traits and first.beside and a.traits.minutes >= first.beside.first.minutes + 5]
    assert longer and len(late) == len(longer)


def test_none_are_made_unless_asked_for() -> None:
    result = asked(refill=True, others=0)
    assert all(step.beside is None for step in result.steps)
    assert not any(step.beside for step in campaign_document(result).steps)


def test_the_command_writes_each_within_its_step(tmp_path: Path) -> None:
    file, toml, out = tmp_path / "estate.json", tmp_path / "levels.toml", tmp_path / "out"
    file.write_text(dump(Loaded(OF)))
    toml.write_text('name = "Levels"\n[[work]]\nserver = "A"\nfirmware = "EM350_149"\n[[window]]\n'
                    "start = 2026-12-05 22:00:00\nend = 2026-12-06 06:00:00\n")
    typed = ["campaign", str(file), str(toml), "--zone", "UTC", "--out", str(out), "--alternatives", "3"]
    done = CliRunner().invoke(app, [*typed, "--json"])
    (step,) = json.loads(done.stdout)["steps"]
    there = [a["directory"] for a in step["beside"]["alternatives"] if a["directory"]]
    assert done.exit_code == 0 and there
    where = out / step["directory"]
    for name in there:
        again = CliRunner().invoke(app, ["verify", str(where / name), str(where / "estate.json")])
        assert again.exit_code == 0, again.output
        assert f'{step["directory"]}/{name}/plan.html' in (out / "overview.html").read_text()
    assert "## Other plans for step 1, A" in (out / "overview.md").read_text()
    assert "Other plans" in load_workbook(out / "campaign.xlsx").sheetnames
    shown = CliRunner().invoke(app, typed)
    assert "Other plans for step 1, A" in shown.output and "(with alternative-1/" in " ".join(shown.output.split())


def test_python_has_them_beside_each_step(tmp_path: Path) -> None:
    toml = tmp_path / "levels.toml"
    toml.write_text('name = "Levels"\n[[work]]\nserver = "A"\n[[window]]\n'
                    "start = 2026-12-05 22:00:00\nend = 2026-12-06 06:00:00\n")
    (step,) = planner.campaign(OF, toml, zone="UTC", alternatives=2, time_limit=20).steps
    assert step.beside is not None and len(step.beside.alternatives) == 2
