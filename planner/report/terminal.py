"""What the terminal shows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import text as rich_text
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from planner import names
from planner.estate.assemble import Loaded
from planner.findings import Finding, Severity, assumed, gathered, ordered
from planner.grouping import grouped
from planner.report.missing import Lack, missing
from planner.report.seen import Text
from planner.report.tables import Narrowing, listing
from planner.units import many, show_cores, show_duration, show_gib, some

_MOST_SERVERS = 30
_NARROW = 110
"""Letters of a line below which findings are paragraphs, and no table."""
_GAP = "input.gap"
"""What is not stated: listed as still missing, and no more as a finding each."""

if TYPE_CHECKING:
    from planner.estate.model import Estate
    from planner.rules import Judge, Site  # start-up: what was loaded is shown without them

ALL_OF_THEM = "all of them: -v, --findings FILE.csv, --json, or the sheet Findings of load --out FILE.xlsx"
_COLOUR = {Severity.ERROR: "red", Severity.ASSUMPTION: "magenta", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


class _Seeing(Console):
    """A console on which nothing stays unseen that stands in a name."""

    def render(self, renderable: Any, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is drawn, with characters that nobody sees as what they are."""
        if isinstance(renderable, rich_text.Text) and not names.can_be_typed(renderable.plain):
            renderable = Text(renderable.plain, renderable.style, justify=renderable.justify,
                              overflow=renderable.overflow, no_wrap=renderable.no_wrap, end=renderable.end)
        return super().render(renderable, options)


def console(*, stderr: bool = False) -> Console:
    """A console that keeps lines whole when nobody watches, unless ``COLUMNS`` says how wide it is."""
    made = _Seeing(stderr=stderr, highlight=False, soft_wrap=False)
    if not made.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        made = _Seeing(stderr=stderr, highlight=False, width=140)
    return made


def findings_table(findings: Sequence[Finding], most: int = 40, where: str = ALL_OF_THEM, *, whole: bool = False
                   ) -> RenderableType:
    """Findings, worst first; the count of what does not fit, and ``where`` the whole of them is. ``whole``: each."""
    every, findings = len(findings), findings if whole else gathered(findings)
    most = every if whole else most
    placed = any(f.source for f in findings[:most])
    table = listing("", ("", "subject", "what was found", "what to do", *(("where",) if placed else ())))
    narrow = Table.grid(padding=(0, 1))
    narrow.add_column(no_wrap=True)
    for f in findings[:most]:
        kind = Text(f.severity.value, _COLOUR[f.severity])
        table.add_row(kind, Text(f.subject), Text(f.message), Text(f.fix),
                      *((Text(str(f.source or ""), "dim"),) if placed else ()))
        narrow.add_row(kind, _in_lines(f))
    shown = Narrowing(table, narrow, _NARROW)
    if len(findings) > most:
        return Group(shown, Text(f"… and {len(findings) - most} more; {where}", "dim"))
    return Group(shown, Text(f"{every:,} findings in {many(len(findings), 'line')}; {where}", "dim")) if (
        every > len(findings)) else shown


def _in_lines(f: Finding) -> Text:
    """A finding as a paragraph: subject and what was found, what to do, where it stands."""
    text = Text(f.subject, "bold").append(f": {f.message}", "not bold")
    if f.fix:
        text.append(f"\n→ {f.fix}", "not bold")
    return text.append(f"\n{f.source}", "not bold dim") if f.source else text


def counts(findings: Iterable[Finding]) -> str:
    """``2 errors, 5 warnings``."""
    tally = Counter(f.severity for f in findings)
    shown = [f"{n} {word}" if word is Severity.INFO else many(n, word) for word in Severity if (n := tally[word])]
    return ", ".join(shown) or "no findings"


def loaded_line(loaded: Loaded) -> str:
    """``3 servers, 8 VIOSes, 72 LPARs; 4 warnings``."""
    e = loaded.estate
    return (f"{many(len(e.servers), 'server')}, {len(e.vioses)} VIOSes, {many(len(e.lpars), 'LPAR')}; "
            f"{counts(loaded.findings)}")


def loaded_view(loaded: Loaded, findings: Sequence[Finding], *, whole: bool = False) -> RenderableType:
    """What was read and what there is to say about it; ``whole``: each finding."""
    table = listing("What was read", ("kind",), ("read", "values"))
    for kind, number in sorted(loaded.kinds.items()):
        table.add_row(kind, str(number), str(loaded.facts.get(kind, "")))
    e = loaded.estate
    facts = (f"{len(e.servers)} servers, {len(e.pools)} pools, {len(e.vioses)} VIOSes, {len(e.lpars)} LPARs, "
             f"{len(e.bridges)} bridged VLANs, {len({d.lun for d in e.disks if d.backing != 'unknown'})} LUNs in use, "
             f"{len(e.policies)} policies")
    parts: list[RenderableType] = [table, Text(facts), *_servers_table(e), Text(""),
                                   Text(_counted(loaded.findings), "bold")]
    shown = [f for f in findings if f.rule != _GAP]
    if shown:
        parts.append(findings_table(shown, whole=whole))
    lacks = missing(e)
    if lacks:
        parts += [Text(""), _lacks_table(lacks)]
    return Group(*parts)


