"""From paths to an estate: find the files, recognise them by content, read, assemble, validate."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import InputError
from planner.estate import saved
from planner.estate.assemble import Loaded, assemble
from planner.estate.model import Estate
from planner.estate.policies import policy_findings
from planner.estate.validate import validate
from planner.findings import Finding, Severity, Source, ordered
from planner.formats import archive, registry
from planner.formats.base import Reading, decode, read_text

if TYPE_CHECKING:
    from planner.formats import table

#: Without these put right, everything else that is found is only their consequence.
_STRUCTURE = ("input.missing-sheet", "input.missing-column", "input.duplicate-column")
#: Called with the number of files read and of files in all.
Progress = Callable[[int, int], None]
ARCHIVE = "archive"

_MANY_FILES = 2000
_MANY_BYTES = 64 << 20
_MOST_WORKERS = 8
_CHUNKS_EACH = 8  # chunks for each worker: fewer leave one working alone at the end
_MOST_TABLE = 256 << 20
_PUT_IN = "put lparstat -i outputs and an estate workbook into it"


@dataclass(slots=True)
class _Read:
    """What one file gave: readings, saved estates, and why it could not be read."""

    readings: list[Reading] = field(default_factory=list)
    estates: list[Loaded] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)


_File = tuple[Path, str]


def _problem(file: str, message: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("input.unreadable", severity, file, message, fix, Source(file))


def _system_problem(file: str, error: OSError) -> Finding:
    return _problem(file, f"cannot be read: {error.strerror or error}", "check its permissions")


def _files(source: Path, problems: list[Finding]) -> list[_File]:
    shown = archive.printable(str(source))
    try:
        if not source.exists():
            problems.append(_problem(shown, "no such file or directory", "check the path"))
            return []
        if not source.is_dir() and not source.is_file():
            problems.append(_problem(shown, "neither a file nor a directory", "give a file or a directory"))
            return []
        found = archive.files(source, lambda error: problems.append(
            _system_problem(archive.printable(str(error.filename)), error)))
    except OSError as error:
        problems.append(_system_problem(shown, error))
        return []
    if not found:
        problems.append(_problem(shown, "the directory is empty", _PUT_IN))
    return found


def _read_file(file: _File) -> _Read:
    """One file, or the members of one archive."""
    path, shown = file
    read = _Read()
    said: list[Finding] = []
    members = 0
    packed = False
    try:
        for entry in archive.entries(path, shown):
            members += 1
            if isinstance(entry, Finding):
                said.append(entry)
                continue
            packed = packed or entry.path is None
            _read_entry(entry, read)
    except OSError as error:
        read.problems.append(_system_problem(shown, error))
    if not members and not read.problems:
        said.append(_problem(shown, "the archive is empty", _PUT_IN))
    if packed or said:
        read.readings.insert(0, Reading(ARCHIVE, (), tuple(said)))
    return read


def _read_entry(entry: archive.Entry, read: _Read) -> None:
    if entry.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        is_saved = saved.FORMAT.encode() in entry.head
        data = entry.read(saved.MOST_BYTES) if is_saved else entry.read()
        text, _ = decode(data, entry.shown)
        if entry.problem is not None:
            read.readings.append(Reading(registry.UNRECOGNISED, (), (entry.problem,)))
        elif saved.recognise(text):
            read.estates.append(saved.parse(text, entry.shown))
        else:
            read.readings += registry.read_document(data, entry.shown)
    else:
        read.readings += registry.read_entry(entry)


def _read_chunk(files: list[_File]) -> list[_Read]:
    return [_read_file(file) for file in files]


def _read_all(files: list[_File], progress: Progress | None) -> Iterator[_Read]:
    """In the order of the files; over several processes where there is much to read."""
    done = 0
    for reads in _in_parallel(files):
        yield from reads
        done += len(reads)
        if progress:
            progress(done, len(files))
    for number, file in enumerate(files[done:], done + 1):
        yield _read_file(file)
        if progress:
            progress(number, len(files))


def _in_parallel(files: list[_File]) -> Iterator[list[_Read]]:
    """The first files, chunk by chunk: all of them, none where it does not pay, fewer where processes die."""
    workers = min(_MOST_WORKERS, _processors(), len(files))
    if workers < 2 or (len(files) <= _MANY_FILES and sum(map(_size, files)) <= _MANY_BYTES):
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    each = max(1, len(files) // (workers * _CHUNKS_EACH))
    chunks = [files[at:at + each] for at in range(0, len(files), each)]
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(_read_chunk, chunks)
    except (BrokenProcessPool, OSError):
        return


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(file: _File) -> int:
    try:
        return file[0].stat().st_size
    except OSError:
        return 0


def read_sources(
    sources: Sequence[Path], progress: Progress | None = None, mapping: Path | None = None
) -> tuple[list[Reading], list[Loaded], list[Finding]]:
    """The readings and the saved estates under these paths, and why a path or a file could not be read."""
    problems: list[Finding] = []
    readings: list[Reading] = []
    estates: list[Loaded] = []
    files = [file for source in sources for file in _files(source, problems)]
    if mapping is not None:
        readings, files = _mapped(files, mapping)
    for read in _read_all(files, progress):
        readings += read.readings
        estates += read.estates
        problems += read.problems
    return readings, estates, problems


def read_mapping(path: Path) -> table.Mapping:
    """What the columns of a person's own tables mean. Raises InputError with all that is wrong with the file."""
    from planner.formats import table

    try:
        text, _ = read_text(path)
    except OSError as error:
        raise InputError([_system_problem(str(path), error)]) from None
    known = table.load_mapping(text, path.name)
    if isinstance(known, tuple):
        raise InputError(known)
    return known


