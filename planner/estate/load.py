"""From paths to an estate: open, assemble, validate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from planner.errors import InputError
from planner.estate.assemble import NOTHING_TO_PLAN, Loaded, assemble
from planner.estate.standing import policy_findings
from planner.estate.validate import validate
from planner.findings import Finding, Severity, Source, errors, ordered
from planner.formats import saved_estate
from planner.formats.base import Reading
from planner.formats.open import ARCHIVE, Progress, documents
from planner.formats.registry import UNRECOGNISED
from planner.units import many, some

#: Without these put right, everything else that is found is only their consequence.
_STRUCTURE = ("input.missing-sheet", "input.missing-column", "input.duplicate-column")
#: What is wrong with a file as a whole, not with what it states.
_DAMAGE = ("input.unreadable", "input.truncated", "input.too-large", "input.decompression-bomb", "input.interleaved",
           "input.password", "input.not-a-file", "input.corrupt-workbook", "input.not-a-workbook")
_OF_USAGE = {"lparstat-interval", "pcm", "checkmk"}
_BOOKS = (".xlsx", ".xlsm", ".xls")
_PUT_IN = "put lparstat -i outputs and an estate workbook into it"


def _problem(file: str, message: str, fix: str) -> Finding:
    return Finding("input.unreadable", Severity.ERROR, file, message, fix, Source(file))


def load(sources: Sequence[Path], progress: Progress | None = None, mapping: Path | None = None) -> Loaded:
    """Read, merge and check everything under these paths; ``mapping`` says what a person's own tables mean.

    Raises InputError when a path is missing or holds nothing readable. Other problems, errors among them, are in
    the findings: call :meth:`Loaded.usable` before planning with it.
    """
    read = list(documents(sources, mapping, progress=progress))
    readings = [reading for document in read for reading in document.readings]
    problems = [problem for document in read for problem in document.problems]
    if problems := problems or _unusable(readings, str(sources[0]) if sources else "."):
        raise InputError(problems)
    return checked(assemble(_odd_files_aside(readings)))


def _odd_files_aside(readings: Sequence[Reading]) -> list[Reading]:
    """A file that cannot be read stops nothing where others give an estate; a person's own tables must be whole."""
    odd = [{id(f) for f in errors(r.findings) if _is_damage(r, f)} for r in readings]
    if not any(r.records and not damages for r, damages in zip(readings, odd, strict=True)):
        return list(readings)
    return [replace(r, findings=tuple(_aside(f) if id(f) in damages else f for f in r.findings)) if damages else r
            for r, damages in zip(readings, odd, strict=True)]


def _aside(said: Finding) -> Finding:
    """As a warning; of a workbook, which may be an estate's, that no policy in it counts."""
    book = said.source is not None and said.source.file.lower().endswith(_BOOKS)
    return replace(said, severity=Severity.WARNING, message=said.message + (
        "; nothing in it counts, policies neither" if book else ""))


def _is_damage(reading: Reading, said: Finding) -> bool:
    return said.rule in _DAMAGE and reading.kind not in ("table", saved_estate.KIND)


def _unusable(readings: Sequence[Reading], where: str) -> list[Finding]:
    """Why no estate can be made of what was read."""
    saved = [reading for reading in readings if reading.kind == saved_estate.KIND]
    if saved and (len(saved) > 1 or {r.kind for r in readings} - {ARCHIVE, saved_estate.KIND}):
        return [_problem(where, "a saved estate stands for itself, but there is more to read",
                         "give the saved estate alone, or the sources it was made of")]
    if any(reading.records for reading in readings):
        return []
    said = [f for r in readings for f in r.findings]
    why = errors(said) or [f for f in said if f.severity is not Severity.INFO] or said
    return [replace(f, severity=Severity.ERROR) for f in why] or [
        _problem(where, "nothing in it states anything", _PUT_IN)]


def checked(loaded: Loaded) -> Loaded:
    """Validation and policy findings added. An estate that holds no server or no LPAR cannot be planned with."""
    if any(f.rule in _STRUCTURE for f in errors(loaded.findings)):
        rest = [f for f in loaded.findings if f.rule not in ("input.missing-fact", "input.unknown-name")]
        return replace(loaded, findings=ordered(rest))
    empty = [] if errors(loaded.findings) else list(_emptiness(loaded))
    out = validate(loaded)
    refused = {v for _, values in loaded.partial for v in values.values() if isinstance(v, str) and v}
    return replace(out, findings=ordered((*out.findings, *policy_findings(out, refused), *empty)))


_GIVE = "(planner collect hmc), HMC Scanner's workbook, or sheet {} of an estate workbook"
_LISTED = {"server": "lssyscfg -r sys " + _GIVE.format("Servers"), "LPAR": "lssyscfg -r lpar " + _GIVE.format("LPARs")}


def _emptiness(loaded: Loaded) -> Iterator[Finding]:
    """What there is not one of: an error where there is neither, since then there is nothing to show."""
    estate, read = loaded.estate, set(loaded.kinds) - {UNRECOGNISED, ARCHIVE}
    severity = Severity.WARNING if estate.servers or estate.lpars else Severity.ERROR
    if read and read <= _OF_USAGE:
        yield Finding(NOTHING_TO_PLAN, severity, "estate",
                      f"only usage was read ({', '.join(sorted(read))}), which makes no estate",
                      "planner history add takes it; for an estate add " + _LISTED["server"])
        return
    homeless = [str(values.get("name", "?")) for kind, values in loaded.partial if kind == "lpars"]
    for rows, what in ((estate.servers, "server"), (estate.lpars, "LPAR")):
        if not rows and what == "LPAR" and homeless:
            yield Finding(NOTHING_TO_PLAN, severity, what,
                          f"{many(len(homeless), 'LPAR')} ({some(homeless)}): no source says on which server",
                          "add " + _LISTED[what])
        elif not rows:
            yield Finding(NOTHING_TO_PLAN, severity, what, f"no {what} is stated by any source", "add " + _LISTED[what])
