"""Whether a test fails when the program is changed in one place: mutation testing, `make mutants`.

    python benchmarks/mutants.py [--only WORD …] [--sample N] [--seed N] [--limit S] [--again OUTCOME …] [--list]

A runner of its own, because mutmut's leaves out every function under a decorator, which all rules are, and cosmic-ray
starts the tests anew for each mutant, three seconds before the first of them. The operators are mutmut's
(``mutating.py``). Coverage says once which test runs which line. Then, for each mutant, a process is forked in which
planner and tests are imported already; the changed function gets its new code in place; the tests of its lines run,
those that found something in this function first, then the quickest, up to ``--limit`` seconds of processor as
measured, and stop at the first failure. What changes when a module is imported (constants, defaults, decorators) is
imported anew in a process that has only other people's libraries. A test that finds its first mutant is run alone
without one as well.

What is found stays in build/mutants; the next run goes on from there (``--again survived`` tries those once more).
docs/mutants.md gets the figures and what survived; a reason that a person wrote there stays with its mutant.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import importlib
import importlib.machinery
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import _lru_cache_wrapper
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import mutants_page  # noqa: E402
from mutating import Mutant, mutants  # noqa: E402

WORK = ROOT / "build" / "mutants"
ROOMS = ("planner/rules", "planner/verify", "planner/schedule", "planner/cost.py")
TESTS = ("tests/test_cost.py", "tests/verify", "tests/rules", "tests/schedule", "tests/outside")
LIBRARIES = ("numpy", "pandas", "networkx", "pulp", "highspy", "ortools.sat.python.cp_model", "duckdb", "pydantic",
             "openpyxl", "xlsxwriter", "typer", "scipy.optimize", "hypothesis.strategies", "_hypothesis_pytestplugin")
OPTIONS = ("-s", "-p", "no:cacheprovider", "-p", "no:xdist")
KILLED, SURVIVED, UNTESTED, TIMED_OUT, SAME = "killed", "survived", "no test", "timed out", "same"
"""``SAME``: the compiler makes the same of it, or nothing that it takes: no mutant."""
EXAMPLES, WATCHED_S, LONG = 6, 0.7, 4
"""Examples and seconds of a test that are enough to know its lines; one that took longer is taken for so many times."""
SLOWER, ALLOWANCE_S, LONGEST_S, MEMORY = 5, 10, 300, 6 << 30
"""A test may take so many times its seconds of processor, and so many more; all tests of a mutant so many seconds of
wall clock (solvers that wait for one another), and so many bytes."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant; ``by``: the test that found it; ``tests``: how many were run at most."""

    name: str
    outcome: str
    by: str = ""
    tests: int = 0


