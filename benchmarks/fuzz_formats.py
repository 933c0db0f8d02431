"""Mutated exports through the formats: no exception, none over 2 s (of the processor), none over 1 GiB.

    python benchmarks/fuzz_formats.py 100000 [--seed 1] [--keep DIR]

Every fixture and sample is flipped, cut, doubled, spliced with another, and given huge numbers; the same seed gives the
same inputs. Archives and workbooks are mutated as they are packed. Exit code 1 when something was found.
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import resource
import signal
import sys
import tarfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

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
    some = [(name, data) for name, data in found.items() if len(data) < 20_000][::6]
    return found | {"all.tar.gz": gzip.compress(packed_tar(some), mtime=0), "all.zip": packed_zip(some),
                    "scan.xlsx": scanner_workbook()}


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
