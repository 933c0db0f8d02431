"""Files in directories and archives (tar, tar.gz, tar.bz2, tar.xz, zip, gz, bz2, xz), recognised by content.

Members are read in memory, in their order, and never extracted. Refused with a finding: names that lead out of the
archive, links and devices, and archives that unpack to too much. An archive in an archive is opened, one in that not.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from planner.findings import Finding, Severity, Source
from planner.names import shown

MIB = 1 << 20
MOST_UNPACKED = 2048 * MIB   # all members of an archive together
MOST_MEMBER = 512 * MIB
MOST_DOCUMENT = 128 * MIB    # a file that is read whole; nmon is not
MOST_SAVED = 1024 * MIB      # of a saved estate, written or read: some 30,000 servers with all that belongs to them
MOST_WORKBOOK = 512 * MIB    # all parts of a workbook together
MOST_MEMBERS = 200_000
SUSPECT_UNPACKED = 64 * MIB  # from here on an archive may not unpack to more than MOST_RATIO times its size
MOST_RATIO = 200
HEAD = 65536

_PIECE = 65536
_MOST_HEADER = MIB           # of one member of a tar
_LZMA_MEMORY = 256 * MIB
_DEEPEST = 1


class TooMuchError(Exception):
    """More than a limit allows; the text says which."""


class DamagedError(Exception):
    """What is packed cannot be unpacked to its end."""


class Readable(Protocol):
    """What is read once, from its beginning to its end."""

    def read1(self, size: int = -1, /) -> bytes:
        """The next piece, empty at the end."""


class Budget:
    """What an archive may still unpack to, over all its members and archives in it."""

    def __init__(self, most: int = MOST_UNPACKED) -> None:
        self.most = self.left = most
        self.spent = ""

    def take(self, count: int) -> None:
        """Count bytes; raises TooMuchError when there are too many."""
        self.left -= count
        if self.left < 0:
            self.refuse(f"unpacks to more than {self.most // MIB} MiB")

    def refuse(self, message: str) -> None:
        self.spent = message
        raise TooMuchError(message)


class Entry:
    """One file: the name to show for it, its first 64 KiB, and all of it, once.

    ``path`` where it is a file of its own; ``changed`` in seconds since 1970, where known; ``problem`` where reading
    had to stop before its end, of the file as it is ``packed_as``; ``hashed`` (of :mod:`hashlib`) is given all that is
    read.
    """

    def __init__(self, shown: str, stream: Readable, path: Path | None = None, packed_as: str = "",
                 changed: float | None = None) -> None:
        self.shown = shown
        self.changed = path.stat().st_mtime if path is not None and changed is None else changed
        self.packed_as = packed_as or shown
        self.path = path
        self.problem: Finding | None = None
        self._stream = stream
        self._passed = False
        self.hashed: Any = None
        self.head = self._beginning()

    def read1(self, size: int = -1, /) -> bytes:
        """The next piece, the head again first; ends early, with :attr:`problem`, where it cannot go on."""
        piece = self._next(size) if self._passed else self.head
        self._passed = True
        if self.hashed is not None:
            self.hashed.update(piece)
        return piece

    def read(self, most: int = MOST_DOCUMENT) -> bytes:
        """All of it. What is longer than ``most`` is not read and is :attr:`problem`."""
        data = bytearray()
        while piece := self.read1(_PIECE):
            data += piece
            if len(data) > most:
                self._stop("input.too-large", f"larger than {most // MIB} MiB", "split it into smaller files")
                return b""
        return bytes(data)

    def _beginning(self) -> bytes:
        head = b""
        while len(head) < HEAD and (piece := self._next(HEAD - len(head))):
            head += piece
        return head

    def _next(self, size: int) -> bytes:
        if self.problem is not None:
            return b""
        try:
            return self._stream.read1(size)
        except TooMuchError as error:
            self._stop("input.decompression-bomb", str(error), "check where the file comes from; unpack it by hand")
        except Exception as error:  # zipfile and the decompressors raise many kinds for damaged data
            if self.path is not None and isinstance(error, OSError):
                raise
            self._stop("input.truncated", f"the packed file is damaged: {str(error)[:120]}",
                       "copy it again; what came before is read")
        return b""

    def _stop(self, rule: str, message: str, fix: str) -> None:
        self.problem = finding(self.packed_as, message, fix, rule)


def finding(shown: str, message: str, fix: str, rule: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule, severity, shown, message, fix, Source(shown))


def printable(name: str) -> str:
    """The beginning of a name of a file, as it may be shown."""
    return shown(name[:400])


# --- directories ------------------------------------------------------------------------------------------------------


def files(path: Path, unreadable: Callable[[OSError], None]) -> list[tuple[Path, str]]:
    """The files under a path with the names to show for them, by name; hidden files and lock files are left out."""
    if not path.is_dir():
        return [(path, printable(path.name))]
    paths = [Path(where, name) for where, _, names in os.walk(path, onerror=unreadable)
             for name in names if not _is_hidden(name)]
    return [(one, printable(str(one.relative_to(path)))) for one in sorted(paths) if one.is_file()]


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$"))


def entries(path: Path, shown: str) -> Iterator[Entry | Finding]:
    """The file itself, or the members of the archive that it is. Each must be read before the next is asked for.

    Raises OSError as the system does when the file itself cannot be read.
    """
    with path.open("rb") as opened:
        yield from entries_of(opened, shown, path)


def entries_of(opened: io.BufferedIOBase, shown: str, path: Path | None = None) -> Iterator[Entry | Finding]:
    """:func:`entries` of what has been opened, at its beginning."""
    yield from _opened(Entry(shown, opened, path), opened, Budget(), 0)


# --- archives ---------------------------------------------------------------------------------------------------------

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE = frozenset({"xl/workbook.xml", "[Content_Types].xml", "mimetype"})  # one document, not an archive


def _opened(entry: Entry, seekable: io.BufferedIOBase | None, budget: Budget, depth: int) -> Iterator[Entry | Finding]:
    make = next((make for magic, make in _COMPRESSED.items() if entry.head.startswith(magic)), None)
    is_tar, is_zip = _is_tar(entry.head), entry.head.startswith(_ZIP_STARTS)
    if not (make or is_tar or is_zip):
        yield entry
    elif depth > _DEEPEST and not is_zip:
        yield _too_deep(entry)
    elif make:
        name = re.sub(r"(?<=[^/])\.(?:gz|bz2|xz|z)$", "", entry.shown, flags=re.IGNORECASE)
        inner = Entry(name, _Limited(_Unpacked(entry, make), budget), packed_as=entry.shown, changed=entry.changed)
        # a .tar.gz is one archive, not two
        yield from _opened(inner, None, budget, depth if _is_tar(inner.head) else depth + 1)
    elif is_tar:
        counted = entry if seekable is None else _Limited(entry, budget, packed=MOST_UNPACKED)
        yield from _tar(entry, _Forward(counted), budget, depth)
    else:
        yield from _zip(entry, seekable, budget, depth)


def _too_deep(entry: Entry) -> Finding:
    return finding(entry.shown, "an archive in an archive in an archive: not opened", "unpack it by hand",
                   "input.nested-archive", Severity.WARNING)


def _is_tar(head: bytes) -> bool:
    """By its magic; a header of the oldest format has none, but a checksum that is right."""
    stated = head[148:156].strip(b"\x00 ")
    if head[257:262] == b"ustar" or len(head) < 512 or re.fullmatch(rb"[0-7]{1,7}", stated) is None:
        return head[257:262] == b"ustar"
    return sum(head[:148]) + 8 * 32 + sum(head[156:512]) == int(stated, 8)


class _Inflate:
    """gzip's decompressor with the manners of those of bz2 and xz."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.unused_data = self._inner.unused_data
        return out


