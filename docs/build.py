"""Writes the generated pages of docs/ from the code: rules, workbook, Python, schemas. A test compares them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from planner.estate import saved
from planner.estate.model import TABLES
from planner.estate.parameters import FIGURES, RATE, Parameters
from planner.plan.plan import schema as plan_schema
from planner.rules import RULES, Rule, Scope
from planner.rules.base import On

sys.path.insert(0, str(Path(__file__).parent))
from api_page import api_page
from rule_exports import shown_by

HERE = Path(__file__).parent


def _binds(rule: Rule) -> str:
    """On what a rule about a single LPAR binds; the others bind on what they look at."""
    of_one = rule.scope in (Scope.LPAR, Scope.MOVE)
    return ", ".join(on.value for on in On if on in rule.binds) if of_one else "always"


def rules_page() -> str:
    lines = ["# Rules", "", "Printed from the code by `make docs`. An *error* refuses, a *warning* is told and adds to "
             "a move's cost. What a rule needs and nobody states is an *assumption*: the LPAR is ready if …, and "
             "`--assume-nothing` makes it an error. "
             "*binds*: on what a rule about one LPAR binds: a live move; an inactive migration; a failover (started "
             "elsewhere as it is); a restart planned elsewhere, always or before people have worked on the LPAR. "
             "*shown by*: the exports in which its facts stand (docs/formats.md).", ""]
    for family in dict.fromkeys(r.id.split(".")[0] for r in RULES):
        lines += [f"## {family}", "",
                  "| id | rule | severity | holds | looks at | binds | encoded as | source | shown by |",
                  "|---|---|---|---|---|---|---|---|---|"]
        lines += [f"| `{r.id}` | {r.sentence} | {r.severity.value} | {r.hold.value} | {r.scope.value} | {_binds(r)} | "
                  f"{r.encoding} | {r.source} | {shown_by(r.id)} |" for r in RULES if r.id.split(".")[0] == family]
        lines.append("")
    return "\n".join(lines)


def workbook_page() -> str:
    lines = ["# The estate workbook", "", "Printed from the code by `make docs`. `planner load SOURCE… --out "
             "estate.xlsx` writes one; columns may stand in any order. Cores have two decimals, 1 GiB is 1024 MiB.", ""]
    for table in TABLES:
        lines += [f"## {table.sheet}", "", "Must be there." if table.mandatory else "May be left out.", "",
                  "| column | holds | required | remarks |", "|---|---|---|---|"]
        for c in table.columns:
            remarks = " ".join(x for x in (c.comment, f"One of: {', '.join(c.choices)}." if c.choices else "") if x)
            key = " (key)" if c.field in table.key else ""
            lines.append(f"| {c.header} | {c.type.value} | {'yes' if c.required else ''}{key} | {remarks} |")
        lines.append("")
    return "\n".join(lines)


def parameters_page() -> str:
    source = Path(sys.modules[Parameters.__module__].__file__ or "").read_text(encoding="utf-8").splitlines()
    lines = ["# Parameters of the cost model", "", "Printed from the code by `make docs`. Set them in the sheet "
             "Parameters. The model itself: [cost-model.md](cost-model.md).", "",
             "| name | default | meaning and source |",
             "|---|---:|---|"]
    for field in FIGURES:
        at = next(n for n, line in enumerate(source) if line.strip().startswith(f"{field.name}: float"))
        lines.append(f"| `{field.name}` | {field.default:g} | {source[at + 1].strip().strip(chr(34))} |")
    lines.append(f"| `{RATE}` |  | 10⁶ bytes/s that a class of links (*For*: `link 10000`, in Mbit/s) or a pair of "
                 "movers (`source > target`) was measured to carry, all moves over it together; in place of "
                 "link_efficiency and of what the VIOSes' processors carry. |")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File name → content."""
    return {
        "rules.md": rules_page(), "estate-workbook.md": workbook_page(), "parameters.md": parameters_page(),
        "api.md": api_page(),
        "estate.schema.json": json.dumps(saved.schema(), indent=1, sort_keys=True) + "\n",
        "plan.schema.json": json.dumps(plan_schema(), indent=1) + "\n",
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(f"written: docs/{name}")
