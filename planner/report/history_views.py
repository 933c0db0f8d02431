"""The usage history on the terminal and as JSON: what was added, what there is, what was used when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from rich.console import Group, RenderableType

from planner.findings import Finding
from planner.history.calendar import BUCKETS, KINDS, Bucket, Calendar
from planner.history.clock import Clock
from planner.history.contents import SeriesSummary, Summary
from planner.history.forecast import show_month
from planner.history.profiles import Figures, PeakSum, RecordedUsage
from planner.history.store import AddReport, ForgetReport
from planner.report.seen import Text
from planner.report.tables import listing, without_empty
from planner.report.terminal import counts, findings_table
from planner.report.text import alike, listed
from planner.units import gib, many

NOT_STATED = "(not stated)"
_MOST_ROWS, _MOST_CHANGES = 200, 20
_LEFT = ("kind", "name", "server", "from", "to")
_WHOLE = ("from", "to", "longest from", "samples")
#: What findings of a history are about, in the order in which they are tallied.
_TOLD = {
    "history.gap": "gaps", "history.reset": "resets of counters", "history.restart": "restarts of nmon",
    "history.clock-jump": "clocks that jump", "history.changed-server": "LPARs that changed server",
    "history.two-servers": "LPARs on two servers at once", "history.ambiguous-time": "times that occur twice",
    "history.nonexistent-time": "times that do not exist",
}


def show_thousandths(physc: int) -> str:
    """``1234`` thousandths of a core → ``1.23`` (half up)."""
    return f"{(physc + 5) // 10 / 100:.2f}"


def _percentile(share: Fraction) -> str:
    return "maximum" if share == 100 else f"percentile {float(share):g}"


# --- adding -----------------------------------------------------------------------------------------------------------


def added_line(report: AddReport) -> str:
    """What adding did."""
    return (f"{many(report.files, 'file')}: {many(report.added, 'sample')} new, {report.known:,} known already, "
            f"{report.changed:,} changed")


def added_view(report: AddReport, store: str, zone: str, *, whole: bool = False) -> RenderableType:
    """That, and what there is to say about the sources; ``whole``: each finding."""
    parts: list[RenderableType] = [Text(added_line(report)),
                                   Text(f"history {store}, zone {zone or 'not given: UTC'}", "dim")]
    if report.findings:
        parts += [Text(""), Text(counts(report.findings), "bold")]
        parts += [_tally(report.findings), Text(""), findings_table(
            report.findings if whole else alike(report.findings, 6), whole=whole)]
    return Group(*parts)


def forgotten_view(report: ForgetReport, store: str, *, dry: bool) -> RenderableType:
    """What forgetting took away, or would."""
    return Text(forgotten_line(report, store, dry=dry))


def forgotten_line(report: ForgetReport, store: str, *, dry: bool) -> str:
    """The same."""
    if not report.rows:
        return f"nothing in {store} is meant: nothing was forgotten"
    verb = "would be" if dry else "is" if report.rows == 1 else "are"
    left = [*([f"{report.entities} series"] if report.entities else []),
            *([many(report.sources, "source")] if report.sources else [])]
    return (f"{many(report.rows, 'sample')} {verb} forgotten in {store}"
            + (f"; nothing is left of {' and '.join(left)}" if left else ""))


def _tally(findings: Iterable[Finding]) -> RenderableType:
    """How many LPARs (files, pools) there is something of each sort to say about."""
    subjects: dict[str, dict[str, None]] = {}
    for finding in findings:
        subjects.setdefault(_TOLD.get(finding.rule, "other"), {})[finding.subject] = None
    table = listing("", ["what", "of how many", "of which"])
    for what in (*_TOLD.values(), "other"):
        if names := list(subjects.get(what, ())):
            table.add_row(what, str(len(names)), Text(listed(names)))
    return table


# --- what there is ----------------------------------------------------------------------------------------------------


def summary_line(summary: Summary, store: str) -> str:
    """How much there is."""
    if not summary.series:
        return f"{store} is empty: planner history add SOURCE --store FILE"
    return f"{many(len(summary.sources), 'source')}, {many(sum(one.samples for one in summary.series), 'sample')}"


def summary_view(summary: Summary, clock: Clock, store: str, *, whole: bool = False) -> RenderableType:
    """Every series of the store on one line, of many the first unless ``whole``; columns that are empty throughout are
    left out."""
    if not summary.series:
        return Text(summary_line(summary, store))
    most = len(summary.series) if whole else _MOST_ROWS
    rows = [_summary_row(one, clock) for one in summary.series]
    parts: list[RenderableType] = [without_empty(
        f"What is in {store} (zone {summary.zone or 'not given: UTC'})", rows, _LEFT, _WHOLE, most)]
    if len(rows) > most:
        parts.append(Text(f"… and {len(rows) - most} more series (all of them: -v)", "dim"))
    if any(one.changes for one in summary.series):
        parts += [Text(""), _changes(summary, clock, None if whole else _MOST_CHANGES)]
    return Group(*parts, Text(f"\n{summary_line(summary, store)}"))


def _summary_row(one: SeriesSummary, clock: Clock) -> dict[str, str]:
    return {"kind": one.kind.value, "name": one.name, "server": ", ".join(one.servers) or NOT_STATED,
            "from": _at(one.first_s, clock), "to": _at(one.last_s, clock), "samples": f"{one.samples:,}",
            "every": _every(one), "gaps": str(one.gaps or ""), "in all": _hours(one.gap_s) if one.gaps else "",
            "longest from": _at(one.longest_gap[0], clock) if one.longest_gap else "",
            "resets": str(one.resets or ""), "moves": str(len(one.changes) or "")}


def _at(instant_s: int, clock: Clock) -> str:
    return f"{clock.local(instant_s):%Y-%m-%d %H:%M}"


def _hours(seconds: int) -> str:
    """``1 d 03:15``: days, hours and minutes; a gap is long."""
    minutes = seconds // 60
    days = f"{minutes // 1440} d " if minutes >= 1440 else ""
    return f"{days}{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _every(one: SeriesSummary) -> str:
    spans = sorted({one.finest_span_s, one.coarsest_span_s})
    return " to ".join(f"{s // 60} min" if s % 60 == 0 else f"{s} s" for s in spans)


def _changes(summary: Summary, clock: Clock, most: int | None) -> RenderableType:
    table = listing(Text("LPARs that changed server"), ["LPAR", "when", "from", "to"])
    for one in summary.series:
        for number, (at, was, now) in enumerate(one.changes[:most]):
            table.add_row(Text("" if number else one.name), _at(at, clock), Text(was), Text(now))
    return table


def summary_json(summary: Summary, clock: Clock) -> dict[str, Any]:
    """The same for programs; times are local with their offset."""
    return {"zone": summary.zone, "series": [{
        "kind": one.kind.value, "name": one.name, "servers": list(one.servers), "first": _iso(one.first_s, clock),
        "last": _iso(one.last_s, clock), "samples": one.samples, "finest_span_s": one.finest_span_s,
        "coarsest_span_s": one.coarsest_span_s, "gaps": one.gaps, "gap_s": one.gap_s,
        "longest_gap": None if one.longest_gap is None else [_iso(at, clock) for at in one.longest_gap],
        "resets": one.resets, "changes": [{"at": _iso(at, clock), "from": was, "to": now}
                                          for at, was, now in one.changes]} for one in summary.series],
            "sources": [{"name": s.name, "sha256": s.digest, "stated": s.stated} for s in summary.sources]}


def _iso(instant_s: int, clock: Clock) -> str:
    return datetime.fromtimestamp(instant_s, clock.zone).isoformat()


# --- what was used when -----------------------------------------------------------------------------------------------


def profile_line(usage: RecordedUsage, who: str, month: tuple[int, int] | None, share: Fraction) -> str:
    """When it uses most, and how much."""
    peak = usage.peak()
    return (f"{who}: {show_thousandths(peak.peak_of_sum)} cores at most ({_bucket(peak.bucket)}), {_percentile(share)} "
            f"of {show_month(month) if month else 'all months'}")


def profile_view(usage: RecordedUsage, who: str, month: tuple[int, int] | None, share: Fraction,
                 site: Calendar) -> RenderableType:
    """Hour by hour and kind of day: of one LPAR, or of what ran on a server (the sum, and the singles beside it)."""
    alone = len(usage.lpars) == 1
    of = "" if alone else f", {len(usage.lpars)} LPARs together"
    when = show_month(month) if month else "all months"
    table = listing(Text(f"{who}{of}: {_percentile(share)} of {when}"), ["hour"],
                    [f"{kind.value} {unit}" for unit in ("cores", "GiB") for kind in KINDS])
    for hour in range(24):
        table.add_row(f"{hour:02d}:00", *_cells(usage.physc, hour, show_thousandths),
                      *_cells(usage.memory, hour, lambda mib: f"{gib(mib):.1f}"))
    parts: list[RenderableType] = [table]
    if not alone:
        peak = usage.peak()
        parts += [Text(""), Text(
            f"The peak of the sum is {show_thousandths(peak.peak_of_sum)} cores ({_bucket(peak.bucket)}); the sum of "
            f"the peaks would be {show_thousandths(peak.sum_of_peaks)}: the difference, "
            f"{show_thousandths(peak.difference)} cores, is what planning with the sum is worth.")]
    parts.append(Text(f"\n{calendar_words(site)}. - : nothing was recorded in these hours.", "dim"))
    return Group(*parts)


def _cells(figures: Figures, hour: int, show: Callable[[int], str]) -> Iterator[str]:
    for kind in KINDS:
        value = figures.value(Bucket(kind, hour))
        yield "-" if value is None else show(value)


def _bucket(bucket: Bucket) -> str:
    return f"{bucket.kind.value} {bucket.hour:02d}:00"


def calendar_words(site: Calendar) -> str:
    """What the calendar counts as month-end and whose holidays it knows."""
    where = "-".join(part for part in (site.country, site.subdivision) if part)
    days = f"holidays of {where}" if where else "no holidays (no --country given)"
    closed = f", {len(site.closed)} further days off" if site.closed else ""
    return f"Month-end: the last {site.last} and first {site.first} working days; {days}{closed}"


def month_line(rows: Mapping[str, PeakSum], month: tuple[int, int], share: Fraction) -> str:
    """What it is worth to plan with the sum, over all servers."""
    worth = show_thousandths(sum(peak.difference for peak in rows.values()))
    return (f"{show_month(month)}, {_percentile(share)} of each bucket: planning with the peak of the sum instead of "
            f"the sum of the peaks is worth {worth} cores")


def month_view(rows: Mapping[str, PeakSum], month: tuple[int, int], share: Fraction,
               site: Calendar) -> RenderableType:
    """Server by server the peak of the sum against the sum of the peaks, and what the difference is worth."""
    table = listing(Text(f"Cores used in {show_month(month)}, {_percentile(share)} of each bucket"),
                   ["server"], ["LPARs", "peak of the sum", "at", "sum of the peaks", "difference", "", "not recorded"])
    for server, peak in rows.items():
        cells = peak.slots * len(peak.lpars)
        table.add_row(Text(server or NOT_STATED), str(len(peak.lpars)), show_thousandths(peak.peak_of_sum),
                      _bucket(peak.bucket), show_thousandths(peak.sum_of_peaks), show_thousandths(peak.difference),
                      f"{100 * peak.difference / max(1, peak.sum_of_peaks):.0f} %",
                      f"{100 * peak.filled / max(1, cells):.1f} %")
    total = sum(peak.difference for peak in rows.values())
    return Group(table, Text(f"\nPlanning with the peak of the sum instead of the sum of the peaks is worth "
                             f"{show_thousandths(total)} cores."),
                 Text(f"{calendar_words(site)}. A hole in a recording adds nothing to a sum.", "dim"))


def profile_json(usage: RecordedUsage, who: str, month: tuple[int, int] | None, share: Fraction) -> dict[str, Any]:
    """The same for programs: thousandths of a core and MiB; null where nothing was recorded."""
    return {"name": who, "lpars": list(usage.lpars), "month": month and show_month(month),
            "percentile": float(share), "buckets": [{
                "kind": bucket.kind.value, "hour": bucket.hour,
                "physc_thousandths": usage.physc.value(bucket),
                "sum_of_singles_thousandths": _singles(usage, bucket),
                "memory_mib": usage.memory.value(bucket)} for bucket in BUCKETS],
            "peak": _peak_json(usage.peak())}


def _singles(usage: RecordedUsage, bucket: Bucket) -> int | None:
    return usage.physc.sums[bucket].sum_of_singles if bucket in usage.physc.sums else None


def _peak_json(peak: PeakSum) -> dict[str, Any]:
    return {"kind": peak.bucket.kind.value, "hour": peak.bucket.hour, "peak_of_sum_thousandths": peak.peak_of_sum,
            "sum_of_peaks_thousandths": peak.sum_of_peaks, "difference_thousandths": peak.difference,
            "slots": peak.slots, "filled": peak.filled}


def month_json(rows: Mapping[str, PeakSum], month: tuple[int, int], share: Fraction) -> dict[str, Any]:
    """The same for programs, in thousandths of a core; ``server`` is empty where no source states it."""
    return {"month": show_month(month), "percentile": float(share), "servers": [
        {"server": server, "lpars": list(peak.lpars), **_peak_json(peak)} for server, peak in rows.items()]}
