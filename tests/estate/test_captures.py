"""Files of a site joined without being told: whose listing it is, which capture is newer, what is one level."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from estates_random import random_estate
from site_writer import Wiring, carries, hmc_outputs, vios_outputs, write

from planner.estate.assemble import Loaded, assemble
from planner.estate.load import load
from planner.estate.model import Estate
from planner.findings import Finding, Severity
from planner.formats import capture, registry, values

SITE = random_estate(5, 7, 2)
SERIAL = {s.name: f"{s.model}-SN{s.serial}" for s in SITE.servers}


def listings(estate: Estate) -> Iterator[tuple[str, str, str]]:
    """(system, command, output) of what an HMC lists, and of "" what it lists of no system."""
    for one in hmc_outputs(Wiring(estate)):
        system = next((s.name for s in estate.servers if f"-m '{s.name}'" in one.command), "")
        yield system, one.command.replace(f" -m '{system}'", ""), one.text


def session(estate: Estate, prompt: str = "hscroot@hmc1:~> ", date: str = "") -> str:
    """The same in a terminal, with ``-m``, and a ``date`` before it."""
    head = f"{prompt}date\n{date}\n" if date else ""
    return head + "".join(f"{prompt}{one.command}\n{one.text}" for one in hmc_outputs(Wiring(estate)))


def put(where: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return where


def vioses(estate: Estate) -> dict[str, str]:
    w = Wiring(estate)
    return {f"{v.name}/{n}.txt": f"$ {one.command}\n{one.text}" for v in estate.vioses
            for n, one in enumerate(vios_outputs(w, v.name))}


def told(loaded: Loaded, *rules: str) -> list[Finding]:
    return [f for f in loaded.findings if f.rule in rules]


def expected() -> Estate:
    whole = carries(SITE, "hmc-sessions")
    return whole.replace(servers=tuple(replace(s, console="") for s in whole.servers))


#: How the files of a system are named, of which no command line says ``-m``.
NAMES = {
    "MTMS with an asterisk": lambda s: f"out/{s.model}*{s.serial}-@.txt",
    "MTMS with an underscore": lambda s: f"{s.model}_{s.serial}_@.txt",
    "MTMS with SN": lambda s: f"@.{s.model}-SN{s.serial}.txt",
    "folder as the HMC names a new system": lambda s: f"hmc/Server-{s.model}-SN{s.serial}/@.txt",
    "name of the system": lambda s: f"hmc_{s.name}_@.out",
    "folder of the name": lambda s: f"{s.name}/@.txt",
}


@pytest.mark.parametrize(("way", "prompts"), [(way, n % 2 == 0) for n, way in enumerate(NAMES)])
def test_a_file_or_folder_says_whose_listing_it_is(tmp_path: Path, way: str, prompts: bool) -> None:
    """Nothing says ``-m``; with prompts each command is known, without them the attributes tell."""
    of = {s.name: s for s in SITE.servers}
    files = vioses(SITE)
    for number, (system, command, text) in enumerate(listings(SITE)):
        name = NAMES[way](of[system]).replace("@", str(number)) if system else "systems.txt"
        files[name] = f"hscroot@hmc1:~> {command}\n{text}" if prompts or text.startswith("No results") else (
            f"{command}\n{text}" if "eth" in command or "scsi" in command or "fc" in command else text)
    loaded = load([put(tmp_path, files)])
    got = loaded.estate.replace(servers=tuple(replace(s, console="") for s in loaded.estate.servers))
    assert got == expected()
    assert not told(loaded, "input.missing-value", "input.no-system", "input.conflict")


def test_one_system_named_by_location_codes_or_logical_serial_numbers(tmp_path: Path) -> None:
    """Rows that carry the serial number themselves need no name of a file."""
    rows = [(s, p) for s in SITE.servers for p in (*SITE.vioses, *SITE.lpars) if p.server == s.name]
    text = "".join(f"name={p.name},lpar_id={p.lpar_id},lpar_env=aixlinux,state=Running,"
                   f"logical_serial_num={s.serial}{p.lpar_id:X}\n" for s, p in rows)
    eth = "".join(f"lpar_name={p.name},lpar_id={p.lpar_id},slot_num=7,state=1,port_vlan_id=9,vswitch=ETHERNET0,is_trunk=0,"
                  f"drc_name=U{s.model.replace('-', '.')}.{s.serial}-V{p.lpar_id}-C7\n" for s, p in rows)
    systems = "".join(f"name={s.name},type_model={s.model},serial_num={s.serial}\n" for s in SITE.servers)
    put(tmp_path, {"lpars.txt": text.replace("name=web, old", '"name=web, old"'), "sys.txt": systems,
                   "eth.txt": eth.replace("lpar_name=web, old", '"lpar_name=web, old"')})
    loaded = load([tmp_path])
    assert {p.name: p.server for p in loaded.estate.lpars} == {p.name: p.server for _, p in rows}
    assert not told(loaded, "input.missing-value")


def test_the_order_and_the_number_of_files_change_nothing(tmp_path: Path) -> None:
    """Two consoles list one site, files are copied twice and have other names: the same estate, nothing said."""
    files = {"hmc1.txt": session(SITE), "hmc2.txt": session(SITE, "hscroot@hmc2:~> "), **vioses(SITE)}
    names = list(files)
    Random(3).shuffle(names)
    again = {f"{'zyx'[n % 3]}{n}/{name}": files[name] for n, name in enumerate(names)}
    other = load([put(tmp_path, {**again, **{f"copy/{name}": text for name, text in files.items()}})])
    one = carries(SITE, "hmc-sessions")
    assert other.estate == one.replace(servers=tuple(replace(s, console="hmc1; hmc2") for s in one.servers))
    assert not told(other, "input.conflict", "input.older-capture", "input.two-servers", "input.duplicate-key")


OLD, NEW = "Thu Oct  1 10:00:00 CEST 2026", "Fri Oct  2 09:30:00 CEST 2026"
AIX = next(p for p in SITE.lpars if p.active and p.processors == "shared"
           and [one.server for one in SITE.lpars].count(p.server) > 1)
THERE = next(s.name for s in SITE.servers if s.name != AIX.server)


def changed(**values: object) -> Estate:
    return SITE.replace(lpars=tuple(replace(p, **values) if p == AIX else p for p in SITE.lpars))


def two(where: Path, old: str, new: str, kind: str) -> list[Path]:
    """An older and a newer capture of which ``kind`` tells the time; the newer one is read first or last."""
    if kind == "a date line":
        put(where, {"a.txt": f"hscroot@hmc1:~> date\n{NEW}\n{new}", "b.txt": f"{OLD}\n{old}"})
    elif kind == "the name of the file":
        put(where, {"hmc-20261002-0930.txt": new, "hmc-20261001-1000.txt": old})
    elif kind == "the name of a folder":
        put(where, {"2026-10-02/hmc.txt": new, "2026-10-01/hmc.txt": old})
    elif kind == "the time of the file":
        put(where, {"a.txt": old, "b.txt": new})
        os.utime(where / "a.txt", (1790000000, 1790000000))
        os.utime(where / "b.txt", (1790090000, 1790090000))
    elif kind == "the time of a member":
        where.mkdir()
        with tarfile.open(where / "all.tar.gz", "w:gz") as packed:
            for name, text, at in (("b.txt", old, 1790000000), ("a.txt", new, 1790090000)):
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(text.encode()), at
                packed.addfile(info, io.BytesIO(text.encode()))
    return [where]


KINDS = ("a date line", "the name of the file", "the name of a folder", "the time of the file", "the time of a member")


def untimed(estate: Estate) -> str:
    """Without the clock that the HMC states of each system."""
    return session(estate).replace(",sys_time=03/14/2026 21:59:07", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_capture_counts_and_it_is_said_once(tmp_path: Path, kind: str) -> None:
    new = changed(memory_mib=AIX.memory_mib // 2, virtual_processors=AIX.virtual_processors)
    loaded = load(two(tmp_path / "in", untimed(SITE), untimed(new), kind))
    assert [p.memory_mib for p in loaded.estate.lpars if p.name == AIX.name] == [AIX.memory_mib // 2]
    (said,) = told(loaded, "input.older-capture", "input.conflict")
    assert "Memory (GiB)" in said.message and said.message.count(AIX.name) == 1
    assert (said.severity is Severity.INFO) == ("time of" not in kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_lpar_that_has_moved_since_stands_where_it_is(tmp_path: Path, kind: str) -> None:
    """Its id is another one there, and its old id may be somebody else's."""
    moved = changed(server=THERE, lpar_id=99).replace(**{
        rows: tuple(r for r in getattr(SITE, rows) if r.lpar != AIX.name) for rows in ("disks", "fibres")})
    other = next(p for p in moved.lpars if p.server == AIX.server and p.name != AIX.name)
    moved = moved.replace(lpars=tuple(replace(p, lpar_id=AIX.lpar_id) if p == other else p for p in moved.lpars))
    loaded = load(two(tmp_path / "in", untimed(SITE), untimed(moved), kind))
    assert [(p.server, p.lpar_id) for p in loaded.estate.lpars if p.name == AIX.name] == [(THERE, 99)]
    assert {p.name for p in loaded.estate.lpars} == {p.name for p in SITE.lpars}
    (said,) = told(loaded, "input.moved")
    assert f"was on {AIX.server}" in said.message and f"is on {THERE}" in said.message
    alone = load([put(tmp_path / "new", {"hmc.txt": untimed(moved)})])
    for rows in ("lpars", "networks", "disks", "fibres"):
        assert getattr(loaded.estate, rows) == getattr(alone.estate, rows), rows


