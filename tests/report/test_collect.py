"""The collecting scripts: run against stand-ins for ssh and lparstat, and read back."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from estates_random import random_estate
from site_writer import Wiring, carries, hmc_outputs, outputs

from planner.estate.load import load
from planner.formats import (
    hmc_cli,
    hmc_level,
    lparstat_i,
    lparstat_interval,
    vios_disks,
    vios_entstat,
    vios_level,
    vios_lpm,
    vios_lsmap,
    vios_lsnports,
)
from planner.formats.base import Format, Reading
from planner.formats.hmc_cli import parse_command
from planner.report.collect import KINDS, MARKER, script, usage

FIXTURES = Path(__file__).parent.parent / "fixtures"
MARK = re.compile(r"### planner-collect host=(\S+) kind=(hmc|vios|lpar) command=(.*)")
READ_ONLY = re.compile(r"lssyscfg|lshwres|lslparmigr|lslic|lshmc -V|lsnports|ioslevel|lsmap|lspv|lsdev|entstat|lparstat|cat /proc/")

#: A stand-in for ssh: logs what it is asked, refuses what it is told to, answers as a host would.
SSH = r"""#!/bin/sh
while [ "${1#-}" != "$1" ]; do
    case $1 in -o) shift ;; esac
    shift
done
printf '%s\t%s\n' "$1" "$2" >> "$LOG"
case "$1 $2" in *"$SILENT"*) echo 'ssh: connect: timed out' >&2; exit 255 ;; esac
case "$2" in *"$REFUSED"*) echo 'HSCL8018 The managed system was not found.' >&2; exit 1 ;; esac
case $2 in
    'lssyscfg -r sys -F type_model,serial_num,name') cat "$SYSTEMS" ;;
    'lssyscfg -r sys -m'*' -F capabilities') cat "$CAPABILITIES" ;;
    'lssyscfg -r lpar -m'*'-F'*) printf 'name,lpar_id,lpar_env,msp\nvios-h1,1,vioserver,1\nledger1,4,aixlinux,null\n' ;;
    'lssyscfg -r sys') cat "$FIXTURES/hmc/lssyscfg_sys.txt" ;;
    'lssyscfg -r lpar'*) cat "$FIXTURES/hmc/lssyscfg_lpar.txt" ;;
    'lshwres -r proc '*sys) grep '^configurable_sys' "$FIXTURES/hmc/lshwres_proc.txt" ;;
    'lshwres -r proc '*pool) grep '^configurable_pool' "$FIXTURES/hmc/lshwres_proc.txt" ;;
    'lshwres -r proc '*lpar) grep '^lpar_name' "$FIXTURES/hmc/lshwres_proc.txt" ;;
    'lshwres -r procpool '*) grep '^name=' "$FIXTURES/hmc/lshwres_proc.txt" ;;
    'lshwres -r mempool '*) grep '^curr_pool_mem' "$FIXTURES/hmc/lshwres_mem.txt" ;;
    'lshwres -r mem '*sys) grep '^configurable_sys' "$FIXTURES/hmc/lshwres_mem.txt" ;;
    'lshwres -r mem '*lpar) grep '^lpar_name' "$FIXTURES/hmc/lshwres_mem.txt" ;;
    'lshwres -r virtualio --rsubtype eth '*) grep '^lpar_name' "$FIXTURES/hmc/lshwres_eth_slot.txt" ;;
    'lshwres -r virtualio --rsubtype scsi '*) cat "$FIXTURES/hmc/lshwres_scsi.txt" ;;
    'lshwres -r virtualio --rsubtype slot '*) cat "$FIXTURES/hmc/lshwres_virtual_slots.txt" ;;
    'lshwres -r virtualio --rsubtype fc '*) cat "$FIXTURES/hmc/lshwres_fc.txt" ;;
    'lshwres -r sriov --rsubtype physport '*eth) cat "$FIXTURES/hmc/lshwres_sriov_physport.txt" ;;
    'lshwres -r sriov '* | 'lshwres -r virtualio --rsubtype vnic '*) echo 'No results were found.' ;;
    'lshwres -r io '*) grep '^unit_phys_loc' "$FIXTURES/hmc/lshwres_eth_slot.txt" ;;
    'lslparmigr -r sys '*) sed -n '/^inactive/p' "$FIXTURES/hmc/lslparmigr.txt" ;;
    'lslparmigr -r lpar '*) sed -n '/^name=tidal/p' "$FIXTURES/hmc/lslparmigr.txt" ;;
    'lshmc -V') tail -n +2 "$FIXTURES/small/lshmc.txt" ;;
    'lslic -m '*' -t sys') echo 'lic_type=Managed System,activated_level=99,ecnumber=01VL950' ;;
    'lssyscfg -r prof'*) cat "$FIXTURES/hmc/lssyscfg_prof.txt" ;;
    'ioscli ioslevel') cat "$FIXTURES/vios/ioslevel.txt" ;;
    'ioscli lsmap -all') cat "$FIXTURES/vios/lsmap_all.txt" ;;
    'ioscli lsmap -all -net') cat "$FIXTURES/vios/lsmap_net.txt" ;;
    'ioscli lsmap -all -npiv') cat "$FIXTURES/vios/lsmap_npiv.txt" ;;
    'ioscli lsnports') tail -n +2 "$FIXTURES/small/lsnports.txt" ;;
    'ioscli lsdev -dev vioslpm0 -attr') echo 'cfg_msp_lpm_ops 8 Concurrent LPM operations True' ;;
    'ioscli lspv') cat "$DISKS" ;;
    'ioscli lspv -size') cat "$FIXTURES/vios/lspv_size.txt" ;;
    'ioscli lsdev -type adapter') cat "$FIXTURES/vios/lsdev_adapter.txt" ;;
    'ioscli lsdev -dev '*' -attr') cat "$FIXTURES/vios/hdisk_attr.txt" ;;
    'ioscli entstat -all '*) cat "$FIXTURES/vios/entstat_sea.txt" ;;
    *) echo "unexpected: $2" >&2; exit 127 ;;
