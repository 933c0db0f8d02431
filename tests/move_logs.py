"""Logs of invented past moves: what their parameters are, the logs in several forms, and the estate of their LPARs."""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass, replace

from estates import estate, lpar, server, vios

from planner.cost import precopy, state_bytes
from planner.estate.model import Estate
from planner.estate.parameters import Parameters

P = Parameters()
FORMS = ("table with bytes", "table with memory", "syslog and an estate")
_SIZES = (2, 4, 8, 16, 32, 64, 96)


@dataclass(frozen=True)
class Invented:
    """The truth of one site: by (parameter, for), in the parameters' units."""

    truth: dict[tuple[str, str], float]
    text: str
    estate: Estate


def invented(seed: int, form: str, moves: int = 40, odd: float = 0.0) -> Invented:
    """Moves one after another, six an evening; ``odd``: the share of those that take two to five times as long."""
    draw = random.Random(f"{seed} {form}")
    links = ("link 1000", "link 10000") if form != FORMS[2] else ("link 1000",)
    rates = {"link 1000": draw.uniform(60, 110), "link 10000": draw.uniform(300, 900)}
    overhead, dirty, sigma = draw.uniform(120, 300), draw.uniform(8, 30), draw.uniform(0.05, 0.15)
    lines, rows = ["LPAR,Start,End,Memory (GiB),Max memory (GiB),Busy cores,Bytes sent,Link (Mbit/s),Result"], []
    logged: list[str] = []
    at = dt.datetime(2026, 3, 2, 22)
    for n in range(moves):
        if n % 6 == 0:
            at = (at + dt.timedelta(days=7)).replace(hour=22, minute=0, second=0)
        link, gib, busy = draw.choice(links), draw.choice(_SIZES), draw.randint(10, 200) / 100
        name, rate = f"lpar{n:03}", rates[link] * 1e6
        size = float(state_bytes(gib * 1024, gib * 1024))
        rounds, last = precopy(size, size, dirty * 1e6 * busy, rate, P)
        sent = (sum(rounds) + last) * (math.exp(draw.gauss(0, 0.04)) if form == FORMS[0] else 1)
        seconds = (overhead + sent / rate + P.resume_s) * math.exp(draw.gauss(0, sigma))
        seconds *= draw.uniform(2, 5) if draw.random() < odd else 1
        end = at + dt.timedelta(seconds=round(seconds))
        lines.append(f"{name},{at},{end},{gib},{gib},{busy},{round(sent) if form == FORMS[0] else ''},{link[5:]},ok")
        logged += [f"{at:%b %d %H:%M:%S} {name} user:info syslog: ~~~~ Start: DR PMIG operation ~~~~",
                   f"{end:%b %d %H:%M:%S} {name} local1:info DRMGR: ~~~~ End: DR PMIG operation ~~~~"]
        rows.append(replace(lpar(name, "A", 0.5, gib), max_memory_mib=gib * 1024, busy_units=round(busy * 100)))
        at = end + dt.timedelta(seconds=300)
    truth = {("hmc_overhead_s", ""): overhead, ("dirty_mb_s_per_core", ""): dirty}
    truth |= {} if odd else {("duration_sigma", ""): sigma}  # odd ones are part of the spread
    truth |= {("rate_mb_s", link): rates[link] for link in links}
    site = estate([server("A"), server("B")], rows, vioses=tuple(vios(f"{s}-v1", s) for s in "AB"))
    return Invented(truth, "\n".join(logged if form == FORMS[2] else lines) + "\n", site)
