"""Hostile files in every place where a command takes a file.

    python benchmarks/fault_files.py [--leaves 200] [--seed 1] [--only plan,policy]

Each kind of file (estate, plan, history, scenario, policies, ...) is given as a pipe, a device, a directory, a loop of
links, nothing, noise, cut, deep, with a number of 100,000 digits, as UTF-16, as a bomb, ...; and in a JSON or TOML file
values are replaced one at a time by what is not a value of theirs (``--leaves`` of them, drawn by ``--seed``). What
must hold: an exit code of the documented ones, no traceback, a message on stderr where it is 2, under 1 GiB and 20 s of
the processor, an earlier output untouched. Exit code 1: something did not hold.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import random
import re
import resource
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from fault_points import child, ran, restore, site, tree, waited, warm  # noqa: E402

MOST_BYTES, MOST_CPU_S, LONGEST_S, MOST_SAID = 1 << 30, 20, 120, 6000
CODES = {0, 1, 2, 3, 4}
BIDI, LONE = "a\u202egnp.exe\u2066", "\\ud800"


@dataclass(frozen=True)
class Place:
    """Where a file is taken: what runs, and the file that is replaced."""

    name: str
    file: str
    args: tuple[str, ...]


PLACES = (
    Place("estate", "e.json", ("evacuate", "e.json", "srv000", "--out", "out")),
    Place("workbook", "e.xlsx", ("check", "e.xlsx")),
    Place("directory", "exports/e.json", ("load", "exports", "--out", "new.json")),
    Place("plan", "plan/plan.json", ("verify", "plan", "a.json")),
    Place("plan resumed", "plan/plan.json", ("resume", "plan/plan.json", "a.json", "--back", "--out", "out")),
    Place("home", "plan/plan.json", ("evacuate", "a.json", "srv001", "--return", "--home", "plan", "--out", "out")),
    Place("paper", "plan/runbook.md", ("verify", "plan", "a.json")),
    Place("list", "out/.planner-manifest.json", ("evacuate", "a.json", "srv000", "--out", "out")),
    Place("record", "record.json", ("resume", "plan", "a.json", "--on", "--record", "record.json", "--out", "out")),
    Place("history", "u.db", ("history", "show", "--store", "u.db")),
    Place("history added to", "u.db", ("history", "add", "usage", "--store", "u.db")),
    Place("usage", "usage/l0.nmon", ("history", "add", "usage", "--store", "new.db", "--zone", "UTC")),
    Place("scenario", "one.toml", ("whatif", "a.json", "one.toml", "--out", "out")),
    Place("sweep", "s.toml", ("sweep", "a.json", "s.toml", "--workers", "1", "--out", "out")),
    Place("campaign", "two-windows.toml", ("campaign", "a.json", "two-windows.toml", "--out", "out")),
    Place("policy", "policy.toml", ("check", "a.json", "--policy", "policy.toml")),
    Place("parameters", "p.toml", ("check", "a.json", "--parameters", "p.toml")),
    Place("mapping", "map.toml", ("load", "moves.csv", "--mapping", "map.toml")),
    Place("catalogue", "models.toml", ("whatif", "a.json", "one.toml", "--catalogue", "models.toml", "--out", "out")),
    Place("prices", "prices.toml", ("remedy", "a.json", "srv000", "--prices", "prices.toml", "--out", "out")),
    Place("log", "moves.csv", ("calibrate", "moves.csv", "--out", "new.toml")),
    Place("since", "rd/estate.json", ("readiness", "a.json", "--since", "rd")),
    Place("findings", "f.csv", ("check", "a.json", "--findings", "f.csv")),
)


MADE = {"e.xlsx": ("load", "a.json", "--out", "e.xlsx"), "plan": ("evacuate", "a.json", "srv000", "--out", "plan"),
        "out": ("evacuate", "a.json", "srv000", "--return", "--out", "out"),
        "rd": ("readiness", "a.json", "--out", "rd"), "f.csv": ("check", "a.json", "--findings", "f.csv"),
        "u.db": ("history", "add", "usage", "--store", "u.db", "--zone", "UTC")}
"""Files that commands make, for the places that need them."""


def files_of(where: Path, places: Sequence[Place]) -> None:
    """The good files of these places."""
    site(where)
    shutil.copy(where / "a.json", where / "e.json")
    (where / "exports").mkdir()
    shutil.copy(where / "a.json", where / "exports" / "e.json")
    (where / "policy.toml").write_text('[[policy]]\nkind = "pin"\nlpars = ["lp00000"]\n')
    (where / "p.toml").write_text("overhead_s = 50\n")
    (where / "map.toml").write_text('[[sheet]]\nname = "*"\nkind = "lpar"\n[sheet.columns]\nLPAR = "name"\n')
    (where / "models.toml").write_text('[[model]]\ntype_model = "9999-AAA"\nname = "Invented"\n')
    (where / "prices.toml").write_text('[[price]]\nchange = "stop-node"\npoints = 5\n')
    shutil.copy(ROOT / "tests" / "fixtures" / "past_moves" / "evening_record.json", where / "record.json")
    for name, args in MADE.items():
        needed = any(name in place.file or name in place.args for place in places)
        code = ran(args, where, where.parent / "log") if needed else 0
        assert code in (0, 1), (args, (where.parent / "log.err").read_text())


# ---- what is put there ----------------------------------------------------------------------------------------------


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _packed(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    return out.getvalue()


def _zip(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a", data)
        packed.writestr("../../evil", b"evil")
    return out.getvalue()


KINDS: dict[str, Callable[[Path], None]] = {
    "pipe": lambda path: os.mkfifo(path), "directory": lambda path: path.mkdir(), "loop of links": _link("./loop"),
    "link to nothing": _link("nothing-there"), "link to /dev/zero": _link("/dev/zero"),
    "link to /dev/null": _link("/dev/null"), "absent": lambda path: None}

CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda good: b"", "NULs": lambda good: bytes(5000), "noise": lambda good: random.Random(1).randbytes(5000),
    "a BOM": lambda good: b"\xef\xbb\xbf" + good, "UTF-16": lambda good: good.decode("latin-1").encode("utf-16"),
    "cut in half": lambda good: good[:len(good) // 2], "cut at the end": lambda good: good[:-3],
    "one NUL": lambda good: good[:len(good) // 2] + b"\0" + good[len(good) // 2:],
    "not UTF-8": lambda good: good[:len(good) // 2] + b"\xff\xfe\xfd" + good[len(good) // 2:],
    "deep lists": lambda good: b"[" * 200_000, "deep tables": lambda good: b'{"a":' * 200_000,
    "deep TOML": lambda good: b"a = " + b"[" * 200_000, "dotted TOML": lambda good: b"a" + b".a" * 50_000 + b" = 1\n",
    "a long number": lambda good: re.sub(rb"\d+", b"9" * 100_000, good, count=3),
    "a long word": lambda good: b"x" * 20_000_000, "long lines": lambda good: (b"x" * 500 + b"\n") * 20_000,
    "NaN": lambda good: re.sub(rb": \d+", b": NaN", re.sub(rb"= \d+", b"= nan", good)),
    "Infinity": lambda good: re.sub(rb": \d+", b": Infinity", re.sub(rb"= \d+", b"= inf", good)),
    "-1": lambda good: re.sub(rb"([:=] )\d+", rb"\1-1", good),
    "twice the keys": lambda good: (good.replace(b"{", b'{"name": "twice", "name": "thrice",') if good[:1] == b"{"
                                    else good * 2),
    "bidirectional": lambda good: re.sub(rb'"([a-z]+\d+)"', lambda m: f'"{BIDI}{m[1].decode()}"'.encode(), good),
    "lone surrogates": lambda good: re.sub(rb'"([a-z]+\d+)"', lambda m: f'"{LONE}{m[1].decode()}"'.encode(), good),
    "a bomb": lambda good: gzip.compress(bytes(300 << 20)), "a zip bomb": lambda good: _zip(bytes(300 << 20)),
    "a way out": lambda good: _packed("../../evil"), "packed": gzip.compress, "a list": lambda good: b"[]",
    "an object": lambda good: b"{}", "null": lambda good: b"null",
    "HTML": lambda good: b"<html><body>Log in</body></html>",
    "an XML bomb": lambda good: b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "' + b"&b;" * 9999 + b'">]><a>&c;</a>',
}

#: What one value of a file is replaced by.
VALUES: tuple[Any, ...] = (None, True, -1, 0, 10 ** 30, float("nan"), float("inf"), 1e308, 0.5, "", "x", BIDI, "\ud800",
                           "\0", "x" * 100_000, [], {}, [[]], {"a": 1}, "2026-13-45", "=1+1", "../../evil", [None])


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values in a document."""
    if path:
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(one, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], by: Any) -> Any:
    """The document with another value in one place."""
    copy = json.loads(json.dumps(document))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = by
    return copy