esac
"""

LPARSTAT = r"""#!/bin/sh
case "$*" in
    -i) cat "$FIXTURES/lparstat_i/aix_44_dedicated.txt" ;;
    '30 10') cat "$FIXTURES/lparstat_interval/aix_shared_app.txt" ;;
    *) exit 1 ;;
esac
"""


class Bench:
    """A directory of stand-ins on the PATH, and what they answer."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.bin = tmp / "bin"
        self.bin.mkdir()
        self.log = tmp / "log"
        self.environment = {
            "LOG": str(self.log), "FIXTURES": str(FIXTURES), "SILENT": "\x01", "REFUSED": "\x01",
            "SYSTEMS": self.file("systems", "9117-MMB,06A1B2C,Harbour East\n8233-E8B,10D4E5F,Quarry\n"),
            "CAPABILITIES": self.file("capabilities", '"active_lpar_mobility_capable,active_mem_sharing_capable"\n'),
            "DISKS": str(FIXTURES / "vios/lspv.txt")}

    def file(self, name: str, text: str) -> str:
        (self.tmp / name).write_text(text)
        return str(self.tmp / name)

    def command(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, kind: str, *arguments: str, path: str | None = None,
            **changes: str) -> subprocess.CompletedProcess[str]:
        file = self.tmp / f"collect-{kind}.sh"
        file.write_text(script(kind))
        search = f"{self.bin}:{os.environ['PATH']}" if path is None else path
        return subprocess.run(
            [SHELL, str(file), *arguments], capture_output=True, text=True, timeout=30, cwd=self.tmp,
            env={**self.environment, **changes, "PATH": search})

    def asked(self) -> list[tuple[str, str]]:
        if not self.log.exists():
            return []
        return [(line.split("\t")[0], line.split("\t")[1]) for line in self.log.read_text().splitlines()]


SHELL = os.environ.get("PLANNER_TEST_SHELL") or shutil.which("dash") or "/bin/sh"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.command("ssh", SSH)
    made.command("lparstat", LPARSTAT)
    return made


