"""Every change that a command makes to files, as the moment at which it is killed, the disk is full, or breaks.

    python benchmarks/fault_points.py [--every 1] [--only evacuate,load]

Each command runs once to count its changes (files opened, written, renamed, ...: benchmarks/fault_points.c, preloaded).
Then it runs again for every one of them, and there is killed (a write half done), refused as a broken disk refuses
(EIO), or refused this and all that needs room (ENOSPC). What must hold: outputs are all old or all new; a refusal is
one message and exit code 2, and leaves nothing beside, but for what a broken disk does not let go of; after a kill the
same command does its work and clears what the killed one left. The part before the first change runs once: the process
is forked there. Exit code 1: something did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

OFF, COUNT, KILL, BROKEN, FULL = range(5)
FAULTS = {"killed": KILL, "again": OFF, "broken": BROKEN, "full": FULL}
"""What is done, in this order; after a kill the command runs again on what the kill left."""
LONGEST_S = 300
Tree = dict[str, str]

from planner.files import is_beside  # noqa: E402


@dataclass(frozen=True)
class Command:
    """What is run, and what ran before it; ``outputs``: what must be all old or all new, each by itself.

    ``whole``: it is run from its beginning for each point, because it writes before its work is over. ``twice``: its
    exit code where its work was done before, if not the same. ``each``: files below it are written when they are ready,
    and are old or new each by itself.
    """

    name: str
    args: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    outputs: tuple[str, ...] = ("out",)
    whole: bool = False
    twice: int | None = None
    each: str = ""


COMMANDS = (
    Command("load json", ("load", "b.json", "--out", "new.json", "--force"), (("load", "a.json", "--out", "new.json"),),
            ("new.json",)),
    Command("load xlsx", ("load", "b.json", "--out", "new.xlsx", "--findings", "f.csv"), (), ("new.xlsx", "f.csv")),
    Command("reach", ("reach", "b.json", "--graph", "g.dot", "--force"), (("reach", "a.json", "--graph", "g.dot"),),
            ("g.dot",)),
    Command("evacuate anew", ("evacuate", "a.json", "srv000", "--out", "out")),
    Command("evacuate", ("evacuate", "a.json", "srv000", "--return", "--out", "out", "--alternatives", "2"),
            (("evacuate", "a.json", "srv001", "--out", "out", "--alternatives", "3"),)),
    Command("headroom", ("headroom", "a.json", "srv000", "--cores", "3", "--when", "always", "--out", "out",
                         "--no-curve"),
            (("headroom", "a.json", "srv001", "--cores", "2", "--when", "always", "--out", "out", "--no-curve"),)),
    Command("consolidate", ("consolidate", "a.json", "--out", "out", "--write-model", "m.lp", "--force"),
            (("consolidate", "a.json", "--off", "srv001", "--out", "out"),), ("out",)),
    Command("whatif", ("whatif", "a.json", "two.toml", "--out", "out"),
            (("whatif", "a.json", "one.toml", "--out", "out"),)),
    Command("campaign", ("campaign", "a.json", "two-windows.toml", "--out", "out"),
            (("campaign", "a.json", "one-window.toml", "--out", "out"),)),
    Command("resume", ("resume", "plan", "a.json", "--on", "--now", "2026-12-05 22:00", "--out", "out"),
            (("evacuate", "a.json", "srv000", "--window", "2026-12-05 22:00/04:00", "--out", "plan"),
             ("evacuate", "a.json", "srv001", "--out", "out"))),
    Command("remedy", ("remedy", "a.json", "srv001", "--out", "out"),
            (("remedy", "a.json", "srv000", "--out", "out"),)),
    Command("readiness", ("readiness", "b.json", "--out", "out", "--prometheus", "r.prom"),
            (("readiness", "a.json", "--out", "out"),), ("out", "r.prom")),
    Command("capacity", ("capacity", "a.json", "--history", "u.db", "--month", "2026-01", "--out", "c.xlsx", "--force"),
            (("history", "add", "usage", "--store", "u.db", "--zone", "UTC"),
             ("capacity", "b.json", "--history", "u.db", "--month", "2026-01", "--out", "c.xlsx")), ("c.xlsx",)),
    Command("calibrate", ("calibrate", "moves.csv", "--out", "p.toml"), (), ("p.toml",)),
    Command("history add anew", ("history", "add", "usage", "--store", "u.db", "--zone", "UTC"), (), ("u.db",), True),
    Command("history add", ("history", "add", "more", "--store", "u.db"),
            (("history", "add", "usage", "--store", "u.db", "--zone", "UTC"),), ("u.db",), True),
    Command("history forget", ("history", "forget", "--store", "u.db", "--lpar", "lp00001"),
            (("history", "add", "usage", "--store", "u.db", "--zone", "UTC"),), ("u.db",), True, 2),
    Command("sweep", ("sweep", "b.json", "s.toml", "--workers", "1", "--out", "out"),
            (("sweep", "a.json", "s.toml", "--workers", "1", "--out", "out"),), ("out",), True, each="out/cells/"),
)


def site(where: Path) -> None:
    """The inputs of all commands."""
    from dataclasses import replace

    from move_logs import FORMS, invented
    from scale_estates import open_estate, save
    from usage_writer import nmon_text

    estate = open_estate(4, 12)
    save(estate, where / "a.json")
    gone = estate.lpars[0].name
    one_less = replace(estate, lpars=estate.lpars[1:], networks=tuple(n for n in estate.networks if n.lpar != gone),
                       fibres=tuple(f for f in estate.fibres if f.lpar != gone))
    save(one_less, where / "b.json")
    scenario = '[[scenario.growth]]\nlpars = "*"\ncores_percent = {}\n'
    (where / "one.toml").write_text('name = "One"\n[[growth]]\nlpars = "*"\ncores_percent = 1\n')
    (where / "two.toml").write_text('name = "Two"\nretire = ["srv000"]\n')
    (where / "s.toml").write_text('name = "Sweep"\n[grid]\n"growth[0].cores_percent" = [0, 5]\n' + scenario.format(0))
    window = "[[window]]\nstart = 2026-12-{}T22:00:00\nend = 2026-12-{}T04:00:00\n"
    work = '[[work]]\nserver = "{}"\nminutes = 30\n'
    (where / "one-window.toml").write_text('name = "C"\n' + work.format("srv000") + window.format("05", "06"))
    (where / "two-windows.toml").write_text('name = "C"\n' + work.format("srv000") + work.format("srv001")
                                            + window.format("05", "06") + window.format("12", "13"))
    for folder, lpars, days in (("usage", 3, 40), ("more", 4, 3)):
        (where / folder).mkdir()
        for n in range(lpars):
            at = datetime(2026, 1, 1)
            (where / folder / f"l{n}.nmon").write_text(nmon_text(
                estate.lpars[n].name, [(at + timedelta(hours=h), 0.5 + n) for h in range(1, 24 * days)],
                interval=3600))
    (where / "moves.csv").write_text(invented(1, FORMS[1]).text)


# ---- running --------------------------------------------------------------------------------------------------------


def shim() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def arm(how: int, at: int, under: Path) -> None:
    shim().fault_arm(how, ctypes.c_long(at), os.fsencode(under))


def redirect(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = (os.open(log.with_suffix(s), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644) for s in (".out", ".err"))
    os.dup2(out, 1)
    os.dup2(err, 2)


def child(args: Sequence[str], where: Path, log: Path, prepare: Callable[[], None]) -> int:
    """The pid of a process that runs a command in a directory."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.chdir(where)
        redirect(log)
        sys.argv = ["planner", *args]
        prepare()
        from planner.cli import main
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 71
    except BaseException:
        import traceback
        os.write(2, traceback.format_exc().encode())
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def waited(pid: int, seconds: float = LONGEST_S) -> int:
    """Its exit code, negative for the signal that ended it; -99 when it had to be ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -99


def ran(args: Sequence[str], where: Path, log: Path) -> int:
    return waited(child(args, where, log, lambda: None))


# ---- what stands on the disk ----------------------------------------------------------------------------------------


def tree(where: Path, only: Sequence[str] | None = None) -> Tree:
    """Path → what is there, of all but stores."""
    found = {}
    for path in sorted(where.rglob("*")):
        name = str(path.relative_to(where))
        if only is not None and not any(name == o or name.startswith(o + "/") for o in only):
            continue
        if path.is_file() and not path.is_symlink() and not name.endswith(".db"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def held(where: Path, outputs: Sequence[str]) -> dict[str, Tree]:
    """Output → what it holds; a store as the samples in it."""
    return {one: contents(where / one) if one.endswith(".db") else tree(where, (one,)) for one in outputs}


def contents(store: Path) -> Tree:
    """What is in a store; nothing in an empty one, and in one of which only the beginning was made."""
    if not store.exists():
        return {}
    with tempfile.TemporaryDirectory() as aside:
        for name in (store.name, store.name + ".wal"):
            if (store.parent / name).exists():
                shutil.copy2(store.parent / name, Path(aside) / name)
        log = Path(aside) / "log"
        code = ran(["history", "show", "--store", store.name, "--json"], Path(aside), log)
        said = log.with_suffix(".out").read_text() + log.with_suffix(".err").read_text()
        return {} if '"series": []' in said or "no usage history" in said else {"rc": str(code), "says": said}


def extra(where: Path, known: Tree) -> list[str]:
    """Files and directories that nobody asked for."""
    return sorted(str(p.relative_to(where)) for p in where.rglob("*")
                  if (name := str(p.relative_to(where))) not in known and not name.endswith(".db")
                  and not any(k.startswith(name + "/") for k in known))


def restore(where: Path, copy: Path) -> None:
    for path in where.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    subprocess.run(["cp", "-a", f"{copy}/.", str(where)], check=True)


# ---- one command ----------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What was tried and what did not hold."""

    points: Counter[str]
    wrong: list[str]


