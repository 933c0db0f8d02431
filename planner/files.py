"""Files, read and written: only regular ones are read and no more of them than a limit; what is written is written
whole or not at all, by one command at a time.

A file or directory is made beside under a name of its own (``.planner-`` and 16 hexadecimal digits) and put in its
place. Who writes holds a lock on the directory that it is in, which the system lets go of however the command ends; so
whoever has the lock knows that such names are of commands that were killed, and takes them away.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from planner.errors import UsageError

_BESIDE = re.compile(r"\.planner-[0-9a-f]{16}(\.wal)?")
_WAIT_S, _LOOK_S = 60.0, 0.05
MOST_TEXT = 64 << 20
"""Bytes of a file that a person writes."""


def regular(path: Path) -> BufferedReader:
    """A regular file, open to be read. Raises OSError, also for a pipe or a device, of which nobody knows the end."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        kind = "a directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "a pipe or a device"
        os.close(handle)
        raise OSError(errno.EINVAL, f"{kind}, not a file")
    return open(handle, "rb")


def read_all(path: Path, most: int = MOST_TEXT) -> bytes:
    """What is in a regular file. Raises OSError, also for one of more bytes than ``most``."""
    with regular(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MiB")
    return data


def read_text(path: Path) -> str:
    """The text of a regular file that a person writes. Raises OSError, UnicodeDecodeError."""
    with io.TextIOWrapper(io.BytesIO(read_all(path)), encoding="utf-8-sig") as stream:
        return stream.read()


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let no other command write in a directory, and take away what killed ones left. Raises UsageError when another
    one goes on writing there for a minute. Where the system has no locks there is none."""
    handle = _locked(directory)
    try:
        if handle is not None:
            for entry in list(os.scandir(handle)):
                if is_beside(entry.name):
                    remove(directory / entry.name)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def clear(directory: Path) -> None:
    """Take away what killed commands left in a directory. Raises OSError, UsageError as :func:`alone` does."""
    if any(is_beside(entry.name) for entry in os.scandir(directory)):
        with alone(directory):
            pass


def _locked(directory: Path) -> int | None:
    try:
        import fcntl  # start-up: where there is one, and for those who write
    except ImportError:
        return None
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:
        return None
    until = time.monotonic() + _WAIT_S
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except BlockingIOError:
                if time.monotonic() > until:
                    raise UsageError(f"another command is writing in {directory}: wait until it is done") from None
            except OSError:  # a network's file system that has no such locks
                os.close(handle)
                return None
            time.sleep(_LOOK_S)
    except BaseException:
        os.close(handle)
        raise


def beside(directory: Path) -> Path:
    """A name in a directory for what is not in its place yet."""
    return directory / f".planner-{secrets.token_hex(8)}"


def is_beside(name: str) -> bool:
    """Whether this is such a name."""
    return _BESIDE.fullmatch(name) is not None


def remove(path: Path) -> None:
    """Take a file or directory away, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        os.unlink(path)


def put(new: Path, place: Path) -> None:
    """Give a file its place, where nothing may stand. Raises OSError: FileExistsError where something does."""
    try:
        os.link(new, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without such links
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(new, place)
    remove(new)


def allowed(mode: int) -> int:
    """The permissions of a new file or directory."""
    umask = os.umask(0)
    os.umask(umask)
    return mode & ~umask


def on_disk(directory: Path) -> None:
    """The names in a directory are on the disk when this returns, where the system can say so."""
    with contextlib.suppress(PermissionError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(handle)


def write_new(path: Path, data: bytes) -> None:
    """A new file that is on the disk when this returns; one that begins with ``#!`` may be run."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(path, allowed(0o777 if data.startswith(b"#!") else 0o666))


def replace(files: Mapping[Path, bytes]) -> None:
    """Put these files in their places when all of them are on the disk; else none."""
    written: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            written[path] = beside(path.parent)
            write_new(written[path], data)
        for path, made in written.items():
            os.replace(made, path)
    except BaseException:
        for made in written.values():
            remove(made)
        raise