def _counted(findings: Sequence[Finding]) -> str:
    """The counts, with how many of them stand where else than in the table of findings."""
    gaps = sum(f.rule == _GAP for f in findings)
    wrong = sum(f.severity is Severity.ERROR for f in findings)
    elsewhere = ", ".join(f"{n} {where}" for n, where in (
        (gaps, "of the warnings under Still missing"), (wrong, "errors at the end")) if n)
    return counts(findings) + (f" ({elsewhere})" if elsewhere else "")


def _servers_table(e: Estate) -> list[RenderableType]:
    """The servers, where they are few enough to be looked at."""
    if not 0 < len(e.servers) <= _MOST_SERVERS:
        return []
    table = listing("", ("server", "type-model", "firmware"), ("cores", "memory (GiB)", "VIOSes", "LPARs"))
    vioses, lpars = Counter(v.server for v in e.vioses), Counter(p.server for p in e.lpars)
    for s in e.servers:
        cores = show_cores(s.configurable_units) if s.configurable_units else "?"
        memory = show_gib(s.configurable_memory_mib) if s.configurable_memory_mib else "?"
        table.add_row(Text(s.name), Text(s.model or "?"), Text(s.firmware or "?"), cores, memory,
                      str(vioses[s.name]), str(lpars[s.name]))
    return [table]


def _lacks_table(lacks: Sequence[Lack]) -> RenderableType:
    table = listing("Still missing for planning (assumptions are made, and said, until it is there)",
                    ("fact", "missing for", "the command that gives it"))
    for lack in lacks:
        table.add_row(lack.fact, Text(f"{len(lack.names)} of {lack.of}: {some(lack.names, 4)}"), Text(lack.command))
    return table


_IN_JSON = "all of them: -v, --json"
_COLUMNS = 8
"""Servers that a screen shows beside each other."""
_HERE, _FAR = "here", "out of reach of its networks or storage"
_ANSWERS = {"ready": "green", "ready if": "magenta", "not ready": "red"}


def check_view(site: Site, judge: Judge, *, whole: bool = False) -> tuple[RenderableType, Counter[str]]:
    """Readiness of every LPAR (for an inactive migration where it is not activated), what mends and settles what is
    said of it, and how many active ones there are of each answer."""
    table = listing("Readiness", ("LPAR", "server", "", "may go to", "what stands in the way, or is taken for granted"))
    tally: Counter[str] = Counter()
    refused, taken, noted = (list[Finding]() for _ in range(3))
    for name, p in sorted(site.lpars.items()):
        verdict = judge.answer(name)
        tally[verdict.answer] += name in site.start
        refused += verdict.refusals
        taken += verdict.assumptions
        reasons = [] if p.active else ["not activated: inactive migration"]
        reasons += [f"{f.message} [{f.rule}]" for f in (*verdict.refusals, *verdict.assumptions)]
        if not (verdict.targets or verdict.refusals or len(site.servers) > 1):
            reasons.append("no other server is known")
        warned = verdict.warnings or [f for f in judge.readiness(name) if f.severity is Severity.WARNING]
        reasons += [f"({f.message})" for f in warned]
        noted += [*warned, *verdict.notes]
        table.add_row(Text(name), Text(p.server), Text(verdict.answer, _ANSWERS[verdict.answer]),
                      Text((", ".join if whole else some)(verdict.targets) or "-"), Text("; ".join(reasons)))
    parts: list[RenderableType] = [table]
    for title, findings in (("What would mend what stands in the way", refused),
                            ("Taken for granted until the command has settled it", taken),
                            ("To be looked at, and to be known, before a move", noted)):
        parts += [Text(f"\n{title}"), findings_table(ordered(findings), 20, _IN_JSON, whole=whole)] if findings else []
    return Group(*parts), tally


def reach_line(site: Site, judge: Judge, lpars: Sequence[str], servers: Sequence[str]) -> str:
    """Of one LPAR where it may go, of several how many may go somewhere."""
    may = {n: [s for s in servers if s != site.lpars[n].server and judge.allowed(n, site.lpars[n].server, s)]
           for n in lpars}
    if len(may) == 1:
        (name, targets), = may.items()
        return f"{name} (on {site.lpars[name].server}) may go to {some(targets) or 'none of them'}"
    return f"{sum(map(bool, may.values()))} of {many(len(may), 'LPAR')} may go to another of these servers"