class Trial:
    """One command with the states before and after it."""

    def __init__(self, command: Command, base: Path, place: Path) -> None:
        self.command, self.where, self.log = command, place / "work", place / "log"
        self.copy, self.done = place / "copy", False
        shutil.copytree(base, self.where)
        for args in command.before:
            code = ran(args, self.where, self.log)
            assert code in (0, 1), (args, code, self.log.with_suffix(".err").read_text())
        for one in command.outputs:
            if (self.where / one).is_dir():
                (self.where / one / "mine.txt").write_text("kept by a person\n")
        shutil.copytree(self.where, self.copy, symlinks=True)
        self.old, self.old_tree = held(self.where, command.outputs), tree(self.where)
        self.code = ran(command.args, self.where, self.log)
        assert self.code in (0, 1, 3, 4), (command.args, self.code, self.log.with_suffix(".err").read_text())
        self.new, self.new_tree = held(self.where, command.outputs), tree(self.where)
        assert self.old != self.new, (command.name, "writes what stood there already")
        restore(self.where, self.copy)

    def points(self) -> int:
        """How many changes it makes."""
        read, write = os.pipe()

        def counting() -> None:
            arm(COUNT, 0, self.where)
            leave = os._exit

            def exiting(code: int) -> None:
                os.write(write, str(shim().fault_seen()).encode())
                leave(code)
            os._exit = exiting  # type: ignore[assignment]
        waited(child(self.command.args, self.where, self.log, counting))
        os.close(write)
        count = int(os.read(read, 99) or b"0")
        os.close(read)
        restore(self.where, self.copy)
        return count

    def faults(self, every: int) -> Iterator[tuple[str, int]]:
        number = self.points()
        for at in (n for n in range(1, number + 1) if n % every == 0 or n in (1, number)):
            yield from ((fault, at) for fault in FAULTS)

    def run(self, every: int, told: Told) -> None:
        asked = list(self.faults(every))
        if self.command.whole:
            for fault, at in asked:
                code = waited(child(self.command.args, self.where, self.log,
                                    lambda f=fault, n=at: arm(FAULTS[f], n, self.where)))
                self.judged(fault, at, code, told)
            return
        read, write = os.pipe()
        mother = child(self.command.args, self.where, self.log, lambda: self.forking(asked, write))
        os.close(write)
        with os.fdopen(read) as said:
            for fault, at in asked:
                line = said.readline()
                if not line:
                    told.wrong.append(f"{self.command.name}: wrote nothing by way of planner.report.output")
                    break
                self.judged(fault, at, int(line), told)
                (self.log.parent / "next").write_bytes(b"")
        waited(mother)

    def forking(self, asked: list[tuple[str, int]], write: int) -> None:
        """From the first call that writes on, the command goes on once for each fault, each time in a process."""
        from planner.report import output

        self.first = True
        own = {name: getattr(output, name) for name in ("write_file", "write_directory", "write_findings")}

        def guarded(name: str) -> Callable[..., None]:
            def call(*args: object, **more: object) -> None:
                if self.first:
                    self.first = False
                    self.each(asked, write)
                own[name](*args, **more)
            return call
        for name in own:
            setattr(output, name, guarded(name))

    def each(self, asked: list[tuple[str, int]], write: int) -> None:
        signal_file = self.log.parent / "next"
        for fault, at in asked:
            pid = os.fork()
            if not pid:
                redirect(self.log)
                arm(FAULTS[fault], at, self.where)
                return
            code = waited(pid)
            signal_file.unlink(missing_ok=True)
            os.write(write, f"{code}\n".encode())
            while not signal_file.exists():
                time.sleep(0.002)
        os._exit(0)

    def judged(self, fault: str, at: int, code: int, told: Told) -> None:
        """Whether all that must hold does, after one fault; then everything as it was."""
        told.points[f"{self.command.name}, {fault}"] += fault != "again"
        wrong = list(self.problems(fault, code))
        told.wrong += [f"{self.command.name}, {fault} at change {at}: {w}" for w in wrong]
        if fault != "killed":
            restore(self.where, self.copy)

    def problems(self, fault: str, code: int) -> Iterator[str]:
        err = self.log.with_suffix(".err").read_text(errors="replace")
        now = held(self.where, self.command.outputs)
        if "Traceback" in err:
            yield f"traceback: {err[-600:]}"
        for one in self.command.outputs:
            if not self.old_or_new(now[one], self.old[one], self.new[one], fault):
                yield f"{one} is neither old nor new: {differs(now[one], self.old[one], self.new[one])}"
        if fault == "killed":
            self.done = now == self.new
            if code not in (-9, self.code):
                yield f"exit code {code}, and not killed"
        if fault == "again":
            asked = self.command.twice if self.done and self.command.twice is not None else self.code
            if code != asked or now != self.new:
                yield (f"exit code {code} instead of {asked}: {err[-300:]}; "
                       f"{[differs(now[o], self.old[o], self.new[o]) for o in now if now[o] != self.new[o]]}")
        elif fault != "killed" and (now != self.new or code != self.code):
            if code != 2:
                yield f"exit code {code}: {err[-300:]}"
            if not err.strip() or len(err) > 1500:
                yield f"says {err[:200]!r}"
        left = [name for name in extra(self.where, self.old_tree | self.new_tree) if not self.may_stay(fault, name)]
        if fault != "killed" and left:
            yield f"leaves {left[:5]}"

    def old_or_new(self, now: Tree, old: Tree, new: Tree, fault: str) -> bool:
        each = self.command.each
        if not each:
            return now in (old, new)
        if fault == "killed":  # the same command takes away what it has half made
            now = {name: held for name, held in now.items() if not any(map(is_beside, name.split("/")))}
        rest = [{name: held for name, held in tree.items() if not name.startswith(each)} for tree in (now, old, new)]
        return rest[0] in rest[1:] and all(held in (old.get(name), new.get(name)) for name, held in now.items()
                                           if name.startswith(each))

    def may_stay(self, fault: str, name: str) -> bool:
        """Whether a disk that refuses may keep this: what it does not let go of, the log of a store that is there."""
        if fault not in ("broken", "full"):
            return False
        held_on_to = fault == "broken" and is_beside(name.partition("/")[0])
        return held_on_to or (name.endswith(".db.wal") and (self.where / name.removesuffix(".wal")).exists())