def test_where_nothing_tells_which_is_newer_one_is_chosen_and_it_is_said(tmp_path: Path) -> None:
    texts = [untimed(SITE), untimed(changed(server=THERE, lpar_id=99))]
    found = [load([put(tmp_path / f"in{n}", dict(zip(names, texts, strict=True)))])
             for n, names in enumerate((("a.txt", "b.txt"), ("b.txt", "a.txt")))]
    servers = [[p.server for p in one.estate.lpars if p.name == AIX.name] for one in found]
    assert servers == [[AIX.server], [THERE]]
    for one in found:
        (said,) = told(one, "input.two-servers")
        assert said.severity is Severity.WARNING and "nothing tells which is newer" in said.message
        assert not [f for f in one.findings if f.severity is Severity.ERROR]


@pytest.mark.parametrize(("field", "texts"), [
    ("os_level", ("7.2 TL5 SP3", "7200-05-03-2136", "7.2.5.3", "7200-05-03", "7200-05")),
    ("level", ("3.1.4.10", "VIOS 3.1.4.10", "3.1.4.10 IJ45637m1a", "3.1.4.10-FP-30")),
    ("firmware", ("VL950_099", "01VL950_099", "FW950.40")), ("firmware", ("FW950.40", "FW950.40"))])
def test_notations_of_one_level_are_no_contradiction(field: str, texts: tuple[str, ...]) -> None:
    for one in texts:
        for other in texts:
            assert values.same_level(field, one, other)
    assert not values.same_level("os_level", "7200-05-03-2136", "7200-05-04-2220")
    assert not values.same_level("level", "3.1.4.10", "3.1.4.21")
    assert not values.same_level("firmware", "FW950.40", "FW940.40")
    assert not values.same_level("firmware", "VL950_099", "VL950_105")


