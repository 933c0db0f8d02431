"""Work that is done side by side."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import child
from quick import environment

from planner import parallel

ROOT = Path(__file__).parents[1]


def test_both_halves_come_back_from_two_processes() -> None:
    there, here = parallel.beside(os.getpid, os.getpid)
    assert here == os.getpid()
    assert (there != here) == parallel.two_processors()


def test_one_processor_does_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "two_processors", lambda: False)
    assert parallel.beside(lambda: [1], lambda: {2}) == ([1], {2})


def test_what_the_other_process_raises_is_raised_here(capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise ValueError("no half")

    with pytest.raises(ValueError, match="no half"):
        parallel.beside(broken, lambda: 1)
    assert "Traceback" not in capfd.readouterr().err


def test_a_process_that_is_killed_is_made_up_for() -> None:
    mine = os.getpid()

    def killed() -> str:
        if os.getpid() != mine:
            os._exit(9)
        return "here"

    assert parallel.beside(killed, lambda: "there") == ("here", "there")


def test_what_is_raised_here_does_not_wait_for_a_large_result_there() -> None:
    """Found by a reader: the other process waited for ever to be rid of more than a pipe holds."""

    def broken() -> int:
        raise ValueError("this half")

    with pytest.raises(ValueError, match="this half"):
        parallel.beside(lambda: b"x" * 1_000_000, broken)


@pytest.mark.parametrize("tasks", [0, 1, 2, 9, parallel._IN_PIPE + 3])
def test_every_task_is_done_once_and_comes_back_in_its_place(tasks: int) -> None:
    done = parallel.shared_out(lambda n: (n, os.getpid()), range(tasks))
    assert [n for n, _ in done] == [*range(tasks)]
    assert {pid for _, pid in done} <= {os.getpid(), *(pid for _, pid in done[:parallel._IN_PIPE])}


def test_neither_process_waits_for_the_other_while_tasks_are_left() -> None:
    """Halves that are made beforehand are as long as the longer one: the long task of two processes is one alone."""
    if not parallel.two_processors():
        pytest.skip("one processor does all")
    slow = parallel.shared_out(lambda n: time.sleep(0.3 if n == 0 else 0.001) or os.getpid(), range(40))
    assert slow.count(slow[0]) < 20


@pytest.mark.parametrize("how", ["killed", "raises"])
def test_tasks_of_a_process_that_fails_are_done_here(how: str, capfd: pytest.CaptureFixture[str]) -> None:
    mine = os.getpid()

    def fails_there(n: int) -> int:
        time.sleep(0.002)
        if os.getpid() != mine and how == "killed":
            os._exit(9)
        if os.getpid() != mine:
            raise ValueError("there alone")
        return n

    assert parallel.shared_out(fails_there, range(20)) == [*range(20)]
    assert "Traceback" not in capfd.readouterr().err


def test_what_a_task_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        parallel.shared_out(lambda n: 1 // (n - 7), range(12))


def _power_or_die(exponent: int, number: int) -> int:
    if number == 2 and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return int(number ** exponent)


def test_what_a_killed_process_had_in_hand_is_done_here() -> None:
    """A pool waited for ever for the process that the system had killed for its memory."""
    assert list(parallel.in_forks(_power_or_die, 2, [1, 2, 3, 4], 2)) == [1, 4, 9, 16]
    assert multiprocessing.active_children() == []


def _done(folder: Path, number: int) -> int:
    (folder / str(number)).touch()
    return 2 ** number


def test_tasks_are_taken_when_a_process_is_free_for_them(tmp_path: Path) -> None:
    """A task says how much time is left when it is taken: no more than two are in hand beside it."""
    ahead: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(12):
            ahead.append(number - len([*tmp_path.iterdir()]))
            yield number

    assert [*parallel.in_forks(_done, tmp_path, tasks(), 2)] == [2 ** n for n in range(12)]
    assert len(ahead) == 12 and max(ahead) <= 2


FORKS = """
import os, time
from planner import parallel
def work(shared, number):
    os.write(1, b"begun\\n")
    time.sleep(600)
list(parallel.in_forks(work, None, [1, 2], 2))
"""
READERS = """
import os, sys, time
from pathlib import Path
from planner.formats import open as door
if __name__ == "__main__":
    door._MANY_BYTES, door._processors = 0, lambda: 2
    for number in range(2):
        Path(sys.argv[1], f"{number}.txt").write_text("nothing that is known\\n")
    for _ in door.documents([Path(sys.argv[1])]):
        os.write(1, b"begun\\n")
        time.sleep(600)
"""
SPAWNED = """
import os, time
from planner import parallel
def work(number):
    os.write(1, b"begun\\n")
    time.sleep(600)
if __name__ == "__main__":
    with parallel.pool_of(2, "spawn") as pool:
        list(pool.map(work, [1, 2]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("program", "begun"), [(FORKS, 2), (SPAWNED, 2), (READERS, 1)], ids=["forks", "spawned", "readers"])
def test_processes_end_with_the_one_they_work_for(program: str, begun: int, how: signal.Signals, tmp_path: Path) -> None:
    """Readers of a large directory outlived a command that was killed, for ever."""
    script, read = tmp_path / "program.py", tmp_path / "read"
    script.write_text(program)
    read.mkdir()
    with child(sys.executable, str(script), str(read), env=environment()) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(begun)] == [b"begun\n"] * begun
        parent.send_signal(how)
        out, _ = parent.communicate(timeout=60)  # comes when the last process that has the pipe is gone
        assert out == b""


def test_pools_are_made_in_one_place() -> None:
    """And in the sweep's, whose processes each have a pool of their own."""
    made = {str(path.relative_to(ROOT)) for folder in ("planner", "tests/outside") for path in (ROOT / folder).rglob("*.py")
            if re.search(r"\b(ProcessPoolExecutor|Pool|Process)\(", path.read_text())}
    assert made == {"planner/parallel.py", "planner/jobs/sweep_runners.py"}