@dataclass
class Seen:
    """Which tests run which lines of a file, and how many seconds of processor each took, coverage included."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    long: list[str] = field(default_factory=list)
    """Tests of which only the beginning was watched: they may run any line of the room that they mirror."""

    def of(self, mutant: Mutant, whole: bool) -> list[str]:
        """The tests that run a line of the mutant; ``whole``: of its module, and those that look at what all rules say
        of themselves, which run none."""
        of, room = self.lines.get(mutant.file, {}), "/".join(mutant.file.split("/")[1:-1])
        declared = self.seconds if whole and room == "rules" else ()
        return sorted({*(t for line in (of if whole else mutant.lines) for t in of.get(line, ())),
                       *(t for t in declared if "::test_every_rule_" in t or "/test_registering.py::" in t),
                       *(t for t in self.long if room and t.startswith(f"tests/{room}/"))})


# ---- which test runs which line ------------------------------------------------------------------------------------

class Quick:
    """hypothesis does not look for the smallest example: one is enough."""

    def pytest_sessionstart(self) -> None:
        settings.register_profile("mutants", settings.get_profile("planner"), phases=(Phase.explicit, Phase.generate),
                                  report_multiple_bugs=False, print_blob=False)
        settings.load_profile("mutants")


class Watching(Quick):
    """Runs each test in a fork under coverage, and keeps in ``into`` which lines it runs and its seconds.

    The first examples of a random test and the first seconds of a long one are enough. A test that fails, or is
    skipped, keeps no lines: it is none that can find something.
    """

    def __init__(self, into: Mapping[str, Path]) -> None:
        self.into = into

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.freeze()
        known = {test for path in self.into.values() if path.exists() for test in lines_of(path)}
        for item in session.items:
            if item.nodeid not in known:
                forked(lambda pipe, item=item: self._watched(session, item))
        return True

    def _watched(self, session: pytest.Session, item: pytest.Item) -> int:
        test, times = getattr(item, "obj", None), 1.0
        if whole := getattr(test, "_hypothesis_internal_use_settings", None):
            times = max(1.0, whole.max_examples / EXAMPLES)
            test._hypothesis_internal_use_settings = settings(whole, max_examples=min(EXAMPLES, whole.max_examples))
        passed = list[bool]()
        measured = coverage.Coverage(data_file=None, config_file=False, include=[
            str(ROOT / room) + ("" if room.endswith(".py") else "/*") for room in ROOMS])

        def keep(whole: bool) -> None:
            took = time.process_time() - before
            measured.stop()
            data = measured.get_data()
            lines = {Path(f).relative_to(ROOT).as_posix(): sorted(data.lines(f) or ()) for f in data.measured_files()}
            row = {"test": item.nodeid, "seconds": round(took * times * (1 if whole else LONG), 4), "whole": whole,
                   "passed": all(passed), "lines": lines if all(passed) else {}}
            with self.into[item.nodeid.partition("::")[0]].open("a") as file:
                file.write(json.dumps(row) + "\n")

        def enough(*_: object) -> None:
            keep(whole=False)
            os._exit(0)

        class Told:
            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                passed.append(report.passed)

        session.config.pluginmanager.register(Told())
        signal.signal(signal.SIGPROF, enough)
        signal.setitimer(signal.ITIMER_PROF, WATCHED_S)
        measured.start()
        before = time.process_time()
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        signal.setitimer(signal.ITIMER_PROF, 0)
        keep(whole=True)
        return 0


def lines_of(path: Path) -> dict[str, dict[str, Any]]:
    """What is kept of the tests of a file."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["test"]: row for row in rows}


def libraries() -> None:
    """Import other people's once, for all processes that are forked from this one."""
    for name in LIBRARIES:
        importlib.import_module(name)


def files_of(places: Iterable[str], pattern: str) -> list[Path]:
    """Those places that are files, and the files of the directories."""
    return [p for of in places for p in ([ROOT / of] if of.endswith(".py") else sorted((ROOT / of).rglob(pattern)))]


def digest(paths: Iterable[Path]) -> str:
    """Of the files' names and text."""
    return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in paths)).hexdigest()[:16]


def seen(places: Sequence[str]) -> Seen:
    """What is known of the tests there; those of a file that changed run again, all after a change of the program."""
    helpers = [p for p in sorted((ROOT / "tests").rglob("*.py")) if not p.name.startswith("test_")]
    kept = WORK / digest([*sorted((ROOT / "planner").rglob("*.py")), *helpers])
    kept.mkdir(parents=True, exist_ok=True)
    into = {file: kept / f"{digest([ROOT / file])}.jsonl" for file in (
        p.relative_to(ROOT).as_posix() for p in files_of(places, "test_*.py"))}
    new = {file: path for file, path in into.items() if not path.with_suffix(".whole").exists()}
    if new:
        print(f"which lines the tests of {len(new)} files run", flush=True)
        in_session(list(new), Watching(new))
        for path in new.values():
            path.with_suffix(".whole").touch()
    found, lines = Seen(), defaultdict[str, dict[int, list[str]]](lambda: defaultdict(list))
    for path in into.values():
        for test, of in lines_of(path).items() if path.exists() else ():
            if of["passed"]:
                found.seconds[test] = of["seconds"]
                found.long += [] if of["whole"] else [test]
            for module, numbers in of["lines"].items():
                for line in numbers:
                    lines[module][line].append(test)
    found.lines = dict(lines)
    return found