_COMPRESSED: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": _Inflate, b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY)}


class _Unpacked:
    """The content of a compressed stream, in pieces, and how many bytes of it were read."""

    def __init__(self, packed: Readable, make: Callable[[], Any]) -> None:
        self._packed, self._make = packed, make
        self._inner = make()
        self._rest = b""
        self.consumed = 0

    def read1(self, size: int = -1, /) -> bytes:
        most = size if 0 < size < MIB else MIB
        while True:
            if self._inner.eof and not self._another():
                return b""
            data = b""
            if self._inner.needs_input:
                data = self._rest or self._packed.read1(_PIECE)
                if not self._rest:
                    self.consumed += len(data)
                self._rest = b""
            ended = self._inner.needs_input and not data
            out: bytes = self._inner.decompress(data, most)
            if out:
                return out
            if ended and not self._inner.eof:
                problem = getattr(self._packed, "problem", None)
                raise DamagedError(problem.message if problem else "it ends too early")

    def _another(self) -> bool:
        rest: bytes = self._inner.unused_data
        while not (rest := rest.lstrip(b"\x00")):
            rest = self._packed.read1(_PIECE)
            self.consumed += len(rest)
            if not rest:
                return False
        self._inner = self._make()
        self._rest = rest
        return True


class _Limited:
    """A stream that takes what it gives from a budget and refuses what grows too much."""

    def __init__(self, stream: Any, budget: Budget, packed: int | None = None) -> None:
        self._stream, self._budget, self._packed = stream, budget, packed
        self._given = 0

    def read1(self, size: int = -1, /) -> bytes:
        piece: bytes = self._stream.read1(size if size > 0 else _PIECE)
        self._given += len(piece)
        self._budget.take(len(piece))
        packed = self._packed if self._packed is not None else self._stream.consumed
        if self._given > SUSPECT_UNPACKED and self._given > MOST_RATIO * packed:
            self._budget.refuse(f"unpacks to more than {MOST_RATIO} times its size, which no export does")
        return piece


