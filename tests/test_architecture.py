"""The house (docs/architecture.md): a room imports only rooms to its left, and one module alone knows a solver."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from radon.complexity import cc_visit
from radon.visitors import Class

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "planner"
BASE = ("errors", "findings", "units", "xlsx", "sheets", "frames", "parallel", "grouping", "remember",
        "names", "toml_file", "stopwatch", "files", "cluster")
#: What an estate is made of: seen by the formats, which fill it, and by all rooms to their right.
MODEL = "estate.model"
#: From left to right. Rooms in one group may not import each other, but for the first, which is common ground.
ORDER: tuple[tuple[str, ...], ...] = (
    BASE, (MODEL,), ("formats",), ("estate",), ("history",), ("plan",), ("reach",), ("cost",), ("calibration",), ("rules",),
    ("scenarios",), ("optimise",), ("schedule",), ("verify",), ("jobs",), ("api",), ("report",), ("cli",), ("__main__",))
PLACE = {room: number for number, group in enumerate(ORDER) for room in group}
#: What a room may import at most, where that is less than all to its left.
ONLY = {"plan": {*BASE, MODEL, "history"}, "reach": {*BASE, MODEL, "estate"}, "cost": {*BASE, MODEL, "estate"},
        MODEL: {"frames", "units"}, "formats": {*BASE, MODEL},
        "verify": {*BASE, MODEL, "estate", "history", "plan", "rules", "reach", "cost"}}
SOLVERS = {"pulp", "highspy", "ortools"}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem != "__init__")


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return MODEL if ".".join(parts) == MODEL else parts[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports anywhere, inside functions and for types alike."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "planner":
                yield from (f"planner.{alias.name}" for alias in node.names)


def names_from(path: Path, module: str) -> Iterator[str]:
    """What a file imports from a module by name."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield from (alias.name for alias in node.names)


def rooms_used(path: Path) -> set[str]:
    parts = [name.split(".") for name in imported(path)]
    return {MODEL if ".".join(p[1:3]) == MODEL else p[1]
            for p in parts if p[0] == "planner" and len(p) > 1 and p[1] != "__version__"}


def test_every_module_stands_in_a_room() -> None:
    assert {room_of(p) for p in modules()} <= set(PLACE)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_to_its_left(path: Path) -> None:
    room = room_of(path)
    for other in rooms_used(path) - {room}:
        left = PLACE[other] < PLACE[room] or (room in BASE and other in BASE)
        assert left, f"{room} imports {other}, which is not to its left"
        assert other in ONLY.get(room, PLACE), f"{room} may not import {other}"


def test_the_common_ground_has_no_circle() -> None:
    seen: dict[str, set[str]] = {room: rooms_used(PACKAGE / f"{room}.py") & set(BASE) for room in BASE}
    while seen:
        free = [room for room, needs in seen.items() if not needs & set(seen)]
        assert free, f"a circle among {sorted(seen)}"
        for room in free:
            del seen[room]


def test_one_module_alone_knows_a_solver() -> None:
    """But for the proofs, which are to be by another."""
    known = {p.relative_to(PACKAGE).as_posix() for p in modules()
             if SOLVERS & {name.split(".")[0] for name in imported(p)}}
    assert known == {"optimise/solver.py", "verify/engines.py"}


def test_the_replay_shares_nothing_with_optimiser_and_scheduler_but_estate_and_rules() -> None:
    """Nor do the rules: what they and the replay import, directly or not, holds neither."""
    todo, seen = sorted((PACKAGE / "verify").glob("*.py")), set()
    while todo:
        path = todo.pop()
        for name in imported(path):
            parts = name.split(".")
            target = PACKAGE.joinpath(*parts[1:])
            found = target.with_suffix(".py") if target.with_suffix(".py").exists() else target / "__init__.py"
            if parts[0] == "planner" and found.exists() and found not in seen:
                seen.add(found)
                todo.append(found)
    assert not {room_of(p) for p in seen if p.parent != PACKAGE or p.stem != "__init__"} & {
        "optimise", "schedule", "jobs", "report", "cli"}


def test_the_replay_counts_by_itself() -> None:
    """The ledger is for optimiser and schedule; neither the replay nor the rules that it asks know it."""
    users = {room_of(p) for p in modules() if "planner.rules.ledger" in {*imported(p), *(
        f"planner.rules.{a}" for a in names_from(p, "planner.rules"))}}
    assert users == {"optimise", "schedule"}


#: What of the optimiser may import what: base, heuristics, sites that are taken apart, questions.
LAYERS = (("program", "metering"), ("solver", "licences"), ("placement",), ("heuristics",), ("conflict",), ("stages",),
          ("measure", "asked"), ("evacuate", "headroom", "scenario"), ("frontier", "remedy"), ("opening", "large"),
          ("consolidation_program",), ("split_pack", "neighbourhoods", "judging"), ("restarts",), ("emptying", "failover"),
          ("consolidation",))


def test_the_optimiser_stands_in_layers_without_a_circle() -> None:
    place = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    for path in (PACKAGE / "optimise").rglob("*.py"):
        here = path.relative_to(PACKAGE / "optimise").with_suffix("").parts[0]
        for name in imported(path):
            parts = name.split(".")
            if parts[:2] == ["planner", "optimise"] and len(parts) > 2 and here != parts[2]:
                assert place[parts[2]] < place[here], f"{here} imports {parts[2]}"


