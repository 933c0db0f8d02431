"""A directory of papers is all old or all new, whatever happens while it is written; what others keep there stays."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from planner import files
from planner.errors import UsageError
from planner.report import output
from planner.report.output import MANIFEST, write_directory

OLD = {"plan.json": b"old", "runbook.md": b"old", "gone.txt": b"old", "step-1/plan.json": b"old", "step-2/plan.json": b"old"}
NEW = {"plan.json": b"new", "runbook.md": b"new", "lane-1.sh": b"#!new", "step-1/plan.json": b"new"}
MINE = {"log.csv": b"mine", "step-2/notes": b"mine", "own/deep/x": b"mine"}


def content(where: Path) -> dict[str, bytes]:
    """All files but the lists of what was written."""
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file() and p.name != MANIFEST}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    where = tmp_path / "plan"
    write_directory(where, OLD, force=False)
    for name, data in MINE.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(data)
    return where


def lists(where: Path) -> list[str]:
    return sorted(str(p.relative_to(where)) for p in where.rglob(MANIFEST))


def test_the_new_takes_the_place_of_the_old_and_leaves_what_is_anothers(plan: Path) -> None:
    (plan / "link").symlink_to("log.csv")
    os.chmod(plan, 0o750)
    write_directory(plan, NEW, force=False)
    assert content(plan) == NEW | MINE | {"link": b"mine"} and (plan / "link").is_symlink()
    assert lists(plan) == [MANIFEST, f"step-1/{MANIFEST}"] and os.listdir(plan.parent) == ["plan"]
    assert stat.S_IMODE(plan.stat().st_mode) == 0o750 and os.access(plan / "lane-1.sh", os.X_OK)
    assert not (plan / "plan.json").stat().st_mode & stat.S_IXUSR
    write_directory(plan, {"plan.json": b"last"}, force=False)
    assert content(plan) == {"plan.json": b"last", "link": b"mine"} | MINE


class Stop(BaseException):
    """Somebody ends the program."""


WRITES = len(NEW) + 2
"""Its files and two lists."""


@pytest.mark.parametrize("failure", [lambda: OSError(errno.ENOSPC, "No space left on device"), lambda: OSError(errno.EIO, "I/O error"),
                                     KeyboardInterrupt, Stop], ids=["full", "broken", "interrupted", "ended"])
@pytest.mark.parametrize("at", range(1, WRITES + 1))
def test_a_failure_at_any_file_leaves_all_as_it_was(
        at: int, failure: Callable[[], BaseException], plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, told, written, sync = content(plan), lists(plan), [], os.fsync

    def failing(handle: int) -> None:
        written.append(handle)
        if len(written) == at:
            raise failure()
        sync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises((UsageError, KeyboardInterrupt, Stop)):
        write_directory(plan, NEW, force=False)
    assert len(written) == at and content(plan) == before and lists(plan) == told and os.listdir(plan.parent) == ["plan"]
    monkeypatch.undo()
    write_directory(plan, NEW, force=False)
    assert content(plan) == NEW | MINE


def test_every_file_is_on_the_disk_before_the_first_is_seen(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(output, "_exchange", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, f"{len(synced)} synced")))
    with pytest.raises(UsageError, match=f"{WRITES + 5} synced"):  # and the directories: itself, two steps, own, own/deep
        write_directory(plan, NEW, force=False)


@pytest.mark.parametrize("at", range(1, WRITES + 1, 2))
def test_a_kill_leaves_all_as_it_was(at: int, plan: Path) -> None:
    before = content(plan)
    code = (f"import os, itertools; n = itertools.count(1); sync = os.fsync\n"
            f"os.fsync = lambda h: os.kill(os.getpid(), 9) if next(n) == {at} else sync(h)\n"
            f"from pathlib import Path; from planner.report.output import write_directory\n"
            f"write_directory(Path({str(plan)!r}), {NEW!r}, force=False)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert content(plan) == before
    write_directory(plan, NEW, force=False)
    assert content(plan) == NEW | MINE


def test_without_a_swap_at_one_blow_it_is_two_renames(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoSwap:
        def __init__(self, *_: object, **__: object) -> None: ...

    monkeypatch.setattr(output.ctypes, "CDLL", NoSwap)
    write_directory(plan, NEW, force=False)
    assert content(plan) == NEW | MINE and os.listdir(plan.parent) == ["plan"]
    rename, done = os.rename, []

    def second_fails(a: object, b: object) -> None:
        done.append(a)
        if len(done) == 2:
            raise OSError(errno.EIO, "I/O error")
        rename(a, b)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(UsageError):
        write_directory(plan, OLD, force=False)
    assert content(plan) == NEW | MINE


@pytest.mark.parametrize("at", [None, 1, WRITES])
def test_where_nothing_can_be_written_beside_it_goes_file_by_file(
        at: int | None, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount, or a directory of somebody else that holds one of mine."""
    before, written, sync, named = content(plan), [], os.fsync, files.beside

    def refused(where: Path) -> Path:
        if where == plan.parent:
            raise PermissionError(errno.EACCES, "Permission denied")
        return named(where)

    def failing(handle: int) -> None:
        written.append(handle)
        if len(written) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(files, "beside", refused)
    monkeypatch.setattr(os, "fsync", failing)
    if at is None:
        write_directory(plan, NEW, force=False)
        assert content(plan) == NEW | MINE
    else:
        with pytest.raises(UsageError, match="No space left"):
            write_directory(plan, NEW, force=False)
        assert content(plan) == before


