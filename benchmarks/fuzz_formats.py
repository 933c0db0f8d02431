"""Mutated exports through the formats: no exception, none over 2 s (of the processor), none over 1 GiB.

    python benchmarks/fuzz_formats.py 100000 [--seed 1] [--keep DIR]

Every fixture and sample is flipped, cut, doubled, spliced with another, and given huge numbers; the same seed gives the
same inputs. Archives and workbooks are mutated as they are packed. Exit code 1 when something was found.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import signal
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from planner.formats import archive, registry  # noqa: E402
from planner.formats.base import Reading  # noqa: E402
from planner.formats.open import read_entry  # noqa: E402

MOST_SECONDS = 2.0
MOST_BYTES = 1 << 30
LARGEST = 1 << 18

Mutation = Callable[[random.Random, bytearray, list[bytes]], None]
NUMBERS = (b"9" * 30, b"0", b"-1", b"1e308", b"inf", b"nan", b"0x" + b"f" * 30, b"4294967296", b"1" * 5000)
PIECES = (
    b"\n", b"\r", b"\x00", b"\x1b[31m", b"\xff", b"\xc3\xa9", b"\xe2\x80\xa8", b",", b'"', b'""', b"=", b":", b"{",
    b" " * 500, b"-" * 500, b"<a>" * 200, b"[" * 500, b"$ lspv\n", b"# lparstat -i\n", b"HOST: a\n----\n", b"vio1: ",
    b"HOSTS ----\na, b\n----\n", b"### planner-collect host=a kind=vios command=lspv\n", b"== a ==\n", b"```\n",
    b"AAA,", b"PK\x03\x04", b"\x1f\x8b", b"hscroot@hmc1:~> lshwres -r mem -m s --level lpar\n", b"&lol9;",
    b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>', b'r="XFD1048576"', b"<f>1+1</f>",
)
_OF_ONE_DIRECTORY = 16


def corpus() -> dict[str, bytes]:
    """Name → content of every fixture and sample, and of archives made of some."""
    found: dict[str, bytes] = {}
    held: Counter[Path] = Counter()
    for path in sorted(path for where in ("tests/fixtures", "data") for path in (ROOT / where).rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc") and held[path.parent] < _OF_ONE_DIRECTORY:
            held[path.parent] += path.parts[-3:-1] == ("landscape", "lparstat")
            found[str(path.relative_to(ROOT))] = path.read_bytes()
    found |= _of_a_site() | {name: text.encode() for name, text in SMALL.items()}
    some = [(name, data) for name, data in found.items() if len(data) < 20_000][::6]
    return found | {"all.tar.gz": gzip.compress(packed_tar(some), mtime=0), "all.zip": packed_zip(some),
                    "scan.xlsx": scanner_workbook()}


def _of_a_site() -> dict[str, bytes]:
    """The files of a random site as REST feeds, as listings of HMC and VIOSes, and as an HMC Scanner workbook."""
    from estates_random import random_estate
    from site_writer import write

    with tempfile.TemporaryDirectory() as made:
        for family in ("rest", "hmc-collected", "scanner"):
            write(random_estate(3, 4, 2), family, Path(made) / family)
        files = sorted(path for path in Path(made).rglob("*") if path.is_file())
        return {str(path.relative_to(made)): path.read_bytes() for path in files}


#: Small captures of formats that the fixtures do not hold.
SMALL = {
    "ansible-mappings.json": json.dumps({"ansible_facts": {"mappings": {
        "vscsi": {"vhost0": {"physloc": "U9009.42A.78AAA01-V1-C20", "clientid": 10, "vtds": {"vtd0": {
            "status": "Available", "lun": "0x8100000000000000", "backing": "hdisk4", "mirrored": False}}}},
        "npiv": {"vfchost0": {"physloc": "U9009.42A.78AAA01-V1-C30", "clntid": 10, "status": "LOGGED_IN", "fc": "fcs0",
                              "flags": 10}}}}, "changed": False}),
    "ansible-system.json": json.dumps({"system_info": {"SystemName": "p9a", "MTMS": "9009-42A*78AAA01", "UUID": "u",
        "ConfigurableSystemProcessorUnits": 20, "ConfigurableSystemMemory": 720896}, "changed": False}),
    "ansible-lpar.json": json.dumps({"ansible_facts": {"lpar": {"lpar_name": "alder", "lpar_number": 7,
        "lpar_type": "Shared-SMT-8", "lpar_mode": "Uncapped", "entitled_capacity": 0.5, "online_vcpus": 2,
        "online_memory": 8192.0}}, "changed": False}),
    "checkmk.txt": "<<<check_mk>>>\nVersion: 2.3.0\nAgentOS: aix\nHostname: alder\n<<<lparstat_aix>>>\n"
        "System configuration: type=Shared mode=Uncapped smt=8 lcpu=16 mem=16384MB psize=20 ent=1.00\n"
        "%user  %sys  %wait  %idle physc %entc  lbusy  vcsw phint\n  0.2   0.4    0.0   99.3  0.02   1.7  0.0  215 3\n",
    "hmc-small.txt": "hscroot@hmc1:~> lslic -m p9a -t sys\nlic_type=p9a,ecnumber=01VL950,activated_level=99\n"
        "hscroot@hmc1:~> lsmemopt -m p9a -r lpar -o currscore\nlpar_name=alder,lpar_id=7,curr_lpar_score=100\n"
        "hscroot@hmc1:~> lshwres -m p9a -r sriov --rsubtype logport --level eth\nadapter_id=1,logical_port_id=27004001,"
        "lpar_name=alder,lpar_id=7,capacity=2.0,phys_port_id=0\nhscroot@hmc1:~> lshwres -m p9a -r virtualio --rsubtype "
        "vnic --level lpar\nlpar_name=alder,lpar_id=7,slot_num=5,port_vlan_id=0,\"backing_devices=sriov/vios1/1/1/0/"
        "27004002/2.0/2.0/50\"\nhscroot@hmc1:~> lslparmigr -r msp -m p9a -t p9b --filter lpar_names=alder\n"
        "source_msp_name=vios1,source_msp_id=1,\"dest_msp_names=vios3,vios4\",\"dest_msp_ids=1,2\"\n",
    "lsmap-field.txt": "$ lsmap -all -field svsa clientid vtd backing -fmt :\nvhost0:0x0000000a:vtd0:hdisk4\n",
    "errpt-a.txt": "LABEL:          CLIENT_PMIG_DONE\nIDENTIFIER:     A5E6DB96\n\nDate/Time:       Sat Jan 10 10:45:53 "
        "CET 2026\nSequence Number: 81372\nNode Id:         alder\nResource Name:   pmig\n\nDescription\nDone\n",
}


def packed_tar(files: list[tuple[str, bytes]]) -> bytes:
    """A tar of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return out.getvalue()


