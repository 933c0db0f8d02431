"""Recognising files by their content, and what is loaded to do so."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import pytest
import xlsxwriter

from planner.errors import InputError
from planner.estate.load import load
from planner.findings import Severity
from planner.formats import open as door
from planner.formats import registry

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
SAMPLES = ROOT.parent / "shared" / "samples"
KINDS = {"hmc": "hmc-cli", "lparcfg": "lparcfg", "lparstat_i": "lparstat-i", "lparstat_interval": "lparstat-interval",
         "nmon": "nmon", "rest": "hmc-rest", "scanner": "hmc-scanner", "pcm": "pcm", "njmon": "njmon", "table": "unrecognised"}
SAMPLE_KINDS = {"hmc_cli": {"hmc-cli"}, "lparstat_i": {"lparstat-i"}, "lparstat_interval": {"lparstat-interval"},
                "vios_cli": {"vios-lspv", "vios-entstat", "vios-lsmap", "vios-lsmap-npiv"}}
LISTINGS = {"errpt": "aix-errpt", "fcstat": "fcstat", "lshmc": "hmc-level", "lsnports": "vios-lsnports",
            "lspartition": "hmc-lspartition", "prtconf": "aix-config", "lscfg": "aix-config",
            "syslog": "syslog", "vasistat": "vios-vasistat"}
VIOS_KINDS = LISTINGS | {"cluster": "vios-cluster", "entstat": "vios-entstat", "hdisk": "vios-hdisk-attr", "ioslevel": "vios-ioslevel",
              "lsdev": "vios-lsdev", "lsmap_all": "vios-lsmap", "lsmap_net": "vios-lsmap-net",
              "lsmap_npiv": "vios-lsmap-npiv", "lsmap_vnic": "vios-lsmap-vnic", "lspv": "vios-lspv"}
NMON = (FIXTURES / "nmon" / "aix_shared.nmon").read_bytes()
LPARSTAT = (FIXTURES / "lparstat_i" / "aix_24_shared.txt").read_bytes()


def kinds(data: bytes, name: str = "whatever") -> list[str]:
    return [r.kind for r in registry.read_document(data, name)]


def kind_of(path: Path) -> str:
    """The kind of a fixture, as its folder or the beginning of its name says."""
    named = VIOS_KINDS | {kind.replace("-", "_"): kind for kind in registry.kinds()}
    kind = KINDS.get(path.parent.name) or next(
        (kind for start, kind in named.items() if path.name.startswith(start)), "")
    assert kind, f"{path.name}: let the name of the fixture begin with its kind (with _ for -)"
    return kind


@pytest.mark.parametrize("path", sorted(p for p in FIXTURES.rglob("*") if p.is_file() and p.suffix != ".toml"),
                         ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_fixture_is_of_its_kind(path):
    expected = kind_of(path)
    inside = {"job.xml": {"vios-ioslevel"}, "linux.json": {"lparcfg"}}.get(path.name, set())  # captures in it
    assert set(kinds(path.read_bytes())) == {expected} | inside


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
def test_every_sample_is_recognised():
    for path in sorted(p for p in SAMPLES.rglob("*") if p.is_file()):
        (reading,) = registry.read_document(path.read_bytes(), path.name)
        assert reading.kind in SAMPLE_KINDS[path.parent.name], path.name
        assert bool(reading.records) == (path.name != "datadog_m_e.txt"), path.name


def workbook(*sheets: str) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name in sheets:
            book.add_worksheet(name).write_row(0, 0, ["Name", "Status"])
    return out.getvalue()


def test_workbooks_are_told_apart():
    assert kinds((ROOT / "data" / "js22" / "js22.xlsx").read_bytes()) == ["estate-workbook"]
    assert kinds(workbook("System_Summary", "LPAR_Summary", "LPAR_CPU", "LPAR_MEM")) == ["hmc-scanner"]
    (reading,) = registry.read_document(workbook("Sheet1"), "budget.xlsx")
    assert [f.rule for f in reading.findings] == ["input.unrecognised"] and "'Sheet1'" in reading.findings[0].message
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("[Content_Types].xml", "<x/>")
        packed.writestr("word/document.xml", "<x/>")
    assert kinds(out.getvalue(), "letter.docx") == ["unrecognised"]


def test_an_empty_file_is_a_warning():
    for data in (b"", b" \n\n"):
        (reading,) = registry.read_document(data, "x.txt")
        assert reading.findings[0].severity is Severity.WARNING


def test_encodings():
    text = LPARSTAT.decode()
    for data in (text.encode("utf-16"), text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode()):
        assert kinds(data) == ["lparstat-i"]
    (reading,) = registry.read_document(b"\xe9" + LPARSTAT, "x")
    assert reading.findings[0].rule == "input.encoding"


def test_a_site_of_lparstat_and_a_workbook_loads_no_other_reader():
    code = (
        "import sys; from pathlib import Path; from planner.formats.open import documents\n"
        "import planner.estate.load\n"
        "list(documents([Path(sys.argv[1]) / 'js22.xlsx', Path(sys.argv[1]) / 'lparstat/bxaix85.txt']))\n"
        "print(sorted(m for m in sys.modules if m.startswith('planner.formats.') or m in ('xlrd', 'python_calamine')))")
    done = subprocess.run([sys.executable, "-c", code, str(ROOT / "data" / "js22")], capture_output=True, text=True,
                          check=True, cwd=ROOT)
    loaded = set(eval(done.stdout))
    assert not loaded & {f"planner.formats.{m}" for m in (
        "hmc_rest", "hmc_scanner", "lparstat_interval", "nmon", "vios_disks", "vios_lsmap",
        "workbook_cells", "table")} - allowed_by_assembler()
    assert not loaded & {"xlrd", "python_calamine"} - allowed_by_assembler()


@cache
def allowed_by_assembler() -> set[str]:
    """What joining imports, whatever is read."""
    code = ("import sys; import planner.estate.assemble\n"
            "print(sorted(m for m in sys.modules if m.startswith('planner.formats.') or m in ('xlrd', "
            "'python_calamine')))")
    return set(eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                                   cwd=ROOT).stdout))


# --- load -------------------------------------------------------------------------------------------------------------


def gathered(path: Path):
    found = list(door.documents([path]))
    return [r for one in found for r in one.readings], [p for one in found for p in one.problems]


@pytest.mark.parametrize("pack", ["plain", "gz", "tar.gz", "zip"])
def test_nmon_is_streamed_from_wherever_it_is(tmp_path, pack):
    path = tmp_path / "in"
    if pack == "plain":
        path.write_bytes(NMON)
    elif pack == "gz":
        path.write_bytes(gzip.compress(NMON))
    elif pack == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a.nmon", NMON)
    else:
        with tarfile.open(path, "w:gz") as opened:
            info = tarfile.TarInfo("a.nmon.gz")
            data = gzip.compress(NMON)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    readings, problems = gathered(path)
    assert not problems
    (plain,) = registry.read_document(NMON, readings[0].records[0].source.file)
    assert readings[0] == plain


def test_damaged_nmon_keeps_what_came_before_the_damage(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(NMON)[:-40])
    readings, _ = gathered(tmp_path / "a.gz")
    assert readings[0].records
    assert "input.truncated" in {f.rule for f in readings[0].findings}


def test_an_archive_counts_as_one_and_says_what_it_left_out(tmp_path):
    path = tmp_path / "site.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../evil.txt", "x")
        packed.writestr("web.txt", LPARSTAT)
    readings, problems = gathered(path)
    assert not problems
    assert [r.kind for r in readings] == ["lparstat-i", "archive"]
    assert readings[1].findings[0].rule == "input.unsafe-name"
    assert readings[0].records[0].source.file == "site.zip/web.txt"


def test_a_tarball_of_a_directory_says_what_the_directory_says(tmp_path):
    with tarfile.open(tmp_path / "js22.tgz", "w:gz") as opened:
        opened.add(ROOT / "data" / "js22", arcname=".")
    assert load([tmp_path / "js22.tgz"]).estate == load([ROOT / "data" / "js22"]).estate


def test_reading_in_parallel_gives_the_same_in_the_same_order(tmp_path, monkeypatch):
    for number in range(40):
        (tmp_path / f"{number:02d}.txt").write_bytes(LPARSTAT)
    alone, _ = gathered(tmp_path)
    monkeypatch.setattr(door, "_MANY_BYTES", 0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    seen: list[tuple[int, int]] = []
    found = list(door.documents([tmp_path], progress=lambda done, total: seen.append((done, total))))
    assert [r for one in found for r in one.readings] == alone and not any(one.problems for one in found)
    assert seen[-1] == (40, 40) and seen == sorted(seen)


def test_progress_is_told_file_by_file(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_bytes(LPARSTAT)
    seen: list[tuple[int, int]] = []
    list(door.documents([tmp_path], progress=lambda done, total: seen.append((done, total))))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_read_is_said_all_at_once(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as raised:
        load([tmp_path / "nothing", tmp_path / "empty", Path("/dev/null")])
    messages = [f.message for f in raised.value.findings]
    assert messages == ["no such file or directory", "the directory is empty", "neither a file nor a directory"]


def test_an_archive_of_nothing_is_an_error(tmp_path):
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    with pytest.raises(InputError) as raised:
        load([tmp_path / "a.zip"])
    assert "the archive is empty" in str(raised.value)
