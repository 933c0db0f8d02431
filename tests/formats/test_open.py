"""One way in: whatever a member stands in, load and history see the same of it; what is packed is never read as text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from usage_writer import lslparutil_text, nmon_text

from planner.errors import InputError
from planner.estate.load import load
from planner.findings import Severity
from planner.formats import archive
from planner.formats.open import ARCHIVE, Document, documents
from planner.formats.samples import Context
from planner.history.clock import Clock
from planner.history.sources import extract, read_sources
from planner.history.store import History

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
NOON = datetime(2026, 1, 10, 12, 0)
CONTEXT = Context(clock=Clock("Europe/Berlin"), start=NOON, interval_s=10, lpar="x")
MAPPING = """
[[table]]
kind = "usage"
file = "u*"
columns = { "When" = "time", "LPAR" = "name", "Cores" = "physc" }
"""


def scanner() -> bytes:
    """A workbook of HMC Scanner with two days of usage of one LPAR."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet("System_Summary").write_row(0, 0, ["Managed System", "Serial", "Perf Sample Rate"])
        for name in ("LPAR_CPU", "LPAR_MEM"):
            book.add_worksheet(name)
        sheet = book.add_worksheet("LPAR_Daily_Usage_N1")
        for row, cells in enumerate(([None, "east"], [None, "erp01"], ["Days", 2], ["Date"], ["2026/3/28", 0.25],
                                     ["2026/3/29", 0.75])):
            sheet.write_row(row, 0, cells)
    return out.getvalue()


USAGE = {
    "nmon": ("a.nmon", nmon_text("hxaix01", [(NOON, 1.2), (NOON + timedelta(minutes=5), 0.5)]).encode()),
    "lparstat": ("l.txt", (FIXTURES / "lparstat_interval" / "aix_shared_dlpar.txt").read_bytes()),
    "lslparutil": ("h.txt", lslparutil_text([(NOON, "a", 1000, 100), (NOON + timedelta(minutes=5), "a", 2000, 700)])
                   .encode()),
    "scanner": ("s.xlsx", scanner()),
    "table": ("u.csv", b"When,LPAR,Cores\n2026-01-10 12:00,a,1.25\n2026-01-10 12:10,a,0.5\n"),
}


def tar(name: str, data: bytes, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as packed:  # type: ignore[call-overload]
        info = tarfile.TarInfo(name)
        info.size = len(data)
        packed.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, data)
    return out.getvalue()


#: Name of the container → (its own file name, its bytes) for a member.
CONTAINERS: dict[str, Callable[[str, bytes], tuple[str, bytes]]] = {
    "plain": lambda n, d: (n, d),
    "directory": lambda n, d: (f"sub/{n}", d),
    "gz": lambda n, d: (f"{n}.gz", gzip.compress(d)),
    "bz2": lambda n, d: (f"{n}.bz2", bz2.compress(d)),
    "xz": lambda n, d: (f"{n}.xz", lzma.compress(d)),
    "zip": lambda n, d: ("p.zip", zipped(n, d)),
    "tar": lambda n, d: ("p.tar", tar(n, d)),
    "tar.gz": lambda n, d: ("p.tar.gz", tar(n, d, "w:gz")),
    "tar.bz2": lambda n, d: ("p.tar.bz2", tar(n, d, "w:bz2")),
    "tar.xz": lambda n, d: ("p.tar.xz", tar(n, d, "w:xz")),
    "gz in tar": lambda n, d: ("p.tar", tar(f"{n}.gz", gzip.compress(d))),
    "zip in tar": lambda n, d: ("p.tar", tar("q.zip", zipped(n, d))),
    "tar.gz in zip": lambda n, d: ("p.zip", zipped("q.tar.gz", tar(n, d, "w:gz"))),
}


def capture_dsh(text: str) -> str:
    """As dshbak shows the output of one host."""
    return f"HOSTS -------------------------------------------------------------------------\nhxaix01\n{'-' * 79}\n{text}"


def capture_terminal(text: str) -> str:
    return f"Last login: Sat Jan 10 11:00:00 2026 on /dev/pts/0\nhxaix01$ lparstat 10 3\n{text}hxaix01$ exit\n"


def put(directory: Path, name: str, data: bytes) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return directory


def seen_by_load(where: Path, mapping: Path | None) -> list[Document]:
    return [one for one in documents([where], mapping) if one.readings[0].kind != ARCHIVE]


def usage(where: Path, mapping: Path | None) -> tuple[list[Document], list[object]]:
    """What history sees, and what it takes of it."""
    found = list(read_sources([where], mapping))
    taken = [extract(one, CONTEXT) for one in found]
    assert [f for one in taken for f in one.findings if f.severity is Severity.ERROR] == []
    return found, [row for one in taken for row in (*one.samples, *one.counts)]


def said(found: list[Document]) -> list[tuple[object, ...]]:
    return [(r.kind, r.host, [(record.kind, record.fields) for record in r.records])
            for one in found for r in one.readings]


