"""The examples for Python run, and the notebook shows what its cells give today."""

from __future__ import annotations

import importlib.util
import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from estates import BASE, changed, policy, stating

import planner
from planner import alternatives, evacuate, load_estate, readiness, remedy, remedy_all, verify_plan
from planner.errors import UsageError

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebook", EXAMPLES / "notebook.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["free_a_server.py"])
    runpy.run_path(str(EXAMPLES / "free_a_server.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "SN8379A80_p595-2: optimal" in shown and "the replay holds" in shown


def test_the_notebook_is_what_its_cells_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made = json.loads(maker().notebook((EXAMPLES / "month_end.py").read_text("utf-8")))
    kept = json.loads((EXAMPLES / "month_end.ipynb").read_text("utf-8"))
    texts = [[[(o.get("text"), o.get("data", {}).get("text/plain")) for o in c.get("outputs", ())] for c in n["cells"]]
             for n in (made, kept)]
    assert [c["source"] for c in made["cells"]] == [c["source"] for c in kept["cells"]]
    assert texts[0] == texts[1], "run python examples/notebook.py"
    assert any(o for c in kept["cells"] for o in c.get("outputs", ()))


def test_frames_have_types_and_units() -> None:
    frames = load_estate(ROOT / "data" / "landscape").frames()
    kinds = {name: str(kind) for name, kind in frames["lpars"].dtypes.items()}
    assert kinds["entitlement_cores"] == kinds["memory_gib"] == "Float64" and kinds["virtual_processors"] == "Int64"
    assert kinds["rmc_active"] == "boolean" and kinds["name"] == "string" and kinds["environment"] == "category"
    assert not [n for f in frames.values() for n in f.columns if n.endswith(("_units", "_mib", "_ms"))]
    assert frames["vioses"]["max_memory_gib"].isna().any() or frames["vioses"]["max_memory_gib"].notna().all()
    one = load_estate(ROOT / "data" / "landscape").lpars[0]
    row = frames["lpars"].iloc[0]
    assert row["name"] == one.name and row["entitlement_cores"] == one.entitlement_units / 100
    assert row["memory_gib"] == one.memory_mib / 1024


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import sys, planner; print(' '.join(m for m in sys.modules if m.startswith('planner.') or m == 'pandas'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == ""
    assert all(hasattr(planner, name) for name in planner.__all__)
    with pytest.raises(AttributeError):
        planner.nothing  # noqa: B018


def test_alternatives_and_what_opens_every_server_are_had_from_python(tmp_path: Path) -> None:
    of = stating(changed(BASE, "b1", rmc_active=False), policy("pin", "a2"))
    told = remedy_all(of, time_limit=20)
    assert {*told.today, *told.sets} == {"A", "B", "C"} and told.cheapest and told.cost == 50
    assert sorted(remedy_all(of, ["A", "B"], budget=5, time_limit=20).sets) == ["B"]
    plan = evacuate(BASE, "A", time_limit=20)
    beside = alternatives(plan, BASE, 4, time_limit=20)
    made = [a.plan for a in beside.alternatives if a.plan]
    assert beside.first.moves == len(plan.moves) and all(p.verified and verify_plan(p, BASE).holds for p in made)
    assert [p.cost for p in beside.front] == sorted(p.cost for p in beside.front) and beside.front
    prices = tmp_path / "prices.toml"
    prices.write_text("[rmc]\nprice = 7\n")
    assert [s.cost for s in remedy(of, "B", prices=prices, sets=1, time_limit=20).sets] == [7]
    assert readiness(BASE, since=of, name="then", remedies=False).since
    for wrong in (lambda: alternatives(plan, of), lambda: alternatives(plan, BASE, 9), lambda: remedy_all(of, budget=-1)):
        with pytest.raises(UsageError):
            wrong()