def in_session(files: Sequence[str], plugin: Quick) -> None:
    """A session of pytest in a process of its own, with a plugin that does what is to be done."""
    if (pid := os.fork()) == 0:
        os._exit(guarded(lambda: int(pytest.main([*OPTIONS, *files], plugins=[plugin])), quiet=False))
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(f"the tests do not run: exit code {os.waitstatus_to_exitcode(status)}")


# ---- what a mutant changes -----------------------------------------------------------------------------------------

def same(one: CodeType, two: CodeType) -> bool:
    """Whether both do the same, wherever their lines stand."""
    return (one.co_code == two.co_code and one.co_names == two.co_names and one.co_varnames == two.co_varnames
            and one.co_freevars == two.co_freevars and one.co_flags == two.co_flags
            and one.co_argcount == two.co_argcount and len(one.co_consts) == len(two.co_consts)
            and all(same(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else
                    type(a) is type(b) and (repr(a) == repr(b) or (a == b and not isinstance(a, tuple)))
                    for a, b in zip(one.co_consts, two.co_consts, strict=True)))


def changed(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """The functions of a module that differ, as they are and as they become; None if what runs at import does."""
    found, parts = list[tuple[CodeType, CodeType]](), []
    for code in (old, new):
        consts = tuple(c for c in code.co_consts if not isinstance(c, CodeType))
        parts.append(code.replace(co_consts=consts))
    if not same(*parts):
        return None
    for one, two in zip(*([c for c in code.co_consts if isinstance(c, CodeType)] for code in (old, new)), strict=True):
        if one.co_flags & CO_OPTIMIZED:
            found += [] if same(one, two) else [(one, two)]
        elif (inside := changed(one, two)) is None:
            return None
        else:
            found += inside
    return found


def compiled(mutant: Mutant) -> tuple[CodeType, CodeType] | None:
    """The module as it is and as it becomes; None if that is no program."""
    path = str(ROOT / mutant.file)
    try:
        new = compile(mutant.source, path, "exec")
    except (SyntaxError, ValueError):
        return None
    return compile(Path(path).read_text("utf-8"), path, "exec"), new


def functions() -> dict[tuple[str, str], list[FunctionType]]:
    """All functions of the program that are alive, by file and name; what tests/conftest.py froze is told again."""
    gc.unfreeze()
    found = defaultdict[tuple[str, str], list[FunctionType]](list)
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(ROOT / "planner")):
            found[one.__code__.co_filename, one.__code__.co_qualname].append(one)
    return found


def made_inside(code: CodeType, alive: Iterable[tuple[str, str]]) -> bool:
    """Whether functions are kept that this one made when its module was imported: they keep the code that they have."""
    return any(file == code.co_filename and name.startswith(f"{code.co_qualname}.<locals>.") for file, name in alive)


# ---- one process a mutant ------------------------------------------------------------------------------------------

def guarded(run: Callable[[], int], quiet: bool = True) -> int:
    """The exit code of a forked process: never back into the code that forked."""
    try:
        if quiet:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (1, 2):
                os.dup2(nowhere, stream)
        return run()
    except BaseException as e:
        if not quiet:
            print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1


class Judging(Quick):
    """In a process with a mutant: the first test that fails ends it, after its name was written."""

    def __init__(self, seconds: dict[str, float], pipe: int) -> None:
        self.seconds, self.pipe = seconds, pipe

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime + SLOWER * self.seconds.get(nodeid, 1) + ALLOWANCE_S) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self.pipe, report.nodeid.encode())
            os._exit(1)


def forked(run: Callable[[int], int]) -> tuple[str, str]:
    """Outcome of a process that runs tests, and the test that ended it. ``run`` gets the pipe for its name."""
    room, (reading, writing) = tempfile.mkdtemp(prefix="mutant-"), os.pipe()
    sys.stdout.flush()
    if (pid := os.fork()) == 0:
        os.setsid()
        os.close(reading)
        tempfile.tempdir = os.environ["TMPDIR"] = room
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os._exit(guarded(lambda: run(writing)))
    os.close(writing)
    until, status = time.monotonic() + LONGEST_S, None
    while status is None:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            status = code
        elif time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        else:
            time.sleep(0.003)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    by = os.read(reading, 4096).decode()
    os.close(reading)
    shutil.rmtree(room, ignore_errors=True)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return TIMED_OUT, by
    return (KILLED if status else SURVIVED), by


