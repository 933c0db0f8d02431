"""A damaged or foreign file beside good ones is a warning; alone it is an error."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

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


ODD = {"a.tar.gz": gzip.compress(_tar())[:120], "a.tar": _tar()[:1500], "offer.docx": _docx()[:300], "feed.xml": REST}


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


@pytest.mark.parametrize("content", [b"%PDF-1.4\n%\xe2\xe3", b"<html><head><title>Log in</title></head><form><input "
                                     b"type='password'></form></html>"])
def test_a_foreign_file_is_a_warning_in_a_history_too(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    (document,) = documents([tmp_path], streamed=True)
    found = extract(document, Context(None, None, None, "", {})).findings
    assert found and not errors(found)
