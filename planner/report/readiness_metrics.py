"""readiness.prom: the figures in Prometheus' text format, for the textfile collector of its node exporter.

Source: prometheus.io, Exposition formats, text format 0.0.4: HELP and TYPE once for each metric, its samples together,
label values with backslash, quote and line feed escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.jobs.readiness.figures import ReadinessDocument, ReadyWord
from planner.names import shown
from planner.plan.evening import NightSpread

Sample = tuple[Mapping[str, str], float]
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_NIGHTS = (("0.5", "half_ms"), ("0.9", "most_ms"), ("0.97", "nearly_all_ms"))


def metrics(document: ReadinessDocument) -> str:
    """The text; the same document gives the same bytes."""
    out: list[str] = []
    for name, text, samples in _families(document):
        lines = [f"{name}{_labels(labels)} {value:g}" for labels, value in samples]
        if lines:
            out += [f"# HELP {name} {text}", f"# TYPE {name} gauge", *lines]
    return "\n".join(out) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{k}="{shown(v).translate(_ESCAPED)}"' for k, v in labels.items())
    return f"{{{told}}}" if told else ""


def _state(labels: Mapping[str, str], verdict: ReadyWord) -> Iterator[Sample]:
    """One sample a verdict: 1 for the one that holds."""
    for word in ReadyWord:
        yield {**labels, "verdict": word.value}, float(word is verdict)


def _families(d: ReadinessDocument) -> Iterator[tuple[str, str, list[Sample]]]:
    name = "planner_readiness"
    yield (f"{name}_server_free", "Whether a server can be freed for an evening, everybody brought home.",
           [s for f in d.servers for s in _state({"server": f.server}, f.verdict)])
    for leg, text in (("out", "its LPARs are away"), ("back", "they are home again, from the first move home on")):
        yield (f"{name}_server_{leg}_seconds", f"Seconds after which {text}, in this share of nights.",
               [s for f in d.servers for s in _spread(f.server, getattr(f, leg))])
    yield (f"{name}_server_obstacles", "Reasons for which a server cannot be freed.",
           [({"server": f.server}, float(len(f.obstacles))) for f in d.servers])
    yield (f"{name}_server_lost", "Whether all that runs on a server restarts elsewhere when it dies.",
           [s for f in d.lost for s in _state({"server": f.server}, f.verdict)])
    yield (f"{name}_server_lost_homeless", "LPARs of a server without a place to restart when it dies.",
           [({"server": f.server}, float(len(f.nowhere) + len(f.left))) for f in d.lost])
    yield (f"{name}_vios_down", "Whether a VIOS may go down while its server runs.",
           [s for v in d.vioses for s in _state({"vios": v.vios, "server": v.server}, v.verdict)])
    yield (f"{name}_lpar_places", "Servers to which an LPAR may go.",
           [({"lpar": p.lpar, "server": p.server}, float(len(p.places))) for p in d.lpars])
    if d.since is not None:
        yield (f"{name}_changed", "Verdicts that got worse or better since the earlier estate.",
               [({"way": "worse"}, float(len(d.since.worse))), ({"way": "better"}, float(len(d.since.better)))])


def _spread(server: str, spread: NightSpread | None) -> Iterator[Sample]:
    for share, field in _NIGHTS if spread else ():
        yield {"server": server, "nights": share}, round(getattr(spread, field) / 1000)