def parts(text: str) -> list[tuple[str, str, str, str]]:
    """Host, kind, command and output of each part."""
    out: list[tuple[str, str, str, list[str]]] = []
    for line in text.splitlines():
        if match := MARK.fullmatch(line):
            out.append((match[1], match[2], match[3], []))
        else:
            assert not line.startswith("###"), line
            out[-1][3].append(line)
    return [(host, kind, command, "\n".join(lines) + "\n") for host, kind, command, lines in out]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shell", ["dash", "bash", "ksh", "sh"])
def test_shells_accept_the_syntax(kind: str, shell: str) -> None:
    found = shutil.which(shell)
    if not found:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([found, "-n"], input=script(kind), text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", KINDS)
def test_shellcheck(kind: str) -> None:
    found = shutil.which("shellcheck")
    if not found:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run([found, "-s", "sh", "-"], input=script(kind), text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("kind", KINDS)
def test_text(kind: str) -> None:
    text = script(kind)
    assert text.startswith("#!/bin/sh\n") and text.endswith("\n") and text.isascii()
    assert re.search(r"@[A-Z]+@", text) is None and "\nset -u\n" in text
    assert MARKER in text
    assert not re.search(r"\b(rm|mv|cp|tee|mktemp|chsyscfg|chhwres|rmsyscfg|mksyscfg|chdev|mkvdev|rmvdev|oem_setup_env"
                         r"|sudo)\b", text)
    written = [m[1] for m in re.finditer(r"(?<!<)>\s*([^\s;]+)", text.split("set -u", 1)[1])]
    assert {w for w in written if not w.endswith(("'", '"'))} <= {"&2", "&1", "/dev/null"}, written


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="expected one of hmc, vios, lpar"):
        script("ivm")


def _reading(formats: list[Format], text: str) -> Reading:
    found = [f for f in formats if f.recognise(text)]
    assert found, text[:200]
    return found[0].read(text, "part")


def test_hmc(bench: Bench) -> None:
    done = bench.run("hmc", "hmc7")
    assert (done.returncode, done.stderr) == (0, "")
    found = parts(done.stdout)
    assert {(host, kind) for host, kind, _, _ in found} == {("hmc7", "hmc")}
    assert found[0][2] == "lssyscfg -r sys"
    commands = [command for _, _, command, _ in found[1:]]
    assert len(commands) == len(set(commands)) == 37
    systems = {(parsed := parse_command(c)) and parsed.managed_system for c in commands if c != "lshmc -V"}
    assert systems == {"Harbour East", "Quarry"}
    assert all(host == "hscroot@hmc7" and READ_ONLY.match(command) for host, command in bench.asked())


def test_every_hmc_answer_is_read_back(bench: Bench) -> None:
    done = bench.run("hmc", "me@hmc7")
    kinds: dict[str, set[str]] = {}
    for _, _, command, text in parts(done.stdout):
        if command == "lshmc -V":
            assert hmc_level.read(text, "hmc.txt").records[0].fields["level"] == "V10R3M1060"
            continue
        reading = hmc_cli.read(f"me@hmc7:~> {command}\n{text}", "hmc.txt")
        parsed = parse_command(command)
        assert parsed is not None and parsed.kind is not None, command
        assert reading.records, command
        kinds.setdefault(parsed.kind, set()).update(r.kind for r in reading.records)
        if parsed.kind != "hmc-lssyscfg-sys":
            assert {r.fields["managed_system"] for r in reading.records} == {parsed.managed_system}
        assert not [f for f in reading.findings if f.severity.value == "error"], command
    assert all(found == {kind} for kind, found in kinds.items())
    assert len(kinds) == 18


def test_memory_pools_are_asked_for_where_there_can_be_some(bench: Bench) -> None:
    none = bench.file("none", '"active_lpar_mobility_capable,hardware_active_mem_expansion_capable"\n')
    done = bench.run("hmc", "hmc7", CAPABILITIES=none)
    assert done.returncode == 0 and "mempool" not in done.stdout


def test_sriov_ports_are_asked_for_where_vnics_can_be(bench: Bench) -> None:
    able = bench.file("able", '"active_lpar_mobility_capable,vnic_dedicated_sriov_capable"\n')
    done = bench.run("hmc", "hmc7", CAPABILITIES=able)
    assert (done.returncode, done.stderr) == (0, "")
    commands = [command for _, _, command, _ in parts(done.stdout)]
    assert sum("-r sriov" in c for c in commands) == 6 and sum("--rsubtype vnic" in c for c in commands) == 2
    assert "sriov" not in bench.run("hmc", "hmc7").stdout


def test_vios(bench: Bench) -> None:
    done = bench.run("vios", "vio1", "padmin2@vio2.example.com")
    assert (done.returncode, done.stderr) == (0, "")
    found = parts(done.stdout)
    commands = [command for host, _, command, _ in found if host == "vio1"]
    assert commands == [
        "ioslevel", "lsmap -all", "lsmap -all -net", "lsmap -all -npiv", "lsnports", "lspv", "lspv -size",
        "lsdev -type adapter", "lsdev -dev vioslpm0 -attr", "lsdev -dev hdisk0 -attr", "lsdev -dev hdisk1 -attr", "lsdev -dev hdisk2 -attr", "entstat -all ent6"]
    assert [c for host, _, c, _ in found if host == "vio2.example.com"] == commands
    assert {host for host, _ in bench.asked()} == {"padmin@vio1", "padmin2@vio2.example.com"}
    assert all(command.startswith("ioscli ") and READ_ONLY.search(command) for _, command in bench.asked())
    formats = [vios_level.FORMAT, vios_lsnports.FORMAT, vios_lpm.FORMAT, *vios_lsmap.FORMATS, *vios_disks.FORMATS, vios_entstat.FORMAT]
    for _, _, command, text in found:
        reading = _reading(formats, text)
        assert reading.records or reading.kind == "vios-lsdev", command  # its lines are counted


def test_lpar(bench: Bench) -> None:
    done = bench.run("lpar", "30", "10")
    assert (done.returncode, done.stderr) == (0, "")
    (host, kind, first, whole), (_, _, second, samples) = parts(done.stdout)
    assert (host, kind, first, second) == (os.uname().nodename, "lpar", "lparstat -i", "lparstat 30 10")
    assert lparstat_i.read(whole, "part").records and lparstat_interval.read(samples, "part").records
    assert [p[2] for p in parts(bench.run("lpar").stdout)] == ["lparstat -i"]


def test_lpar_through_a_shell_that_reads_the_script(bench: Bench) -> None:
    search = f"{bench.bin}:{os.environ['PATH']}"
    done = subprocess.run([SHELL, "-s", "30", "10"], input=script("lpar"), text=True, capture_output=True, timeout=30,
                          env={**bench.environment, "PATH": search})
    assert done.returncode == 0 and len(parts(done.stdout)) == 2


@pytest.mark.parametrize(("kind", "arguments"), [
    ("hmc", ()), ("vios", ()), ("hmc", ("-oProxyCommand=x",)), ("vios", ("a b",)), ("vios", ("vio1", "")),
    ("hmc", ("$(id)",)), ("lpar", ("30",)), ("lpar", ("30", "x")), ("lpar", ("0", "5")), ("lpar", ("1", "2", "3")),
])
def test_usage(bench: Bench, kind: str, arguments: tuple[str, ...]) -> None:
    done = bench.run(kind, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: sh collect-" in done.stderr
    assert bench.asked() == []


@pytest.mark.parametrize(("kind", "silent", "parts_before"), [
    ("hmc", "", 0), ("hmc", "--level pool", 8), ("hmc", "capabilities", 19), ("vios", "", 0), ("vios", "-npiv", 4),
    ("vios", "-net", 0), ("vios", "lspv", 0),
])
def test_a_host_that_does_not_answer_ends_it(bench: Bench, kind: str, silent: str, parts_before: int) -> None:
    done = bench.run(kind, "one", "two", SILENT=silent)
    assert done.returncode == 1
    assert "one does not answer" in done.stderr and "not complete" in done.stderr
    assert len(MARK.findall(done.stdout)) == parts_before
    assert all(host.endswith("@one") for host, _ in bench.asked())


@pytest.mark.parametrize("systems", ["", "No results were found.\n", "Nie znaleziono wyników.\n"])
def test_no_managed_system(bench: Bench, systems: str) -> None:
    done = bench.run("hmc", "hmc7", SYSTEMS=bench.file("none", systems))
    assert done.returncode == 1 and "lists no managed system" in done.stderr


def test_a_system_that_is_not_connected_is_named_and_left_out(bench: Bench) -> None:
    systems = bench.file("some", "unavailable,unavailable,10.0.0.9\n9117-MMB,06A1B2C,Harbour East\n")
    done = bench.run("hmc", "hmc7", SYSTEMS=systems)
    assert done.returncode == 0 and "not connected to unavailable,unavailable,10.0.0.9" in done.stderr
    assert {"10.0.0.9" in command for _, _, command, _ in parts(done.stdout)} == {False}


def test_a_name_that_cannot_be_passed_on_ends_it(bench: Bench) -> None:
    done = bench.run("hmc", "hmc7", SYSTEMS=bench.file("odd", '9117-MMB,06A1B2C,"Harbour, East"\n'))
    assert done.returncode == 1 and "comma or a quote" in done.stderr


def test_a_name_is_one_word_for_the_shell_of_the_hmc(bench: Bench) -> None:
    odd = "Q'; reboot $(id) `id` \\"
    done = bench.run("hmc", "hmc7", SYSTEMS=bench.file("odd", f"9117-MMB,06A1B2C,{odd}\n"))
    assert done.returncode == 0
    of = [command for _, command in bench.asked() if " -m " in command]
    assert len(of) == 19 and all(odd in shlex.split(command) for command in of)


def test_a_vios_without_disks_ends_it(bench: Bench) -> None:
    done = bench.run("vios", "vio1", DISKS=bench.file("none", "NAME   PVID   VG   STATUS\n0516-010 : x\n"))
    assert (done.returncode, done.stdout) == (1, "") and "lists no disk" in done.stderr


def test_what_a_host_refuses_is_part_of_the_output(bench: Bench) -> None:
    done = bench.run("hmc", "hmc7", REFUSED="--rsubtype fc")
    assert done.returncode == 0
    refused = [text for _, _, command, text in parts(done.stdout) if "--rsubtype fc" in command]
    assert refused == ["HSCL8018 The managed system was not found.\n"] * 2
    assert done.stderr.count("ended with 1") == 2
    assert hmc_cli.read(refused[0], "hmc.txt").findings[0].rule == "input.error-text"


def _without(bench: Bench, *names: str) -> str:
    """A PATH with nothing on it but these commands."""
    few = bench.tmp / "few"
    few.mkdir()
    for name in names:
        (few / name).symlink_to(shutil.which(name) or name)
    return str(few)


def test_lpar_without_lparstat(bench: Bench) -> None:
    if shutil.which("lparstat", path="/usr/bin:/usr/sbin"):
        pytest.skip("lparstat is installed")
    done = bench.run("lpar", path=_without(bench, "uname", "cat", "printf"))
    if Path("/proc/ppc64/lparcfg").exists() or Path("/proc/powerpc/lparcfg").exists():
        assert "cat /proc/" in done.stdout
    else:
        assert (done.returncode, done.stdout) == (1, "") and "partition of a Power server?" in done.stderr


def test_no_ssh(bench: Bench) -> None:
    done = bench.run("vios", "vio1", path=_without(bench, "awk", "sort", "printf"))
    assert (done.returncode, done.stdout) == (1, "") and "there is no ssh" in done.stderr


def test_a_full_disk_ends_it(bench: Bench) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is not there")
    file = bench.tmp / "collect.sh"
    file.write_text(script("vios"))
    with open("/dev/full", "w") as full:
        done = subprocess.run([SHELL, str(file), "vio1"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
                              env={**bench.environment, "PATH": f"{bench.bin}:{os.environ['PATH']}"})
    assert done.returncode == 1 and "cannot be written" in done.stderr


#: A stand-in for ssh that answers out of a directory: a file for each command of each host.
SITE_SSH = r"""#!/bin/sh
while [ "${1#-}" != "$1" ]; do
    case $1 in -o) shift ;; esac
    shift
done
cat "$ANSWERS/${1##*@}/${2#ioscli }"
"""


@pytest.mark.parametrize("seed", range(6))
def test_load_reads_back_a_whole_site(bench: Bench, seed: int) -> None:
    """The scripts run against every host of a random site; what they print gives the site back."""
    estate = random_estate(seed, 8, 2)
    bench.command("ssh", SITE_SSH)
    answers = bench.tmp / "answers"
    for o in outputs(estate):
        (answers / o.host).mkdir(parents=True, exist_ok=True)
        (answers / o.host / o.command).write_text(o.text)
    hmc = next(hmc_outputs(Wiring(estate))).host
    rows = "".join(f"{s.model},{s.serial},{s.name}\n" for s in estate.servers)
    (answers / hmc / "lssyscfg -r sys -F type_model,serial_num,name").write_text(rows)
    for s in estate.servers:
        (answers / hmc / f"lssyscfg -r sys -m '{s.name}' -F capabilities").write_text('"virtual_fc_capable"\n')
        (answers / hmc / f"lslic -m '{s.name}' -t sys").write_text("activated_level=99,ecnumber=01VL950\n")
    (answers / hmc / "lshmc -V").write_text('"version= Version: 10\n Release: 3\n Service Pack: 1060\n","base_version=V10R3\n"\n')
    for v in estate.vioses:
        (answers / v.name / "lsdev -dev vioslpm0 -attr").write_text("cfg_msp_lpm_ops 6 Concurrent LPM operations True\n")
        (answers / v.name / "lsnports").write_text("name physloc fabric tports aports\n" + "".join(
            f"{p.port} U78A0.001.DAAAAA1-P1-C5-T1 1 64 40\n" for p in estate.ports if p.vios == v.name))
        for listing in ("lsmap -all", "lsmap -all -npiv"):
            (answers / v.name / listing).touch()
    site = bench.tmp / "site"
    site.mkdir()
    for kind, hosts in (("hmc", [hmc]), ("vios", [v.name for v in estate.vioses])):
        done = bench.run(kind, *hosts, ANSWERS=str(answers))
        assert (done.returncode, done.stderr) == (0, "")
        (site / f"{kind}.txt").write_text(done.stdout)
    right = carries(estate, "hmc-collected")
    assert load([site]).estate == right.replace(
        servers=tuple(replace(s, firmware="VL950_099", console_level="V10R3M1060") for s in right.servers),
        vioses=tuple(replace(v, max_migrations=6) for v in right.vioses),
        ports=tuple(replace(p, free_ports=40) for p in right.ports))


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_must_agree_sees_the_commands_in_the_head(kind: str) -> None:
    """Each command that the script marks is listed; nothing else of it differs."""
    plain, whole = script(kind).splitlines(), script(kind, whole=True).splitlines()
    listed = [line.removeprefix("# asks: ") for line in whole if line.startswith("# asks: ")]
    assert [line for line in whole if not line.startswith("# asks: ")] == plain
    assert len(listed) == len(set(listed)) and all(re.match("[a-z]+( |$)", x) and "$of" not in x for x in listed)
    known = {"hmc": ("lslparmigr -r sys -m SYSTEM", "lshmc -V"), "vios": ("lsmap -all -npiv", "entstat -all $sea"),
             "lpar": ("lparstat -i", 'lparstat "$1" "$2"')}
    assert set(known[kind]) <= set(listed) and usage(kind).startswith(f"sh collect-{kind}.sh ")
