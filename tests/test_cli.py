"""The command line as a person uses it: exit codes, what is written, what is said."""

import errno
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import quick
from published import keeps_schema
from typer.testing import CliRunner

from planner.cli import app
from planner.cli.app import _MODULES

ROOT = Path(__file__).parents[1]
JS22 = ROOT / "data" / "js22"
LANDSCAPE = ROOT / "data" / "landscape"
SERVER = "SN8379A80_p595-2"
BLADE = "Server-7998-61X-SN10071DA"


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_help_lists_every_command():
    shown = run("--help")
    assert shown.exit_code == 0
    for command in ("load", "check", "reach", "evacuate", "verify"):
        assert command in shown.output
        assert "Example: planner " + command in run(command, "--help").output.replace("\n", " ")
    told = [line.split()[1] for line in shown.output.splitlines() if line[:3] in ("│ l", "│ c", "│ e", "│ v")]
    assert told.index("load") < told.index("check") < told.index("evacuate") < told.index("verify")


def test_every_command_is_found_by_its_name():
    """Its module is imported when its name is asked for: one that was in no list was no command at all."""
    written = {name: path.stem for path in (ROOT / "planner" / "cli").glob("*.py")
               for name in re.findall(r'^@command\("([a-z-]+)"\)', path.read_text("utf-8"), re.MULTILINE)}
    assert written and {**written, "history": "history"} == _MODULES, "enter the command in planner/cli/app.py"