def differs(now: Tree, old: Tree, new: Tree) -> str:
    if "says" in now:
        return f"{now['rc']} {now['says'][:300]}"
    return ", ".join(f"{k} {'old' if now.get(k) == old.get(k) else 'new' if now.get(k) == new.get(k) else 'other'}"
                     for k in sorted({*now, *old, *new}) if old.get(k) != new.get(k))[:400]


def warm() -> None:
    """What commands import, once."""
    from typer.main import get_group

    from planner.cli import app
    get_group(app).list_commands(None)  # type: ignore[arg-type]
    for module in ("planner.jobs", "planner.report.plan_files", "planner.report.terminal", "planner.estate.load",
                   "planner.estate.workbook", "planner.jobs.sweep", "planner.jobs.campaign", "planner.jobs.whatif"):
        __import__(module)


def trials(only: Sequence[str], every: int) -> Told:
    told = Told(Counter(), [])
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        base = Path(made) / "base"
        base.mkdir()
        site(base)
        warm()
        for number, command in enumerate(c for c in COMMANDS if not only or any(c.name.startswith(o) for o in only)):
            place = Path(made) / str(number)
            place.mkdir()
            before = sum(told.points.values())
            wrong = len(told.wrong)
            Trial(command, base, place).run(every, told)
            for line in told.wrong[wrong:]:
                print(line)
            tried = sum(told.points.values()) - before
            print(f"{command.name:<18} {tried:>5} faults, {len(told.wrong) - wrong} wrong, "
                  f"{children_s():.0f} CPU s in all", flush=True)
            shutil.rmtree(place, ignore_errors=True)
    return told


def children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system + times.user + times.system


def preloaded(arguments: Sequence[str]) -> int:
    """This program again, with the counter of changes in it."""
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        library = Path(made) / "fault_points.so"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, ROOT / "benchmarks" / "fault_points.c", "-ldl"],
                       check=True)
        environment = os.environ | {"LD_PRELOAD": str(library), "FAULTS": "1", "COLUMNS": "100",
                                    "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, __file__, *arguments], env=environment, check=False).returncode


def main() -> int:
    asking = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_argument("--every", type=int, default=1, help="only every n-th change, the first and the last")
    asking.add_argument("--only", default="", help="commands, by the beginning of their names")
    asked = asking.parse_args()
    if "FAULTS" not in os.environ:
        return preloaded(sys.argv[1:])
    told = trials([o for o in asked.only.split(",") if o], asked.every)
    print(f"{sum(told.points.values())} faults at the changes of {len({k.rpartition(',')[0] for k in told.points})} "
          f"commands, {len(told.wrong)} wrong")
    return 1 if told.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