def test_starting_the_command_line_imports_nothing_heavy() -> None:
    """``planner --help`` in under 0.4 s: solvers, networkx, pandas and workbook libraries are imported when used."""
    import subprocess
    import sys

    modules = ", ".join(f"planner.cli.{path.stem}" for path in (ROOT / "planner" / "cli").glob("[a-z]*.py"))
    code = f"import sys, {modules}; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"pulp", "highspy", "numpy", "networkx", "pandas", "openpyxl", "xlsxwriter", "pydantic", "duckdb", "ortools"} & set(
        told.stdout.split())


def within(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports inside functions of a file."""
    for function in nodes(path):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))


def test_an_import_in_a_function_is_for_start_up_and_says_so() -> None:
    """In the module's docstring, or on the line of one of them: who reads ``# start-up`` knows what it is for."""
    for path in PACKAGE.rglob("*.py"):
        inside, text = list(within(path)), path.read_text(encoding="utf-8")
        said = [ast.get_docstring(tree(path)) or "", *(text.splitlines()[node.lineno - 1] for node in inside)]
        assert not inside or any("start-up" in one.lower() for one in said), f"{path}: why not at the top?"


#: Calls into other people's code: these take any number of like arguments, and HiGHS takes its arrays by their place.
BY_PLACE = {"chain", "add_row", "passModel"}


def test_no_call_has_more_than_seven_arguments_by_place() -> None:
    """Nobody counts to the twelfth: they have names, but where a function takes any number of like ones."""
    paths = list(PACKAGE.rglob("*.py"))
    any_number = {node.name for path in paths for node in nodes(path)
                  if isinstance(node, ast.FunctionDef) and node.args.vararg}
    for path in paths:
        for call in (node for node in nodes(path) if isinstance(node, ast.Call) and len(node.args) > 7):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            assert name in any_number | BY_PLACE, f"{path}:{call.lineno}: {name} with {len(call.args)} arguments by place"


def depth(statements: list[ast.stmt]) -> int:
    """How deep blocks stand in each other; an ``elif`` stands as deep as its ``if``."""
    deepest = 0
    for one in statements:
        if isinstance(one, ast.For | ast.While | ast.If | ast.With | ast.Try):
            chain = isinstance(one, ast.If) and len(one.orelse) == 1 and isinstance(one.orelse[0], ast.If)
            handled = [line for handler in getattr(one, "handlers", ()) for line in handler.body]
            inside = [*one.body, *handled, *getattr(one, "finalbody", ()), *(() if chain else getattr(one, "orelse", ()))]
            deepest = max(deepest, 1 + depth(inside), depth(one.orelse) if chain else 0)
    return deepest


def test_no_function_has_blocks_deeper_than_four_or_more_than_sixty_lines() -> None:
    for path in PACKAGE.rglob("*.py"):
        for function in nodes(path):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path}:{function.lineno}: {function.name}"
                assert depth(function.body) <= 4, name
                assert (function.end_lineno or 0) - function.lineno < 60, name


def test_every_name_of_a_class_stands_once() -> None:
    names = Counter(node.name for path in PACKAGE.rglob("*.py") for node in nodes(path) if isinstance(node, ast.ClassDef))
    assert not [name for name, times in names.items() if times > 1]


def test_no_function_is_as_tangled_as_radon_calls_d() -> None:
    for path in PACKAGE.rglob("*.py"):
        for block in cc_visit(path.read_text("utf-8")):
            for one in (block, *getattr(block, "methods", ())):
                assert isinstance(one, Class) or one.complexity <= 20, f"{path}:{one.lineno}: {one.name} {one.complexity}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """For types alike, which a reader follows as well."""
    dotted = {f"planner.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}": path for path in modules()}
    named = {name: {*imported(path), *(
        f"{node.module}.{alias.name}" for node in nodes(path) if isinstance(node, ast.ImportFrom) for alias in node.names)}
        for name, path in dotted.items()}
    needs = {name: of & dotted.keys() - {name} for name, of in named.items()}
    assert len(needs) > 100 and needs["planner.cli.plans"] > {"planner.cli.app", "planner.plan.plan"}
    while needs:
        free = {name for name, of in needs.items() if not of & needs.keys()}
        assert free, f"a circle among {sorted(needs)}"
        needs = {name: of for name, of in needs.items() if name not in free}


#: Where sentences are still taken apart: to gather those that say the same, to find a place in a file, to check a claim.
_TAKES_APART = {"estate/assemble.py", "scenarios/sweep_file.py", "verify/claims.py"}
_SENTENCES = {"message", "fix", "summary", "lifts", "why", "why_not_resized", "reason"}


def _asks_a_sentence(node: ast.AST) -> bool:
    """Whether a sentence for people is asked for the words in it."""
    def sentence(of: ast.expr) -> bool:
        return isinstance(of, ast.Attribute) and of.attr in _SENTENCES

    if isinstance(node, ast.Compare):
        return any(isinstance(op, ast.In | ast.NotIn) and sentence(of)
                   for op, of in zip(node.ops, node.comparators, strict=True))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and sentence(node.func.value) and (
        node.func.attr in ("startswith", "endswith", "partition", "rpartition", "removeprefix", "split", "find"))


def test_what_a_sentence_tells_people_is_no_fact_for_the_program() -> None:
    """Whether a conflict was of the way back, what mends it, why a size stays: read out of words, which change."""
    asking = {path.relative_to(PACKAGE).as_posix() for path in modules() for node in ast.walk(tree(path))
              if _asks_a_sentence(node)}
    assert asking == _TAKES_APART