@pytest.mark.parametrize("line", [
    "Fri Oct  2 10:00:00 CEST 2026", "Fri 02 Oct 2026 10:00:00 AM CEST", "Fri Oct  2 10:00:00 AM UTC 2026",
    "2026-10-02 10:00:00", "2026-10-02T12:00:00+0200", "2026-10-02T10:00:00.000Z", "Friday, October 2, 2026 10:00:00"])
def test_what_date_prints(line: str) -> None:
    assert capture.clock(f"\n{line}\n").at(9) == (1790935200.0, capture.BY_TEXT)
    assert capture.clock(f"\n{line}\n").text.strip() == ""


@pytest.mark.parametrize("line", ["Fri Oct 32 10:00:00 2026", "Sun came out at 10:00:00", "2026-10-02 is a Friday, so",
                                  "2026-02-30 10:00:00", "Date/Time: Fri Oct  2 10:00:00 2026"])
def test_what_is_no_date_stays(line: str) -> None:
    assert capture.clock(line) == capture.StatedTimes(line)


def test_partitions_of_a_system_that_no_file_lists_block_no_other(tmp_path: Path) -> None:
    stray = "hscroot@hmc2:~> lssyscfg -r lpar -m elsewhere\nname=stray,lpar_id=3,lpar_env=aixlinux,state=Running\n"
    pool = "hscroot@hmc2:~> lshwres -r procpool -m elsewhere\nname=P1,shared_proc_pool_id=1,max_pool_proc_units=2.0\n"
    loaded = load([put(tmp_path, {"hmc1.txt": session(SITE), "hmc2.txt": stray + pool, **vioses(SITE)})])
    assert loaded.usable().estate == carries(SITE, "hmc-sessions")
    assert [f.subject for f in told(loaded, "input.unknown-system")] == ["elsewhere"]


