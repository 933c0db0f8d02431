"""A console for tests of the lane scripts: an ``ssh`` that keeps who runs where in a file and answers as an HMC does.

``faults.json`` says what goes wrong: {"validate": {LPAR: text}, "move": {LPAR: fault}, "unreachable": looks}, where a
fault is ``refused`` (ends with 1, nothing moved), ``half`` (stays in migration on both sides), ``hang`` (never ends),
``lost`` (the connection goes, the move does not), ``cut`` (the connection goes before the order), ``grumbles`` (it
arrives, and ends with 1).
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SSH = r'''#!{python} -ISE
import csv, fcntl, io, json, os, shlex, subprocess, sys, time
home = {home!r}
words = sys.argv[1:]
while words[0].startswith("-"):
    words = words[2 if words[0] == "-o" else 1:]
host, line = words
order = shlex.split(line)
if "$" in line or "`" in line or "\\" in line:
    words = subprocess.run(["bash", "-c", "printf '%s\\0' " + line], stdout=subprocess.PIPE, check=True).stdout
    order = words.decode().split(chr(0))[:-1]
def option(name):
    return order[order.index(name) + 1] if name in order else ""
class State:
    def __enter__(self):
        self.file = open(home + "/state.json", "r+")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.all = json.load(self.file)
        return self.all
    def __exit__(self, *_):
        self.file.seek(0), self.file.truncate()
        json.dump(self.all, self.file)
        self.file.close()
def lost():
    print("ssh: connect to host " + host + ": Connection timed out", file=sys.stderr)
    sys.exit(255)
faults = json.load(open(home + "/faults.json"))
with open(home + "/heard", "a") as heard:
    heard.write(host + ": " + line + "\n")
with State() as state:
    if state["unreachable"] > 0:
        state["unreachable"] -= 1
        out = True
    else:
        out = False
if out:
    lost()
if order[0] == "lssyscfg":
    with State() as state:
        for name, at in sorted(state["servers"][option("-m")].items()):
            row = io.StringIO()
            csv.writer(row, lineterminator="").writerow([at, name])
            print(row.getvalue())
    sys.exit(0)
assert order[0] == "migrlpar", order
source, target, name = option("-m"), option("-t"), option("-p")
if option("-o") == "v":
    if name in faults["validate"]:
        print(faults["validate"][name], file=sys.stderr)
        sys.exit(1)
    sys.exit(0)
fault = faults["move"].get(name, "")
def put(here, there):
    with State() as state:
        for server, at in ((source, here), (target, there)):
            state["servers"][server].pop(name, None)
            if at:
                state["servers"][server][name] = at
with State() as state:
    was = state["servers"][source][name]
if fault == "refused":
    print("HSCLA2FF the target has no room", file=sys.stderr)
    sys.exit(1)
if fault == "cut":
    lost()
def go():
    put("Migrating - " + was, "Migrating - " + was)
    time.sleep(0.15)
    put("", was)
if fault == "lost":
    if os.fork() == 0:
        os.setsid()
        go()
        os._exit(0)
    time.sleep(0.05)
    lost()
if fault in ("half", "hang"):
    put("Migrating - " + was, "Migrating - " + was)
    if fault == "hang":
        time.sleep(15)
    print("HSCLA27C the operation failed", file=sys.stderr)
    sys.exit(1)
go()
if fault == "grumbles":
    print("HSCL9999 something is left on the source", file=sys.stderr)
    sys.exit(1)
'''


class StubHmc:
    """Servers with their LPARs and states, and scripts that are run against them."""

    def __init__(self, home: Path, servers: Mapping[str, Mapping[str, str]]) -> None:
        self.home = home
        (home / "bin").mkdir(parents=True)
        ssh = home / "bin" / "ssh"
        ssh.write_text(_SSH.replace("{python}", sys.executable).replace("{home!r}", repr(str(home))))
        ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
        (home / "state.json").write_text(json.dumps({"servers": servers, "unreachable": 0}))
        self.wrong()

    def wrong(self, validate: Mapping[str, str] = {}, move: Mapping[str, str] = {}, unreachable: int = 0) -> None:
        """What goes wrong from now on."""
        (self.home / "faults.json").write_text(json.dumps({"validate": validate, "move": move}))
        with self._state() as state:
            state["unreachable"] = unreachable

    def put(self, server: str, lpar: str, state: str) -> None:
        """Somebody does something by hand; no state: it is gone from there."""
        with self._state() as now:
            now["servers"][server].pop(lpar, None)
            if state:
                now["servers"][server][lpar] = state

    @property
    def servers(self) -> dict[str, dict[str, str]]:
        """Server → LPAR → state."""
        with self._state() as state:
            servers: dict[str, dict[str, str]] = state["servers"]
        return servers

    @contextmanager
    def _state(self) -> Iterator[dict[str, Any]]:
        with (self.home / "state.json").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.load(file)
            yield state
            file.seek(0)
            file.truncate()
            json.dump(state, file)

    @property
    def heard(self) -> list[str]:
        """The orders that reached it, without the looks."""
        file = self.home / "heard"
        return [x for x in file.read_text().splitlines() if "migrlpar" in x] if file.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        """Of a script that is to reach it."""
        return os.environ | {"PATH": f"{self.home / 'bin'}:{os.environ['PATH']}", "POLL": "0.02", "TRIES": "3",
                             "LC_ALL": "C.UTF-8"}

    def begin(self, script: Path, until: str) -> subprocess.Popen[str]:
        """A script that has been started and has said this; it asks nothing."""
        lane = subprocess.Popen(["bash", str(script), "--yes"], env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        assert lane.stdout is not None and any(until in line for line in lane.stdout)
        return lane

    def run(self, script: Path, *arguments: str, says: str = "", **more: str) -> tuple[int, str]:
        """Exit code and all that it said."""
        done = subprocess.run(["bash", str(script), *arguments], input=says, env=self.environment | more, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
        return done.returncode, done.stdout
