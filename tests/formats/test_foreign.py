"""What is no export says what it is and what to do, whether it lies alone or among exports."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from planner.errors import InputError
from planner.estate.load import load
from planner.findings import Severity, gathered
from planner.formats import foreign, registry

ROOT = Path(__file__).parents[2]


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name in ("[Content_Types].xml", *names):
            packed.writestr(name, "<x/>")
    return out.getvalue()


def _workbook() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet("Inventory").write_row(0, 0, ["Host", "CPU"])
    return out.getvalue()


PDF, PNG = b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", b"\x89PNG\r\n\x1a\n" + bytes(20)
STRANGERS = {
    "pdf": (PDF, "a PDF document", "export what it shows"),
    "png": (PNG, "a picture (PNG)", "copy the text"),
    "login": (b'<!DOCTYPE html>\n<html><head><title>Console: Log on</title></head><input type="password"></html>',
              "a login page 'Console: Log on'", "log in"),
    "page": (b"<html><body>Rack 4</body></html>", "a web page", "export"),
    "page with a link": (b"<html><title>Rack 4</title><a href='/login'>Log in</a></html>", "a web page 'Rack 4'", "export"),
    "xml": (b'<?xml version="1.0"?>\n<!-- a <b> -->\n<project xmlns="urn:x"><a/></project>', "root 'project'", "docs"),
    "json": (b'{"machines": [{"a": 1}], "version": 3}', "the keys: 'machines, version'", "docs"),
    "json array": (b'[{"rack": "a"}, {"rack": "b"}]', "the keys of its objects: 'rack'", "docs"),
    "json lines": (b'{"rack": "a"}\n{"rack": "b"}\n', "the keys: 'rack'", "docs"),
    "json cut off": (b'{"machines": [{"a": 1},\n', "damaged or cut off", "export it again"),
    "deep json": (b"[" * 200_000, "JSON", ""),
    "script": (b"#!/usr/bin/ksh\nfor i in a b; do\n  echo $i\ndone\n", "a script ('/usr/bin/ksh')", "run it"),
    "snap": (b"Fri Oct  2 10:00:00 2026\n.....\n.....    netstat -in\n.....\nName Mtu\n", "AIX snap", "planner collect"),
    "snap packed": (b"\x1f\x9d\x90" + bytes(100), "compress (.Z)", "uncompress"),
    "header alone": (b"Name,Server,Cores\n", "an empty table", "with its rows"),
    "own table": (b"Host;CPU;RAM\nalpha;4;32\nbeta;8;64\n", "columns of its own ('Host, CPU, RAM')", "--mapping"),
    "values": (b"alpha,1\nbeta,2\n", "rows of values without names", "--header"),
    "values of an HMC": (b"alpha,1,Running,aixlinux\nbeta,2,Running,aixlinux\n", "values without names", "--header"),
    "binary": (bytes(range(256)) * 4, "binary data of an unknown kind (it begins '00 01", "remove"),
    "program": (b"\x7fELF\x02\x01" + bytes(90), "a program", ""),
    "mark alone": (b"#!", "a script", ""),
    "key": (b"-----BEGIN RSA PRIVATE KEY-----\nabc\n", "a key or certificate", "keep it out"),
    "mail": (b"From: a@example.com\nTo: b@example.com\nSubject: x\n\nhello\n", "a mail", "attached"),
    "yaml": (b"---\n- hosts: all\n  tasks: []\n", "a YAML file", ""),
    "docx": (_zip("word/document.xml"), "a Word document", "export"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "WordDocument".encode("utf-16-le") + bytes(999),
            "a Word document", "export"),
    "workbook": (_workbook(), "sheets of its own ('Inventory')", "--mapping"),
    "7z": (b"7z\xbc\xaf'\x1c" + bytes(30), "a 7-Zip archive", "unpack"),
    "nmon cut": (b"CPU_ALL,T0002,3.1,1.0,0.2,95.7\nLPAR,T0002,0.04,2\n", "nmon without its beginning", "copy"),
    "attributes": (b"cage_state=On,cage_slots=4\ncage_state=Off,cage_slots=2\n",
                   "an HMC's listing that no plan needs ('cage_state, cage_slots')", "docs/formats.md"),
    "words": (b"# A page\n\nwith words\n", "text of no known kind (it begins '# A page", "docs"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_it_says_what_it_is_and_what_to_do(name: str, tmp_path: Path) -> None:
    data, told, fix = STRANGERS[name]
    (tmp_path / "x.dat").write_bytes(data)
    with pytest.raises(InputError) as refused:
        load([tmp_path / "x.dat"])
    (found,) = refused.value.findings
    assert told in found.message and fix in found.fix and found.severity is Severity.ERROR
    assert "nothing in it is" not in found.message
    (reading,) = registry.read_document(data, "x.dat")
    assert reading.findings[0].severity is Severity.WARNING and not reading.records


def test_what_is_of_no_use_is_told_from_what_may_hold_exports() -> None:
    rules = {name: registry.read_document(data, "x.nmon")[0].findings[0].rule for name, (data, *_) in STRANGERS.items()}
    assert {name for name, rule in rules.items() if rule == foreign.MAY_HOLD} == {
        "snap packed", "7z", "binary", "json cut off", "nmon cut"}


@pytest.mark.parametrize("piece", ["<!--", "<?", "<!DOCTYPE [", "<html><title", "---\n" + "\n" * 3000, "From: a\n \n",
                                   ".....\n.....  x\n", '{"a":', "[{},", "a,", ":;|\t", "#!", '"\'', "-----BEGIN "])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    foreign.of_text(piece * (200_000 // len(piece)))
    assert time.process_time() - started < 1.5


def test_an_archive_without_exports_says_what_is_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("a.pdf", PDF)
        packed.writestr("b/c.png", PNG)
    with pytest.raises(InputError) as refused:
        load([tmp_path])
    assert [f.message.partition(":")[0] for f in refused.value.findings] == ["a PDF document", "a picture (PNG)"]


def test_among_exports_each_kind_is_one_line_and_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "site.xlsx").write_bytes((ROOT / "data" / "js22" / "js22.xlsx").read_bytes())
    for number in range(3):
        (tmp_path / f"{number}.pdf").write_bytes(PDF)
        (tmp_path / f"{number}.json").write_bytes(b'{"rack%d": 1}' % number)
    locked = bytearray(_zip("a.txt"))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := locked.find(mark, place + 1)) >= 0:
            locked[place + at] |= 1
    (tmp_path / "locked.zip").write_bytes(bytes(locked).replace(b"[Content_Types].xml", b"content-of-types.md"))
    loaded = load([tmp_path])
    assert loaded.estate.lpars and not [f for f in loaded.findings if f.severity is Severity.ERROR]
    shown = [f.message for f in gathered(loaded.findings) if f.rule in ("input.unrecognised", "input.password")]
    shown = [m.partition(" such findings, the first: ")[2] or m for m in shown]
    assert sorted(" ".join(m.split()[:2]) for m in shown) == ["JSON of", "a PDF", "protected by", "protected by"]