def test_one_name_on_two_systems_at_once_is_two_partitions(tmp_path: Path) -> None:
    """Every server may have its vios1, and its lpar1."""
    text = "hscroot@hmc1:~> lssyscfg -r sys\n"
    text += "".join(f"name=P{n},type_model=9009-42A,serial_num=78AAAA{n}\n" for n in (1, 2))
    for n in (1, 2):
        text += f"hscroot@hmc1:~> lssyscfg -r lpar -m P{n}\n" + "".join(
            f"name={name},lpar_id={at},lpar_env={env},state=Running,os_version={version}\n" for name, at, env, version in (
                ("vios1", 1, "vioserver", f"VIOS 3.1.4.1{n}"), ("lpar1", 2, "aixlinux", "AIX 7.2 7200-05-03-2136")))
    level = "padmin@vios1:/home/padmin$ lsmap -all\n" + (
        "SVSA            Physloc                                      Client Partition ID\n"
        "--------------- -------------------------------------------- ------------------\n"
        "vhost0          U9009.42A.78AAAA2-V1-C11                     0x00000002\n\n"
        "VTD                   vtd0\nStatus                Available\nLUN                   0x8100000000000000\n"
        "Backing device        hdisk4\nPhysloc               U78D2.001.WZS0001-P1-C1-T1\n")
    loaded = load([put(tmp_path, {"hmc.txt": text, "two.txt": level})])
    assert {(p.name, p.server) for p in loaded.estate.lpars} == {("lpar1@P1", "P1"), ("lpar1@P2", "P2")}
    assert {(v.name, v.server, v.level) for v in loaded.estate.vioses} == {
        ("vios1@P1", "P1", "3.1.4.11"), ("vios1@P2", "P2", "3.1.4.12")}
    assert {(d.lpar, d.vios) for d in loaded.estate.disks} == {("lpar1@P2", "vios1@P2")}
    assert {f.subject for f in told(loaded, "input.same-name")} == {"vios1", "lpar1"}


def test_rest_and_console_are_joined_by_uuid(tmp_path: Path) -> None:
    """REST names the system by its identifier alone; the console lists the same partition of the system by name."""
    text = (Path(__file__).parents[1] / "fixtures" / "rest" / "lpars_of_all_kinds.xml").read_text().replace(
        "LogicalSerialNumber", "SomeOtherNumber")
    uuid = text.split("<id>")[2].split("<")[0].upper()
    system = "hscroot@hmc1:~> lssyscfg -r sys\nname=P9,type_model=9009-42A,serial_num=78ZZZZ9\n"
    put(tmp_path, {"hmc.txt": f"{system}hscroot@hmc1:~> lssyscfg -r lpar -m P9\nname=first,lpar_id=77,"
                              f"lpar_env=aixlinux,state=Running,uuid={uuid}\n", "lpars.xml": text})
    loaded = load([tmp_path])
    assert {p.server for p in loaded.estate.lpars} == {"P9"} and len(loaded.estate.lpars) > 1


