"""A damaged or foreign file beside good ones is a warning; alone it is an error."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError
from planner.estate.load import load
from planner.findings import Severity, errors
from planner.formats.open import documents
from planner.formats.samples import Context
from planner.history.sources import extract

GOOD = """$ lparstat -i
Node Name                                  : web1
Partition Name                             : web1
Partition Number                           : 7
Type                                       : Shared-SMT
Mode                                       : Uncapped
Entitled Capacity                          : 0.50
Online Virtual CPUs                        : 1
Online Memory                              : 4096 MB
Maximum Memory                             : 8192 MB
"""
REST = b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="application/vnd.ibm.powervm'


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo("lparstat.txt")
        member.size = 4000
        tar.addfile(member, io.BytesIO(bytes(range(250)) * 16))
    return out.getvalue()


def _docx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("word/document.xml", "<w:document/>" * 400)
    return out.getvalue()


LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3 << 20) + "EncryptedPackage".encode("utf-16-le") + bytes(1 << 20)
ODD = {"locked.xlsx": LOCKED, "locked.xls": LOCKED, "locked": LOCKED, "cut.xlsx": _docx()[:300], "empty.xlsx": b"",
       "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "a.tar.gz": gzip.compress(_tar())[:120], "a.tar": _tar()[:1500], "offer.docx": _docx()[:300], "feed.xml": REST}


@pytest.mark.parametrize("name", ODD)
def test_a_damaged_file_beside_good_ones_is_a_warning(tmp_path: Path, name: str) -> None:
    (tmp_path / "web1.txt").write_text(GOOD)
    alone = load([tmp_path])
    (tmp_path / name).write_bytes(ODD[name])
    beside = load([tmp_path])
    assert beside.estate == alone.estate and errors(beside.findings) == errors(alone.findings)
    assert [f.severity for f in beside.findings if f.source and f.source.file == name] == [Severity.WARNING]
    (tmp_path / "web1.txt").unlink()
    with pytest.raises(InputError):
        load([tmp_path]).usable()


@pytest.mark.parametrize("name", ["locked.xlsx", "locked.xls", "locked"])
def test_a_protected_workbook_alone_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(LOCKED)
    with pytest.raises(InputError) as refused:
        load([tmp_path])
    (told,) = refused.value.findings
    assert str(told.source) == name and told.message.startswith("this workbook is protected by a password")
    assert "without a password" in told.fix


@pytest.mark.parametrize("into", ["file", "directory"])
def test_what_the_system_does_not_let_read_keeps_nothing_else_out(
        tmp_path: Path, into: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file without permission kept a whole site out."""
    (tmp_path / "web1.txt").write_text(GOOD)
    (tmp_path / "closed").mkdir() if into == "directory" else (tmp_path / "closed").write_text(GOOD)
    scandir, opening = os.scandir, Path.open

    def refuse(call: Any) -> Any:
        def guarded(path: Any, *rest: Any, **more: Any) -> Any:
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied", str(path))
            return call(path, *rest, **more)
        return guarded

    monkeypatch.setattr(os, "scandir", refuse(scandir))
    monkeypatch.setattr(Path, "open", refuse(opening))
    loaded = load([tmp_path])
    assert loaded.kinds["lparstat-i"] == 1 and "web1" in {values["name"] for _, values in loaded.partial}
    assert [(f.severity, f.message) for f in loaded.findings if "closed" in f.subject] == [
        (Severity.WARNING, "cannot be read: Permission denied")]


@pytest.mark.parametrize("content", [b"%PDF-1.4\n%\xe2\xe3", b"<html><head><title>Log in</title></head><form><input "
                                     b"type='password'></form></html>"])
def test_a_foreign_file_is_a_warning_in_a_history_too(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    (document,) = documents([tmp_path], streamed=True)
    found = extract(document, Context(None, None, None, "", {})).findings
    assert found and not errors(found)