class _Member:
    """A member of an archive: no more than MOST_MEMBER of it."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._left = stream, MOST_MEMBER

    def read1(self, size: int = -1, /) -> bytes:
        piece = self._stream.read1(size if size > 0 else _PIECE)
        self._left -= len(piece)
        if self._left < 0:
            raise TooMuchError(f"larger than {MOST_MEMBER // MIB} MiB, the most that is read of one member")
        return piece


def _member(archive: Entry, name: str, kinds: Iterable[tuple[str, bool]], unpack: Callable[[str], Readable | Finding],
            budget: Budget, depth: int, changed: float | None) -> Iterator[Entry | Finding]:
    """``kinds``: what it may be other than a file, and whether it is; ``unpack`` gives the content, or why not."""
    what = next((kind for kind, is_so in kinds if is_so), "")
    shown = f"{archive.shown}/{printable(name.removeprefix('./'))}"
    if re.match(r"[A-Za-z]:|[/\\]", name) or ".." in re.split(r"[/\\]", name) or "\x00" in name:
        yield finding(shown, "its name leads out of the archive: not read",
                      "check where the archive comes from; pack it again with relative names", "input.unsafe-name")
    elif what == "directory" or _is_hidden_member(name):
        return
    elif what:
        yield finding(shown, f"a {what} in an archive: not read", "pack the file itself", "input.not-a-file",
                      Severity.WARNING)
    elif isinstance(stream := unpack(shown), Finding):
        yield stream
    else:
        yield from _opened(Entry(shown, _Member(stream), changed=changed), None, budget, depth + 1)


def _is_hidden_member(name: str) -> bool:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return bool(parts) and (_is_hidden(parts[-1]) or "__MACOSX" in parts) and parts[-1] != ".."


# --- tar --------------------------------------------------------------------------------------------------------------


class _Forward(io.RawIOBase):
    """A stream for tarfile: read and sought forward only, and no header larger than _MOST_HEADER."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._at, self._kept = stream, 0, b""
        self.last = b""

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_HEADER:
            raise DamagedError(f"a header of {size} bytes")
        while len(self._kept) < size and (piece := self._stream.read1(_PIECE)):
            self._kept += piece
        out, self._kept = self._kept[:size], self._kept[size:]
        self._at += len(out)
        self.last = out
        return out

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence or offset < self._at:
            raise DamagedError("its headers overlap")
        while self._at < offset and self.read(min(_PIECE, offset - self._at)):
            pass
        return self._at


class _TarMember:
    """The bytes of a member, straight from the stream behind its header."""

    def __init__(self, stream: _Forward, size: int) -> None:
        self._stream, self._left = stream, size

    def read1(self, size: int = -1, /) -> bytes:
        wanted = min(size if size > 0 else _PIECE, _PIECE, self._left)
        if wanted == 0:
            return b""
        piece = self._stream.read(wanted)
        if not piece:
            raise DamagedError("the archive ends too early")
        self._left -= len(piece)
        return piece


def _tar(archive: Entry, stream: _Forward, budget: Budget, depth: int) -> Iterator[Entry | Finding]:
    for count, member in enumerate(_tar_members(stream, archive)):
        if isinstance(member, Finding):
            yield member
            return
        if count >= MOST_MEMBERS:
            yield finding(archive.shown, f"more than {MOST_MEMBERS:,} members: the rest is left out",
                          "split the archive", "input.too-large")
            return
        yield from _tar_member(archive, member, stream, budget, depth)
        if archive.problem is not None:
            break
    if archive.problem is not None:
        yield archive.problem


