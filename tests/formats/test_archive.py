"""Archives: what is in them is read without being extracted; what is hostile is refused with a finding."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.findings import Finding
from planner.formats import archive

DATA = {"a.txt": b"alpha\n" * 50, "sub/b.txt": b"beta\n"}
Reads = list[tuple[str, bytes]]


def tar(files: dict[str, bytes], mode: str = "w", **how: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, **how) as opened:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return out.getvalue()


def read(data: bytes, name: str = "x") -> tuple[Reads, list[Finding]]:
    contents: Reads = []
    findings: list[Finding] = []
    for one in archive.entries_of(io.BytesIO(data), name):
        if isinstance(one, Finding):
            findings.append(one)
        else:
            contents.append((one.shown, one.read()))
            findings += [one.problem] if one.problem else []
    return contents, findings


PACKED: dict[str, bytes] = {
    "tar": tar(DATA), "old tar": tar(DATA, format=tarfile.USTAR_FORMAT).replace(b"ustar\x0000", bytes(8)),
    "pax": tar(DATA, format=tarfile.PAX_FORMAT), "tar.gz": tar(DATA, "w:gz"), "tar.bz2": tar(DATA, "w:bz2"),
    "tar.xz": tar(DATA, "w:xz"), "zip": zipped(DATA), "stored zip": zipped(DATA, zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("kind", [k for k in PACKED if k != "old tar"])
def test_members_are_read_in_order_whatever_the_name(kind: str) -> None:
    contents, findings = read(PACKED[kind], "x")
    assert contents == [(f"x/{name}", data) for name, data in DATA.items()]
    assert findings == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["a.nmon.gz", "a.nmon"])
def test_one_compressed_file_is_that_file(pack: Callable[[bytes], bytes], name: str) -> None:
    data = os.urandom(300_000)
    assert read(pack(data), name) == ([("a.nmon", data)], [])
    assert read(pack(data) + pack(b"more") + bytes(100), name) == ([("a.nmon", data + b"more")], [])


def test_a_plain_file_is_itself() -> None:
    assert read(b"hello", "h.txt") == ([("h.txt", b"hello")], [])
    assert read(b"", "h.txt") == ([("h.txt", b"")], [])


def test_a_workbook_is_no_archive() -> None:
    book = zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<workbook/>"})
    assert read(book, "e.xlsx") == ([("e.xlsx", book)], [])
    within = zipped({"e.xlsx": book}, zipfile.ZIP_STORED)
    assert read(within, "all.zip") == ([("all.zip/e.xlsx", book)], [])


def test_archives_are_opened_one_level_deep() -> None:
    inner = tar({"a.txt": b"alpha"}, "w:gz")
    assert read(zipped({"in.tgz": inner, "b.gz": gzip.compress(b"beta")}), "o.zip")[0] == [
        ("o.zip/in.tgz/a.txt", b"alpha"), ("o.zip/b", b"beta")]
    contents, findings = read(tar({"one.zip": zipped({"two.zip": zipped({"a": b"x"}), "b": b"y"})}))
    assert contents == [("x/one.zip/b", b"y")]
    assert [f.rule for f in findings] == ["input.nested-archive"]


@pytest.mark.parametrize("name", ["../up.txt", "/etc/passwd", "a/../../b", "C:/x", "\\x", "a\\..\\..\\b"])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_names_that_lead_out_are_refused(pack: Callable[[dict[str, bytes]], bytes], name: str) -> None:
    contents, findings = read(pack({name: b"evil", "good.txt": b"good"}))
    assert contents == [("x/good.txt", b"good")]
    assert [f.rule for f in findings] == ["input.unsafe-name"]


def test_links_and_devices_are_not_read() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo(f"n{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            opened.addfile(info)
    contents, findings = read(out.getvalue())
    assert contents == []
    assert [f.message.split(" in ")[0] for f in findings] == ["a link", "a link", "a device", "a device"]
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(link, "/etc/passwd")
    assert [f.rule for f in read(out.getvalue())[1]] == ["input.not-a-file"]


def test_hidden_members_are_left_out_and_control_characters_in_names_are_shown() -> None:
    contents, findings = read(tar({".hidden": b"x", "~$lock.xlsx": b"x", "__MACOSX/a": b"x", "./a\x1b[31m": b"y"}))
    assert contents == [("x/a\\x1b[31m", b"y")] and not findings


ZEROS = bytes(9 * archive.MIB)


@pytest.mark.parametrize("bomb", [
    gzip.compress, bz2.compress, lambda data: lzma.compress(data, preset=0), lambda data: zipped({"a": data}),
    lambda data: gzip.compress(tar({"a": data})), lambda data: zipped({"a.gz": gzip.compress(data), "b": b"x"}),
], ids=["gz", "bz2", "xz", "zip", "tar.gz", "gz in zip"])
def test_bombs_are_refused(bomb: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    assert archive.SUSPECT_UNPACKED == 64 * archive.MIB
    monkeypatch.setattr(archive, "SUSPECT_UNPACKED", 8 * archive.MIB)
    contents, findings = read(bomb(ZEROS))
    assert "input.decompression-bomb" in {f.rule for f in findings}
    assert sum(len(data) for _, data in contents) <= archive.SUSPECT_UNPACKED + archive.MIB


def test_all_members_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive.Budget.__init__, "__defaults__", (100_000,))
    for data in (tar({"a": bytes(60_000), "b": bytes(60_000)}), zipped({"a": bytes(60_000), "b": bytes(60_000)})):
        contents, findings = read(data)
        assert contents[0] == ("x/a", bytes(60_000))
        assert "input.decompression-bomb" in {f.rule for f in findings}


def test_one_member_and_one_document_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBER", 100_000)
    contents, findings = read(tar({"a": bytes(200_000), "b": b"y"}))
    assert contents[1] == ("x/b", b"y")
    assert [f.rule for f in findings] == ["input.decompression-bomb"]
    (entry,) = archive.entries_of(io.BytesIO(bytes(300_000)), "big")
    assert isinstance(entry, archive.Entry)
    assert entry.read(100_000) == b"" and entry.problem and entry.problem.rule == "input.too-large"


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    for pack in (tar, zipped):
        assert [f.rule for f in read(pack({str(n): b"x" for n in range(5)}))[1]] == ["input.too-large"]


def test_a_header_that_asks_for_much_memory_is_refused() -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 900 * archive.MIB
    data = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(4 * archive.MIB))
    assert [f.rule for f in read(data)[1]] == ["input.truncated"]


def test_encrypted_members_say_so() -> None:
    data = bytearray(zipped({"a.txt": b"secret"}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1
    assert [f.rule for f in read(bytes(data))[1]] == ["input.password"]


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_cut_archives_are_findings(kind: str) -> None:
    data = PACKED[kind]
    end = 4 * tarfile.BLOCKSIZE + 1 if kind == "tar" else len(data) - 1
    for at in range(20, end, max(1, end // 40)):
        _, findings = read(data[:at])
        assert findings or at < 512, at


def test_files_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.txt", "a.txt", ".hidden", "~$e.xlsx", "sub/c.txt"):
        (tmp_path / name).write_text("x")
    assert [shown for _, shown in archive.files(tmp_path, lambda error: None)] == ["a.txt", "b.txt", "sub/c.txt"]
    assert archive.files(tmp_path / "a.txt", lambda error: None) == [(tmp_path / "a.txt", "a.txt")]