@pytest.mark.parametrize("form", USAGE)
@pytest.mark.parametrize("container", CONTAINERS)
def test_load_and_history_see_the_same_whatever_it_stands_in(tmp_path: Path, form: str, container: str) -> None:
    name, data = USAGE[form]
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING)
    known = mapping if form == "table" else None
    plain, expected = usage(put(tmp_path / "plain", name, data), known)
    assert expected
    where = put(tmp_path / "packed", *CONTAINERS[container](name, data))
    found, taken = usage(where, known)
    assert taken == expected
    assert said(seen_by_load(where, known)) == said(found) == said(plain)
    assert [one.digest for one in found] == [one.digest for one in plain]


@pytest.mark.parametrize("capture", [capture_dsh, capture_terminal])
@pytest.mark.parametrize("container", CONTAINERS)
def test_captures_are_taken_apart_alike(tmp_path: Path, container: str, capture: Callable[[str], str]) -> None:
    text = capture(USAGE["lparstat"][1].decode())
    where = put(tmp_path / "in", *CONTAINERS[container]("c.txt", text.encode()))
    found, taken = usage(where, None)
    assert len(taken) == 3 and {r.host for one in found for r in one.readings} == {"hxaix01"}
    assert said(seen_by_load(where, None)) == said(found)


@pytest.mark.parametrize("container", ["zip", "tar", "tar.gz", "gz"])
def test_the_same_recording_packed_and_plain_is_one(tmp_path: Path, container: str) -> None:
    name, data = USAGE["nmon"]
    packed = put(tmp_path / "packed", *CONTAINERS[container](name, data))
    with History.open(tmp_path / "h.duckdb") as history:
        first = history.add(read_sources([put(tmp_path / "plain", name, data)]), "Europe/Berlin")
        again = history.add(read_sources([packed]))
        assert (first.files, first.added) == (1, 2)
        assert (again.files, again.added, again.known) == (1, 0, 2)
        assert len(history.show().sources) == 1


def test_a_raw_tar_is_never_read_as_nmon(tmp_path: Path) -> None:
    """Its header bytes used to be told as lines of nmon."""
    (tmp_path / "a.tar").write_bytes(tar("AAA,progname,topas_nmon", USAGE["nmon"][1]))
    found = extract(next(read_sources([tmp_path / "a.tar"])), CONTEXT)
    assert [f for f in found.findings if f.severity is not Severity.INFO] == []
    assert len(found.samples) == 2


def test_what_an_archive_leaves_out_is_said_to_history_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("../evil.nmon", USAGE["nmon"][1])
        packed.writestr("a.nmon", USAGE["nmon"][1])
    found = [extract(one, CONTEXT) for one in read_sources([tmp_path / "a.zip"])]
    assert [[f.rule for f in one.findings] for one in found] == [[], ["input.unsafe-name"]]


def test_a_directory_keeps_back_what_serves_another_purpose(tmp_path: Path) -> None:
    store, mapping = tmp_path / "h.duckdb", tmp_path / "m.toml"
    store.write_bytes(b"DUCK")
    mapping.write_text(MAPPING)
    put(tmp_path, "a.nmon", USAGE["nmon"][1])
    assert [one.name for one in read_sources([tmp_path], mapping, but=[store])] == ["a.nmon"]


def test_what_cannot_be_read_is_the_same_to_both(tmp_path: Path) -> None:
    paths = [tmp_path / "x", tmp_path / "y"]
    with pytest.raises(InputError) as told_by_load:
        load(paths)
    with pytest.raises(InputError) as told_by_history:
        list(read_sources(paths))
    assert told_by_load.value.findings == told_by_history.value.findings


def test_documents_of_a_history_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(tmp_path, f"{number}.nmon", USAGE["nmon"][1])
    opened: list[str] = []
    plain = archive.entries
    monkeypatch.setattr(archive, "entries", lambda path, shown: (opened.append(shown), plain(path, shown))[1])
    for number, _ in enumerate(read_sources([tmp_path]), 1):
        assert len(opened) == number


@pytest.mark.parametrize(("pattern", "other", "told"), [
    ("parts*.csv", "RAM", "a table without 'RAM', which the mapping names: not read"),
    ("*", "RAM", "a table without 'RAM', which the mapping names: not read"),
    ("frames*.csv", "RAM", "a table with columns of its own ('Name, Ent., VPs'): not a format that the planner reads"),
])
def test_a_table_that_a_mapping_nearly_fits_says_what_lacks(tmp_path: Path, pattern: str, other: str, told: str) -> None:
    """One header mistyped, and it was text of no known kind: nothing said that the mapping had been looked at."""
    put(tmp_path, "map.toml", f'[[table]]\nkind = "lpars"\nfile = "{pattern}"\n'
        f'columns = {{ "Name" = "name", "{other}" = "memory" }}\n'.encode())
    put(tmp_path / "site", "parts.csv", b"Name;Ent.;VPs\nalpha;1,25;3\n")
    (document,) = documents([tmp_path / "site"], tmp_path / "map.toml")
    assert [(f.severity, f.message) for r in document.readings for f in r.findings] == [(Severity.WARNING, told)]


def test_a_mapping_that_is_not_there_is_a_matter_of_its_path(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load([tmp_path], mapping=tmp_path / "no.toml")
    assert [f.fix for f in refused.value.findings] == ["check the path"]