def _tar_members(stream: _Forward, archive: Entry) -> Iterator[tarfile.TarInfo | Finding]:
    try:
        opened: Any = tarfile.open(fileobj=stream, mode="r:", errorlevel=0)  # noqa: SIM115
        while (member := opened.next()) is not None:
            opened.members.clear()  # tarfile keeps every header
            yield member
        # tarfile takes a broken header for the end; the end is a block of zeros
        if archive.problem is None and (any(stream.last) or len(stream.last) != tarfile.BLOCKSIZE):
            yield finding(archive.shown, "the archive ends without its end mark: it is damaged or cut short",
                          "copy it again; what came before is read", "input.truncated",
                          Severity.ERROR if stream.last else Severity.WARNING)
    except Exception as error:  # tarfile raises many kinds for hostile headers
        if archive.problem is None:
            message = f"the archive is damaged: {str(error)[:120] or type(error).__name__}"
            bomb = isinstance(error, TooMuchError)
            yield finding(archive.shown, str(error) if bomb else message, "copy it again; what came before is read",
                          "input.decompression-bomb" if bomb else "input.truncated")


def _tar_member(archive: Entry, member: tarfile.TarInfo, stream: _Forward, budget: Budget,
                depth: int) -> Iterator[Entry | Finding]:
    kinds = (("directory", member.isdir()), ("link", member.issym() or member.islnk()),
             ("sparse file", member.issparse()), ("device", not member.isreg()))

    def unpack(shown: str) -> Readable:
        stream.seek(member.offset_data)
        return _TarMember(stream, member.size)

    yield from _member(archive, member.name, kinds, unpack, budget, depth, float(member.mtime) or None)


# --- zip --------------------------------------------------------------------------------------------------------------


def _zip(archive: Entry, seekable: io.BufferedIOBase | None, budget: Budget, depth: int) -> Iterator[Entry | Finding]:
    if seekable is None:
        data = archive.read(MOST_DOCUMENT)
        if archive.problem is not None:
            yield archive.problem
            return
        seekable = io.BytesIO(data)
    try:
        with zipfile.ZipFile(seekable) as opened:
            if any(info.filename in _OFFICE for info in opened.infolist()):
                seekable.seek(0)
                yield Entry(archive.shown, seekable, archive.path)
            else:
                yield from _zip_members(archive, opened, budget, depth)
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, OverflowError) as error:
        if archive.path is not None and archive.path.suffix.lower() in (".xlsx", ".xlsm"):
            seekable.seek(0)
            yield Entry(archive.shown, seekable, archive.path)
            return
        yield finding(archive.shown, f"the archive is damaged: {str(error)[:120]}", "copy it again", "input.truncated")


def _zip_time(info: zipfile.ZipInfo) -> float | None:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _zip_members(archive: Entry, opened: zipfile.ZipFile, budget: Budget, depth: int) -> Iterator[Entry | Finding]:
    infos = opened.infolist()
    if depth > _DEEPEST:
        yield _too_deep(archive)
        return
    if len(infos) > MOST_MEMBERS:
        yield finding(archive.shown, f"{len(infos):,} members (limit {MOST_MEMBERS:,})", "split the archive",
                      "input.too-large")
        return
    for info in infos:
        yield from _zip_member(archive, opened, info, budget, depth)
        if budget.spent:
            return


def swollen(infos: Sequence[zipfile.ZipInfo], size: int, most: int) -> str:
    """What a workbook of ``size`` bytes says of itself that it unpacks to, where no export does; "" where one may."""
    unpacked, packed = sum(info.file_size for info in infos), min(size, sum(info.compress_size for info in infos))
    if unpacked <= most and (unpacked <= SUSPECT_UNPACKED or unpacked <= MOST_RATIO * packed):
        return ""
    return f"unpacks to {unpacked // MIB} MiB from {packed // 1024} KiB, which no export does"


def _zip_member(archive: Entry, opened: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget,
                depth: int) -> Iterator[Entry | Finding]:
    mode = stat.S_IFMT(info.external_attr >> 16)
    kinds = (("directory", info.is_dir()), ("link", mode == stat.S_IFLNK), ("device", mode not in (0, stat.S_IFREG)))

    def unpack(shown: str) -> Readable | Finding:
        if info.flag_bits & 1:
            return finding(shown, "protected by a password: not read", "pack it without a password", "input.password",
                           Severity.WARNING)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
            return finding(shown, "packed in a way that is not read", "pack it with plain zip", "input.unreadable",
                           Severity.WARNING)
        try:
            return _Limited(opened.open(info), budget, info.compress_size)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            return finding(shown, f"the archive is damaged: {str(error)[:120]}", "copy it again", "input.truncated")

    yield from _member(archive, info.filename, kinds, unpack, budget, depth, _zip_time(info))
