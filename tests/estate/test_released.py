"""Files of earlier releases: read as they were meant, or refused by one message that says which version is read.

``RELEASED=write python -m pytest tests/estate/test_released.py`` writes those of this release, until it is out; from then
on they stay, and a change that cannot read them needs a new version.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from planner import __version__
from planner.cli import app
from planner.errors import InputError
from planner.estate.load import load
from planner.estate.saved import digest
from planner.findings import Severity, as_bad_as
from planner.history.store import History
from planner.plan.plan import read_plan
from planner.verify import verify_plan

RELEASED = Path(__file__).parents[1] / "released"
RELEASES = sorted(path.name for path in RELEASED.iterdir())


def write(where: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    from scale_estates import open_estate, save

    save(open_estate(3, 6), where / "estate.json")
    done = CliRunner().invoke(app, ["evacuate", str(where / "estate.json"), "srv001", "--return", "--window",
                                    "2026-12-05 22:00/04:00", "--zone", "UTC", "--out", str(where / "made")])
    assert done.exit_code == 0, done.output
    (where / "plan.json").write_bytes((where / "made" / "plan.json").read_bytes())
    for path in (*(where / "made").iterdir(),):
        path.unlink()
    (where / "made").rmdir()


if os.environ.get("RELEASED") == "write":
    write(RELEASED / __version__)


def test_this_release_is_among_them() -> None:
    assert __version__ in RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_release_wrote_is_read_as_it_was_meant(release: str) -> None:
    loaded = load([RELEASED / release / "estate.json"])
    assert as_bad_as(loaded.findings, Severity.WARNING) == [] and loaded.estate.lpars
    plan = read_plan(RELEASED / release / "plan.json")
    assert plan.moves and plan.estate_digest == digest(loaded.estate)
    replay = verify_plan(plan, loaded.estate)
    assert replay.holds, replay.findings


def restated(name: str, version: object, where: Path) -> Path:
    document = json.loads((RELEASED / __version__ / name).read_text()) | {"version": version}
    (where / name).write_text(json.dumps(document))
    return where / name


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_a_saved_estate_of_another_version_is_one_message(version: object, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load([restated("estate.json", version, tmp_path)]).usable()
    (told,) = refused.value.findings
    assert told.message == f"version {version!r}; this program reads 1" and told.fix


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_plan_of_another_version_is_one_message(version: int, tmp_path: Path) -> None:
    """Also where nothing else in it is as this version has it."""
    plan = restated("plan.json", version, tmp_path)
    other = json.loads(plan.read_text())
    other["moves"] = [{"partition": "a"}]
    for text in (plan.read_text(), json.dumps(other)):
        plan.write_text(text)
        with pytest.raises(InputError) as refused:
            read_plan(plan)
        (told,) = refused.value.findings
        assert told.message == f"a plan of version {version}; this program reads 1" and "plan again" in told.fix


def test_a_history_of_another_version_is_one_message(tmp_path: Path) -> None:
    History.open(tmp_path / "h.db").close()
    with duckdb.connect(str(tmp_path / "h.db")) as store:
        store.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    with pytest.raises(InputError) as refused:
        History.open(tmp_path / "h.db", read_only=True)
    (told,) = refused.value.findings
    assert told.message == "a usage history of version 2; this program reads 1"
