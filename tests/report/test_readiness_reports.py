"""The reports on readiness: each says what readiness.json says, whatever the names are."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from openpyxl import load_workbook
from rich.console import Console
from typer.testing import CliRunner

from planner.cli.app import app
from planner.estate.assemble import Loaded
from planner.estate.saved import dump
from planner.jobs import Options
from planner.jobs.readiness.entry import Morning, readiness
from planner.jobs.readiness.figures import ReadinessDocument
from planner.plan.wire import as_json
from planner.report.readiness_metrics import metrics
from planner.report.readiness_page import readiness_page
from planner.report.readiness_terminal import readiness_view
from planner.report.readiness_workbook import readiness_workbook
from tests.estates import BASE, changed, renamed

RUN = CliRunner()
EVIL = '<b>"a1\\'
SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?[0-9.e+]+|NaN)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def document() -> ReadinessDocument:
    return readiness(Loaded(renamed(changed(BASE, "a1", rmc_active=False), {"a1": EVIL})), Options())


def test_metrics_are_prometheus_text() -> None:
    """HELP and TYPE once before the samples of a metric, which stand together; label values escaped."""
    text, seen, current = metrics(document()), set[str](), ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split()[2]
            assert current not in seen
            seen.add(current)
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {current} gauge"
        else:
            match = SAMPLE.match(line)
            assert match and match[1] == current, line
    places = {dict(LABEL.findall(line))["lpar"]: line.rsplit(" ", 1)[1] for line in text.splitlines()
              if line.startswith("planner_readiness_lpar_places{")}
    assert places[EVIL.replace("\\", "\\\\").replace('"', '\\"')] == "0" and places["b1"] == "2"


def test_of_each_server_one_verdict_holds() -> None:
    found = document()
    for f in found.servers:
        states = re.findall(rf'server_free{{server="{f.server}",verdict="([^"]+)"}} 1$', metrics(found), re.M)
        assert states == [f.verdict]


def test_page_is_one_file_without_script_and_names_stay_names() -> None:
    page = readiness_page(document())
    assert "<script" not in page and "http://" not in page and "https://" not in page
    assert "default-src 'none'" in page and "<b>\"a1" not in page and "&lt;b&gt;" in page


def test_workbook_has_a_row_for_each_thing() -> None:
    found = document()
    book = load_workbook(io.BytesIO(readiness_workbook(found)))
    for sheet, rows in (("Servers", found.servers), ("LPARs", found.lpars), ("VIOSes", found.vioses), ("One dies", found.lost)):
        assert book[sheet].max_row == 3 + len(rows)
        assert [c.value for c in book[sheet]["A"][3:]] == [getattr(r, next(iter(type(r).__dataclass_fields__))) for r in rows]
    assert book["Why not"].cell(4, 3).value == "partition.rmc"


def test_terminal_fits_80_columns() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(readiness_view(document()))
    assert max(map(len, out.getvalue().splitlines())) <= 80 and "partition.rmc" in out.getvalue()


def test_the_command_writes_the_directory_whole_and_says_the_same(tmp_path: Path) -> None:
    file, out, prom = tmp_path / "estate.json", tmp_path / "r", tmp_path / "x.prom"
    file.write_text(dump(Loaded(BASE)))
    done = RUN.invoke(app, ["readiness", str(file), "--out", str(out), "--json", "--prometheus", str(prom)])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told == json.loads((out / "readiness.json").read_text()) == as_json(
        readiness(Loaded(BASE), Options(), Morning(remedies=None)))
    assert prom.read_text() == (out / "readiness.prom").read_text()
    assert RUN.invoke(app, ["readiness", str(file), "--prometheus", str(tmp_path / "x.txt")]).exit_code == 2
