"""From paths to an estate: find the files, recognise them by content, read, assemble, validate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from planner.errors import InputError
from planner.estate import saved
from planner.estate.assemble import Loaded, assemble
from planner.estate.model import Estate
from planner.estate.policies import policy_findings
from planner.estate.validate import validate
from planner.findings import Finding, Severity, Source, ordered
from planner.readers import estate_workbook, lparstat_i
from planner.readers.base import Reading, read_text

_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0"
_FORMATS = (lparstat_i.FORMAT,)


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """The files under a path with the names to show for them, in the order of their names."""
    if path.is_file():
        yield path, path.name
        return
    for found in sorted(path.rglob("*")):
        if found.is_file() and not found.name.startswith((".", "~$")):
            yield found, str(found.relative_to(path))


def _problem(file: str, message: str, fix: str, rule: str = "input.unreadable",
             severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule, severity, file, message, fix, Source(file))


def _read(path: Path, shown: str) -> Reading | Loaded:
    with path.open("rb") as stream:
        head = stream.read(65536)
    if not head.strip():
        return Reading("empty", (), (_problem(shown, "the file is empty", "export it again"),))
    if head[:2] == _ZIP or head[:4] == _OLE or (path.suffix.lower() in (".xlsx", ".xlsm")):
        return estate_workbook.read_workbook(path, shown)
    text, notes = read_text(path, shown)
    if saved.recognise(text):
        return saved.parse(text, shown)
    for form in _FORMATS:
        if form.recognise(text[:65536]):
            reading = form.read(text, shown)
            return Reading(reading.kind, reading.records, (*notes, *reading.findings))
    return Reading("unrecognised", (), (_problem(
        shown, f"not a format that the planner reads (it begins {text.lstrip()[:40]!r})",
        "remove it, or see docs/formats.md for what is read", "input.unrecognised", Severity.WARNING),))


def load(sources: Sequence[Path]) -> Loaded:
    """Read, merge and check everything under these paths.

    Raises InputError when a path is missing or holds nothing readable. Other problems, errors among them, are in
    the findings: call :meth:`Loaded.usable` before planning with it.
    """
    problems: list[Finding] = []
    readings: list[Reading] = []
    estates: list[Loaded] = []
    for path in sources:
        if not path.exists():
            problems.append(_problem(str(path), "no such file or directory", "check the path"))
            continue
        files = list(_files(path))
        if not files:
            problems.append(_problem(str(path), "the directory is empty",
                                     "put lparstat -i outputs and an estate workbook into it"))
        for file, shown in files:
            try:
                found = _read(file, shown)
            except OSError as error:
                problems.append(_problem(shown, f"cannot be read: {error.strerror or error}", "check its permissions"))
                continue
            if isinstance(found, Loaded):
                estates.append(found)
            else:
                readings.append(found)
    if not problems and estates and (readings or len(estates) > 1):
        problems.append(_problem(str(sources[0]), "a saved estate stands for itself, but there is more to read",
                                 "give the saved estate alone, or the sources it was made of"))
    useful = any(r.records for r in readings) or estates
    if not problems and not useful:
        problems += [f for r in readings for f in r.findings]
        problems = [*(f for f in problems if f.severity is Severity.ERROR)] or [
            _problem(str(sources[0]) if sources else ".", "nothing in it is a format that the planner reads",
                     "put lparstat -i outputs and an estate workbook into it")]
    if problems:
        raise InputError(problems)
    return checked(estates[0] if estates else assemble(readings))


def checked(loaded: Loaded) -> Loaded:
    """Validation and policy findings added. An estate that holds no server or no LPAR cannot be planned with."""
    found = list(_emptiness(loaded.estate)) if not _has_errors(loaded.findings) else []
    out = validate(loaded)
    return Loaded(out.estate, out.provenance, ordered((*out.findings, *policy_findings(out), *found)), out.kinds)


def _has_errors(findings: Iterable[Finding]) -> bool:
    return any(f.severity is Severity.ERROR for f in findings)


def _emptiness(estate: Estate) -> Iterator[Finding]:
    for rows, what in ((estate.servers, "server"), (estate.lpars, "LPAR")):
        if not rows:
            yield Finding("input.missing-fact", Severity.ERROR, what, f"no {what} is stated by any source",
                          f"add it to the estate workbook (sheet {'Servers' if what == 'server' else 'LPARs'})")
