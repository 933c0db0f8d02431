"""A room imports only rooms to its left (docs/architecture.md)."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "planner"
ROOMS = ("base", "readers", "estate", "history", "plan", "reach", "cost", "rules", "goals", "optimise", "schedule",
         "verify", "jobs", "report", "cli")
BASE = {"errors", "findings", "units", "xlsx", "__init__"}
PLAN = {"plan", "plan_schema"}


def room_of(parts):
    name = parts[0] if parts else "__init__"
    return "base" if name in BASE else "plan" if name in PLAN else name


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ([f"{node.module}.{a.name}" for a in node.names] if node.module == "planner" else [node.module])
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)


def modules():
    return sorted(p for p in ROOT.rglob("*.py"))


def test_every_module_is_in_a_room():
    known = {room_of(p.relative_to(ROOT).with_suffix("").parts) for p in modules()}
    assert known <= set(ROOMS)


def test_a_room_imports_only_rooms_to_its_left():
    wrong = []
    for path in modules():
        here = ROOMS.index(room_of(path.relative_to(ROOT).with_suffix("").parts))
        for name in imports(path):
            if name.startswith("planner."):
                there = room_of(name.split(".")[1:])
                if name == "planner.__version__":
                    continue
                if ROOMS.index(there) > here:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_one_module_knows_a_solver():
    users = {str(p.relative_to(ROOT)) for p in modules()
             if any(n.split(".")[0] in ("pulp", "highspy") for n in imports(p))}
    assert users == {"optimise/solver.py"}


def test_the_replay_shares_nothing_with_optimiser_and_scheduler():
    seen, waiting = set(), [ROOT / "verify.py"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "planner" and len(parts) > 1:
                for candidate in (ROOT.joinpath(*parts[1:]).with_suffix(".py"), ROOT.joinpath(*parts[1:], "__init__.py")):
                    if candidate.exists():
                        waiting.append(candidate)
    rooms = {room_of(p.relative_to(ROOT).with_suffix("").parts) for p in seen}
    assert not rooms & {"optimise", "schedule", "goals", "jobs"}
