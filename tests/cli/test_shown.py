"""-q and -v of every command that answers; on 80 columns no name, date or clock time is broken by any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from estates import BASE, loaded, policy, stating
from typer.main import get_group
from typer.testing import CliRunner

from planner.cli import app
from planner.cli.app import _MODULES
from planner.estate.saved import dump

SERVERS = {s: f"SN8379A8{s}_p595-hall-{s}{s}" for s in "ABC"}
LPARS = {p.name: f"hx{p.name}-ledger-{p.name}" for p in BASE.lpars}
A, B, C, A1 = *SERVERS.values(), LPARS["a1"]
WINDOW = ("--window", "2026-12-05 22:00/04:00", "--zone", "Europe/Berlin")
CAMPAIGN = """name = "levels"
[[work]]
server = "{}"
firmware = "EM350_149"
[[window]]
start = 2026-12-05 22:00:00
end = 2026-12-06 06:00:00
"""
SCENARIO = 'name = "without the first"\nretire = ["{}"]\nfrontier = false\n'
COMMANDS: dict[str, tuple[str, ...]] = {
    "load": ("load", "ESTATE"), "check": ("check", "ESTATE"), "reach": ("reach", "ESTATE"),
    "reach of one": ("reach", "ESTATE", "--lpar", A1), "explain": ("explain", "ESTATE", A1),
    "explain a server": ("explain", "ESTATE", A), "explain a plan": ("explain", "ESTATE", A1, "--plan", "PLAN"),
    "verify": ("verify", "PLAN", "ESTATE"), "resume": ("resume", "PLAN", "ESTATE", "--on", *WINDOW, "--out", "OUT"),
    "evacuate": ("evacuate", "ESTATE", A, "--return", *WINDOW, "--out", "OUT"),
    "in waves": ("evacuate", "ESTATE", A, "--return", *WINDOW, "--waves", "--out", "OUT"),
    "too short": ("evacuate", "ESTATE", A, "--window", "2026-12-05 22:00/22:01", "--zone", "Etc/UTC", "--out", "OUT"),
    "impossible": ("evacuate", "ESTATE", A, B, "--not-a-target", C, "--out", "OUT"),
    "headroom": ("headroom", "ESTATE", A, "--cores", "14", "--when", "always", "--no-curve", "--out", "OUT"),
    "consolidate": ("consolidate", "ESTATE", "--out", "OUT"), "remedy": ("remedy", "ESTATE", A, "--out", "OUT"),
    "readiness": ("readiness", "ESTATE", "--no-remedies"),
    "whatif": ("whatif", "ESTATE", "SCENARIO", "--out", "OUT"),
    "campaign": ("campaign", "ESTATE", "CAMPAIGN", "--zone", "Etc/UTC", "--out", "OUT")}


@cache
def site() -> Path:
    """A directory with an estate, a plan and what the commands read."""
    where = Path(mkdtemp(prefix="shown-"))
    text = dump(loaded(stating(BASE, policy("owner", "a1", "Ledgers"))))
    for short, long in (SERVERS | LPARS).items():
        text = text.replace(f'"{short}"', f'"{long}"')
    (where / "ESTATE.json").write_text(text)
    (where / "SCENARIO.toml").write_text(SCENARIO.format(A))
    (where / "CAMPAIGN.toml").write_text(CAMPAIGN.format(A))
    run(where, *COMMANDS["evacuate"][:-1], "PLAN")
    return where


def run(where: Path, *words: str) -> Any:
    places = {"ESTATE": "ESTATE.json", "SCENARIO": "SCENARIO.toml", "CAMPAIGN": "CAMPAIGN.toml", "PLAN": "PLAN",
              "OUT": "OUT"}
    asked = [str(where / places[w]) if w in places else w for w in words]
    return CliRunner().invoke(app, [*asked, *["--force"] * ("--out" in words)], env={"COLUMNS": "80"})


@cache
def told(kind: str, *more: str) -> Any:
    return run(site(), *COMMANDS[kind], *more)


@pytest.mark.parametrize("kind", COMMANDS)
def test_on_80_columns_no_name_date_or_time_is_broken(kind: str) -> None:
    done = told(kind)
    text = done.output.replace(str(site()), "")
    assert isinstance(done.exception, SystemExit | None) and done.exit_code in (0, 1, 3, 4), done.exception
    assert not done.stderr.startswith("planner:"), done.stderr
    assert max(map(len, text.splitlines())) <= 80
    pieces = re.sub("|".join((*SERVERS.values(), *LPARS.values())), "", text)
    assert not re.search("hx|ledger|SN83|p595|hall", pieces), text
    assert not re.search(r"\b\d\d:\s*\n|\b2026-(?!\d\d-\d\d)|\b\d\d:\d(?!\d)", text), text


@pytest.mark.parametrize("kind", COMMANDS)
def test_quiet_is_one_line_and_the_answer_is_the_same(kind: str) -> None:
    line = told(kind, "-q")
    assert line.exit_code == told(kind).exit_code and len(line.stdout.splitlines()) == 1 and line.stdout.strip()


def test_verbose_tells_each_finding() -> None:
    """Each finding was shown on demand by the commands that make one plan alone."""
    few, all_of_them = (told("check", *more).stdout for more in ((), ("-v",)))
    assert few.count("warning") <= all_of_them.count("warning") and "such findings" not in all_of_them


@pytest.mark.parametrize("module", sorted({*_MODULES.values()}))
def test_every_command_that_prints_json_has_both(module: str) -> None:
    import_module(f"planner.cli.{module}")
    for name, one in commands(get_group(app)):
        own = {option for p in one.params for option in p.opts}
        assert ("--json" not in own and name != "collect") or {"-q", "-v"} <= own, name


def commands(of: Any) -> Iterator[tuple[str, Any]]:
    """Those of groups too."""
    for name, one in of.commands.items():
        yield from commands(one) if hasattr(one, "commands") else [(name, one)]


@pytest.mark.parametrize("name", [*_MODULES, "history add"])
def test_help_is_readable_on_80_columns(name: str) -> None:
    text = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).output
    assert max(map(len, text.splitlines())) <= 80 and ("Example" in text or name == "history")
    assert not re.search(r"--[a-z-]*…|\b20\d\d-(?!\d\d|MM)| range>", text), text
