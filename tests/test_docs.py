"""The generated pages of docs/ are what the code says."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_generated_pages_are_current():
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    stale = [name for name, text in build.pages().items() if (ROOT / "docs" / name).read_text("utf-8") != text]
    assert stale == [], "run `make docs`"


def test_every_rule_says_which_exports_show_its_facts():
    text = (ROOT / "docs" / "rules.md").read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `") and line.endswith("|  |")] == [], (
        "enter the rule in docs/rule_exports.py")
