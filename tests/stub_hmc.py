"""A console for tests of the lane scripts: an ``ssh`` whose other end is a thread of the test, which answers as an HMC does.

What goes wrong: {"validate": {LPAR: text}, "move": {LPAR: fault}, "unreachable": looks}, where a fault is ``refused``
(ends with 1, nothing moved), ``half`` (stays in migration on both sides), ``hang`` (never ends), ``lost`` (the
connection goes, the move does not), ``cut`` (the connection goes before the order), ``grumbles`` (it arrives, and ends
with 1). A console named in ``ivms`` manages one server, its own, and takes what an IVM takes.
"""

from __future__ import annotations

import csv
import io
import os
import shlex
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_SSH = r"""#!/bin/bash
exec 3<> /dev/tcp/127.0.0.1/{port} || exit 99
printf '%s\0' '{key}' "$#" "$@" >&3
IFS= read -r -d '' code <&3 && IFS= read -r -d '' out <&3 && IFS= read -r -d '' err <&3 || exit 98
printf '%s' "$out"
printf '%s' "$err" >&2
exit "$code"
"""
_FLIGHT_S, _HANGS_S = 0.1, 15
_NOT_OF_AN_IVM = ("--vlanbridge", "--redundantvios", "--mpio", "--requirerr", "--redundantmsps", "--test")
Answer = tuple[int, str, str]


class StubHmc:
    """Servers with their LPARs and states, and scripts that are run against them."""

    def __init__(self, home: Path, servers: Mapping[str, Mapping[str, str]], ivms: Mapping[str, str] = {}) -> None:
        self.home, self._ivms, self._lock = home, ivms, threading.Lock()
        self._stopped: set[str] = set()
        self._servers = {name: dict(lpars) for name, lpars in servers.items()}
        (home / "bin").mkdir(parents=True)
        ssh = home / "bin" / "ssh"
        ssh.write_text(_SSH.format(port=_listening().server_address[1], key=home))
        ssh.chmod(0o755)
        _STUBS[str(home)] = self
        self.wrong()

    def wrong(self, validate: Mapping[str, str] = {}, move: Mapping[str, str] = {}, unreachable: int = 0) -> None:
        """What goes wrong from now on."""
        self._validate, self._move, self._unreachable = validate, move, unreachable

    def put(self, server: str, lpar: str, state: str) -> None:
        """Somebody does something by hand; no state: it is gone from there."""
        with self._lock:
            self._servers[server].pop(lpar, None)
            if state:
                self._servers[server][lpar] = state

    @property
    def servers(self) -> dict[str, dict[str, str]]:
        """Server → LPAR → state."""
        with self._lock:
            return {name: dict(lpars) for name, lpars in self._servers.items()}

    @property
    def asked(self) -> list[str]:
        """All that it was asked, looks too."""
        file = self.home / "heard"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def heard(self) -> list[str]:
        """The orders that reached it, without the looks."""
        return [x for x in self.asked if "migrlpar" in x]

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

    # ---- the console's own side: in a thread for each connection ----

    def answer(self, words: list[str]) -> Iterable[Answer]:
        """What an ssh with these words gets; goes on after that where the connection is lost and the work is not."""
        while words[0].startswith("-"):
            words = words[2 if words[0] == "-o" else 1:]
        host, line = words
        lost = (255, "", f"ssh: connect to host {host}: Connection timed out\n")
        with self._lock:
            with (self.home / "heard").open("a") as heard:
                heard.write(f"{host}: {line}\n")
            self._unreachable -= 1
            out = self._unreachable >= 0
        if out:
            return [lost]
        order = shlex.split(line)
        if any(c in line for c in "$`\\"):
            told = subprocess.run(["bash", "-c", "printf '%s\\0' " + line], stdout=subprocess.PIPE, check=True).stdout
            order = told.decode().split("\0")[:-1]
        if refused := self._of_an_ivm(host, order):
            return [(1, "", refused + "\n")]
        if order[0] == "lssyscfg":
            return [(0, "".join(f"{state},{_cell(name)}\n" for name, state in sorted(
                self.servers[_option(order, "-m")].items())), "")]
        assert order[0] == "migrlpar", order
        return self._mended(order) if _option(order, "-o") in "sr" else self._migrated(order, lost)

    def _of_an_ivm(self, host: str, order: list[str]) -> str:
        """Why an IVM refuses an order; ``""``: it is none, or takes it."""
        own = self._ivms.get(host.partition("@")[2])
        if own is None:
            return ""
        if not host.startswith("padmin@"):
            return "Permission denied (publickey)."
        if _option(order, "-m") != own:
            return f"[VIOSE01042013-0019] {_option(order, '-m')} is not managed here"
        if wrong := [word for word in _NOT_OF_AN_IVM if word in order]:
            return f"[VIOSE01010007-0001] {wrong[0]} is no option"
        far = self._ivms.get(_option(order, "--ip"))
        if order[0] == "migrlpar" and _option(order, "-o") in "vm" and (
                far != _option(order, "-t") or _option(order, "-u") != "padmin"):
            return "[VIOSE0104201B-0020] the target's IVM is not reached"
        return ""

    def _mended(self, order: list[str]) -> Iterable[Answer]:
        """A stop, or a recovery, which is refused before the stop."""
        source, name = _option(order, "-m"), _option(order, "-p")
        if _option(order, "-o") == "s":
            self._stopped.add(name)
        elif name not in self._stopped:
            return [(1, "", "HSCLA2D5 it is in migration: stop it first\n")]
        else:
            for server, lpars in self.servers.items():
                if name in lpars:
                    self.put(server, name, "Running" if server == source else "")
        return [(0, "", "")]

    def _migrated(self, order: list[str], lost: Answer) -> Iterable[Answer]:
        source, target, name = (_option(order, word) for word in ("-m", "-t", "-p"))
        if _option(order, "-o") == "v":
            return [(1, "", self._validate[name] + "\n") if name in self._validate else (0, "", "")]
        fault, was = self._move.get(name, ""), self.servers[source][name]
        if fault in ("refused", "cut"):
            return [lost if fault == "cut" else (1, "", "HSCLA2FF the target has no room\n")]
        return self._flown(source, target, name, was, fault, lost)

    def _flown(self, source: str, target: str, name: str, was: str, fault: str, lost: Answer) -> Iterable[Answer]:
        for server in (source, target):
            self.put(server, name, "Migrating - " + was)
        if fault in ("half", "hang"):
            time.sleep(_HANGS_S * (fault == "hang"))
            yield 1, "", "HSCLA27C the operation failed\n"
            return
        if fault == "lost":
            yield lost
        time.sleep(_FLIGHT_S)
        self.put(source, name, "")
        self.put(target, name, was)
        if fault != "lost":
            grumbles = fault == "grumbles"
            yield int(grumbles), "", "HSCL9999 something is left on the source\n" * grumbles


def _option(order: list[str], name: str) -> str:
    return order[order.index(name) + 1] if name in order else ""


def _cell(name: str) -> str:
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow([name])
    return row.getvalue()


_STUBS: dict[str, StubHmc] = {}


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        stub = _STUBS[self._word()]
        words = [self._word() for _ in range(int(self._word()))]
        for code, out, err in stub.answer(words):
            with suppress(OSError):
                self.wfile.write("".join(f"{x}\0" for x in (code, out, err)).encode())
                self.connection.shutdown(2)

    def _word(self) -> str:
        return b"".join(iter(lambda: self.rfile.read(1), b"\0")).decode()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 64


@cache
def _listening() -> Any:
    """One for all consoles of a process."""
    made = _Server(("127.0.0.1", 0), _Connection)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made
