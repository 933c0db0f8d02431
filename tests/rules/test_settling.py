"""What a finding asks people to run can be read when they give what it printed.

Every text of the rules is walked through: each command in it that lists something must have a reader, or stand below
with the reason why its output is none of an estate; what ``-F`` of an HMC prints must become a fact.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import planner.rules
from planner.estate.model import TABLES
from planner.formats import registry
from planner.formats.base import Format, NonValue, Reading, Record
from planner.formats.facts import Intake
from planner.formats.hmc_cli import parse_command
from planner.report import commands as commands_of_a_move
from planner.rules.capability import MIGRATES_SRIOV

QUERY = re.compile(r"\b(?:ls[a-z]+ -|lsnports\b|lspv\b|lshmc -|cluster -[ls]|entstat -|ioslevel\b)[^;():]*")
#: What lists something of which no estate holds anything, and why.
NO_FACT = {
    "lsrefcode": "a reference code is read by the person who mends the LPAR",
    "lslparmigr -r lpar": "how far one migration is; the plan is of another evening",
    "lsnportlogin": "that WWPNs log in says nothing of the storage behind: sheet NPIV states it",
    "lstskey": "no manual at hand names its attributes: sheet Servers states it",
}


def texts() -> Iterator[str]:
    """Every text of the rules but what is said of their sources; what is filled in is X."""
    for path in sorted(Path(planner.rules.__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text())
        sources = {id(n) for call in ast.walk(tree) if isinstance(call, ast.Call) for k in call.keywords
                   if k.arg in ("source", "encoding") for n in ast.walk(k)}
        inside = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in ast.walk(n) if v is not n}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(v.value if isinstance(v, ast.Constant) else "X" for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in sources | inside:
                yield node.value


@cache
def commands() -> list[str]:
    found = {re.split(r",? (?:and|or|nor|says|shows) |, ", m[0])[0].strip(" ,.").replace("{}", "X")
             for text in texts() for m in QUERY.finditer(text)}
    return sorted({re.sub(r"\{\w+\}", "X", one) for one in found})


def test_the_commands_are_found() -> None:
    assert {"cluster -list", "lsnports", "lshmc -V", "lslic -m X -t sys -F ecnumber,activated_level"} <= {*commands()}


def test_every_command_that_settles_something_has_a_reader() -> None:
    unread = [c for c in commands() if registry._module_of(c) is None and not c.startswith(tuple(NO_FACT))]
    unread += [c for c in commands() if (typed := parse_command(c)) and " -m X" in c and typed.kind is None]
    assert unread == []
    idle = [c for c in NO_FACT if not any(one.startswith(c) for one in commands()) and c != "lstskey"]
    assert idle == []


def printed(columns: str) -> str:
    values = {"name": "X", "lpar_name": "X", "mem_mode": "shared", "ecnumber": "01VL950", "activated_level": "141",
              "state": "Operating", "rmc_state": "active", "mem_region_size": "256", "curr_io_entitled_mem": "256",
              "capabilities": '"""vnic_dedicated_sriov_capable"""', "curr_lpar_proc_compat_mode": "POWER9",
              "last_activated_profile": "p", "curr_profile": "p"}
    return ",".join(values.get(column, "1") for column in columns.split(","))


def test_what_f_prints_becomes_a_fact() -> None:
    asked = [(c, match[1]) for c in commands() if (match := re.search(r"-F ([\w,]+)", c))]
    assert len(asked) > 8
    for command, columns in asked:
        header = f"{columns}\n" if "--header" in command else ""
        (reading,) = registry.read_document(f"hmc1:~> {command}\n{header}{printed(columns)}\n".encode(), "x.txt")
        form = registry.by_kind(reading.kind)
        assert form is not None and reading.records and not reading.findings, (command, reading)
        wanted = [c for c in columns.split(",") if c not in ("name", "lpar_name", "mem_mode")]
        assert not wanted or told(form, reading) != told(form, reading, *wanted), command


def told(form: Format, reading: Reading, *leave_out: str) -> Intake:
    """What an estate is told without these columns."""
    intake = Intake()
    for record in reading.records:
        fields = {k: NonValue.UNAVAILABLE if k in leave_out else v for k, v in record.fields.items()}
        form.facts[record.kind](intake, Record(record.kind, fields, record.source), reading)
    return intake


def test_a_sheet_that_a_mending_names_has_the_column() -> None:
    """Where only a person can say it, as that an SR-IOV port is migratable, the mending names sheet and column."""
    headers = {t.sheet: {c.header for c in t.columns} for t in TABLES}
    named = [pair for text in texts() for pair in re.findall(r"\bsheet ([A-Z][\w -]*?), ([A-Z][^;:,.]*)", text)]
    assert ("LPARs", "Migratable SR-IOV ports") in named and ("NPIV", "Both zoned") in named
    assert [(sheet, column) for sheet, column in named if column not in headers[sheet]] == []


def test_an_option_that_a_rule_says_moves_an_lpar_is_one_of_the_commands() -> None:
    """Twice a rule said with which option of migrlpar an LPAR moves, and the line of the runbook lacked it."""
    written = Path(commands_of_a_move.__file__).read_text()
    options = {o for path in sorted(Path(planner.rules.__file__).parent.glob("*.py"))
               for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)
               for o in re.findall(r"migrlpar (?:-o [vm] )?(--[a-z]+)", str(node.value))}
    assert "--requirerr" in options and [o for o in options if f'"{o}"' not in written] == []
    assert MIGRATES_SRIOV[0] == "--migsriov" and "MIGRATES_SRIOV" in written