def documents(good: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(what was done, the file) of so many mutations of a JSON or TOML file."""
    import tomllib

    import tomli_w

    draw = random.Random(seed)
    try:
        document, write = json.loads(good), lambda d: json.dumps(d).encode()
    except ValueError:
        try:
            document = json.loads(json.dumps(tomllib.loads(good.decode()), default=str))
            write = lambda d: tomli_w.dumps(d).encode()  # noqa: E731
        except (ValueError, UnicodeDecodeError):
            return
    places = list(leaves(document))
    for _ in range(count):
        path, value = draw.choice(places), draw.choice(VALUES)
        try:
            yield f"{'.'.join(map(str, path))} = {repr(value)[:40]}", write(replaced(document, path, value))
        except (TypeError, ValueError):
            continue  # TOML has no null, and no lone surrogate


def put(kind: Callable[[Path], None], path: Path) -> None:
    path.unlink(missing_ok=True)
    kind(path)


# ---- one case -------------------------------------------------------------------------------------------------------


class Trial:
    """A working directory, restored after each case."""

    def __init__(self, base: Path, made: Path) -> None:
        self.base, self.where, self.log = base, made / "work", made / "log"
        self.where.mkdir()
        self.tried: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.wrong: list[str] = []

    def run(self, place: Place, what: str, make: Callable[[Path], None]) -> None:
        restore(self.where, self.base)
        make(self.where / place.file)
        before = tree(self.where, ("out",))
        was = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = waited(child(place.args, self.where, self.log, self.limited), LONGEST_S)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.tried[place.name] += 1
        self.codes[code] += 1
        for wrong in self.problems(code, before, now.ru_utime + now.ru_stime - was.ru_utime - was.ru_stime):
            self.wrong.append(f"{place.name}: {what}: {wrong}")
            print(self.wrong[-1], flush=True)

    def limited(self) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (2 * MOST_CPU_S, 2 * MOST_CPU_S))
        held = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10  # type: ignore[index]
        resource.setrlimit(resource.RLIMIT_AS, (held + MOST_BYTES, held + MOST_BYTES))

    def problems(self, code: int, before: dict[str, str], cpu_s: float) -> Iterator[str]:
        err = self.log.with_suffix(".err").read_text(errors="replace")
        out = self.log.with_suffix(".out").read_text(errors="replace")
        if "Traceback" in err or "Error:" in err.rpartition("\n")[2]:
            yield f"traceback: {err[-500:]}"
        elif code not in CODES:
            yield f"exit code {code}: {err[-300:]}"
        elif code == 2 and not err.strip():
            yield "says nothing"
        if len(err) > MOST_SAID or (code == 2 and len(out) > 10 * MOST_SAID):
            yield f"says {len(err)} and {len(out)} letters: {err[:200]}"
        if any(c in err + out for c in "\u202e\u2066\0\x1b"):
            yield "prints what turns the letters around, or moves the cursor"
        if cpu_s > MOST_CPU_S:
            yield f"takes {cpu_s:.0f} s"
        if code == 2 and tree(self.where, ("out",)) != before:
            yield "changed an earlier output"
        if (self.where.parent / "evil").exists() or list(self.where.rglob("evil")):
            yield "was led out of the archive"


def cases(place: Place, base: Path, count: int, seed: int) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """What is put into one place."""
    good = (base / place.file).read_bytes()
    for what, kind in KINDS.items():
        yield what, lambda path, kind=kind: put(kind, path)  # type: ignore[misc]
    for what, content in CONTENTS.items():
        yield what, lambda path, content=content: path.write_bytes(content(good))  # type: ignore[misc]
    for what, data in documents(good, count, seed):
        yield what, lambda path, data=data: path.write_bytes(data)  # type: ignore[misc]


def main() -> int:
    asking = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_argument("--leaves", type=int, default=200, help="values replaced in each JSON or TOML file")
    asking.add_argument("--every", type=int, default=1, help="only every n-th case")
    asking.add_argument("--seed", type=int, default=1)
    asking.add_argument("--only", default="", help="places, by the beginning of their names")
    asked = asking.parse_args()
    only = [o for o in asked.only.split(",") if o]
    os.environ["COLUMNS"] = "100"
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        base = Path(made) / "base"
        base.mkdir()
        places = [p for p in PLACES if not only or any(p.name.startswith(o) for o in only)]
        warm()
        files_of(base, places)
        trial = Trial(base, Path(made))
        number = 0
        for place in places:
            for what, make in cases(place, base, asked.leaves, asked.seed):
                number += 1
                if number % asked.every == 0:
                    trial.run(place, what, make)
            print(f"{place.name:<18} {trial.tried[place.name]:>5} cases, {len(trial.wrong)} wrong so far", flush=True)
        codes = ", ".join(f"{trial.codes[c]} × {c}" for c in sorted(trial.codes))
        print(f"{sum(trial.tried.values())} files in {len(trial.tried)} places, {len(trial.wrong)} wrong; "
              f"exit codes: {codes}")
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
