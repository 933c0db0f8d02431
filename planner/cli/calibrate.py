"""The command that fits the cost model to past moves. Start-up: it imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.app import command, load_estate, progress, tell
from planner.cli.options import OUTPUT, Output
from planner.errors import InputError


@command("calibrate")
def calibrate_command(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="syslog, errpt, vasistat, lssvcevents, tables "
                                               "of past moves; files, directories, archives.")], *,
    estate: Annotated[Path | None, typer.Option("--estate", metavar="ESTATE", help="Knows memory, busy cores, links "
                                                "and consoles of what the logs only name.")] = None,
    by_pair: Annotated[bool, typer.Option("--by-pair", help="Rates of pairs of movers, not of classes of links.")
                       ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", rich_help_panel=OUTPUT,
                                             help="parameters.toml to write, for --parameters.")] = None,
    output: Output,
) -> int:
    """Learn the minutes from past moves: overhead, rates, dirty rate and their spread, each with its interval.

    Too few moves for a figure: it is left out, never guessed. Exit codes: 0 there is at least one figure; 4 none.

    Example: planner calibrate logs/ moves.csv --estate estate.xlsx --out parameters.toml
    """
    from planner.findings import ordered
    from planner.formats.open import documents
    from planner.history.past_moves import KINDS
    from planner.jobs.calibrate import calibrate
    from planner.report import calibration

    known = None if estate is None else load_estate(estate).estate
    read = list(documents(list(dict.fromkeys(logs)), progress=progress()))
    if problems := [problem for document in read for problem in document.problems]:
        raise InputError(problems)
    readings = [reading for document in read for reading in document.readings]
    about = [reading for reading in readings if reading.kind in KINDS or not reading.records]
    findings = ordered(f for reading in about for f in reading.findings)
    found = calibrate(about, known, by_pair=by_pair, others=len(readings) - len(about))
    if out is not None and found.rows:
        from planner.report.output import write_file

        files = Counter(reading.kind for reading in about if reading.records)
        write_file(out, calibration.parameter_file(found, files), force=output.force)
        sys.stderr.write(f"written: {out}\n")
    tell(output, lambda: calibration.calibration_json(found, findings), lambda: calibration.calibration_line(found),
         lambda: calibration.calibration_view(found, findings, whole=output.verbose))
    if out is not None and not found.rows:
        sys.stderr.write(f"not written: {out}: no figure could be fitted, the defaults stand\n")
    return 0 if found.rows else 4
