"""Writing outputs: whole or not at all; a file that a person edited is never overwritten without being told to."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import errno
import glob
import hashlib
import io
import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from planner import files as disk
from planner.errors import UsageError
from planner.findings import Finding, finding_json

MANIFEST = ".planner-manifest.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_AS_A_WHOLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
_HERE, _SWAP = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux's renameat2."""
_FINDING = ("severity", "rule", "subject", "message", "fix", "source")


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
        with disk.regular(path) as earlier:
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
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk.alone(path.parent):
            if path.exists() and _digest(path) != digest_of(data) and not force:
                raise UsageError(f"{path} exists and differs; --force overwrites it, or name another file")
            disk.replace({path: data})
    except OSError as error:
        raise _not_written(error, path) from None


def _manifest(directory: Path) -> dict[str, str]:
    """What the planner wrote there last: name → digest; a directory, whose name ends with ``/``, → nothing."""
    try:
        known = json.loads(disk.read_all(directory / MANIFEST))
    except (OSError, ValueError, RecursionError):
        return {}
    names = {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}
    return {k: v for k, v in names.items() if all(part.strip(".") for part in k.removesuffix("/").split("/"))
            and (k.endswith("/") or "/" not in k)}


def manifest(directory: Path) -> dict[str, str]:
    """Name of each file that the planner wrote there last → its digest."""
    return {name: digest for name, digest in _manifest(directory).items() if not name.endswith("/")}


def digest_of(data: bytes) -> str:
    """Of a file, as the list of what was written has it."""
    return hashlib.sha256(data).hexdigest()


def _digest(path: Path) -> str:
    with disk.regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _edited(directory: Path, files: Mapping[str, bytes], known: Mapping[str, str]) -> list[str]:
    edited = []
    for name in sorted({*files, *known}):
        path = directory / name
        if path.exists() and _digest(path) not in (known.get(name), digest_of(files.get(name, b""))):
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
        known = manifest(directory)
        edited = _edited(directory, files, known)
    except OSError as error:
        raise _not_written(error, directory) from None
    if edited and not force:
        raise UsageError(f"{directory}: {', '.join(edited)} was edited or is not the planner's; --force overwrites "
                         "it, or choose another --out")
    return known


def within(directories: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    """The files of directories in the one that is written, by their path there."""
    return {f"{directory}/{name}": data for directory, files in directories.items() for name, data in files.items()}


def write_directory(directory: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write a set of files that belong together, also some in directories within this one (``a/b/plan.json``), and
    remove what an earlier run left and this one does not write. What others keep there stays.

    It is written beside and put in its place as a whole: whatever happens meanwhile, what stands there is all old or
    all new. Raises UsageError, with nothing written, when a file there was edited (its digest is not the one written
    last).
    """
    groups: dict[str, dict[str, bytes]] = {"": {}}
    for path, data in files.items():
        group, _, name = path.rpartition("/")
        groups.setdefault(group, {})[name] = data
    try:
        directory.absolute().parent.mkdir(parents=True, exist_ok=True)
        with disk.alone(Path(os.path.realpath(directory)).parent):
            _brought_back(Path(os.path.realpath(directory)))
            earlier = {name[:-1] for name in _manifest(directory) if name.endswith("/")}
            ours = {os.path.join(group, name) for group in sorted({*groups, *earlier})
                    for name in (*refuse_edited(directory / group, groups.get(group, {}), force=force), MANIFEST)}
            new = {os.path.join(group, name): data for group, held in groups.items() for name, data in (
                *held.items(), (MANIFEST, _listed(held, () if group else groups)))}
            _put(Path(os.path.realpath(directory)), new, ours)
    except OSError as error:
        raise _not_written(error, directory) from None


def _listed(files: Mapping[str, bytes], groups: Iterable[str]) -> bytes:
    """The list of what is written, with the directories in it."""
    rows = {name: digest_of(data) for name, data in files.items()} | {f"{group}/": "" for group in groups if group}
    return (json.dumps(dict(sorted(rows.items())), indent=1) + "\n").encode()


def _put(directory: Path, files: Mapping[str, bytes], ours: Set[str]) -> None:
    """These files instead of ``ours`` in a directory. Where it cannot be replaced as a whole (it is a mount, what it
    is in may not be written), file by file, once all are on the disk."""
    try:
        beside = disk.beside(directory.parent)
        beside.mkdir(0o700)
        try:
            _fill(beside, directory, files, ours)
            _exchange(beside, directory)
            _keep(beside, directory, ours)
            disk.on_disk(directory.parent)
        finally:
            disk.remove(beside)
    except OSError as error:
        if error.errno not in _NOT_AS_A_WHOLE or not directory.is_dir():
            raise
        with disk.alone(directory):
            for name in files:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
            disk.replace({directory / name: data for name, data in files.items()})
            for name in ours - files.keys():
                (directory / name).unlink(missing_ok=True)


def _fill(beside: Path, directory: Path, files: Mapping[str, bytes], ours: Set[str]) -> None:
    """Make of a directory what another is to be."""
    os.chmod(beside, disk.allowed(0o777))
    if directory.exists():
        was = directory.stat()
        os.chmod(beside, stat.S_IMODE(was.st_mode))
        with contextlib.suppress(OSError):
            os.chown(beside, was.st_uid, was.st_gid)
    for name, data in files.items():
        (beside / name).parent.mkdir(parents=True, exist_ok=True)
        disk.write_new(beside / name, data)
    _keep(directory, beside, ours)
    for where, _, _ in os.walk(beside):
        disk.on_disk(Path(where))


def _keep(old: Path, new: Path, ours: Set[str]) -> None:
    """Whatever others have in the old directory is in the new one too, the same files under one more name."""
    for where, directories, names in os.walk(old):
        inner = os.path.relpath(where, old)
        for name in (*names, *(d for d in directories if os.path.islink(os.path.join(where, d)))):
            path = os.path.normpath(os.path.join(inner, name))
            if path in ours or disk.is_beside(name) or os.path.lexists(new / path):
                continue
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(old / path, new / path, follow_symlinks=False)
            except OSError:
                shutil.copy2(old / path, new / path, follow_symlinks=False)


def _exchange(beside: Path, directory: Path) -> None:
    """Put one directory in the place of another, which is then in its place; where the system can, at one blow."""
    if not directory.exists():
        os.rename(beside, directory)
        return
    if _swap(beside, directory):
        return
    aside = directory.parent / f"{beside.name}{_aside(directory)}"
    os.rename(directory, aside)
    try:
        os.rename(beside, directory)
    except BaseException:
        os.rename(aside, directory)
        raise
    os.rename(aside, beside)


def _swap(one: Path, other: Path) -> bool:
    """Let two directories change places, where the system can."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return swap is not None and swap(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP) == 0


def _aside(directory: Path) -> str:
    return f"-old-{directory.name[:200]}"


def _brought_back(directory: Path) -> None:
    """A command that was killed between the two renames left the old directory aside."""
    if directory.parent.is_dir() and not os.path.lexists(directory):
        for left in directory.parent.glob(f".planner-*{glob.escape(_aside(directory))}"):
            os.rename(left, directory)
            return
