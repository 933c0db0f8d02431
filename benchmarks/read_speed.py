"""How long reading takes, and how much memory: 10,000 files of ``lparstat -i``, and an nmon archive of 200 MB.

    python benchmarks/read_speed.py [--files 10000] [--megabytes 200]

Targets: under 10 s; under 60 s and 1 GiB; of fewer files, or less of an archive, so much less time. Exit code 1 when
one is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

MIB = 1 << 20
_HEADERS = (
    "LPAR,Logical Partition host,PhysicalCPU,virtualCPUs,logicalCPUs,poolCPUs,entitled,weight,PoolIdle,usedAllCPU%,"
    "usedPoolCPU%,SharedCPU,Capped,EC_User%,EC_Sys%,EC_Wait%,EC_Idle%,VP_User%,VP_Sys%,VP_Wait%,VP_Idle%,Folded,Pool_id",
    "CPU_ALL,CPU Total host,User%,Sys%,Wait%,Idle%,Busy,PhysicalCPUs",
    "MEM,Memory host,Real Free %,Virtual free %,Real free(MB),Virtual free(MB),Real total(MB),Virtual total(MB)",
    "DISKBUSY,Disk %Busy host," + ",".join(f"hdisk{n}" for n in range(100)),
)


def write_lparstats(where: Path, count: int) -> None:
    """That many files of ``lparstat -i``, each of another LPAR."""
    text = (ROOT / "tests/fixtures/lparstat_i/aix_44_shared_ame.txt").read_text()
    name = next(line.partition(":")[2].strip() for line in text.split("\n") if line.startswith("Partition Name"))
    for number in range(count):
        (where / f"lpar{number:05d}.txt").write_text(text.replace(name, f"lpar{number:05d}"))


def write_nmon(path: Path, size: int) -> None:
    """A tar.gz of recordings that together have this many bytes: snapshots every minute, a hundred disks."""
    r = random.Random(1)
    with tarfile.open(path, "w:gz", compresslevel=1) as opened:
        for host in range(10):
            one = path.with_suffix(".part")
            with one.open("w") as out:
                out.write(_head(f"host{host}"))
                snapshot = 0
                while out.tell() < size // 10:
                    snapshot += 1
                    out.write(_snapshot(r, snapshot))
            opened.add(one, arcname=f"host{host}.nmon")
            one.unlink()


def _head(host: str) -> str:
    return "\n".join((
        "AAA,progname,topas_nmon", f"AAA,host,{host}", "AAA,date,01-JAN-2026", "AAA,interval,60", "AAA,AIX,7.1.3.30",
        f"AAA,LPARNumberName,6,{host}", *_HEADERS, ""))


def _snapshot(r: random.Random, number: int) -> str:
    day, minute = divmod(number, 1440)
    t = f"T{number:04d}"
    used = r.uniform(0.1, 2)
    share = f"{used / 1.3 * 100:.2f},0.00,0.00,0.00,{used / 4 * 100:.2f},0.00,0.00,0.00"
    return (
        f"ZZZZ,{t},{minute // 60:02d}:{minute % 60:02d}:00,{day % 28 + 1:02d}-JAN-2026\n"
        f"LPAR,{t},{used:.3f},4,16,16,1.30,128,12.00,1.00,{used / 16 * 100:.2f},1,0,{share},0,0\n"
        f"CPU_ALL,{t},{used * 10:.1f},5.0,1.0,{94 - used * 10:.1f},,16\n"
        f"MEM,{t},10.0,90.0,{r.randint(100, 900)}.0,4000.0,8192.0,4096.0\n"
        f"DISKBUSY,{t}," + ",".join(f"{r.random() * 100:.1f}" for _ in range(100)) + "\n"
    )


def _timed(read: Callable[[Path], int], path: Path, results: multiprocessing.Queue[tuple[int, float, int]]) -> None:
    started = time.perf_counter()
    records = read(path)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    results.put((records, time.perf_counter() - started, max(own, workers) * 1024))


def read_all(path: Path) -> int:
    """The number of records under a path, as ``load`` reads them before it assembles."""
    from planner.formats.open import documents

    held = list(documents([path]))
    return sum(len(reading.records) for document in held for reading in document.readings)


def measured(what: str, path: Path, seconds: float, most: int) -> bool:
    """Read in a process of its own; print and compare with the targets."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[int, float, int]] = context.Queue()
    process = context.Process(target=_timed, args=(read_all, path, results))
    process.start()
    records, took, peak = results.get()
    process.join()
    good = took < seconds and peak < most
    print(f"{what}: {records:,} records, {took:.2f} s (target {seconds:.1f} s), largest process {peak // MIB} MiB "
          f"(target {most // MIB} MiB): {'met' if good else 'MISSED'}")
    return good


def main() -> int:
    """Write, read, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as where:
        many, nmon = Path(where) / "lparstat", Path(where) / "nmon.tar.gz"
        many.mkdir()
        write_lparstats(many, options.files)
        good = measured(f"{options.files:,} files of lparstat -i", many, options.files / 1000, 1024 * MIB)
        write_nmon(nmon, options.megabytes * 1_000_000)
        good = measured(f"nmon archive of {options.megabytes} MB ({nmon.stat().st_size // 1_000_000} MB packed)", nmon,
                        options.megabytes * 0.3, 1024 * MIB) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