class Session(Quick):
    """Tests collected once; its loop judges every mutant in a fork of it."""

    def __init__(self, known: Seen, todo: Sequence[Mutant], limit: float, keep: Callable[[Outcome], None]) -> None:
        self.known, self.todo, self.limit, self.keep, self.warm = known, todo, limit, keep, False
        self.finders = defaultdict[str, Counter[str]](Counter)

    def order(self, mutant: Mutant, tests: Iterable[str]) -> list[str]:
        """Those that found something in this function first, then the quickest; as many as the limit lets."""
        finders = self.finders[mutant.name.partition(":")[0]]
        ordered = sorted(tests, key=lambda t: (-finders[t], self.known.seconds[t], t))
        so_far = itertools.accumulate(self.known.seconds[t] for t in ordered)
        return [t for t, s in zip(ordered, so_far, strict=True) if s <= self.limit] or ordered[:1]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        for name in self.known.long if self.warm else ():
            session.config.hook.pytest_runtest_protocol(item=items[name], nextitem=None)
        alive, gone = functions(), set[str]()
        self.caches = [o for o in gc.get_objects() if isinstance(o, _lru_cache_wrapper)
                       and (o.__module__ or "").startswith("planner.")]
        gc.freeze()

        def run(names: Sequence[str], pipe: int) -> int:
            session.config.pluginmanager.register(Judging(self.known.seconds, pipe))
            for one, two in itertools.pairwise([*(items[n] for n in names), None]):
                session.config.hook.pytest_runtest_protocol(item=one, nextitem=two)
            return 0

        for mutant in self.todo:
            outcome = self._judged(mutant, alive, items, run)
            if outcome.by and outcome.by not in gone and outcome.outcome == KILLED and not any(
                    outcome.by in f for f in self.finders.values()):
                by = outcome.by
                if forked(lambda pipe, by=by: run([by], pipe))[0] != SURVIVED:
                    gone.add(by)
            if outcome.by in gone:
                print(f"fails by itself, and is asked no more: {outcome.by}", flush=True)
                items.pop(outcome.by)
                outcome = self._judged(mutant, alive, items, run)
            if outcome.by:
                self.finders[mutant.name.partition(":")[0]][outcome.by] += 1
            self.keep(outcome)
        return True

    def _judged(self, mutant: Mutant, alive: dict[tuple[str, str], list[FunctionType]], items: dict[str, pytest.Item],
                run: Callable[[Sequence[str], int], int]) -> Outcome:
        both = compiled(mutant)
        pairs = changed(*both) if both else []
        if pairs == []:
            return Outcome(mutant.name, SAME)
        found = [[f for f in alive.get((one.co_filename, one.co_qualname), ()) if same(f.__code__, one)]
                 for one, _ in pairs or ()]
        whole = pairs is None or not all(found) or any(
            one.co_freevars != two.co_freevars or made_inside(one, alive) for one, two in pairs)
        tests = self.order(mutant, (t for t in self.known.of(mutant, whole) if t in items))
        if not tests:
            return Outcome(mutant.name, UNTESTED)
        if whole:
            return Outcome(mutant.name, "", tests=len(tests))

        def inside(pipe: int) -> int:
            for cache in self.caches:
                cache.cache_clear()
            for (_, two), those in zip(pairs or (), found, strict=True):
                for one in those:
                    one.__code__ = two
            return run(tests, pipe)

        return Outcome(mutant.name, *forked(inside), len(tests))


class Chosen(Judging):
    """Of what was collected, these tests in this order."""

    def __init__(self, seconds: dict[str, float], pipe: int, names: Sequence[str]) -> None:
        super().__init__(seconds, pipe)
        self.place = {name: i for i, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.place), key=lambda i: self.place[i.nodeid])