def test_help_imports_no_heavy_room():
    code = ("import sys; from typer.testing import CliRunner; from planner.cli import app\n"
            "CliRunner().invoke(app, ['--help'])\n"
            "print([m for m in ('pulp','highspy','networkx','openpyxl','pandas','pydantic') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_freeing_a_blade_gives_the_move_of_the_talk(tmp_path):
    done = run("evacuate", JS22, BLADE, "--out", tmp_path / "p")
    assert done.exit_code == 0, done.output
    plan = json.loads((tmp_path / "p" / "plan.json").read_text())
    assert [(m["lpar"], m["source"], m["target"]) for m in plan["moves"]] == [
        ("bxaix85", BLADE, "Server-7998-61X-SN10071FA")]
    assert 110 < plan["moves"][0]["duration_s"] < 130
    assert plan["moves"][0]["suspend_s"] < 2
    assert plan["status"] == "optimal" and plan["verified"] is True
    runbook = (tmp_path / "p" / "runbook.md").read_text()
    for wanted in ("migrlpar -o v -m", "migrlpar -o m -m", "hcheck_interval=0", "hcheck_interval=60", "crontab",
                   "nim_cpuid_validate", "SLICENSE", "A5E6DB96", "RMC", "documentation"):
        assert wanted in runbook, wanted


@pytest.fixture(scope="module")
def freed(tmp_path_factory):
    """An evacuation as the command writes it, and what it prints with --json."""
    out = tmp_path_factory.mktemp("freed") / "p"
    return out, run("evacuate", LANDSCAPE, SERVER, "--out", out, "--json").stdout


def test_plan_json_keeps_its_schema(freed, tmp_path):
    extra = ("--window", "2026-12-05 22:00/04:00", "--return")
    there = run("evacuate", LANDSCAPE, SERVER, "--out", tmp_path / "p", "--json", *extra).stdout
    for out, answer in (freed, (tmp_path / "p", there)):
        assert keeps_schema(json.loads(answer))
        assert keeps_schema(json.loads((out / "plan.json").read_text()))


def test_impossible_is_exit_3_with_its_reasons_and_no_plan(tmp_path):
    policy = tmp_path / "stay.toml"
    policy.write_text('[[policy]]\nkind = "pin"\nsubject = "bxaix85"\n')
    done = run("evacuate", JS22, BLADE, "--policy", policy, "--out", tmp_path / "p")
    assert done.exit_code == 3
    assert "policy.pin" in done.output and "bxaix85" in done.output
    assert sorted(p.name for p in (tmp_path / "p").iterdir()) == [
        ".planner-manifest.json", "plan.html", "plan.json", "plan.xlsx"]
    plan = json.loads((tmp_path / "p" / "plan.json").read_text())
    assert keeps_schema(plan)
    assert plan["status"] == "infeasible" and plan["moves"] == [] and plan["conflict"]["lpars"] == ["bxaix85"]


def test_an_impossible_answer_removes_the_runbook_of_an_earlier_one(tmp_path):
    """A runbook left beside an infeasible plan.json would be carried into the window."""
    policy = tmp_path / "stay.toml"
    policy.write_text('[[policy]]\nkind = "pin"\nsubject = "bxaix85"\n')
    assert run("evacuate", JS22, BLADE, "--out", tmp_path / "p").exit_code == 0
    assert (tmp_path / "p" / "runbook.md").exists()
    assert run("evacuate", JS22, BLADE, "--policy", policy, "--out", tmp_path / "p").exit_code == 3
    assert not (tmp_path / "p" / "runbook.md").exists()


def test_an_edited_file_is_kept_without_force(tmp_path):
    out = tmp_path / "p"
    assert run("evacuate", JS22, BLADE, "--out", out).exit_code == 0
    assert run("evacuate", JS22, BLADE, "--out", out).exit_code == 0
    (out / "runbook.md").write_text("my notes")
    refused = run("evacuate", JS22, BLADE, "--out", out, "--window", "2026-12-05 22:00/04:00")
    assert refused.exit_code == 2 and "runbook.md" in refused.output
    assert (out / "runbook.md").read_text() == "my notes"
    assert json.loads((out / "plan.json").read_text())["window"] is None
    assert run("evacuate", JS22, BLADE, "--out", out, "--force").exit_code == 0
    assert (out / "runbook.md").read_text() != "my notes"


def test_a_directory_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    """An hour of search ended with "cannot write" and no answer."""
    monkeypatch.setattr("planner.jobs.evacuate", lambda *_: pytest.fail("worked before it asked"))
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    refused = run("evacuate", JS22, BLADE, "--out", tmp_path / "new" / "p")
    assert refused.exit_code == 2 and "cannot write" in refused.output


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_full_disk_takes_no_answer_away(tmp_path, monkeypatch, extra):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = run("evacuate", JS22, BLADE, "--out", tmp_path / "p", *extra)
    assert done.exit_code == 2 and "No space left" in done.output
    assert "bxaix85" in done.stdout and "Reports:" not in done.stdout


@pytest.mark.parametrize(("window", "code", "word"), [
    ("2026-12-05 22:00/04:00", 0, "fits"),
    ("2026-12-05 22:00/22:01", 3, "DOES NOT FIT"),
])
def test_a_window_is_said_to_fit_or_not(tmp_path, window, code, word):
    done = run("evacuate", JS22, BLADE, "--out", tmp_path / "p", "--window", window)
    assert done.exit_code == code
    assert word in done.output
    plan = json.loads((tmp_path / "p" / "plan.json").read_text())
    assert plan["window"]["fits"] is (code == 0)
    assert plan["moves"][0]["start_clock"] == "2026-12-05 22:00:00"


def test_return_brings_everything_home_after_the_work(tmp_path):
    done = run("evacuate", JS22, BLADE, "--out", tmp_path / "p", "--return", "--work", "60m", "--json")
    plan = json.loads(done.stdout)
    out, back = plan["moves"]
    assert (back["leg"], back["source"], back["target"]) == ("back", out["target"], out["source"])
    assert back["start_s"] == pytest.approx(out["duration_s"] + 3600)
    assert run("verify", tmp_path / "p", JS22).exit_code == 0


def test_verify_rejects_a_plan_that_was_tampered_with(tmp_path):
    run("evacuate", JS22, BLADE, "--out", tmp_path / "p")
    path = tmp_path / "p" / "plan.json"
    plan = json.loads(path.read_text())
    plan["moves"][0]["duration_s"] = 10
    path.write_text(json.dumps(plan))
    done = run("verify", path, JS22)
    assert done.exit_code == 1 and "cost model" in done.output


def test_verify_says_what_a_broken_plan_file_lacks(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"goal": {}, "moves": [{"lpar": 3}]}')
    done = run("verify", path, JS22)
    assert done.exit_code == 2
    assert "moves.0.lpar" in done.output and "status" in done.output
    assert run("verify", tmp_path / "nothing.json", JS22).exit_code == 2


def test_load_writes_a_workbook_that_says_the_same(tmp_path):
    out = tmp_path / "estate.xlsx"
    assert run("load", JS22, "--out", out).exit_code == 0
    assert run("load", JS22, "--out", out).exit_code == 0
    saved = tmp_path / "estate.json"
    assert run("load", out, "--out", saved).exit_code == 0
    plans = [json.loads(run("evacuate", source, BLADE, "--out", tmp_path / str(n), "--json").stdout)
             for n, source in enumerate((JS22, out, saved))]
    assert plans[0] == plans[1] == plans[2]
    book = openpyxl.load_workbook(out)
    assert {"Servers", "Pools", "VIOS", "LPARs", "VLANs", "LPAR networks", "Disks", "Zoning", "Policies"} <= set(
        book.sheetnames)


def test_load_does_not_overwrite_another_file(tmp_path):
    out = tmp_path / "estate.xlsx"
    out.write_bytes(b"mine")
    assert run("load", JS22, "--out", out).exit_code == 2
    assert out.read_bytes() == b"mine"
    assert run("load", JS22, "--out", tmp_path / "estate.txt").exit_code == 2


@pytest.mark.parametrize(("make", "word"), [
    (lambda d: None, "the directory is empty"),
    (lambda d: (d / "x.xlsx").write_bytes(b"PK\x03\x04broken"), "damaged"),
    (lambda d: (d / "x.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096)
                                          + "EncryptedPackage".encode("utf-16-le") + bytes(4096)), "password"),
    (lambda d: (d / "a.txt").write_text("Partition Name : a\nPartition Number : 1\nType : Shared-SMT\n"), "ends without"),
    (lambda d: (d / "a.txt").write_text(""), "empty"),
    (lambda d: (d / "a.txt").write_text("hello\n"), "text of no known kind"),
])
def test_bad_input_is_one_message_exit_2_nothing_written(tmp_path, make, word):
    source = tmp_path / "in"
    source.mkdir()
    make(source)
    out = tmp_path / "out.xlsx"
    done = run("load", source, "--out", out)
    assert done.exit_code == 2, done.output
    assert word in " ".join(done.output.split())
    assert "Traceback" not in done.output and (word == "ends without" or not out.exists())


def test_no_such_source_server_or_lpar():
    assert run("load", "/no/such/place").exit_code == 2
    assert "Server-7998-61X-SN10071DA" in run("evacuate", JS22, "nowhere").output
    assert run("evacuate", JS22, "nowhere").exit_code == 2
    assert run("reach", JS22, "--lpar", "nobody").exit_code == 2
    assert run("evacuate", JS22, BLADE, "--window", "tonight").exit_code == 2
    assert run("evacuate", JS22, BLADE, "--work", "soon").exit_code == 2


def test_reach_names_every_reason(tmp_path):
    policy = tmp_path / "p.toml"
    policy.write_text('[[policy]]\nkind = "fence"\nsubject = "bxaix85"\nvalue = "Server-7998-61X-SN10071DA"\n')
    done = run("reach", JS22, "--lpar", "bxaix85", "--policy", policy)
    assert done.exit_code == 0 and "policy.fence" in done.output
    answer = json.loads(run("reach", JS22, "--json").stdout)
    assert answer["lpars"][0]["targets"]["Server-7998-61X-SN10071FA"]["allowed"] is True


def test_check_tells_who_is_not_ready():
    done = run("check", LANDSCAPE)
    assert done.exit_code == 1
    answer = json.loads(run("check", LANDSCAPE, "--json").stdout)
    rules = {f["rule"] for row in answer["lpars"] for f in row["findings"]}
    assert {"storage.whole-lun", "partition.rmc", "partition.physical-io", "software.refused"} <= rules


def test_the_same_input_gives_the_same_bytes(tmp_path):
    """Whatever the hash seed: every file of the plan."""
    contents = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        subprocess.run([sys.executable, "-m", "quick", "evacuate", str(LANDSCAPE), SERVER, "--out", str(out),
                        "--window", "2026-12-05 22:00/04:00", "--return", "--effort", "0.1"],
                       env=quick.environment(PYTHONHASHSEED=seed), check=True, capture_output=True)
        contents.append({p.name: p.read_bytes() for p in sorted(out.iterdir())})
    assert contents[0] == contents[1]
    assert {name for name in contents[0] if not name.startswith("lane-")} == {
        ".planner-manifest.json", "moves.csv", "plan.html", "plan.json", "plan.xlsx", "playbook.yml", "runbook.html",
        "runbook.md", "window.ics"}
    assert {"lane-1.sh", "lane-1-back.sh"} <= set(contents[0]) and os.access(tmp_path / "1" / "lane-1.sh", os.X_OK)


def test_the_workbook_has_charts_and_every_sheet(freed):
    path = freed[0] / "plan.xlsx"
    assert [name for name in openpyxl.load_workbook(path).sheetnames if name != "Lanes"] == [
        "Summary", "Moves", "Decisions", "Gantt", "Way out", "Tasks", "Servers", "Licences", "Findings",
        "All findings", "Assumptions"]
    names = zipfile.ZipFile(path).namelist()
    assert sum(n.startswith("xl/charts/chart") for n in names) == 2
