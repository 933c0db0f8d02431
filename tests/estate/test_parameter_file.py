"""Parameters of the cost model from a file, of a class of links and of a pair of movers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from estates import BASE, judged, loaded
from typer.testing import CliRunner

from planner.api import load_estate
from planner.cli import app
from planner.errors import InputError
from planner.estate import saved
from planner.estate.model import Parameter
from planner.estate.parameter_file import parameters_text, read_parameters, with_parameters
from planner.estate.parameters import movers_in, parameters_of
from planner.estate.validate import validate
from planner.jobs import Options, evacuate
from planner.plan.questions import Evacuate

ROWS = (Parameter("overhead_s", 187.5, "of three nights", "", 171.25, 205.0, 42), Parameter("people", 3.0),
        Parameter("rate_mb_s", 702.5, "", "link 10000", 655.0, 753.5, 31),
        Parameter("rate_mb_s", 50.0, "", "A-v1 > B-v1", None, None, 7))


def written(where: Path, text: str) -> Path:
    path = where / "parameters.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, parameters_text(ROWS, ["Fitted to three nights", ""]))
    assert tuple(row for row, _ in read_parameters(path)) == ROWS
    assert [place.line for _, place in read_parameters(path)] == [5, 13, 17, 25]


def test_the_file_replaces_the_estates_own_and_keeps_the_rest(tmp_path: Path) -> None:
    own = BASE.replace(parameters=(Parameter("overhead_s", 45.0), Parameter("stop_mb", 50.0)))
    merged = with_parameters(loaded(own), written(tmp_path, parameters_text(ROWS, []))).estate
    assert {*merged.parameters} == {Parameter("stop_mb", 50.0), *ROWS}
    given, strange = parameters_of(merged.parameters)
    assert (given.overhead_s, given.stop_mb, given.people, strange) == (187.5, 50, 3, ())
    assert given.rates == {"link 10000": 702.5e6, "A-v1 > B-v1": 50e6}


def test_a_measured_rate_stands_in_place_of_link_and_processors() -> None:
    ten = BASE.replace(parameters=ROWS, vioses=tuple(
        replace(v, link_mbit=10_000, virtual_processors=1) if v.server != "C" else v for v in BASE.vioses))
    site, _ = judged(ten)
    assert site.pair_rate("A-v2", "B-v2") == 702.5e6 and site.pair_rate("A-v2", "B-v2", 1, 2) == 702.5e6 / 2
    assert site.pair_rate("A-v1", "B-v1") == 50e6 and site.pair_rate("A-v1", "B-v1", 2, 1) == 25e6
    assert site.pair_rate("B-v1", "A-v1") == 702.5e6, "of the pair in that direction alone"
    assert site.pair_rate("A-v1", "C-v1") < 702.5e6


@pytest.mark.parametrize(("row", "rule"), [
    (Parameter("rate_mb_s", 5.0), "input.bad-value"), (Parameter("rate_mb_s", 5.0, "", "link fast"), "input.bad-value"),
    (Parameter("rate_mb_s", 0.0, "", "link 1000"), "input.bad-value"),
    (Parameter("people", 2.0, "", "link 1000"), "input.bad-value"),
    (Parameter("rate_mb_s", 5.0, "", "A-v1 > B-v9"), "input.unknown-name")])
def test_what_a_row_cannot_be_for_is_told(row: Parameter, rule: str) -> None:
    found = [f for f in validate(loaded(BASE.replace(parameters=(row,)))).findings if f.subject == row.name]
    assert [f.rule for f in found] == [rule]


def test_what_a_rate_is_of() -> None:
    assert [movers_in(s) for s in ("link 25000", "a > b", "a b > c", "", "a>b", "link 0")] == [
        (), ("a", "b"), ("a b", "c"), None, None, None]


@pytest.mark.parametrize("text", ["[[parameter]]\nname = 3\nvalue = 1.0\n", "[[parameter]]\nname = 'people'\n", "x = 1\n",
                                  "[[parameter]]\nname = 'people'\nvalue = inf\n", "[[parameter"])
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_parameters(written(tmp_path, text))
    assert {f.rule for f in caught.value.findings} == {"input.bad-parameter-file"}
    assert all(f.source.line for f in caught.value.findings if "name" in text)


def test_commands_and_python_take_the_file_and_a_plan_says_what_is_calibrated(tmp_path: Path) -> None:
    path = written(tmp_path, parameters_text((*ROWS[:3], Parameter("rate_mb_s", 50.0, "", "x > y", None, None, 7)), []))
    estate = tmp_path / "estate.json"
    estate.write_text(saved.dump(loaded(BASE)), encoding="utf-8")
    assert load_estate(estate, parameters=path).parameters[0] == ROWS[0]
    done = CliRunner().invoke(app, ["evacuate", str(estate), "A", "--parameters", str(path), "--out", str(tmp_path / "out"),
                                    "--json"])
    assert done.exit_code == 0
    assert "calibrated from past moves in overhead_s, rate_mb_s for link 10000" in done.stdout
    assert "overhead_s = 187.5 (calibrated from 42 moves, between 171.25 and 205)" in done.stdout
    assert "people = 3 (set in the estate)" in done.stdout and "stop_mb = 100 (default)" in done.stdout
    plain = evacuate(loaded(BASE), Evacuate(servers=("A",)), Options())
    assert any(text.startswith("Minutes are not calibrated") for text in plain.assumptions)
