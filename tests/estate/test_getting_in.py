"""What is wrong with one LPAR, VIOS, server or file never keeps a site out: it is told of that one, which is judged."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from test_loading import lparstat, put

from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.estate.workbook import workbook_bytes
from planner.findings import Finding, Severity, as_bad_as, errors, gathered
from planner.jobs import Options, headroom
from planner.plan.choices import By
from planner.plan.questions import Headroom
from planner.rules import Judge, Site

_SYSTEM = """\
op@con1:~> lssyscfg -r sys
name={s},type_model=9117-MMB,serial_num={serial},state=Operating
op@con1:~> lshwres -r proc -m {s} --level sys
configurable_sys_proc_units=16.0,curr_avail_sys_proc_units=8.0,installed_sys_proc_units=16.0
op@con1:~> lshwres -r mem -m {s} --level sys
configurable_sys_mem=131072,curr_avail_sys_mem=65536,installed_sys_mem=131072,mem_region_size=256,sys_firmware_mem=4096
"""
_PARTITIONS = """\
op@con1:~> lssyscfg -r lpar -m {s}
name={vios},lpar_id=1,lpar_env=vioserver,state=Running,msp=1,rmc_state=active
name={app},lpar_id=3,lpar_env=aixlinux,state=Running,rmc_state=active
op@con1:~> lshwres -r proc -m {s} --level lpar
lpar_name={vios},lpar_id=1,curr_proc_mode=shared,curr_proc_units=1.0,curr_procs=2,curr_sharing_mode=uncap
lpar_name={app},lpar_id=3,curr_proc_mode=shared,curr_proc_units=1.0,curr_procs=2,curr_sharing_mode=uncap
op@con1:~> lshwres -r mem -m {s} --level lpar
lpar_name={vios},lpar_id=1,curr_mem=4096,curr_max_mem=8192
lpar_name={app},lpar_id=3,curr_mem=4096,curr_max_mem=8192
op@con1:~> lshwres -r virtualio --rsubtype eth --level lpar -m {s}
lpar_name={vios},lpar_id=1,slot_num=11,state=1,port_vlan_id=10,vswitch=ETHERNET0,addl_vlan_ids=,is_trunk=1
lpar_name={app},lpar_id=3,slot_num=2,state=1,port_vlan_id=10,vswitch=ETHERNET0,addl_vlan_ids=,is_trunk=0
"""
_FIBRE = """\
op@con1:~> lshwres -r virtualio --rsubtype fc --level lpar -m {s}
lpar_name={app},lpar_id=3,slot_num=7,adapter_type=client,state=1,remote_lpar_id={to},remote_lpar_name={of},{wwpns}
"""


def system(s: str, app: str, vios: str, *, sizes: bool = True, fibre: tuple[int, str] | None = None,
           wwpns: str = '"wwpns=c050760000{n}01,c050760000{n}02"') -> str:
    """What a console lists of one server."""
    text = _SYSTEM if sizes else "\n".join(_SYSTEM.splitlines()[:2]) + "\n"
    text += _PARTITIONS + (_FIBRE if fibre else "")
    number = "".join(str(ord(c) % 10) for c in app)[:4].rjust(4, "0")
    to, of = fibre or (0, "")
    return text.format(s=s, serial=f"10{s.encode().hex().upper()[:5].rjust(5, '0')}", app=app, vios=vios, to=to, of=of,
                       wwpns="remote_slot_num=25," + wwpns.format(n=number))


def site(where: Path, **files: str) -> Loaded:
    return load([put(where / "in", **files)]).usable()


def told(loaded: Loaded, rule: str) -> list[Finding]:
    return [f for f in loaded.findings if f.rule == rule]


def again(loaded: Loaded, where: Path) -> Loaded:
    """The workbook that load writes, loaded: it is no error either, and the same estate."""
    path = where / "again.xlsx"
    path.write_bytes(workbook_bytes(loaded))
    back = load([path])
    assert not errors(back.findings), [str(f) for f in errors(back.findings)]
    return back


def test_one_name_of_two_vioses_is_told_apart(tmp_path: Path) -> None:
    loaded = site(tmp_path, s1__txt=system("S1", "app1", "vios1"), s2__txt=system("S2", "app2", "vios1"))
    assert [(v.name, v.server) for v in loaded.estate.vioses] == [("vios1@S1", "S1"), ("vios1@S2", "S2")]
    assert {b.vios for b in loaded.estate.bridges} == {"vios1@S1", "vios1@S2"}
    assert [f.severity for f in told(loaded, "input.same-name")] == [Severity.INFO]
    judge = Judge(Site(loaded.estate))
    assert judge.targets("app1") == ["S2"] and judge.targets("app2") == ["S1"]
    assert again(loaded, tmp_path).estate == loaded.estate


@pytest.mark.parametrize("fibre", [(9, "gone"), (1, "vios1")])
def test_an_adapter_that_leads_nowhere_known_is_of_its_lpar_alone(tmp_path: Path, fibre: tuple[int, str]) -> None:
    wwpns = {} if fibre[0] == 9 else {"wwpns": "wwpns="}
    loaded = site(tmp_path, s1__txt=system("S1", "app1", "vios1", fibre=fibre, **wwpns),
                  s2__txt=system("S2", "app2", "vios2"))
    judge = Judge(Site(loaded.estate))
    assert [f.rule for f in judge.readiness("app1") if f.severity is Severity.ERROR] == ["storage.path-known"]
    assert judge.targets("app2") == ["S1"]
    assert any(f.subject == "app1" and "not planned" in f.message for f in loaded.findings)
    assert again(loaded, tmp_path).estate == loaded.estate


def test_a_server_without_figures_lets_nobody_in_and_its_lpars_go(tmp_path: Path) -> None:
    loaded = site(tmp_path, s1__txt=system("S1", "app1", "vios1"), s2__txt=system("S2", "app2", "vios2", sizes=False))
    assert [(f.severity, f.subject) for f in told(loaded, "input.missing-fact")] == [(Severity.WARNING, "S2")]
    judge = Judge(Site(loaded.estate))
    assert judge.targets("app1") == [] and judge.targets("app2") == ["S1"]
    assert {f.rule for f in judge.move("app1", "S1", "S2") if f.severity is Severity.ERROR} == {"server.sizes-known"}
    with pytest.raises(UsageError, match="its headroom is unknown"):
        headroom(loaded, Headroom(server="S2", units=100, memory_mib=0, by=By.ENTITLEMENT), Options())
    assert again(loaded, tmp_path).estate == loaded.estate


ONE_LPAR: dict[str, Any] = {
    "cut short": "\n".join(lparstat("app1", 3).splitlines()[:9]),
    "a key twice": lparstat("app1", 3) + "Mode : Capped\n",
    "no number": lparstat("app1", 3).replace("8192 MB", "much"),
    "an error message": lparstat("app1", 3) + "HSCL8012 no partition\n",
    "no name": lparstat("app1", 3).replace("Partition Name  ", "Partition Nme  "),
}


@pytest.mark.parametrize("name", ONE_LPAR)
def test_what_is_wrong_with_one_file_of_one_lpar(tmp_path: Path, name: str) -> None:
    loaded = site(tmp_path, s1__txt=system("S1", "app1", "vios1"), s2__txt=system("S2", "app2", "vios2"),
                  one__txt=ONE_LPAR[name])
    assert any(f.source and f.source.file == "one.txt" and f.severity is Severity.WARNING for f in loaded.findings)
    assert Judge(Site(loaded.estate)).targets("app2") == ["S1"]


def test_what_must_be_filled_is_marked_and_filling_it_gives_the_whole_estate(tmp_path: Path) -> None:
    loaded = site(tmp_path, s1__txt=system("S1", "app1", "vios1"), s2__txt=system("S2", "app2", "vios2", sizes=False))
    book = load_workbook(io.BytesIO(workbook_bytes(loaded)))
    wanted = [[c.value for c in row] for row in book["To fill"].iter_rows(min_row=2)]
    assert [row[:3] for row in wanted] == [["Servers", "S2", "Configurable (cores)"],
                                           ["Servers", "S2", "Configurable memory (GiB)"]]
    for sheet, _, _, cell, depends in wanted:
        assert book[sheet][cell].value is None and depends in book[sheet][cell].comment.text
        book[sheet][cell] = 64
    book.save(tmp_path / "filled.xlsx")
    filled = load([tmp_path / "filled.xlsx"]).usable()
    assert Judge(Site(filled.estate)).targets("app1") == ["S2"]
    assert "To fill" not in load_workbook(io.BytesIO(workbook_bytes(filled))).sheetnames


def test_an_lpar_that_was_never_activated_is_marked_until_its_sizes_are_there(tmp_path: Path) -> None:
    """The finding said to add its sizes in sheet LPARs, and the sheet showed 0 in cells that nothing marked."""
    never = ("hscroot@hmc1:~> lssyscfg -r lpar -m S1\nname=dump,lpar_id=9,lpar_env=aixlinux,state=Not Activated\n"
             "hscroot@hmc1:~> lshwres -r mem -m S1 --level lpar\nlpar_name=dump,lpar_id=9,curr_mem=0,run_mem=0,mem_mode=ded\n")
    loaded = site(tmp_path, s1__txt=system("S1", "app1", "vios1"), s2__txt=system("S2", "app2", "vios2"), off__txt=never)
    assert [f.subject for f in told(loaded, "input.missing-fact")] == ["dump"]
    book = load_workbook(io.BytesIO(workbook_bytes(loaded)))
    cells = [[c.value for c in row][:4] for row in book["To fill"].iter_rows(min_row=2)]
    assert {(sheet, item) for sheet, item, *_ in cells} == {("LPARs", "dump")} and len(cells) == 4
    assert load_book(book, tmp_path / "as_it_is.xlsx").estate == loaded.estate
    for _, _, _, cell in cells:
        book["LPARs"][cell] = 2
    filled = load_book(book, tmp_path / "filled.xlsx")
    assert not told(filled, "input.missing-fact") and "To fill" not in load_workbook(
        io.BytesIO(workbook_bytes(filled))).sheetnames


def load_book(book: Any, file: Path) -> Loaded:
    book.save(file)
    return load([file]).usable()


def test_what_is_said_of_many_is_one_line_with_their_number() -> None:
    found = [Finding("r", Severity.WARNING, f"lpar{n}", f"lpar{n}: {n} MiB is odd", "mend it") for n in range(40)]
    other = Finding("r", Severity.WARNING, "x", "x: something else", "mend it")
    (one, last) = gathered([*found, other])
    assert "40 such findings" in one.message and one.subject.endswith("(40 in all)") and last == other
    assert gathered(found[:5]) == found[:5] and as_bad_as([other], Severity.ERROR) == []


def test_what_is_said_in_very_long_words_is_gathered_as_fast() -> None:
    """A name of 100,000 letters in a plan took minutes of `planner verify`."""
    found = [Finding("x", Severity.ERROR, f"s{n}", f"s{n} names {letter * 100_000}", "") for n in range(6) for letter in "ab"]
    before = time.process_time()
    assert [f.message[:24] for f in gathered(found)] == ["6 such findings, the fir"] * 2
    assert time.process_time() - before < 5