def test_a_system_is_known_by_its_mtms_alone(tmp_path: Path) -> None:
    """Neither -m nor lssyscfg -r sys: the folder says type-model and serial number."""
    of = {s.name: s for s in SITE.servers}
    files = vioses(SITE)
    for number, (system, command, text) in enumerate(listings(SITE)):
        if system:
            files[f"Server-{SERIAL[system]}/{number}.txt"] = f"hscroot@hmc1:~> {command}\n{text}"
    loaded = load([put(tmp_path, files)])
    assert {(s.name, s.model, s.serial) for s in loaded.estate.servers} == {
        (f"{s.model}*{s.serial}", s.model, s.serial) for s in of.values()}
    assert {p.name for p in loaded.estate.lpars} == {p.name for p in SITE.lpars}
    assert len(loaded.estate.disks) == len(SITE.disks)


def test_an_mtms_behind_the_option_is_the_system(tmp_path: Path) -> None:
    text = session(SITE)
    for s in SITE.servers:
        text = text.replace(f"-m '{s.name}'", f"-m {s.model}*{s.serial}")
    assert load([put(tmp_path, {"hmc.txt": text, **vioses(SITE)})]).estate == carries(SITE, "hmc-sessions")


def test_what_only_an_older_capture_shows_is_told(tmp_path: Path) -> None:
    """An adapter that was removed is left out, an LPAR that was deleted is kept: both are said."""
    lost = next(n for n in SITE.networks if [one.lpar for one in SITE.networks].count(n.lpar) > 1)
    dead = next(p for p in SITE.lpars if p.name != lost.lpar)
    new = SITE.replace(lpars=tuple(p for p in SITE.lpars if p != dead), **{
        rows: tuple(r for r in getattr(SITE, rows) if r.lpar != dead.name and r != lost)
        for rows in ("networks", "disks", "fibres")})
    loaded = load(two(tmp_path / "in", untimed(SITE), untimed(new), "a date line"))
    assert lost not in loaded.estate.networks
    assert dead.name in {p.name for p in loaded.estate.lpars}
    said = [f.message for f in told(loaded, "input.older-capture")]
    assert any(f"adapters of {lost.lpar} that newer" in m for m in said), said
    assert any(m.startswith(f"{dead.name}: ") and "kept" in m for m in said), said


@pytest.mark.parametrize("kind", KINDS[:2])
def test_an_lpar_with_another_name_since_is_one_lpar(tmp_path: Path, kind: str) -> None:
    """Its id, or where it has moved as well its UUID, is the same."""
    texts = [f"hscroot@hmc1:~> lssyscfg -r sys\nname=P1,type_model=9009-42A,serial_num=78AAAA1\n"
             f"name=P2,type_model=9009-42A,serial_num=78AAAA2\nhscroot@hmc1:~> lssyscfg -r lpar -m {system}\n" + "".join(
                 f"name={name},lpar_id={at},lpar_env=aixlinux,state=Running,uuid={uuid}\n" for name, at, uuid in rows)
             for system, rows in (("P1", (("one", 3, "A"), ("two", 4, "B"), ("three", 5, "C"))),
                                  ("P2", (("uno", 7, "A"),)))]
    texts[1] += "hscroot@hmc1:~> lssyscfg -r lpar -m P1\nname=due,lpar_id=4,lpar_env=aixlinux,state=Running\n"
    texts[1] += "name=three,lpar_id=5,lpar_env=aixlinux,state=Running\n"
    loaded = load(two(tmp_path / "in", *texts, kind))
    assert {(p.name, p.server) for p in loaded.estate.lpars} == {("uno", "P2"), ("due", "P1"), ("three", "P1")}
    assert {f.subject for f in told(loaded, "input.older-capture")} == {"one", "two"}


def test_a_host_that_has_another_name_than_its_partition_is_no_second_one(tmp_path: Path) -> None:
    cfg = (Path(__file__).parents[1] / "fixtures" / "lparcfg").glob("*.txt")
    text = "serial_number=IBM,0278AAAA1\n" + "".join(
        line for line in sorted(cfg)[0].read_text().splitlines(True) if not line.startswith(("serial_number", "partition_id")))
    site = ("hscroot@hmc1:~> lssyscfg -r sys\nname=P1,type_model=9009-42A,serial_num=78AAAA1\n"
            "hscroot@hmc1:~> lssyscfg -r lpar -m P1\nname=linux one,lpar_id=3,lpar_env=aixlinux,state=Running\n")
    files = {"hmc.txt": site, "lx1.txt": f"root@lx1:~# cat /proc/powerpc/lparcfg\n{text}partition_id=3\n"}
    assert [p.name for p in load([put(tmp_path, files)]).estate.lpars] == ["linux one"]


