"""The option that writes the integer programs of an answer, for people who read them or give them to another solver.

Start-up: the solver is imported when there are programs to write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.models import OptionInfo

from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.optimise.program import Program

ModelFile = Annotated[Path | None, typer.Option(
    "--write-model", metavar="FILE", rich_help_panel="Solver", help="Also write the integer programs that were solved, "
    "in their order: .lp or .mps. Where there are several, FILE-1, FILE-2, ...; each begins with what it decides.")]
_SUFFIXES = (".lp", ".mps")


def on_cluster(answered: str, panel: str) -> OptionInfo:
    """The option of a Dask cluster on which so much of a command is answered."""
    option: OptionInfo = typer.Option("--scheduler", metavar="tcp://HOST:PORT", rich_help_panel=panel,
                                      help=f"Answer {answered} on this Dask cluster (planner[dask]).")
    return option


def refuse_models_elsewhere(file: Path | None, scheduler: str | None) -> None:
    """Raises UsageError: programs that are solved on a cluster are not seen here."""
    if file is not None and scheduler is not None:
        raise UsageError("--write-model: the programs are solved here, not on a cluster: leave --scheduler out")


@contextmanager
def models_in(file: Path | None, *, force: bool) -> Iterator[None]:
    """Write what is solved in this block to ``file``, numbered where there are several programs. A program that is
    solved again with more rows is written once, as it was last. Raises UsageError for another ending."""
    if file is None:
        yield
        return
    from planner.optimise.solver import as_text, read_by
    from planner.report.output import write_file

    if file.suffix not in _SUFFIXES:
        raise UsageError(f"--write-model {file}: the name ends with {' or '.join(_SUFFIXES)}")
    seen: list[tuple[Program, dict[int, int], str]] = []

    def reader(program: Program) -> None:
        if seen and seen[-1][0] is program and seen[-1][1] == program.objective:
            seen.pop()
        seen.append((program, dict(program.objective), as_text(program, mps=file.suffix == ".mps")))

    try:
        with read_by(reader):
            yield
    finally:
        names = [file] if len(seen) == 1 else [file.with_stem(f"{file.stem}-{n}") for n in range(1, len(seen) + 1)]
        for name, (_, _, text) in zip(names, seen, strict=True):
            write_file(name, text.encode(), force=force)
        sys.stderr.write(f"programs written: {', '.join(map(str, names)) or 'none was needed'}\n")
