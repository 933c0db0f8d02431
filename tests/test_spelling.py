"""A name is the same name in whatever encoding a terminal, a file system or an export wrote it."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from estates import estate, loaded, lpar, policy, server, stating
from typer.testing import CliRunner

from planner import jobs
from planner.cli.app import app
from planner.errors import UsageError
from planner.estate.policies import compile_policies
from planner.estate.saved import dump
from planner.names import composed, named, spelt, unknown
from planner.optimise import asked
from planner.plan.questions import AnyQuestion, Evacuate, Names, Question
from planner.verify.goals import reached

NFC = "münchen-p9é"
NFD = unicodedata.normalize("NFD", NFC)
#: How a terminal gives it to a program that expects UTF-8.
TYPED = [NFD, NFC, *(NFC.encode(code).decode(errors="surrogateescape") for code in ("cp850", "latin-1"))]
#: How an export has it that was read as Latin-1.
STORED = [NFD, NFC, *(NFC.encode(code).decode("latin-1") for code in ("cp850", "utf-8"))]
SITE = estate([server(NFC), server("p8")], [lpar("äpfel", NFC), lpar("nuss", NFC)])


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("stored", STORED)
def test_every_way_to_write_a_name_finds_every_way_to_store_it(typed: str, stored: str) -> None:
    assert spelt(typed, ["munchen-p9e", stored, "p8"]) == stored


def test_what_may_be_two_names_or_none_is_left_as_it_is() -> None:
    assert spelt(NFC, [NFD, NFC.encode().decode("latin-1")]) == NFD  # told apart by what needs no guess
    both = [NFC.encode("cp850").decode("latin-1"), NFC.encode().decode("latin-1")]
    assert spelt(NFC, both) == NFC and spelt("nowhere", both) == "nowhere" and spelt(NFC, ["munchen-p9e"]) == NFC


def test_an_unknown_name_says_which_is_near() -> None:
    assert unknown("server", ["P9-munchen1"], ["p8", "p9-münchen1"]) == (
        "no server 'P9-munchen1': is it 'p9-münchen1'? the estate has: p8, p9-münchen1")
    many = [f"x{n}" for n in range(40)]
    assert unknown("LPAR", ["zzzz"], many).endswith("x11, … (40 in all)")
    assert unknown("LPAR", ["zzzz"], []) == "no LPAR 'zzzz'; the estate has: none"
    with pytest.raises(UsageError, match=r"no LPAR 'zzzz' in h\.db; it has: a"):
        named("LPAR", "zzzz", ["a"], "h.db")


@pytest.mark.parametrize("typed", TYPED)
def test_a_question_names_servers_and_lpars_in_any_of_them(typed: str) -> None:
    plan = jobs.evacuate(loaded(SITE), Evacuate(servers=(typed,), leave=(unicodedata.normalize("NFD", "äpfel"),)),
                         jobs.Options(10))
    assert isinstance(plan.goal, Evacuate) and plan.goal.servers == (NFC,) and plan.goal.leave == ("äpfel",)


@pytest.mark.parametrize("question", get_args(get_args(AnyQuestion)[0]))
def test_a_question_says_what_its_names_name_and_when_it_is_reached(question: type[Question]) -> None:
    """Where it did not, a name in another spelling was no name, and a plan ended without its check."""
    other = {"kind", "scenario", "when", "critical"}  # critical: patterns
    names = {name for name, field in question.model_fields.items() if field.annotation in (str, Names)}
    assert names <= {*asked._SERVERS, *asked._LPARS, *other}, "enter the field in planner/optimise/asked.py"
    assert reached.dispatch(question) is not reached.dispatch(object), "register it in planner/verify/goals.py"


def test_the_command_line_and_a_policy_do_so_too(tmp_path: Path) -> None:
    of = stating(SITE, policy("pin", unicodedata.normalize("NFD", "äpf*"), NFD))
    pins = compile_policies(of)[0].pins
    assert {name: set(servers) for name, servers in pins.items()} == {"äpfel": {NFC}}
    (tmp_path / "e.json").write_text(dump(loaded(of)), encoding="utf-8")
    done = CliRunner().invoke(app, ["reach", str(tmp_path / "e.json"), "--server", NFD, "--lpar", "äpfel"])
    assert done.exit_code == 0 and composed(done.output).strip() == f"äpfel is on {NFC}"
    done = CliRunner().invoke(app, ["evacuate", str(tmp_path / "e.json"), "Munchen-p9e", "--out", str(tmp_path / "o")])
    assert done.exit_code == 2 and f"is it '{NFC}'?" in done.output
