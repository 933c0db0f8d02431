"""Work that is done side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner import parallel


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


PARENT = """
import os, time
from planner import parallel
def work(shared, number):
    os.write(1, b"begun\\n")
    time.sleep(600)
list(parallel.in_forks(work, None, [1, 2], 2))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_with_the_one_they_work_for(how: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    assert [parent.stdout.readline() for _ in range(2)] == [b"begun\n"] * 2
    parent.send_signal(how)
    assert parent.stdout.read() == b""  # comes when the last process that has the pipe is gone
    parent.wait()