def imported_anew(mutant: Mutant, known: Seen, tests: Sequence[str]) -> Outcome:
    """What becomes of a mutant whose module is imported with the change."""
    module = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    both = compiled(mutant)
    assert both is not None
    real = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
        return both[1] if name == module else real(self, name)

    def run(pipe: int) -> int:
        importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
        files = sorted({t.partition("::")[0] for t in tests})
        return int(pytest.main([*OPTIONS, *files], plugins=[Chosen(known.seconds, pipe, tests)]))

    return Outcome(mutant.name, *forked(run), len(tests))


# ---- all of them ---------------------------------------------------------------------------------------------------

class Kept:
    """Outcomes by name, of this run and those before it, in a file that grows by lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text("utf-8") if path.exists() else ""
        self.all = {o.name: o for o in (Outcome(**json.loads(line)) for line in text.splitlines())}

    def add(self, outcome: Outcome) -> None:
        """Keep one; without an outcome it is still to be imported anew."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")


def judge(todo: Sequence[Mutant], known: Seen, limit: float, kept: Kept, *, warm: bool) -> None:
    """All outcomes into ``kept``: those in functions by one session, then those that want their module anew."""
    session = Session(known, todo, limit, kept.add)
    session.warm = warm
    files = sorted({t.partition("::")[0] for t in known.seconds})
    in_session(files, session)
    known_now = Kept(kept.path).all
    for mutant in todo:
        if mutant.name in known_now and not known_now[mutant.name].outcome:
            kept.add(imported_anew(mutant, known, session.order(mutant, known.of(mutant, whole=True))))


def chosen(only: Sequence[str]) -> list[Path]:
    """The modules whose path has one of the words."""
    return [p for p in files_of(ROOMS, "*.py")
            if not only or any(word in p.relative_to(ROOT).as_posix() for word in only)]


def names(path: Path) -> list[str]:
    """Of all mutants of a module."""
    known = WORK / f"{digest([path, ROOT / 'benchmarks' / 'mutating.py'])}.names"
    if not known.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps([m.name for m in mutants(path)]))
    return list(json.loads(known.read_text()))


def main() -> int:
    """Judge, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="modules whose path has it")
    parser.add_argument("--sample", type=int, metavar="N", help="so many, drawn from those without an outcome yet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=30.0, metavar="S", help="of tests a mutant, by processor")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH", help="those asked")
    parser.add_argument("--warm", action="store_true", help="run long tests once before, without a mutant: plans that "
                        "they keep for one another are made already, which hides what would make other plans")
    parser.add_argument("--again", nargs="+", default=[], metavar="OUTCOME", help="those, and no new ones")
    parser.add_argument("--list", action="store_true", help="count the mutants alone")
    given = parser.parse_args()
    os.chdir(ROOT)
    every = {path: names(path) for path in chosen(given.only)}
    if given.list:
        print("\n".join(f"{len(of):6} {path.relative_to(ROOT)}" for path, of in every.items()))
        return 0
    libraries()
    known, kept = seen(given.tests), Kept(WORK / "outcomes.jsonl")
    todo = [n for of in every.values() for n in of if (
        kept.all[n].outcome in (*given.again, "") if n in kept.all else not given.again)]
    if given.sample is not None and given.sample < len(todo):
        todo = random.Random(given.seed).sample(todo, given.sample)
    print(f"{len(todo)} mutants, {len(known.seconds)} tests", flush=True)
    wanted = set(todo)
    if todo:
        judge([m for path, of in every.items() if wanted & set(of) for m in mutants(path) if m.name in wanted],
              known, given.limit, kept, warm=given.warm)
    found = Kept(kept.path).all
    print(mutants_page.write({path.relative_to(ROOT).as_posix(): [
        (n, found[n].outcome if n in found else "") for n in names(path)] for path in chosen([])},
        ", ".join(given.tests), given.limit))
    return 0


if __name__ == "__main__":
    sys.exit(main())
