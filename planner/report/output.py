"""Writing outputs: whole or not at all; a file that a person edited is never overwritten without being told to."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from planner.errors import UsageError
from planner.findings import Finding, finding_json

MANIFEST = ".planner-manifest.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FINDING = ("severity", "rule", "subject", "message", "fix", "source")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(files: Mapping[Path, bytes]) -> None:
    """Put these files in their places when all of them are on the disk; else none."""
    written: dict[Path, str] = {}
    umask = os.umask(0)
    os.umask(umask)
    try:
        for path, data in files.items():
            handle, written[path] = tempfile.mkstemp(dir=path.parent, prefix=".planner-")
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(written[path], (0o777 if data.startswith(b"#!") else 0o666) & ~umask)
        for path, name in written.items():
            os.replace(name, path)
    except BaseException:
        for name in written.values():
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise


def json_text(document: Any) -> str:
    """A JSON document as it is written and printed."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def no_formula(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def findings_csv(findings: Iterable[Finding]) -> bytes:
    """One finding a row, under the names that they have in JSON."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_FINDING)
    for row in map(finding_json, findings):
        rows.writerow([no_formula(str(row[name] or "")) for name in _FINDING])
    return out.getvalue().encode()


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """The file of all findings, over one of an earlier run; raises UsageError when something else stands there."""
    data = findings_csv(())
    try:
        with path.open("rb") as earlier:
            ours = earlier.read(len(data)) == data
    except OSError:
        ours = False
    write_file(path, findings_csv(findings), force=ours)


def _not_written(error: OSError, path: Path) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror or error}")


def write_file(path: Path, data: bytes, *, force: bool) -> None:
    """Write one file; raises UsageError when something else stands there and ``force`` is not given."""
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a directory; name a file")
        if path.exists() and not force and path.read_bytes() != data:
            raise UsageError(f"{path} exists and differs; --force overwrites it, or name another file")
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace({path: data})
    except OSError as error:
        raise _not_written(error, path) from None


def _manifest(directory: Path) -> dict[str, str]:
    try:
        known = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def _edited(directory: Path, files: Mapping[str, bytes], known: Mapping[str, str]) -> list[str]:
    edited = []
    for name in sorted({*files, *known}):
        path = directory / name
        if path.exists() and _digest(path.read_bytes()) not in (known.get(name), _digest(files.get(name, b""))):
            edited.append(name)
    return edited


def refuse_edited(directory: Path, files: Mapping[str, bytes], *, force: bool) -> dict[str, str]:
    """Raises UsageError when a file there was edited, or nobody may write there; what an earlier run wrote, as name →
    digest.

    Asked before long work as well, when the files are not known yet.
    """
    try:
        stands = next(p for p in (directory, *directory.absolute().parents) if p.exists())
        if not stands.is_dir():
            raise UsageError(f"{stands} is a file; name a directory")
        if not os.access(stands, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write {directory}: {stands} is read-only, or not yours to write")
        known = _manifest(directory)
        edited = _edited(directory, files, known)
    except OSError as error:
        raise _not_written(error, directory) from None
    if edited and not force:
        raise UsageError(f"{directory}: {', '.join(edited)} was edited or is not the planner's; --force overwrites "
                         "it, or choose another --out")
    return known


def write_directory(directory: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write a set of files that belong together, and remove what an earlier run left and this one does not write.

    Raises UsageError, with nothing written, when a file there was edited (its digest is not the one written last).
    """
    try:
        known = refuse_edited(directory, files, force=force)
        directory.mkdir(parents=True, exist_ok=True)
        digests = {name: _digest(data) for name, data in sorted(files.items())}
        _replace({directory / name: data for name, data in files.items()}
                 | {directory / MANIFEST: (json.dumps(digests, indent=1) + "\n").encode()})
        for name in known:
            if name not in files and "/" not in name:
                (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(error, directory) from None
