"""``planner verify DIR``: are the papers in the directory those of its plan?"""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from functools import cache
from pathlib import Path

import pytest
from estates import BASE
from typer.testing import CliRunner

from planner.cli.app import app
from planner.estate.assemble import Loaded
from planner.estate.saved import dump
from planner.report.papers import mark, marked

SEAL = "0123456789abcdef" * 4


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plans of one estate: ``a`` frees A, ``b`` frees B."""
    where = tmp_path_factory.mktemp("papers")
    (where / "estate.json").write_text(dump(Loaded(BASE)))
    for name in "ab":
        code, said = run("evacuate", where / "estate.json", name.upper(), "--out", where / name)
        assert code == 0, said
    return where


@pytest.fixture
def plans(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "x")
    return tmp_path / "x"


def verified(plans: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code and, paper by paper, what was found of it."""
    code, said = run("verify", plans / "a", plans / "estate.json", "--json")
    answer = json.loads(said)
    assert answer["holds"] and answer["papers_fit"] is (code == 0)
    return code, {f["subject"]: (f["rule"], f["severity"]) for f in answer["findings"] if f["rule"].startswith("papers.")}


def test_papers_as_they_were_written_are_those_of_the_plan(plans: Path) -> None:
    assert verified(plans) == (0, {})
    seal = json.loads((plans / "a" / "plan.json").read_text())["plan_sha256"].encode()
    for name in sorted(os.listdir(plans / "a")):
        data = (plans / "a" / name).read_bytes()
        if name.endswith(".xlsx"):
            data = zipfile.ZipFile(io.BytesIO(data)).read("docProps/core.xml")
        assert seal in data or name.endswith((".csv", "manifest.json")), name


def test_each_paper_of_another_plan_is_told(plans: Path) -> None:
    papers = [p.name for p in (plans / "a").iterdir() if p.suffix in (".md", ".html", ".sh", ".xlsx", ".yml", ".ics")]
    assert {"runbook.md", "plan.html", "plan.xlsx", "lane-1.sh"} <= set(papers)
    for name in papers:
        if (plans / "b" / name).exists():
            kept = (plans / "a" / name).read_bytes()
            shutil.copy(plans / "b" / name, plans / "a" / name)
            assert verified(plans) == (1, {name: ("papers.other-plan", "error")})
            (plans / "a" / name).write_bytes(kept)
    kept = (plans / "a" / "moves.csv").read_bytes()
    shutil.copy(plans / "b" / "moves.csv", plans / "a" / "moves.csv")
    assert verified(plans) == (0, {"moves.csv": ("papers.unmarked", "warning")})  # it cannot say of which plan it is
    (plans / "a" / "moves.csv").write_bytes(kept)
    code, said = run("verify", plans / "a", plans / "estate.json")
    assert code == 0 and "the plan holds" in said
    shutil.copy(plans / "b" / "lane-1.sh", plans / "a" / "lane-77.sh")
    code, said = run("verify", plans / "a", plans / "estate.json")
    assert code == 1 and "papers beside it are of another plan, or changed" in said and "lane-77.sh" in said


def test_a_plan_among_papers_of_another_is_told_of_all_of_them(plans: Path) -> None:
    shutil.copy(plans / "b" / "plan.json", plans / "a" / "plan.json")
    code, found = verified(plans)
    assert found.pop("moves.csv") == ("papers.unmarked", "warning")  # a table of values says nothing of its plan
    assert code == 1 and {rule for rule, _ in found.values()} == {"papers.other-plan"}
    assert found.keys() == {p.name for p in (plans / "a").iterdir() if p.suffix in (".md", ".html", ".sh", ".xlsx", ".yml", ".ics")}


def test_what_a_person_changed_is_told_as_that(plans: Path) -> None:
    runbook = plans / "a" / "runbook.md"
    runbook.write_text("Lead: Kim\n" + runbook.read_text())
    assert verified(plans) == (0, {"runbook.md": ("papers.edited", "info")})


@pytest.mark.parametrize("name", ["lane-1.sh", "playbook.yml"])
def test_what_a_machine_runs_and_a_person_changed_does_not_fit(plans: Path, name: str) -> None:
    paper = plans / "a" / name
    written = paper.read_text()
    paper.write_text(written + "# later\n")
    assert verified(plans) == (1, {name: ("papers.edited", "warning")})
    paper.write_text("#!/bin/sh\n")  # its mark is gone as well
    assert verified(plans) == (1, {name: ("papers.unmarked", "warning")})
    paper.unlink()
    assert verified(plans) == (0, {name: ("papers.missing", "warning")})


@pytest.mark.parametrize("name", ["moves.csv", "plan.html"])
def test_a_table_changed_and_a_page_deleted_are_told(plans: Path, name: str) -> None:
    (plans / "a" / name).write_text("typed anew\n")
    assert verified(plans) == (0, {name: ("papers.unmarked", "warning")})
    (plans / "a" / name).unlink()
    assert verified(plans) == (0, {name: ("papers.missing", "warning")})


def test_what_says_nothing_and_is_changed_is_for_a_person_to_look_at(plans: Path) -> None:
    (plans / "a" / "runbook.md").write_text("typed anew\n")
    (plans / "a" / "plan.xlsx").write_bytes(b"no workbook")
    assert verified(plans) == (0, dict.fromkeys(("plan.xlsx", "runbook.md"), ("papers.unmarked", "warning")))


def test_what_is_gone_is_told_and_what_is_anothers_is_not(plans: Path) -> None:
    (plans / "a" / "lane-1.sh").unlink()
    (plans / "a" / "log.csv").write_text("mine\n")
    (plans / "a" / "old").mkdir()
    shutil.copy(plans / "b" / "runbook.md", plans / "a" / "old-runbook.md")
    assert verified(plans) == (0, {"lane-1.sh": ("papers.missing", "warning")})


def test_of_a_file_the_papers_beside_it_are_not_asked(plans: Path) -> None:
    shutil.copy(plans / "b" / "runbook.md", plans / "a" / "runbook.md")
    assert run("verify", plans / "a" / "plan.json", plans / "estate.json")[0] == 0


def test_a_paper_that_cannot_be_read_is_no_traceback(plans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plans / "a" / "runbook.md").unlink()
    (plans / "a" / "runbook.md").mkdir()
    code, said = run("verify", plans / "a", plans / "estate.json")
    assert code == 2 and "cannot be read" in said


@cache
def said_by(name: str, text: str) -> list[str]:
    return marked({name: text.encode()}, SEAL)[name].decode().splitlines()


def test_a_mark_disturbs_nobody() -> None:
    assert said_by("a.sh", "#!/bin/sh\nx\n") == ["#!/bin/sh", f"# {mark(SEAL)}", "x"]
    assert said_by("a.html", "<html></html>\n")[-1] == f"<!-- {mark(SEAL)} -->"
    calendar = said_by("a.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert calendar[0] == "BEGIN:VCALENDAR" and (calendar[1] + calendar[2][1:]).endswith(mark(SEAL)) and calendar[2][0] == " "
    assert max(map(len, calendar)) <= 75
    assert said_by("a.csv", "a,b\n") == ["a,b"]