def test_two_kinds_of_exports_of_one_site_contradict_each_other_in_nothing(tmp_path: Path) -> None:
    site = random_estate(5, 3, 2)
    for family in ("hmc-sessions", "rest", "scanner"):
        (tmp_path / family).mkdir()
        write(site, family, tmp_path / family)
    loaded = load([tmp_path])
    assert not [f for f in loaded.findings if f.rule not in ("input.gap", "input.unknown-fabric")
                and f.severity is not Severity.INFO]
    assert [len(getattr(loaded.estate, rows)) for rows in ("servers", "lpars", "disks", "fibres", "zonings")] == [
        len(getattr(site, rows)) for rows in ("servers", "lpars", "disks", "fibres", "zonings")]


@pytest.mark.parametrize(("said", "firmware", "generation"), [
    (',"lpar_proc_compat_modes=default,POWER8,POWER9_base,POWER9,POWER10"', "", "POWER10"),
    ("", "ecnumber=01ML1030,activated_level=48", "POWER10"), ("", "ecnumber=01SV860,activated_level=185", "POWER8"),
    ("", "", "")])
def test_a_model_that_is_not_in_the_catalogue_is_judged_by_what_is_said_of_it(
        tmp_path: Path, said: str, firmware: str, generation: str) -> None:
    text = f"hscroot@hmc1:~> lssyscfg -r sys\nname=P,type_model=9999-99X,serial_num=78AAAA1{said}\n"
    text += f"hscroot@hmc1:~> lslic -m P -t sys\n{firmware}\n" if firmware else ""
    text += ("hscroot@hmc1:~> lshwres -r proc -m P --level sys\nconfigurable_sys_proc_units=16.0\n"
             "hscroot@hmc1:~> lshwres -r mem -m P --level sys\nconfigurable_sys_mem=262144,mem_region_size=256\n")
    loaded = load([put(tmp_path, {"hmc.txt": text})])
    assert [s.generation for s in loaded.estate.servers] == [generation]
    (told_of,) = told(loaded, "input.unknown-model")
    assert "model 9999-99X is not in the catalogue" in told_of.message
    assert told_of.severity is (Severity.INFO if generation else Severity.WARNING)


@pytest.mark.parametrize("at", [2.0 ** 60, -(2.0 ** 60), 0.0])
def test_a_time_that_no_clock_shows_is_no_traceback(tmp_path: Path, at: float) -> None:
    """As the headers of damaged archives have it."""
    readings = [replace(r, taken=capture.Taken(when, capture.BY_FILE)) for when, cores in ((at, "1.0"), (9e8, "2.0"))
                for r in registry.read_document(
                    b"hscroot@hmc1:~> lshwres -r proc -m P --level sys\nconfigurable_sys_proc_units=" + cores.encode()
                    + b"\n", f"{cores}.txt")]
    assert told(assemble(readings), "input.older-capture")


@pytest.mark.parametrize("many", [1, 99])
def test_what_one_log_says_twice_and_otherwise_is_told_and_the_last_counts(tmp_path: Path, many: int) -> None:
    """Two sessions in one log: the one that was read first counted, and nothing said that there was another."""
    grown = SITE.replace(lpars=tuple(replace(p, weight=p.weight + 1) if p.active and p.sharing == "uncapped" and n < many
                                     else p for n, p in enumerate(SITE.lpars)))
    changed = sum(a != b for a, b in zip(SITE.lpars, grown.lpars, strict=True))
    log = put(tmp_path / "log", {"putty.log": session(SITE) + session(grown)})
    alone = put(tmp_path / "alone", {"putty.log": session(grown)})
    loaded = load([log])
    assert changed and loaded.estate.lpars == load([alone]).estate.lpars
    said = told(loaded, "input.conflict", "input.older-capture")
    assert len(said) == (1 if changed > 5 else changed) and all("the last" in f.message for f in said)
    assert not told(load([put(tmp_path / "same", {"putty.log": session(SITE) * 2})]), "input.conflict")
