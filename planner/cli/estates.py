"""Commands on what exists: load, check, reach, collect. Start-up: each imports what it needs when it runs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.app import command, load_estate, print_json, progress, show, strictly, tell, tell_more, write_findings
from planner.cli.options import AssumeNothing, Estate, MappingFile, Output, PolicyFile, Shown
from planner.errors import InputError, UsageError
from planner.findings import errors, finding_json
from planner.names import named
from planner.report.collect import script, usage
from planner.units import some

GRAPH_ENDINGS = (".graphml", ".dot", ".gv")


@command("load")
def load_command(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Directories, exports, workbooks.")], *,
    out: Annotated[Path | None, typer.Option("--out", help="Estate to write: .xlsx or .json.")] = None,
    mapping: MappingFile = None,
    draft: Annotated[bool, typer.Option("--draft", hidden=True)] = False,
    output: Output,
) -> int:
    """What have I got? Reads exports, merges them, lists findings, writes an estate to correct and feed back.

    Exit codes: 0 there is an estate, whatever is missing or odd in it; 2 an error, or a finding that --strict refuses.

    Example: planner load exports/ --out estate.xlsx
    """
    from planner.estate import saved
    from planner.estate.load import load

    if out is not None and out.suffix.lower() not in (".xlsx", ".json"):
        raise UsageError(f"--out {out}: the name must end in .xlsx or .json")
    loaded = load(list(dict.fromkeys(s.resolve() if s.exists() else s for s in sources)), progress(), mapping)
    wrong = errors(loaded.findings)
    from planner.report.terminal import loaded_line, loaded_view

    tell(output, lambda: {"estate": saved.estate_json(loaded.estate), "kinds": loaded.kinds,
                          "findings": [finding_json(f) for f in loaded.findings]},
         lambda: loaded_line(loaded),
         lambda: loaded_view(loaded, [f for f in loaded.findings if f not in wrong], whole=output.verbose))
    if out is not None and (out.suffix.lower() == ".xlsx" or not wrong):
        from planner.estate.workbook import workbook_bytes
        from planner.report.output import write_file

        data = workbook_bytes(loaded) if out.suffix.lower() == ".xlsx" else saved.dump(loaded).encode()
        write_file(out, data, force=output.force)
        sys.stderr.write(f"written: {out}\n")
    write_findings(loaded.findings)
    if wrong:
        raise InputError(wrong)
    strictly(loaded.findings)
    return 0


@command("check")
def check_command(estate: Estate, policy: PolicyFile = None, assume_nothing: AssumeNothing = False, *,
                  shown: Shown) -> int:
    """Which LPARs are ready to move, which are ready if …, and what stands in the way. Exit code 1: some are not ready.

    Example: planner check estate.xlsx
    """
    from planner.rules import Judge, Site

    loaded = load_estate(estate, policy)
    site = Site(loaded.estate, assume_nothing=assume_nothing)
    judge = Judge(site)
    idle = [n for n, p in site.lpars.items() if not p.active]
    if shown.as_json:
        rows = []
        for name in sorted(site.lpars):
            verdict = judge.answer(name)
            said = dict.fromkeys((*judge.readiness(name), *verdict.assumptions, *verdict.warnings,
                                  *verdict.notes))
            rows.append({"lpar": name, "server": site.lpars[name].server, "targets": verdict.targets,
                         "answer": verdict.answer, "ready": verdict.answer == "ready",
                         "migration": "inactive" if name in idle else "live",
                         "findings": [finding_json(f) for f in said]})
        print_json({"lpars": rows, "not_activated": idle, "findings": [finding_json(f) for f in loaded.findings]})
        return 1 if any(r["answer"] == "not ready" for r in rows if r["lpar"] in site.start) else 0
    from planner.report.terminal import check_view, counts, findings_table

    view, tally = check_view(site, judge, whole=shown.verbose)
    answers = (f"{tally['ready']} of {len(site.start)} LPARs are ready"
               + (f", {tally['ready if']} ready if … (--assume-nothing refuses them)" if tally["ready if"] else ""))
    tell(shown, dict, lambda: f"{answers}; {counts(loaded.findings)}", lambda: view)
    tell_more(shown, f"\n{answers}", *([f"{len(idle)} not activated, planned only with --inactive: {some(idle)}"]
                                       if idle else []), *([counts(loaded.findings)] if loaded.findings else []))
    if loaded.findings and not shown.quiet:
        show(findings_table(loaded.findings, 20, whole=shown.verbose))
    return 1 if tally["not ready"] else 0


@command("reach")
def reach_command(
    estate: Estate, *,
    lpar: Annotated[str | None, typer.Option("--lpar", help="One LPAR: each server with every reason.")] = None,
    server: Annotated[str | None, typer.Option("--server", help="Only this server.")] = None,
    graph: Annotated[Path | None, typer.Option("--graph", metavar="FILE", help="Write the graph of LPARs, VLANs, LUNs, "
                                               "fabrics, VIOSes and servers: .graphml or .dot.")] = None,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, output: Output,
) -> int:
    """Where could each LPAR go; if not, why not.

    Example: planner reach estate.xlsx --lpar hxaix26
    """
    from planner.report import terminal
    from planner.rules import Judge, Site

    if graph is not None and graph.suffix.lower() not in GRAPH_ENDINGS:
        raise UsageError(f"--graph {graph}: the name must end in .graphml, or in .dot or .gv")
    site = Site(load_estate(estate, policy).estate, assume_nothing=assume_nothing)
    judge = Judge(site)
    lpar = lpar and named("LPAR", lpar, site.lpars)
    server = server and named("server", server, site.servers)
    servers = [server] if server else list(site.servers)
    names = [lpar] if lpar else sorted(site.lpars)
    if output.as_json:
        print_json({"lpars": [{"lpar": n, "server": site.lpars[n].server, "targets": {
            s: {"allowed": judge.allowed(n, site.lpars[n].server, s),
                "refusals": [finding_json(f) for f in terminal.refusals(site, judge, n, s)],
                "assumptions": [finding_json(f) for f in terminal.assumptions(judge, n, site.lpars[n].server, s)],
                "warnings": [finding_json(f) for f in judge.warnings(n, site.lpars[n].server, s)],
                "notes": [finding_json(f) for f in judge.notes(n, site.lpars[n].server, s)]}
            for s in servers if s != site.lpars[n].server}} for n in names]})
    elif lpar and servers == [site.lpars[lpar].server]:
        show(f"{lpar} is on {servers[0]}")
    else:
        tell(output, dict, lambda: terminal.reach_line(site, judge, names, servers),
             lambda: terminal.reach_detail(site, judge, lpar, servers) if lpar else
             terminal.reach_matrix(site, judge, names, servers, whole=output.verbose))
    if graph is not None:
        from planner.report.output import write_file
        from planner.report.reach_graph import graph_bytes

        write_file(graph, graph_bytes(site.reach, graph.suffix.lower()), force=output.force)
        sys.stderr.write(f"written: {graph}\n")
    return 0


class _Kind(StrEnum):
    """Kinds of host that a collection script is for."""

    HMC = "hmc"
    VIOS = "vios"
    LPAR = "lpar"


@command("collect")
def collect_command(
    kind: Annotated[_Kind, typer.Argument(help="Kind of host that the script asks.")], *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the commands that it asks in its head.")
                       ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show the one line: how it is called.")] = False,
) -> int:
    """Print a shell script of read-only commands whose output `planner load` reads back. It needs no root.

    Example: planner collect hmc > collect-hmc.sh; sh collect-hmc.sh hscroot@hmc1 > exports/hmc1.txt
    """
    sys.stdout.write(f"{usage(kind.value)}\n" if quiet else script(kind.value, whole=verbose))
    return 0
