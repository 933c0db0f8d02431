"""Sheets of HMC Scanner as text, as people save, paste and mend them: what the workbook says, and no one else's table."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from estates_random import random_estate
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from site_writer import write
from test_hmc_scanner import BOOK, READING

from planner.estate.load import load
from planner.estate.saved import estate_json
from planner.findings import Severity, errors
from planner.formats import registry
from planner.formats.base import Reading, Record
from planner.formats.hmc_scanner import KIND
from planner.formats.open import documents
from planner.formats.workbook_cells import Workbook, open_workbook, text_of
from planner.history.store import History

FIXTURES = Path(__file__).parents[1] / "fixtures" / "scanner"
Rows = Iterable[Iterable[Any]]


def comma(cell: Any) -> str:
    return text_of(cell).replace(".", ",") if isinstance(cell, float) else text_of(cell)


def text(rows: Rows, separator: str = "\t", shown: Callable[[Any], str] = text_of, quoting: Any = csv.QUOTE_MINIMAL,
         width: int = 0) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n", quoting=quoting)
    for row in rows:
        cells = [shown(cell) for cell in row]
        writer.writerow(cells + [""] * (width - len(cells)))
    return out.getvalue()


def read(data: str | bytes) -> Reading:
    (reading,) = registry.read_document(data.encode() if isinstance(data, str) else data, "saved.txt")
    return reading


def stated(records: Iterable[Record]) -> list[tuple[str, str]]:
    return sorted((r.kind, str(sorted((k, str(v)) for k, v in r.fields.items()))) for r in records)


def of_book(*sheets: str) -> list[tuple[str, str]]:
    """What the sheets of the workbook say."""
    return stated(r for r in READING.records if str(r.source.cell).split("!")[0] in sheets)


CPU = text(BOOK["LPAR_CPU"])
FLAT = ("System_Summary", "LPAR_Summary", "LPAR_Profiles", "LPAR_CPU", "Physical_Slots", "IO_slot_children",
        "Virtual_SCSI", "VSCSI_Map", "VIOS disks")


@pytest.mark.parametrize("separator", "\t;,|")
@pytest.mark.parametrize("sheet", FLAT)
def test_a_sheet_says_what_it_says_in_the_workbook(sheet: str, separator: str) -> None:
    reading = read(text(BOOK[sheet], separator))
    assert (reading.kind, stated(reading.records)) == (KIND, of_book(sheet))
    assert reading.findings == ()
    assert [r.source.line for r in reading.records][:1] == [2]


@pytest.mark.parametrize("data", [
    CPU.replace("\n", "\r\n"), CPU.replace("\n", "\r"), b"\xef\xbb\xbf" + CPU.encode(), CPU.encode("utf-16"),
    text(BOOK["LPAR_CPU"], width=40), text(BOOK["LPAR_CPU"], ";", quoting=csv.QUOTE_ALL), CPU.replace("\n", "\n\n"),
    CPU.replace("\t", " \t "), CPU.partition("\n")[0].upper() + "\n" + CPU.partition("\n")[2],
    CPU.replace("Curr CPU", "Curr\xa0CPU"), text(BOOK["LPAR_CPU"], ";", comma), "sep=;\n" + text(BOOK["LPAR_CPU"], ";"),
    "LPAR_CPU\n\n" + CPU, "=== LPAR_CPU ===\n" + CPU, "[LPAR_CPU]\n" + CPU, "Sheet: LPAR_CPU\n" + CPU,
    "==> LPAR_CPU.csv <==\n" + CPU, "$ cat LPAR_CPU.csv\n" + CPU, "\n".join("> " + line for line in CPU.split("\n")),
    CPU.replace("db01", '"db01'), text((row[::-1] for row in BOOK["LPAR_CPU"]), ";"), CPU.replace("78A1B2C", '="78A1B2C"'),
    "\n".join(f"| {line} |" + ("\n|" + "---|" * 19 if line.startswith("Name") else "") for line in text(
        BOOK["LPAR_CPU"], "|").strip().split("\n")),
    "\n".join(f"|{line}|" if number else "||" + line.replace("|", "||") + "||" for number, line in enumerate(text(
        BOOK["LPAR_CPU"], "|").strip().split("\n"))),
    text(BOOK["LPAR_CPU"], ",", lambda cell: f"{float(cell)}" if isinstance(cell, int) else text_of(cell))])
def test_it_is_read_however_it_was_saved_or_pasted(data: str | bytes) -> None:
    assert stated(read(data).records) == of_book("LPAR_CPU")


@pytest.mark.parametrize("shape", [
    lambda book: "".join(text(rows) for rows in book.values()),
    lambda book: "".join(text(rows, ";", comma) + "\n" for rows in book.values()),
    lambda book: "".join(f"## {name}\n{text(rows, ',')}\n" for name, rows in book.items()),
    lambda book: "".join(text(book[name]) + "\n" for name in reversed(book))])
def test_all_sheets_in_one_text_are_the_workbook(shape: Callable[[dict[str, Rows]], str]) -> None:
    odd = ("HMC", "SW_cores", "vNIC", "LPAR_Hourly_Usage_N1")  # with fewer headers than real ones have
    named = {name: rows for name, rows in BOOK.items() if name not in odd}
    named["LPAR_Daily_Usage_N1"] = [["Red", "Usage >= 90% of max allowed size"], *named["LPAR_Daily_Usage_N1"][2:]]
    reading = read(shape(named))
    assert stated(reading.records) == of_book(*named)
    assert not [f for f in reading.findings if f.severity is not Severity.INFO and f.rule != "input.no-data"]


def test_the_system_above_a_table_of_adapters_is_kept_and_switches_are_no_rows() -> None:
    reading = read((FIXTURES / "virtual_ethernet.txt").read_text())
    assert [(r.fields["managed_system_name"], r.fields["lpar_name"], r.fields["port_vlan_id"], r.source.line)
            for r in reading.records] == [("Heron", "vio-h1", 40, 10), ("Heron", "plover", 41, 12)]
    assert reading.records[0].fields["ieee_vlan_ids"] == (41, 42)
    assert reading.findings == ()


def test_some_sheets_make_an_estate_with_decimal_commas(tmp_path: Path) -> None:
    for name in ("sheets.csv", "virtual_ethernet.txt"):
        (tmp_path / name).write_bytes((FIXTURES / name).read_bytes())
    loaded = load([tmp_path])
    assert not errors(loaded.findings)
    server, plover = loaded.estate.servers[0], next(p for p in loaded.estate.lpars if p.name == "plover")
    assert (server.name, server.firmware, server.configurable_units) == ("Heron", "ML1060_067", 2000)
    assert (plover.entitlement_units, plover.memory_mib) == (75, 33280)
    assert [(b.vios, b.vlan) for b in loaded.estate.bridges] == [("vio-h1", vlan) for vlan in (40, 41, 42)]
    assert not [f for f in loaded.findings if f.rule == "input.missing-sheet"]


def test_what_is_not_there_is_told_once_for_a_folder(tmp_path: Path) -> None:
    for sheet in ("LPAR_CPU", "LPAR_Summary", "System_Summary"):
        (tmp_path / f"{sheet}.csv").write_text(text(BOOK[sheet], ";"))
    (said,) = (f for f in load([tmp_path]).findings if f.rule == "input.missing-sheet")
    assert said.severity is Severity.INFO
    assert said.message == "HMC Scanner: sheets of p10-east, p10-west as text; not among them: LPAR_MEM"


@pytest.mark.parametrize("seed", range(4))
def test_a_folder_of_its_sheets_is_the_same_estate_as_the_workbook(seed: int, tmp_path: Path) -> None:
    write(random_estate(3 + seed, 6, 2), "scanner", tmp_path / "book")
    (path,) = (tmp_path / "book").iterdir()
    book = open_workbook(path.read_bytes(), path.name)
    assert isinstance(book, Workbook)
    (tmp_path / "sheets").mkdir()
    for sheet in book.sheets:
        (tmp_path / "sheets" / f"{sheet.name}.csv").write_text(text(sheet.rows, ";\t,"[seed % 3], comma if seed else text_of))
    whole, apart = load([tmp_path / "book"]), load([tmp_path / "sheets"])
    assert estate_json(whole.estate) == estate_json(apart.estate)
    assert {(f.rule, f.subject, f.message) for f in whole.findings} == {(f.rule, f.subject, f.message) for f in apart.findings}


@pytest.mark.parametrize(("written", "cores"), [("0,7", 70), ("0.7", 70), ("1,024", None), ("7E+00", None), ("#N/A", None),
                                                ("#WERT!", None), ("###", None)])
def test_a_number_that_may_be_two_or_that_was_lost_is_told(written: str, cores: int | None) -> None:
    reading = read(text(BOOK["LPAR_CPU"][:2], ";").replace(";0.7;4;", f";{written};4;").replace(
        "0.7", written if "," in written else "0.7").replace("0.1", "0,1" if written == "0,7" else "0.1").replace(
        "571.4", "571,4" if written == "0,7" else "571.4"))
    assert reading.records[0].fields.get("tgt_ent") == cores
    assert bool(reading.findings) == (cores is None)


@pytest.mark.parametrize("shifted", [
    text(BOOK["LPAR_CPU"][:2], ",", comma).replace('"', ""),
    "\n".join("\t".join(text_of(cell) for cell in row if cell is not None) for row in (
        BOOK["LPAR_CPU"][0], ["erp01", "on", "shared", None, *BOOK["LPAR_CPU"][1][4:]]))])
def test_a_row_whose_cells_moved_is_left_out(shifted: str) -> None:
    reading = read(shifted)
    assert reading.records == () and any("left out" in f.message for f in reading.findings)


def test_a_mapping_of_a_person_goes_before(tmp_path: Path) -> None:
    (tmp_path / "LPAR_CPU.csv").write_text(text(BOOK["LPAR_CPU"], ";"))
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[[table]]\nkind = "lpars"\nfile = "LPAR_CPU*"\ncolumns = {"Name" = "name"}\n')
    assert [r.kind for d in documents([tmp_path], mapping) for r in d.readings] == ["table"]


def test_usage_by_the_hour_goes_to_a_history_and_by_the_month_is_told(tmp_path: Path) -> None:
    plover, wigeon = read((FIXTURES / "hourly_usage.csv").read_text()).records
    assert (plover.fields["name"], plover.fields["resolution"], plover.fields["last_ent"]) == ("plover", "hourly", 50)
    assert (plover.fields["values"], wigeon.fields["values"]) == ((0.25, 0.41, None), (1.0, 1.25, 0.75))
    assert plover.fields["times"][0] == dt.datetime(2026, 4, 1, 22)
    monthly = read((FIXTURES / "monthly_usage.txt").read_text())
    assert (monthly.records, [f.rule for f in monthly.findings]) == ((), ["history.too-coarse"])
    assert [f.severity for f in monthly.findings] == [Severity.INFO]
    peak = read((FIXTURES / "monthly_usage.txt").read_text().partition("\n\nPeak")[2].join(("Peak", "")))
    assert [f.message for f in peak.findings] == ["LPAR_CPU_Usage has monthly averages, which are not kept"]


@pytest.mark.parametrize("start", [0, 1, 3, 4])
def test_usage_is_known_with_and_without_its_legend_and_title(start: int) -> None:
    lines = (FIXTURES / "hourly_usage.csv").read_text().split("\n")
    lines = lines[{0: 0, 1: 1, 3: 3, 4: 4}[start]:]
    reading = read("\n".join(lines) + "\n" + "\n".join(lines))
    assert [r.fields["name"] for r in reading.records] == ["plover", "wigeon"] * 2


def test_a_pool_without_the_list_of_systems_is_that_of_the_system_it_names() -> None:
    reading = read(text(BOOK["CPU_Pool_Hourly_Usage"]))
    assert [(r.fields["name"], r.fields["managed_system_name"]) for r in reading.records] == [("physical pool", "p10-east")]
    assert [f.rule for f in reading.findings] == ["history.assumed-pool"]


@pytest.mark.parametrize("own", [
    "Name,ID,Environment,OS Version,Status\na,1,prod,AIX,up\n", "LPAR;Location;Rack\na;Paris;3\n",
    "VIOS,Client,Backing device\nv,a,hdisk1\n", "Time,Event\n10:00,crash\n", "UUID,Name\nx,y\n", "Red\t3\nYellow\t4\n",
    "managed system,serial,type model\nx,78,9009\n", "Hardware,Software\nx,y\n", "Reds %,Owner\n3,joe\n",
    "Name;Curr CPU;Owner\na;3;joe\n", "Average LPAR usage is high: see below\n"])
def test_a_table_of_a_person_is_left_to_that_person(own: str) -> None:
    assert read(own).kind == "unrecognised"


def test_a_sheet_without_anything_between_its_cells_is_told_as_one() -> None:
    (said,) = read(CPU.replace("\t", "   ")).findings
    assert "a sheet of HMC Scanner" in said.message and "tabs" in said.fix


def test_a_table_that_is_not_known_is_none_of_the_sheet_above_it() -> None:
    reading = read(CPU + "Managed System Name\tManaged System Serial\tColour\np10-east\t7812345\tred\n")
    assert stated(reading.records) == of_book("LPAR_CPU")
    assert [(f.rule, f.source.line) for f in reading.findings if f.source] == [("input.unknown-sheet", 5)]


def test_what_is_no_row_is_no_lpar() -> None:
    reading = read(f"From Friday\n\n{CPU}\nprinted by somebody\n")
    assert stated(reading.records) == of_book("LPAR_CPU")
    assert [(f.rule, f.source.line) for f in reading.findings if f.source] == [
        ("input.unknown-text", 1), ("input.unknown-text", 8)]


@settings(max_examples=portion(60), deadline=None)
@given(st.lists(st.sampled_from(sorted(BOOK)), min_size=1, max_size=4), st.sampled_from("\t;,|"), st.lists(st.tuples(
    st.integers(0, 4000), st.sampled_from(["\n", "\t", ";", '"', '""', "\r", "2024/5", "Date", "LPAR_MEM\n", "\x00", "Reds %\t1\n",
                                           "#", "Managed System Name", "Red\tUsage >= 9\n", "1,5", "| --- |", "\\n"])), max_size=12))
def test_mutated_text_never_raises(sheets: list[str], separator: str, edits: list[tuple[int, str]]) -> None:
    whole = "".join(text(BOOK[sheet], separator) for sheet in sheets)
    for place, piece in edits:
        whole = whole[:place] + piece + whole[place:]
    assert all(isinstance(reading, Reading) for reading in registry.read_document(whole.encode(), "x"))


def test_history_takes_it(tmp_path: Path) -> None:
    from planner.history.sources import read_sources

    with History.open(tmp_path / "usage.duckdb") as history:
        report = history.add(read_sources([FIXTURES / "hourly_usage.csv"]), "UTC")
        assert (report.files, report.added) == (1, 5)
