"""Every number that a command takes has a least and a most, and what is beyond is told with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
import typer
from typer.models import ArgumentInfo, OptionInfo
from typer.testing import CliRunner

from planner.cli import history
from planner.cli.app import app
from planner.cli.options import YEAR_S
from planner.errors import UsageError
from planner.jobs import span_from

FAR = ("1e400", "1e300", "-1e300", "nan", "inf", "-inf", "9" * 400, "-" + "9" * 400, "x")


def commands() -> Iterator[tuple[list[str], Any]]:
    typer.main.get_group(app).list_commands(None)  # type: ignore[arg-type]
    for words, of in (([], app), (["history"], history.history_app)):
        yield from (([*words, one.name or ""], one.callback) for one in of.registered_commands)


def numbers() -> list[tuple[list[str], str, OptionInfo]]:
    """(words of the command with stand-ins for its arguments, option, what is said of it)."""
    found = []
    for words, callback in commands():
        hints = callback.__annotations__.values()
        given = [words[0]] if len(words) == 1 else list(words)
        numeric = []
        for hint in hints:
            if get_origin(hint) is not Annotated:
                continue
            kind, *said = get_args(hint)
            given += ["x" for one in said if isinstance(one, ArgumentInfo)]
            if {int, float} & {kind, *get_args(kind)}:
                numeric += [one for one in said if isinstance(one, OptionInfo)]
        found += [(given, str(one.default), one) for one in numeric]
    return found


def test_there_are_such_options_and_each_has_a_least_and_a_most() -> None:
    listed = {(words[0], name) for words, name, _ in numbers()}
    assert {("evacuate", "--time-limit"), ("consolidate", "--hours"), ("capacity", "--growth"), ("sweep", "--workers"),
            ("history", "--interval"), ("headroom", "--month-end-last")} <= listed
    assert [one for one in numbers() if one[2].min is None or one[2].max is None] == []


def test_what_is_beyond_is_told_with_the_limit() -> None:
    """``--time-limit 1e400`` and ``--hours 1e300`` were taken."""
    for words, name in {(name, one.min, one.max): (words, name) for words, name, one in numbers()}.values():
        for text in FAR if name == "--time-limit" else ("1e400",):
            said = CliRunner().invoke(app, [*words, f"{name}={text}"])
            flat = " ".join(said.output.replace("│", " ").split())
            assert said.exit_code == 2 and name in flat, (words, name, text, said.output)
            assert "Traceback" not in flat and not isinstance(said.exception, ArithmeticError | ValueError)


@pytest.mark.parametrize("text", ["99999999999h", "9" * 400 + "m", "8785h", f"{YEAR_S + 1}s", "-5m", "1e300h", "nan", "inf"])
def test_a_time_is_of_a_year_at_most(text: str) -> None:
    with pytest.raises(UsageError, match="year"):
        span_from(text)
