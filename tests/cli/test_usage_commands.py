"""``planner history`` as a person uses it: what is said, exit codes, nothing half done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from landscape import build_usage, landscape, saved_landscape
from typer.testing import CliRunner

from planner.cli import app
from planner.history.store import History

ZONE = "Australia/Melbourne"
VICTORIA = ("--country", "AU", "--subdivision", "VIC")
HERE, P595_2 = ("hxaix09adm", "hxaix26", "hxaix11adm"), "SN8379A80_p595-2"
LPARSTAT = Path(__file__).parents[1] / "fixtures/lparstat_interval/aix_shared_dlpar.txt"


def run(*arguments: Any) -> Any:
    done = CliRunner().invoke(app, ["history", *(str(a) for a in arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def usage() -> Any:
    return build_usage.landscape_usage(landscape(), months=1, step_s=3600)


@pytest.fixture(scope="module")
def recordings(usage: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nmon of three LPARs of the 595-2 in November, 2026."""
    where = tmp_path_factory.mktemp("nmon")
    for name in HERE:
        (where / f"{name}.nmon").write_text(usage.nmon(usage.load(name), (2026, 11)))
    return where


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_landscape(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def store(recordings: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("store") / "usage.duckdb"
    done = run("add", recordings, "--store", made, "--zone", ZONE, "--estate", site)
    assert done.exit_code == 0, done.output
    return made


def test_adding_twice_changes_nothing(recordings: Path, site: Path, store: Path) -> None:
    done = run("add", recordings, "--store", store, "--estate", site)
    assert done.exit_code == 0
    assert flat(done.output).startswith("3 files: 0 samples new, 2,160 known already, 0 changed")
    told = json.loads(run("add", recordings, "--store", store, "--json").stdout)
    assert (told["added"], told["known"], told["zone"]) == (0, 2160, ZONE)


def test_the_summary_names_server_and_samples(store: Path) -> None:
    shown = run("show", "--store", store)
    assert shown.exit_code == 0
    assert f"lpar hxaix26 {P595_2} 2026-11-01 00:00 2026-12-01 00:00 720 60 min" in flat(shown.output)
    told = json.loads(run("show", "--store", store, "--json").stdout)
    assert [(s["name"], s["servers"], s["samples"], s["gaps"]) for s in told["series"]] == [
        (name, [P595_2], 720, 0) for name in sorted(HERE)]
    assert told["series"][0]["first"] == "2026-11-01T00:00:00+11:00"


def test_a_gap_and_a_move_are_told_and_shown(usage: Any, tmp_path: Path) -> None:
    """hxaix26 is not recorded for a day, and is on another server afterwards."""
    load = usage.load("hxaix26")
    rows = usage.csv(load, (2026, 11)).splitlines()
    after = [row.replace(P595_2, "other") for row in rows[265:]]
    (tmp_path / "u.csv").write_text("\n".join([*rows[:241], *after]) + "\n")
    (tmp_path / "m.toml").write_text(build_usage.MAPPING)
    done = run("add", tmp_path / "u.csv", "--store", tmp_path / "h", "--zone", ZONE, "--mapping", tmp_path / "m.toml")
    assert done.exit_code == 0
    said = flat(done.output)
    assert "696 samples new" in said
    assert "gaps 1 hxaix26" in said and "LPARs that changed server 1 hxaix26" in said
    assert "2026-11-11 00:00" in said and "24 h 00 min 00 s" in said
    shown = flat(run("show", "--store", tmp_path / "h").output)
    assert f"hxaix26 2026-11-12 01:00 {P595_2} other" in shown
    assert "696 60 min 1 1 d 00:00 2026-11-11 00:00 1" in shown


def test_a_month_of_one_lpar(usage: Any, store: Path) -> None:
    shown = run("show", "--store", store, "--month", "2026-11", "--lpar", "hxaix09adm", "--percentile", "100", *VICTORIA)
    peak = usage.peak("hxaix09adm")
    line = next(line for line in shown.output.splitlines() if " 10:00 " in line)
    assert line.split()[1] == f"{(peak + 5) // 10 / 100:.2f}"
    told = json.loads(run("show", "--store", store, "--lpar", "hxaix09adm", "--percentile", 100, *VICTORIA,
                          "--json").stdout)
    found = {(b["kind"], b["hour"]): b["physc_thousandths"] for b in told["buckets"]}
    assert found["month-end", 10] == peak == max(found.values())
    assert told["lpars"] == ["hxaix09adm"]


def test_quiet_and_verbose_of_what_is_in_a_history(usage: Any, store: Path) -> None:
    """They were of all commands but those on the history: one line with the answer; every series and change."""
    asked = (["show"], ["show", "--lpar", HERE[0]], ["show", "--month", "2026-11"], ["forecast"],
             ["forget", "--lpar", HERE[0], "--dry-run"])
    lines = []
    for what, *more in asked:
        done = run(what, "--store", store, *more, "-q")
        assert done.exit_code == 0 and done.stdout.count("\n") == 1, done.output
        lines.append(done.stdout)
        assert run(what, "--store", store, *more, "-v").exit_code == 0
    assert lines[0] == "3 sources, 2,160 samples\n" and lines[4].startswith("720 samples would be forgotten")
    assert lines[1].startswith(f"{HERE[0]}: ") and "2026-11, percentile 95" in lines[2] and "month-end peak" in lines[3]


def test_a_server_and_its_month(usage: Any, store: Path) -> None:
    asked = ("--store", store, "--month", "2026-11", "--percentile", "100", *VICTORIA)
    peaks = [usage.peak(name) for name in HERE]
    told = json.loads(run("show", *asked, "--json").stdout)["servers"]
    assert [row["server"] for row in told] == [P595_2]
    assert told[0]["sum_of_peaks_thousandths"] == sum(peaks)
    assert told[0]["peak_of_sum_thousandths"] + told[0]["difference_thousandths"] == sum(peaks)
    assert (told[0]["kind"], told[0]["hour"], told[0]["filled"]) == ("month-end", 10, 0)
    shown = flat(run("show", *asked).output)
    assert f"{P595_2} 3" in shown and "holidays of AU-VIC" in shown
    by_server = flat(run("show", *asked, "--server", P595_2).output)
    assert "3 LPARs together" in by_server and "what planning with the sum is worth" in by_server


def test_what_was_not_recorded_is_of_the_whole_month(usage: Any, tmp_path: Path) -> None:
    """Hours of which nothing is known at all were not counted: a day of a month was 0 % not recorded."""
    lines = usage.csv(usage.load("hxaix26"), (2026, 11)).splitlines()
    (tmp_path / "u.csv").write_text("\n".join(lines[:25]) + "\n")
    (tmp_path / "m.toml").write_text(build_usage.MAPPING)
    run("add", tmp_path / "u.csv", "--store", tmp_path / "h", "--zone", ZONE, "--mapping", tmp_path / "m.toml")
    told = json.loads(run("show", "--store", tmp_path / "h", "--month", "2026-11", "--json").stdout)["servers"][0]
    assert (told["slots"], told["filled"]) == (30 * 288, 29 * 288)
    assert "96.7 %" in run("show", "--store", tmp_path / "h", "--month", "2026-11").output


def test_lparstat_with_what_it_does_not_say(tmp_path: Path) -> None:
    done = run("add", LPARSTAT, "--store", tmp_path / "h", "--zone", ZONE, "--start", "2026-11-30 14:05",
               "--interval", "10", "--lpar", "alpha")
    assert done.exit_code == 0, done.output
    with History.open(tmp_path / "h", read_only=True) as history:
        assert history.names() == ("alpha",)


def wrong_calls(tmp_path: Path, nmon: Path) -> dict[str, tuple[tuple[Any, ...], str]]:
    """Arguments after the command, and words that must be in the message."""
    (tmp_path / "bad.toml").write_text("[[table]]\nkind = 1\n")
    (tmp_path / "note.txt").write_text("nothing of use\n")
    new = ("--store", tmp_path / "new")
    return {
        "unknown zone": (("add", nmon, *new, "--zone", "Mars/Olympus"), "no time zone"),
        "no zone": (("add", nmon, *new), "--zone Europe/Berlin"),
        "no clock": (("add", LPARSTAT, *new, "--zone", ZONE), "--start"),
        "bad start": (("add", LPARSTAT, *new, "--zone", ZONE, "--start", "noon"), "2026-11-30 14:05"),
        "force without zone": (("add", nmon, *new, "--force-zone"), "--zone"),
        "missing sources": (("add", tmp_path / "x", tmp_path / "y", *new, "--zone", ZONE), "y: no such file"),
        "no usage": (("add", tmp_path / "note.txt", *new, "--zone", ZONE), "no usage"),
        "bad mapping": (("add", nmon, *new, "--mapping", tmp_path / "bad.toml"), "bad.toml"),
        "missing mapping": (("add", nmon, *new, "--mapping", tmp_path / "none.toml"), "cannot be read"),
        "missing estate": (("add", nmon, *new, "--zone", ZONE, "--estate", tmp_path / "none"), "no such file"),
        "store in no directory": (("add", nmon, "--store", tmp_path / "no/h", "--zone", ZONE), "does not exist"),
        "store that is none": (("add", nmon, "--store", nmon, "--zone", ZONE), "no usage history"),
        "show nothing": (("show", "--store", tmp_path / "none"), "no such history"),
    }


@pytest.mark.parametrize("case", [
    "unknown zone", "no zone", "no clock", "bad start", "force without zone", "missing sources", "no usage",
    "bad mapping", "missing mapping", "missing estate", "store in no directory", "store that is none", "show nothing"])
def test_wrong_calls_end_with_2_a_message_and_no_store(
        recordings: Path, tmp_path: Path, case: str) -> None:
    arguments, words = wrong_calls(tmp_path, recordings / "hxaix26.nmon")[case]
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in flat(done.output)
    assert "Traceback" not in done.output
    assert not (tmp_path / "new").exists() and not (tmp_path / "new.wal").exists()


@pytest.mark.parametrize(("arguments", "words"), [
    (("--month", "2026-13"), "is not a month like 2026-11"),
    (("--month", "November"), "is not a month like 2026-11"),
    (("--month", "2027-01"), "no usage of LPARs in 2027-01"),
    (("--month", "2027-01", "--lpar", "hxaix26"), "no usage of it in the period"),
    (("--lpar", "nobody"), "it has: hxaix09adm, hxaix11adm, hxaix26"),
    (("--server", "nowhere"), "no server 'nowhere'"),
    (("--lpar", "hxaix26", "--server", P595_2), "not both"),
    (("--lpar", "hxaix26", "--percentile", "0"), "percentile"),
    (("--lpar", "hxaix26", "--country", "XX"), "ISO 3166"),
    (("--lpar", "hxaix26", "--country", "AU", "--subdivision", "Melbourne"), "VIC"),
    (("--lpar", "hxaix26", "--closed", "24.12.2026", "--closed", "2026-12-31/2026-12-24"), "'2026-12-31/2026-12-24'"),
    (("--lpar", "hxaix26", "--month-end-last", "99"), "should be less than or equal to"),
])
def test_wrong_questions(store: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run("show", "--store", store, *arguments)
    assert done.exit_code == 2
    assert words in flat(done.output)


def test_another_zone_is_refused_unless_forced(usage: Any, store: Path, tmp_path: Path) -> None:
    nmon, other = tmp_path / "far.nmon", shutil.copy(store, tmp_path / "h")
    nmon.write_text(usage.nmon(usage.load("hxaix13"), (2026, 11)))
    refused = run("add", nmon, "--store", other, "--zone", "Europe/Berlin")
    assert refused.exit_code == 2 and "the history's zone is Australia/Melbourne" in flat(refused.output)
    assert run("add", nmon, "--store", other, "--zone", "Europe/Berlin", "--force-zone").exit_code == 0


def test_closed_days_are_weekends(usage: Any, store: Path) -> None:
    """With the last days of November closed, month-end is earlier: its peak is no month-end peak."""
    found = []
    for closed in ((), ("--closed", "2026-11-26/2026-11-30", "--closed", "2026-11-01/2026-11-04")):
        told = json.loads(run("show", "--store", store, "--month", "2026-11", "--lpar", "hxaix09adm", *VICTORIA,
                              "--json", *closed).stdout)
        found.append({(b["kind"], b["hour"]): b["physc_thousandths"] for b in told["buckets"]})
    assert found[0]["month-end", 10] == usage.peak("hxaix09adm")
    assert found[1]["month-end", 10] <= usage.peak("hxaix09adm") // 2
    assert found[1]["weekend", 10] == usage.peak("hxaix09adm")


def test_a_file_that_cannot_be_read_is_told_by_exit_code_1(recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "a.nmon").write_text((recordings / "hxaix26.nmon").read_text())
    (tmp_path / "b.nmon.gz").write_bytes(b"\x1f\x8b damaged")
    done = run("add", tmp_path, "--store", tmp_path / "h", "--zone", ZONE)
    assert done.exit_code == 1, done.output
    assert "720 samples new" in flat(done.output) and "b.nmon.gz" in done.output


def test_a_file_of_no_format_beside_a_good_one_is_exit_code_1(recordings: Path, tmp_path: Path) -> None:
    """It was 0, with a warning."""
    (tmp_path / "bin.nmon").write_bytes(bytes(range(256)) * 20)
    done = run("add", tmp_path / "bin.nmon", recordings / "hxaix26.nmon", "--store", tmp_path / "h", "--zone", ZONE)
    assert done.exit_code == 1, done.output
    assert "720 samples new" in flat(done.output) and "1 error" in done.output and "bin.nmon" in done.output


def test_an_nmon_that_is_cut_off_is_said(recordings: Path, tmp_path: Path) -> None:
    """In the middle of a line, and after a whole line of the last snapshot."""
    lines = (recordings / "hxaix26.nmon").read_text().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if line.startswith("LPAR,T"))
    for name, text in (("a.nmon", "".join(lines[:2000])[:-7]), ("b.nmon", "".join(lines[:last]))):
        (tmp_path / name).write_text(text)
        done = run("add", tmp_path / name, "--store", tmp_path / f"h-{name}", "--zone", ZONE)
        assert done.exit_code == 0 and "cut off" in flat(done.output), done.output
    assert "nmon was to take 720 snapshots, the file has 49" in flat(run(
        "add", tmp_path / "a.nmon", "--store", tmp_path / "h", "--zone", ZONE).output)


def test_a_store_where_nothing_can_be_written(recordings: Path) -> None:
    """It was called damaged."""
    done = run("add", recordings, "--store", "/proc/x.db", "--zone", ZONE)
    assert done.exit_code == 2 and "damaged" not in flat(done.output)
    assert "the file cannot be made there" in flat(done.output)


def test_what_is_true_of_many_is_said_once(usage: Any, tmp_path: Path) -> None:
    for name in (*HERE, "hxaix13", "hxaix22", "hxaix23", "hxaix24", "hxaix33"):
        lines = usage.csv(usage.load(name), (2026, 11)).splitlines()
        (tmp_path / f"{name}.csv").write_text("\n".join([*lines[:50], *lines[80:]]) + "\n")
    mapping = tmp_path / "m.toml"
    mapping.write_text(build_usage.MAPPING)
    said = flat(run("add", tmp_path, "--store", tmp_path / "h", "--zone", ZONE, "--mapping", mapping).output)
    assert "gaps 8 hxaix09adm, hxaix11adm, hxaix13, hxaix22, hxaix23, hxaix24, … (2 more)" in said
    assert said.count("a gap of") == 1


def test_the_store_may_lie_among_its_sources(usage: Any, tmp_path: Path) -> None:
    """Its own file, the log beside it and the mapping were read as sources and complained of."""
    (tmp_path / "u.csv").write_text(usage.csv(usage.load("hxaix26"), (2026, 11)))
    (tmp_path / "m.toml").write_text(build_usage.MAPPING)
    for _ in range(2):
        done = run("add", tmp_path, "--store", tmp_path / "h", "--zone", ZONE, "--mapping", tmp_path / "m.toml",
                   "--json")
        told = json.loads(done.stdout)
        assert (done.exit_code, told["files"], told["findings"]) == (0, 1, [])


def test_help_has_an_example() -> None:
    assert "Commands" in run("--help").output
    for name in ("add", "show"):
        assert f"planner history {name}" in flat(run(name, "--help").output)


def test_a_forecast_takes_the_ceilings_of_a_policy_file(store: Path, site: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(f'[[policy]]\nkind = "cpu-ceiling"\nsubject = "{P595_2}"\nvalue = "60"\n')

    def ceiling(*more: Any) -> int:
        told = json.loads(run("forecast", "--store", store, "--estate", site, *more, "--json").stdout)
        return next(x for x in told["entities"] if x["name"] == P595_2)["ceiling"]

    assert ceiling() - ceiling("--policy", tmp_path / "p.toml") == 300 * 25
    refused = run("forecast", "--store", store, "--policy", tmp_path / "p.toml")
    assert refused.exit_code == 2 and "give their --estate" in refused.stderr
