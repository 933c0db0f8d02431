"""The only way in: files, directories, archives and captures → what they say, for whoever asks, one at a time.

A directory is walked, an archive opened member by member, a capture of several commands or hosts taken apart, and all
of it recognised by content. nmon is streamed, anything else held whole while it is read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import InputError
from planner.findings import Finding, Severity, Source
from planner.formats import archive, capture, registry
from planner.formats.base import Reading, read_text
from planner.formats.lines import LineStream
from planner.parallel import pool_of

if TYPE_CHECKING:
    from planner.formats import table

#: Called with the number of files read and of files in all.
Progress = Callable[[int, int], None]
ARCHIVE = "archive"

_MANY_BYTES = 64 << 20
_MOST_WORKERS = 8
_CHUNKS_EACH = 8  # chunks for each worker: fewer leave one working alone at the end
_MOST_TABLE = 256 << 20
_PUT_IN = "put the exports into it"


@dataclass(frozen=True, slots=True)
class Document:
    """A file, or a member of an archive: the name to show, and what it says; or what is wrong with a path that was
    given.

    ``digest``: SHA-256 of its content, unpacked, where it was asked for.
    """

    name: str
    digest: str = ""
    readings: tuple[Reading, ...] = ()
    problems: tuple[Finding, ...] = ()


_File = tuple[Path, str]
_Read = Callable[[_File], Iterator[Document]]


def documents(sources: Sequence[Path], mapping: Path | None = None, *, but: Collection[Path] = (),
              progress: Progress | None = None, streamed: bool = False) -> Iterator[Document]:
    """Everything under these paths in their order; ``mapping`` says what a person's own tables mean.

    Files of directories that are in ``but`` serve another purpose and are left out. Many files are read by several
    processes, unless they are ``streamed``: then each document is read when it is asked for, and has its digest.
    Raises InputError with all that is wrong with the mapping.
    """
    known = None if mapping is None else read_mapping(mapping)
    others = {path.resolve() for path in but}
    problems: list[Finding] = []
    closed: list[Finding] = []
    files = [(path, shown) for source in sources for path, shown in _files(source, problems, closed)
             if not (mapping and path.resolve() == mapping.resolve())
             and (path == source or not others or path.resolve() not in others)]
    if problems:
        yield Document("", problems=tuple(problems))
    yield from (_closed(one.subject, one) for one in closed)
    done = 0
    read = partial(_documents_of, mapping=known, hashed=streamed)
    for chunk in () if streamed else _in_parallel(files, read):
        for of_file in chunk:
            yield from of_file
        done += len(chunk)
        if progress:
            progress(done, len(files))
    for number, file in enumerate(files[done:], done + 1):
        yield from read(file)
        if progress:
            progress(number, len(files))


def _problem(file: str, message: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("input.unreadable", severity, file, message, fix, Source(file))


def _system_problem(file: str, error: OSError) -> Finding:
    return _problem(file, f"cannot be read: {error.strerror or error}",
                    "check the path" if isinstance(error, FileNotFoundError) else "check its permissions")


def _closed(shown: str, problem: Finding) -> Document:
    """A file or directory that the system does not let read: what is wrong with it alone."""
    return Document(shown, readings=(Reading(registry.UNRECOGNISED, (), (problem,)),))


def _files(source: Path, problems: list[Finding], closed: list[Finding]) -> list[_File]:
    shown = archive.printable(str(source))
    try:
        if not source.exists():
            problems.append(_problem(shown, "no such file or directory", "check the path"))
            return []
        if not source.is_dir() and not source.is_file():
            problems.append(_problem(shown, "neither a file nor a directory", "give a file or a directory"))
            return []
        files = archive.files(source, lambda error: closed.append(
            _system_problem(archive.printable(str(error.filename)), error)))
    except OSError as error:
        problems.append(_system_problem(shown, error))
        return []
    if not files and not closed:
        problems.append(_problem(shown, "the directory is empty", _PUT_IN))
    return files


def _documents_of(file: _File, mapping: table.MappingFile | None, hashed: bool) -> Iterator[Document]:
    """One file, or the members of one archive, and after them what was left out of it."""
    path, shown = file
    said: list[Finding] = []
    members = 0
    packed = False
    try:
        for entry in archive.entries(path, shown):
            members += 1
            if isinstance(entry, Finding):
                said.append(entry)
            else:
                packed = packed or entry.path is None
                yield read_entry(entry, mapping, hashed=hashed)
    except OSError as error:
        yield _closed(shown, _system_problem(shown, error))
        return
    if not members:
        said.append(_problem(shown, "the archive is empty", _PUT_IN))
    if packed or said:
        yield Document(shown, readings=(Reading(ARCHIVE, (), tuple(said)),))


def read_entry(entry: archive.Entry, mapping: table.MappingFile | None = None, *, hashed: bool = False) -> Document:
    """All that one file or member of an archive says. Raises OSError as the system does."""
    if hashed:
        entry.hashed = hashlib.sha256()
    if registry.is_nmon(entry.head):
        readings = [_stream_nmon(entry)]
    else:
        readings = _whole(entry, mapping)
    if entry.problem is not None:
        readings[0] = replace(readings[0], findings=(entry.problem, *readings[0].findings))
    readings = capture.stamped(readings, entry.shown, entry.changed)
    if entry.path is not None:
        folder = entry.path.absolute().parents[entry.shown.count("/")].name
        readings = [replace(reading, folder=folder) for reading in readings]
    return Document(entry.shown, entry.hashed.hexdigest() if entry.hashed else "", tuple(readings))


def _stream_nmon(entry: archive.Entry) -> Reading:
    from planner.formats import nmon  # start-up: a format is imported when its turn comes

    lines = LineStream(entry)
    reading = nmon.read_lines(lines, entry.shown)
    return capture.of_samples(replace(reading, findings=(*lines.findings, *reading.findings)))


def _whole(entry: archive.Entry, mapping: table.MappingFile | None) -> list[Reading]:
    """What has to be held whole; whatever a mapping fits is a table."""
    if mapping is not None:
        from planner.formats import table  # start-up: as above

        data = entry.read(_MOST_TABLE)
        reading = table.read_document(data, entry.shown, mapping) if data else None
        if reading is not None:
            return [reading]
    else:
        data = entry.read(registry.most_of(entry.head))
    if not data and entry.problem is not None:
        return [Reading(registry.UNRECOGNISED)]
    readings = registry.read_document(data, entry.shown)
    if mapping is not None and all(reading.kind == registry.UNRECOGNISED for reading in readings):
        return table.nearly(data, entry.shown, mapping) or readings
    return readings


def _read_chunk(files: list[_File], read: _Read) -> list[list[Document]]:
    return [list(read(file)) for file in files]


def _in_parallel(files: list[_File], read: _Read) -> Iterator[list[list[Document]]]:
    """The first files, chunk by chunk: all of them, none where it does not pay, fewer where processes die."""
    workers = min(_MOST_WORKERS, _processors(), len(files))
    if workers < 2 or sum(map(_size, files)) <= _MANY_BYTES:
        return
    from concurrent.futures.process import BrokenProcessPool  # start-up: few sites have so much

    each = max(1, len(files) // (workers * _CHUNKS_EACH))
    chunks = [files[at:at + each] for at in range(0, len(files), each)]
    try:
        with pool_of(workers, "spawn") as pool:
            yield from pool.map(partial(_read_chunk, read=read), chunks)
    except (BrokenProcessPool, OSError):
        return


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(file: _File) -> int:
    try:
        return file[0].stat().st_size
    except OSError:
        return 0


def read_mapping(path: Path) -> table.MappingFile:
    """What the columns of a person's own tables mean. Raises InputError with all that is wrong with the file."""
    from planner.formats import table  # start-up: pydantic, for those who have tables of their own

    try:
        text, _ = read_text(path)
    except OSError as error:
        raise InputError([_system_problem(str(path), error)]) from None
    known = table.load_mapping(text, path.name)
    if isinstance(known, tuple):
        raise InputError(known)
    return known