def _mapped(files: list[_File], mapping: Path) -> tuple[list[Reading], list[_File]]:
    """The tables that a mapping file describes, and the files that hold none. Raises InputError for a bad mapping."""
    from planner.formats import table

    known = read_mapping(mapping)
    readings: list[Reading] = []
    rest: list[_File] = []
    for path, shown in files:
        if path.resolve() == mapping.resolve():
            continue
        data = path.read_bytes() if _size((path, shown)) <= _MOST_TABLE else b""
        if data[:2] in (b"PK", b"\xd0\xcf"):
            form = table.binary_format(known)
            found = form.read(data, shown) if form.recognise(data) else None
        else:
            text, notes = decode(data, shown)
            plain = table.text_format(known)
            # A table is known by its headers and by its file's name, so the name goes with it.
            found = plain.read(text, shown) if plain.recognise(text) and table.applies(known, shown) else None
            found = replace(found, findings=(*notes, *found.findings)) if found else None
        if found is None:
            rest.append((path, shown))
        else:
            readings.append(found)
    return readings, rest


def load(sources: Sequence[Path], progress: Progress | None = None, mapping: Path | None = None) -> Loaded:
    """Read, merge and check everything under these paths; ``mapping`` says what a person's own tables mean.

    Raises InputError when a path is missing or holds nothing readable. Other problems, errors among them, are in
    the findings: call :meth:`Loaded.usable` before planning with it.
    """
    readings, estates, problems = read_sources(sources, progress, mapping)
    if not problems and estates and (any(r.kind != ARCHIVE for r in readings) or len(estates) > 1):
        problems.append(_problem(str(sources[0]), "a saved estate stands for itself, but there is more to read",
                                 "give the saved estate alone, or the sources it was made of"))
    useful = any(r.records for r in readings) or estates
    if not problems and not useful:
        problems += [f for r in readings for f in r.findings if f.severity is Severity.ERROR]
        problems = problems or [
            _problem(str(sources[0]) if sources else ".", "nothing in it is a format that the planner reads", _PUT_IN)]
    if problems:
        raise InputError(problems)
    return checked(estates[0] if estates else assemble(readings))


def checked(loaded: Loaded) -> Loaded:
    """Validation and policy findings added. An estate that holds no server or no LPAR cannot be planned with."""
    broken = [f for f in loaded.findings if f.rule in _STRUCTURE and f.severity is Severity.ERROR]
    if broken:
        kept = [f for f in loaded.findings if f.rule not in ("input.missing-fact", "input.unknown-name")]
        return Loaded(loaded.estate, loaded.provenance, ordered(kept), loaded.kinds, loaded.facts, loaded.partial)
    found = list(_emptiness(loaded.estate)) if not _has_errors(loaded.findings) else []
    out = validate(loaded)
    # What only stands in a row that is refused already is not told a second time as a policy that names nothing.
    refused = {repr(v) for _, values in loaded.partial for v in values.values() if isinstance(v, str) and v}
    policies = [f for f in policy_findings(out) if not any(name in f.message for name in refused)]
    return Loaded(out.estate, out.provenance, ordered((*out.findings, *policies, *found)), out.kinds,
                  out.facts, out.partial)


def _has_errors(findings: Iterable[Finding]) -> bool:
    return any(f.severity is Severity.ERROR for f in findings)


def _emptiness(estate: Estate) -> Iterator[Finding]:
    for rows, what in ((estate.servers, "server"), (estate.lpars, "LPAR")):
        if not rows:
            yield Finding("input.missing-fact", Severity.ERROR, what, f"no {what} is stated by any source",
                          f"add it to the estate workbook (sheet {'Servers' if what == 'server' else 'LPARs'})")