def reach_matrix(site: Site, judge: Judge, lpars: Sequence[str], servers: Sequence[str], *, whole: bool = False
                 ) -> RenderableType:
    """LPAR × server: here, yes, or the rules that refuse; and what is said of those that may go. Of more servers than a
    screen has columns each answer with its servers, LPARs with the same answers together."""
    said: dict[Finding, None] = {}
    wide = len(servers) > _COLUMNS
    answers = {n: [_reached(site, judge, n, s, said, wide=wide) for s in servers] for n in lpars}
    if wide:
        table = _by_answer(site, answers, servers, whole=whole)
    else:
        table = listing("", ("LPAR", *servers))
        for n, cells in answers.items():
            table.add_row(Text(n), *map(_coloured, cells))
    behind = [Text("\nWhat is said of who may go"), findings_table(ordered(said), 12, _IN_JSON, whole=whole)]
    return Group(table, *(behind if said else ()))


def _reached(site: Site, judge: Judge, lpar: str, server: str, said: dict[Finding, None], *, wide: bool) -> str:
    """The answer of one server for an LPAR; ``said``: gets what is said of it where it may go; ``wide``: of servers to
    which neither networks nor storage reach the rules are not asked."""
    here, near = site.lpars[lpar].server, judge.near(lpar) if wide else None
    if server == here:
        return _HERE
    if near is not None and server not in near:
        return _FAR
    if not judge.allowed(lpar, here, server):
        return ", ".join(dict.fromkeys(f.rule for f in refusals(site, judge, lpar, server)))
    said |= dict.fromkeys((*judge.readiness(lpar), *judge.move(lpar, here, server)))
    word = "yes, if" if assumptions(judge, lpar, here, server) else (
        "yes, warned" if judge.warnings(lpar, here, server) else "yes")
    return word if lpar in site.start else f"{word} (inactive)"


def _coloured(word: str) -> Text:
    return Text(word, "dim" if word == _HERE else "green" if word.startswith("yes") else "red")


def _by_answer(site: Site, answers: Mapping[str, Sequence[str]], servers: Sequence[str], *, whole: bool) -> Table:
    table = listing("", ("LPARs", "on", "", "servers"))
    alike = grouped(((site.lpars[n].server, tuple(cells)), n) for n, cells in answers.items())
    for (here, cells), names_ in alike.items():
        first = [Text(", ".join(names_) if whole else some(names_)), Text(here)]
        for word, those in grouped(zip(cells, servers, strict=True)).items():
            if word != _HERE:
                rest = {*servers} - {*those, here}
                on = "all others" if not rest else ", ".join(those) if whole else some(those, _COLUMNS)
                table.add_row(*first, _coloured(word), Text(on))
                first = [Text(""), Text("")]
    return table


def assumptions(judge: Judge, lpar: str, source: str, target: str) -> tuple[Finding, ...]:
    """What is taken for granted when an LPAR goes there."""
    return assumed((*judge.readiness(lpar), *judge.move(lpar, source, target)))


def refusals(site: Site, judge: Judge, lpar: str, server: str) -> list[Finding]:
    """Every reason why an LPAR may not go to a server."""
    source = site.lpars[lpar].server
    findings = [*judge.readiness(lpar), *judge.move(lpar, source, server)]
    return [f for f in findings if f.severity is Severity.ERROR]


def reach_detail(site: Site, judge: Judge, lpar: str, servers: Sequence[str]) -> RenderableType:
    """For one LPAR: each server with every reason, and the VIOS mapping where it may go."""
    source = site.lpars[lpar].server
    table = listing(f"Where {escape(lpar)} (on {escape(source)}) may go", ("server", "", "why", "what would mend it"))
    for s in servers:
        if s == source:
            continue
        bad = refusals(site, judge, lpar, s)
        if not bad:
            paths = site.reach.disk_paths(lpar, s).mapping + site.reach.fibre_paths(lpar, s).mapping
            time = site.solo(lpar, source, s)
            notes = [f"about {show_duration(time.duration_ms / 1000)}, " + (
                f"stands still {time.suspend_ms / 1000:.1f} s" if site.lpars[lpar].active else "inactive")]
            notes += [f"slot {slot} → {vios}" for slot, vios in paths]
            said = (*judge.readiness(lpar), *judge.move(lpar, source, s))
            notes += [f"{'if' if f.severity is Severity.ASSUMPTION else f.severity}: {f.message}" for f in said]
            table.add_row(Text(s), Text("yes, if" if assumed(said) else "yes", "green"), Text("; ".join(notes)),
                          Text("; ".join(dict.fromkeys(f.fix for f in assumed(said)))))
        for n, f in enumerate(bad):
            table.add_row(Text(s if n == 0 else ""), Text("no", "red") if n == 0 else Text(""),
                          Text(f"{f.message} [{f.rule}]"), Text(f.fix))
    return table
