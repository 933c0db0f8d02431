"""Which plan a paper of a plan's directory was made from: each says so, and ``verify`` looks whether it is this one."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from planner.errors import UsageError
from planner.files import regular
from planner.findings import Finding, Severity, errors
from planner.plan.plan import Plan
from planner.report.output import digest_of, manifest

PLAN = "plan.json"
_MARK = re.compile(rb"plan-sha256: ?([0-9a-f]{64})", re.IGNORECASE)
_NAMES = ("plan.*", "runbook.*", "lane-*.sh", "playbook.yml", "moves.csv", "window.ics")
"""Papers of a plan, also those that stand in its directory and that the planner did not write there."""
_RUN = (".sh", ".yml")
"""Papers that a machine runs: one that was changed does something else than what was verified."""
_MOST_BYTES = 1 << 27
_PROPERTIES = "docProps/core.xml"


def _after_first_line(text: str, line: str, end: str = "\n") -> str:
    first, _, rest = text.partition(end)
    return f"{first}{end}{line}{end}{rest}"


#: How each kind of paper says it: what stands where nobody is disturbed by it. A workbook says it in its properties
#: (``plan_workbook``); a table of values cannot, and goes by the list of what was written.
_SAYS: Mapping[str, Callable[[str, str], str]] = {
    ".sh": lambda text, mark: _after_first_line(text, f"# {mark}"),
    ".yml": lambda text, mark: _after_first_line(text, f"# {mark}"),
    ".md": lambda text, mark: f"{text}\n<!-- {mark} -->\n",
    ".html": lambda text, mark: f"{text}<!-- {mark} -->\n",
    ".ics": lambda text, mark: _after_first_line(text, f"X-{mark[:40]}\r\n {mark[40:]}", "\r\n"),
}


def mark(seal: str) -> str:
    """What a paper says of the plan that it was made from. ``seal``: the ``plan_sha256`` of its plan.json."""
    return f"plan-sha256: {seal}"


def marked(files: Mapping[str, bytes], seal: str) -> dict[str, bytes]:
    """The papers of a plan, each of which says so."""
    return {name: _SAYS[suffix](data.decode(), mark(seal)).encode() if (suffix := Path(name).suffix) in _SAYS else data
            for name, data in files.items()}


def _said(name: str, data: bytes) -> str:
    """The seal of the plan that a paper says it was made from; ``""``: it says none."""
    if name.endswith(".xlsx"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as book, book.open(_PROPERTIES) as properties:
                data = properties.read(1 << 16)
        except (zipfile.BadZipFile, zlib.error, KeyError, OSError, RuntimeError, NotImplementedError, EOFError):
            return ""
    elif name.endswith(".ics"):
        data = data.replace(b"\r\n ", b"")
    found = _MARK.findall(data)
    return str(found[-1].decode().lower()) if found else ""


def papers_of(directory: Path, plan: Plan) -> Iterator[Finding]:
    """What is to be said of the papers in a plan's directory: made from another plan, changed by hand, gone.

    Raises UsageError for one that cannot be read.
    """
    known = manifest(directory)
    same = digest_of(_read(directory / PLAN) or b"") == known.get(PLAN)
    there = {p.name for p in directory.iterdir() if p.is_file() and any(fnmatchcase(p.name, n) for n in _NAMES)}
    for name in sorted({*known, *there} - {PLAN}):
        data = _read(directory / name)
        if data is None:
            yield Finding("papers.missing", Severity.WARNING, name, "was written with the plan and is not there any "
                          "more", "make the plan's directory anew if you need it")
            continue
        said, as_written = _said(name, data), digest_of(data) == known.get(name)
        if said and said != plan.seal:
            yield Finding("papers.other-plan", Severity.ERROR, name, f"was made from another plan: it says {said[:12]}"
                          f", {PLAN} is {plan.seal[:12] or 'without a seal'}", "take papers that were made together")
        elif not said and not (as_written and same):
            yield Finding("papers.unmarked", Severity.WARNING, name, "does not say from which plan it was made, and is "
                          "not as the planner wrote it with this one", "compare it with the plan, or make it anew")
        elif not as_written and name in known:
            run = name.endswith(_RUN)
            yield Finding("papers.edited", Severity.WARNING if run else Severity.INFO, name, "was changed by hand "
                          "since it was written" + ("; it runs, and is not what was verified" if run else ""),
                          "compare it with the plan, or make it anew" if run else "")


def fit(papers: Collection[Finding]) -> bool:
    """Are the papers those of the plan? No with one of another plan, or with one that a machine runs and that is not as
    it was written. ``papers``: the findings of ``papers_of``."""
    return not errors(papers) and not any(f.rule in ("papers.edited", "papers.unmarked") and f.subject.endswith(_RUN)
                                          for f in papers)


def _read(path: Path) -> bytes | None:
    try:
        with regular(path) as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{path} is too large for a paper of a plan")
    return data
