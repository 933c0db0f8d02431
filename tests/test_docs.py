"""The generated pages of docs/ are what the code says."""

import importlib.util
import re
from pathlib import Path

import planner
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


def program_families() -> dict[str, tuple[set[str], bool]]:
    """Family of rows → its tags in docs/programs.md, and whether there are others."""
    found, program = {}, ""
    for line in (ROOT / "docs" / "programs.md").read_text("utf-8").splitlines():
        if named := re.search(r"`(\w+)`(\*\*)? \(`", line):
            program = named[1]
        elif row := re.fullmatch(r"\| `([\w.-]+)` \|([^|]*)\|.*", line):
            family = f"{program}.{row[1]}" if row[1].startswith("add_") else row[1]
            assert family not in found, f"{family} stands there twice"
            found[family] = {re.sub(r"[^\w]", "_", tag) for tag in re.findall(r"`([^`]+)`", row[2])}, "…" in row[2]
    return found


def test_the_page_of_programs_has_every_family_of_rows_with_its_tags():
    """Those of the code stand in tests/optimise/golden, which a test there holds against it: a row that the page leaves
    out, or a tag that no row has, would be a formula that nobody solves."""
    page = program_families()
    golden = {file.stem: file.read_text("utf-8") for file in (ROOT / "tests" / "optimise" / "golden").glob("*.lp")}
    assert sorted(page) == sorted(golden)
    for family, (tags, more) in page.items():
        rows = re.findall(r"^c\d+_(\w+):", golden[family], re.M)
        unused = [tag for tag in tags if not any(row.startswith(tag) for row in rows)]
        untold = [row for row in rows if not any(row.startswith(tag) for tag in tags)]
        assert not unused and (more or not untold), f"{family}: {unused} {untold}"


def test_every_name_of_the_python_interface_says_what_it_is_and_what_a_function_raises():
    named = {name: getattr(planner, name) for name in planner.__all__}
    assert [name for name, of in named.items() if not (of.__doc__ or "").strip()] == []
    silent = [name for name, of in named.items() if not isinstance(of, type) and "raise" not in of.__doc__.lower()]
    assert silent == []