def packed_zip(files: list[tuple[str, bytes]]) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files:
            opened.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def scanner_workbook() -> bytes:
    """A small workbook with sheets of HMC Scanner."""
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, header in (
            ("System_Summary", ("Managed System", "Status", "Type Model", "Serial", "Tot Cores", "Act Cores")),
            ("LPAR_Summary", ("Name", "ID", "Status", "Environment", "OS Version", "Managed System Name",
                              "Managed System Serial")),
            ("LPAR_CPU", ("Name", "Status", "Mode", "Curr CPU", "Curr Ent", "Managed System Name",
                          "Managed System Serial")),
        ):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, header)
            sheet.write_row(1, 0, ["sys1", 2, "Running", "aixlinux", "=1+1", 4, 8][:len(header)])
    return out.getvalue()


def _flip(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    for _n in range(r.randint(1, 20)):
        if data:
            data[r.randrange(len(data))] = r.randrange(256)


def _delete(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = r.randint(0, len(data))
    del data[at:at + r.choice((1, 2, 10, 100, 2000))]


def _repeat(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = r.randint(0, len(data))
    piece = bytes(data[at:at + r.choice((1, 10, 80, 1000))])
    data[at:at] = piece * min(r.choice((1, 2, 10, 1000)), LARGEST // (len(piece) + 1))


def _splice(r: random.Random, data: bytearray, others: list[bytes]) -> None:
    other = r.choice(others)
    at = r.randint(0, len(data))
    start = r.randint(0, len(other))
    data[at:at] = other[start:start + r.choice((10, 200, 5000))]


def _cut(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    del data[r.randint(0, len(data)):]


def _number(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    digits = [at for at in range(len(data)) if 48 <= data[at] <= 57][:5000]
    if digits:
        at = r.choice(digits)
        data[at:at + 1] = r.choice(NUMBERS)


def _insert(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = r.randint(0, len(data))
    data[at:at] = r.choice(PIECES)


def _lines(r: random.Random, data: bytearray, _: list[bytes]) -> None:
    """Lines change places, or each gets the same beginning."""
    lines = bytes(data).split(b"\n")
    if r.random() < 0.5:
        r.shuffle(lines)
    else:
        lines = [r.choice((b"vio1: ", b"vio2: ", b"> ", b"$ ")) + line for line in lines]
    data[:] = b"\n".join(lines)


MUTATIONS: tuple[Mutation, ...] = (_flip, _delete, _repeat, _splice, _cut, _number, _insert, _lines)


def mutated(seed: int, files: dict[str, bytes]) -> tuple[str, bytes]:
    """The input of this number: the name of what it was made of, and its bytes."""
    r = random.Random(seed)
    names = sorted(files)
    others = [files[name] for name in names]
    name = r.choice(names)
    packed = files[name].startswith((b"PK", b"\x1f\x8b")) and r.random() < 0.8
    return name, _mutated_inside(r, files[name], others) if packed else _mutated(r, files[name], others)


def _mutated(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(r.choice((1, 1, 2, 3, 6))):
        r.choice(MUTATIONS)(r, changed, others)
        del changed[LARGEST:]
    return bytes(changed)


def _mutated_inside(r: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """What is packed is mutated and packed again, so that it is not refused for its checksum alone."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.compress(_mutated(r, gzip.decompress(data), others), 1, mtime=0)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        parts = [(name, opened.read(name)) for name in opened.namelist()]
    at = r.randrange(len(parts))
    parts[at] = parts[at][0], _mutated(r, parts[at][1], others)
    return packed_zip(parts)


class _Stream(io.BytesIO):
    """Bytes as an opened file."""


def read(name: str, data: bytes) -> list[Reading]:
    """As a file of this content would be read: archives opened, everything else recognised."""
    readings = registry.read_document(data, name)
    if data.startswith((b"\x1f\x8b", b"PK")) or data[257:262] == b"ustar":
        for entry in archive.entries_of(_Stream(data), name):
            if isinstance(entry, archive.Entry):
                readings += read_entry(entry).readings
            else:
                readings.append(Reading("archive", (), (entry,)))
    return readings


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class _TooSlowError(Exception):
    """Ten times over the limit: given up."""


def _give_up(*_: object) -> None:
    raise _TooSlowError


def problems(count: int, seed: int, files: dict[str, bytes]) -> Iterator[tuple[int, str, str, bytes]]:
    """(number, name, what went wrong, input) for every input that does."""
    signal.signal(signal.SIGVTALRM, _give_up)
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        name, data = mutated(number, files)
        started = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, 20)
        try:
            readings = read(name, data)
            for reading in readings:
                for one in (*reading.findings,):
                    str(one).encode()
        except Exception:
            yield number, name, traceback.format_exc(limit=-3), data
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        seconds = time.process_time() - started
        if seconds > MOST_SECONDS:
            yield number, name, f"took {seconds:.1f} s", data
        if _peak() > MOST_BYTES:
            yield number, name, f"memory {_peak() >> 20} MiB", data
            return


def main() -> int:
    """Run, print what was found and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="directory for the inputs that went wrong")
    options = parser.parse_args()
    files = corpus()
    found: Counter[str] = Counter()
    started = time.perf_counter()
    for number, name, what, data in problems(options.count, options.seed, files):
        last = what.strip().split("\n")[-1]
        found[last] += 1
        if found[last] <= 3:
            print(f"input {number} of {name}: {what}", flush=True)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{number}.bin").write_bytes(data)
    print(f"{options.count:,} inputs of {len(files)} files in {time.perf_counter() - started:.0f} s, "
          f"peak {_peak() >> 20} MiB: {sum(found.values())} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
