"""The generated pages of docs/ are what the code says."""

import importlib.util
import re
from pathlib import Path

from planner.formats import registry

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


def test_every_format_says_whether_it_was_seen_real_or_is_only_described():
    """A kind that stands in no line, or in one without the word, is a format that promises what nobody has seen."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in (
        ROOT / "docs" / "formats.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    marks = {}
    for kinds, *_, seen in (row for row in rows if len(row) == 3):
        for kind in re.findall(r"`([^`]+)`", kinds):
            marks.setdefault(kind, []).append(seen)
    assert set(registry.kinds()) == set(marks), "a kind needs a line in the last table of docs/formats.md"
    assert [k for k, seen in marks.items() if not all(re.search(r"\breal\b|\bdescribed\b", one) for one in seen)] == []


def test_the_kinds_of_the_registry_are_those_of_its_formats():
    assert [kind for kind in registry.kinds() if registry.by_kind(kind) is None] == []


def test_every_link_of_a_page_leads_to_a_file():
    broken = [f"{page.relative_to(ROOT)}: {link}" for page in (*ROOT.glob("*.md"), *ROOT.glob("*/*.md"))
              if page.parent.name not in (".venv", "build")
              for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
              if not (page.parent / link).exists()]
    assert not broken
