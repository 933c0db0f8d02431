"""The same questions typed as commands: exit codes as README has them, papers on disk, what `planner verify` says of them."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

import answer
import goals_told


def arguments(asked: Mapping[str, Any], estate: str, out: str) -> list[str]:
    """The command that asks the same; of what-ifs and campaigns the file stands beside the estate."""
    kind = asked["kind"]
    words = {"evacuate": ["evacuate", estate, *asked.get("servers", [])],
             "headroom": ["headroom", estate, asked.get("server", ""), "--cores", str(asked.get("cores")), "--memory",
                          str(asked.get("memory")), "--when", "always", "--no-curve"],
             "consolidate": ["consolidate", estate, "--minimise", asked.get("measure", "")],
             "whatif": ["whatif", estate, str(Path(estate).with_name("drawn.toml"))],
             "campaign": ["campaign", estate, str(Path(estate).with_name("drawn.toml"))]}[kind]
    for option, name in (("--leave", "leave"), ("--not-a-target", "not_targets"), ("--critical", "critical"),
                         ("--keep", "keep"), ("--off", "off")):
        for value in asked.get(name, []):
            words += [option, value]
    for option, name in (("--return", "return"), ("--inactive", "inactive"), ("--n-plus-1", "n_plus_1")):
        if asked.get(name) and not (kind == "headroom" and name == "return"):
            words.append(option)
    if asked.get("weekend"):
        start, _, end = asked["window"].partition("/")
        words += ["--weekend", "--from", start, "--to", end]
    elif asked.get("window"):
        words += ["--window", asked["window"]]
    if kind == "headroom" and asked["return"]:
        words += ["--window", "2026-12-05 22:00/04:00", "--back-window", "2026-12-12 22:00/04:00"]
    return [*words, "--zone", "UTC", "--out", out, "--time-limit", "20"]


def compared(document: Mapping[str, Any], asked: Mapping[str, Any], got: answer.Answered, seed: int) -> list[str]:
    """What the command contradicts of the answer that was had in process, or of README."""
    return list(_compared(document, asked, got, Random(f"typed {seed}"))) if asked["kind"] != "resume" else []


def _compared(document: Mapping[str, Any], asked: Mapping[str, Any], got: answer.Answered, rng: Random) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        estate, out = Path(place) / "estate.json", Path(place) / "out"
        estate.write_text(json.dumps(document))
        text = {"whatif": lambda: answer.scenario_text(asked, document), "campaign": lambda: answer.campaign_text(asked)}
        estate.with_name("drawn.toml").write_text(text.get(asked["kind"], str)())
        paced = rng.choice(([], [], ["--waves"], ["--people", "1"])) if asked["kind"] == "evacuate" else []
        words = [*arguments(asked, str(estate), str(out)), *paced]
        code, text_out = run(words)
        if "Traceback" in text_out or code in (1, 5):
            yield f"cli: {words} ended with {code}: {text_out[-2000:]}"
        allowed = {"optimal": (0, 3, 4), "feasible": (0, 3, 4), "infeasible": (3,), "unknown": (4,), "refused": (2,), "left": (3, 4)}
        if code not in allowed[got.status]:
            yield f"cli: exit code {code} of {words}, in process {got.status}: {text_out[-600:]}"
        if code == 0:
            for path in sorted(out.rglob("plan.json")):
                yield from _plan(path, estate, rng)


def _plan(path: Path, estate: Path, rng: Random) -> Iterator[str]:
    """A plan on disk, checked and given to verify."""
    own = path.with_name("estate.json")
    source = own if own.exists() else estate
    for wrong in goals_told.checked(json.loads(source.read_text()), json.loads(path.read_text())):
        yield f"cli {wrong}"
    code, text = run(["verify", str(path.parent), str(source)])
    if code:
        yield f"cli: verify of {path.parent.name} ended with {code}: {text[-1500:]}"


def run(words: list[str]) -> tuple[int, str]:
    """The command in this process, but for what its ``main`` sets for a process that ends with it (when its time began, no
    search for cycles, SIGTERM): exit code and what it wrote to both streams."""
    from planner.cli import app

    out = io.StringIO()
    argv = sys.argv
    try:
        sys.argv = ["planner", *words]
        with redirect_stdout(out), redirect_stderr(out):
            app()
    except SystemExit as end:
        return int(end.code or 0) if not isinstance(end.code, str) else 1, out.getvalue()
    finally:
        sys.argv = argv
    return 0, out.getvalue()