@pytest.mark.parametrize("name", ["runbook.md", "gone.txt", "step-1/plan.json", "step-2/plan.json"])
def test_what_a_person_edited_is_not_overwritten(name: str, plan: Path) -> None:
    (plan / name).write_bytes(b"edited")
    before = content(plan)
    with pytest.raises(UsageError, match="was edited"):
        write_directory(plan, NEW, force=False)
    assert content(plan) == before
    write_directory(plan, NEW, force=True)
    assert content(plan) == NEW | MINE


def test_a_name_that_leads_there_stays_one(plan: Path) -> None:
    (plan.parent / "latest").symlink_to("plan")
    write_directory(plan.parent / "latest", NEW, force=False)
    assert (plan.parent / "latest").is_symlink() and content(plan) == NEW | MINE


def test_a_list_that_names_what_is_elsewhere_is_not_believed(plan: Path) -> None:
    outside = plan.parent / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(b"")
    (plan / MANIFEST).write_text(
        '{"../outside/x": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "../": "", "../outside/": ""}')
    for name in OLD:
        (plan / name).unlink()
    write_directory(plan, NEW, force=False)
    assert (outside / "x").exists()
    shutil.rmtree(outside)


TURNS = """
import sys
from pathlib import Path
from planner.report.output import write_directory
name = sys.argv[2]
for n in range(12):
    write_directory(Path(sys.argv[1]), {f"{name}-{i}.txt": name.encode() * 9 for i in range(4)} | {"plan.json": name.encode()}, force=True)
"""


def test_of_two_commands_at_once_one_is_last(plan: Path) -> None:
    """What the one had written was taken for another's own, and kept in the plan of the other."""
    both = [subprocess.Popen([sys.executable, "-c", TURNS, str(plan), name]) for name in ("a", "b")]
    assert [one.wait() for one in both] == [0, 0]
    last = (plan / "plan.json").read_text()
    assert content(plan) == {f"{last}-{i}.txt": last.encode() * 9 for i in range(4)} | {"plan.json": last.encode()} | MINE
    assert os.listdir(plan.parent) == ["plan"]


def test_what_a_killed_command_left_is_taken_away_and_nothing_else(plan: Path) -> None:
    (plan.parent / ".planner-0123456789abcdef").mkdir()
    (plan.parent / ".planner-0123456789abcdef" / "plan.json").write_bytes(b"half")
    (plan.parent / ".planner-0123456789abcdee").write_bytes(b"half")
    kept = [plan.parent / name for name in (".planner-mine", ".planner-0123456789abcdef0", "planner-0123456789abcdef")]
    for path in kept:
        path.write_bytes(b"mine")
    write_directory(plan, NEW, force=False)
    assert set(plan.parent.iterdir()) == {plan, *kept}


def test_killed_between_the_two_renames_the_old_one_comes_back(plan: Path) -> None:
    before = content(plan)
    code = ("import os; from pathlib import Path; from planner.report import output; output._swap = lambda *_: False\n"
            "rename, done = os.rename, []\n"
            "def once(*of):\n    done.append(of)\n    os.kill(os.getpid(), 9) if done[1:] else rename(*of)\n"
            "os.rename = once\n"
            f"output.write_directory(Path({str(plan)!r}), {NEW!r}, force=False)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert not plan.exists()
    (left,) = (p for p in plan.parent.iterdir() if p.name.endswith("-old-plan"))
    assert content(left) == before
    write_directory(plan, NEW, force=False)
    assert content(plan) == NEW | MINE and os.listdir(plan.parent) == ["plan"]


def test_a_pipe_where_a_file_is_to_be_is_nobodys_to_wait_for(plan: Path) -> None:
    (plan / "runbook.md").unlink()
    os.mkfifo(plan / "runbook.md")
    for write in (lambda: write_directory(plan, NEW, force=False), lambda: output.write_file(plan / "runbook.md", b"x", force=False)):
        with pytest.raises(UsageError, match="a pipe or a device, not a file"):
            write()


def test_a_file_that_a_name_leads_to_is_written_and_the_name_stays(plan: Path) -> None:
    (plan.parent / "latest.json").symlink_to("plan/plan.json")
    output.write_file(plan.parent / "latest.json", b"new", force=True)
    assert (plan.parent / "latest.json").is_symlink() and (plan / "plan.json").read_bytes() == b"new"
