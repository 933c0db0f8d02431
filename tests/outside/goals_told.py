"""Does a plan.json reach what was asked, and are its figures those of its moves? From README and docs/ alone."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import Any

import minutes
import pairs_told
from facts import Site, blocks
from moments import Place, Replay
from pairs_told import Question

MS = Fraction(1, 1000)


def question(site: Site, plan: Mapping[str, Any]) -> Question:
    goal = plan["goal"]
    kind = goal["kind"]
    freed: set[str] = set(goal.get("servers", []))
    if kind == "headroom":
        freed = set()
    elif kind == "consolidate":
        freed = set(plan.get("switched_off", []))
    critical: set[str] = set()
    if kind == "headroom":
        critical = {n for n, p in site.lpars.items() if p.environment == "production" or n in goal.get("critical", [])}
    return Question(
        frozenset(freed), frozenset(goal.get("not_targets", [])), frozenset(goal.get("stay", [])), frozenset(critical),
        goal.get("homes", {}), goal.get("firmware_after", {}), bool(goal.get("return") or goal.get("weekend")))


def has_headroom(site: Site, server: str, there: Iterable[str], critical: Collection[str], cores: float, gib: float) -> bool:
    """Whether a server with these LPARs has so much left of what was asked at all, and the pools of its critical LPARs too,
    where each of them runs in one with a maximum."""
    there = [n for n in there if site.active(n)]
    units, mib = site.held(server, there)
    most, wanted = site.limits(server), Fraction(str(cores)) * 100
    lmb = blocks(math.ceil(Fraction(str(gib)) * 1024), site.servers[server].lmb_mib)
    if (wanted and most[0] - units < wanted) or (lmb and most[1] - mib < lmb):
        return False
    pools = {site.pool_of(n, server) for n in there if n in critical and site.home[n] == server}
    maxima = {q.pool_id: q.max_units for q in site.rows["pools"] if q.server == server and q.max_units is not None}
    if not wanted or not pools or not pools <= maxima.keys():
        return True
    used = sum(site.lpars[n].entitlement_units for n in there if site.pool_of(n, server) in pools)
    return sum(maxima[q] for q in pools) - used >= wanted


def checked(document: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a plan for the estate of this saved document; nothing of one that has no moves to show."""
    site = Site(document)
    replay = Replay(site, plan, question(site, plan))
    replay.run()
    wrong = list(dict.fromkeys(replay.wrong))
    if not wrong:
        wrong = Claims(site, plan, replay).all()
    return wrong


class Claims:
    """What a plan says of itself, recomputed."""

    def __init__(self, site: Site, plan: Mapping[str, Any], replay: Replay) -> None:
        self.site, self.plan, self.replay = site, plan, replay
        self.goal = plan["goal"]
        self.wrong: list[str] = []

    def say(self, what: str, text: str) -> None:
        self.wrong.append(f"{what}: {text}")

    def all(self) -> list[str]:
        if self.plan["status"] not in ("optimal", "feasible") or not self.plan["verified"]:
            self.say("status", f"a plan with moves is {self.plan['status']}, verified {self.plan['verified']}")
        getattr(self, f"_{self.goal['kind']}")()
        self._groups()
        self._home()
        self._objective()
        self._states()
        self._times()
        return self.wrong

    def where(self, leg: str) -> dict[str, str]:
        return {n: p.server for n, p in self.replay.ends[leg].items()}

    # ---- reached ------------------------------------------------------------------------------------------------

    def _evacuate(self) -> None:
        left = set(self.goal.get("leave", []))
        for name, server in self.where("out").items():
            stays = name in left or not (self.site.active(name) or self.goal.get("inactive"))
            if server in self.goal["servers"] and not stays:
                self.say("goal", f"{name} is still on {server}")
            if name in left and self.site.home[name] != server:
                self.say("goal", f"{name} was to be left")

    def _whatif(self) -> None:
        for name, server in self.where("out").items():
            if server in self.goal["servers"] and self.site.active(name) and name not in self._restarted():
                self.say("goal", f"{name} is still on {server}")

    def _restarted(self) -> set[str]:
        details = self.plan.get("details") or {"changes": []}
        return {c["lpar"] for c in details["changes"] if "restart" in c["kind"]}

    def _resume(self) -> None:
        places = self.goal.get("places", {})
        for name, place in places.items():
            if name in self.where("out") and self.where("out")[name] != place and name not in self.goal.get("later", []):
                self.say("goal", f"{name} is not on {place}")

    def _headroom(self) -> None:
        server = self.goal["server"]
        here = [n for n, s in self.where("out").items() if s == server]
        units, mib = self.site.held(server, here)
        most = self.site.limits(server)
        free = (most[0] - units, most[1] - mib)
        if not has_headroom(self.site, server, here, question(self.site, self.plan).critical, self.goal["cores"],
                            self.goal["memory_gib"]):
            self.say("goal", f"{server} has {float(free[0]) / 100} cores and {float(free[1])} MiB free")
        said = self.plan["details"]["free_after"]
        mine = (float(free[0]) / 100, float(free[1]) / 1024)
        if said is None or abs(said["cores_by_entitlement"] - mine[0]) > 0.0101 or abs(said["memory_gib"] - mine[1]) > 0.006:
            self.say("details.free_after", f"{said}, recomputed {mine}")

    def _consolidate(self) -> None:
        off = set(self.plan.get("switched_off", []))
        at = self.where("out")
        busy = {s for n, s in at.items() if self.site.active(n)}
        if off & busy or set(self.goal.get("off", [])) - off or set(self.goal.get("keep", [])) & off:
            self.say("goal", f"off {sorted(off)}, LPARs on {sorted(busy)}, asked {self.goal}")
        self._watts(at, off)
        if self.goal.get("n_plus_1"):
            self._restart(at, off)

    def _watts(self, at: Mapping[str, str], off: set[str]) -> None:
        first = self.plan["levels"][0]
        mine = measure(self.site, self.goal.get("minimise", "watts"), at, off, self.plan)
        if mine is not None and abs(Fraction(str(first["objective"])) - mine) > Fraction(6, 10_000):
            self.say("levels", f"{first['objective']} {first['unit']}, recomputed {float(mine):.4f}")
        if first["bound"] > first["objective"] + 1e-6:
            self.say("levels", f"bound {first['bound']} above {first['objective']}")

    def _restart(self, at: Mapping[str, str], off: set[str]) -> None:
        """Each server that stays on may fail."""
        on = set(self.site.servers) - off
        for failed in sorted(on):
            lost = {n for n, s in at.items() if s == failed and self.site.active(n)}
            to = self.plan.get("restart", {}).get(failed, {})
            if set(to) != lost or not set(to.values()) <= on - {failed}:
                self.say("availability.n-plus-1", f"{failed}: {to} of {sorted(lost)}")
                continue
            after = dict(at) | to
            for server in on - {failed}:
                held = self.site.held(server, [n for n, s in after.items() if s == server])
                start = self.site.held(server, [n for n, s in self.site.home.items() if s == server])
                most = self.site.limits(server)
                if any(h > max(m, Fraction(b)) for h, m, b in zip(held, most, start, strict=True)):
                    self.say("availability.n-plus-1", f"{server} holds {held} of {most} when {failed} fails")
            for n, s in to.items():
                for rule in pairs_told.starts(self.site, n, failed, s):
                    self.say("availability.n-plus-1", f"{n} restarts on {s}: {rule}")
            for group in [*self.site.groups("keep-apart"), *self.site.groups("cluster")]:
                spots = [after[n] for n in group if n in after and self.site.active(n)]
                moved = [after[n] for n in group & lost]
                if any(spots.count(s) > 1 for s in moved):
                    self.say("availability.n-plus-1", f"{sorted(group)} together when {failed} fails")

    def _groups(self) -> None:
        """Who is kept together ends on one server."""
        last = self.where("back" if any(m["leg"] == "back" for m in self.plan["moves"]) else "out")
        moves = {m["lpar"] for m in self.plan["moves"]}
        for at in (self.where("out"), last):
            for whole in self.site.groups("keep-together"):
                group = {n for n in whole if self.site.active(n) or n in moves}
                spots = {at[n] for n in group}
                before = {self.site.home[n] for n in group}
                moved = any(at[n] != self.site.home[n] for n in group)
                if len(spots) > 1 and len(before) == 1 and moved and at is not last:
                    self.say("policy.keep-together", f"{sorted(group)} on {sorted(spots)}")

    def _home(self) -> None:
        if not (self.goal.get("return") or self.goal.get("weekend") or self.goal.get("then_home")):
            if self.goal["kind"] != "resume" and any(m["leg"] == "back" for m in self.plan["moves"]):
                self.say("goal", "moves back that nobody asked for")
            return
        away = self.goal.get("away", {})
        if self.goal["kind"] == "resume":
            return
        for name, server in self.where("back").items():
            home = self.goal.get("homes", {}).get(name, self.site.lpars[name].home or self.site.home[name])
            runs = self.site.active(name) or self.goal.get("inactive")
            if runs and server != home and name not in away and home in self.site.servers:
                self.say("goal", f"{name} is on {server}, at home on {home}")

    # ---- figures ------------------------------------------------------------------------------------------------

    def final_cost(self) -> Fraction:
        """Seconds of the placement in the end of the way out, as docs/architecture.md says, parking moves added."""
        parked = [m for m in self.plan["moves"] if m["leg"] == "out"]
        at, total = self.where("out"), Fraction(0)
        for name, server in at.items():
            if server != self.site.home[name]:
                total += cost(self.site, name, self.site.home[name], server)
        if any(m["parking"] for m in parked):
            total = sum((cost(self.site, m["lpar"], m["source"], m["target"]) for m in parked), Fraction(0))
        if self.goal["kind"] == "headroom" and self.goal.get("return"):
            total += sum((cost(self.site, m["lpar"], m["source"], m["target"]) for m in self.plan["moves"]
                          if m["leg"] == "back"), Fraction(0))
        return total

    def _objective(self) -> None:
        said, bound, gap = self.plan["objective"], self.plan["bound"], self.plan["gap"]
        moves = self.final_cost()
        mine = moves
        if self.goal["kind"] == "consolidate":
            second = self.plan["levels"][1]
            if abs(second["objective"] - moves) > slack(self.plan):
                self.say("levels", f"moves {second['objective']} s, recomputed {float(moves):.3f}")
            mine = Fraction(str(self.plan["levels"][0]["objective"]))
        if self.goal["kind"] in ("resume", "whatif"):
            mine = None
        if said is not None and mine is not None and abs(said - mine) > slack(self.plan):
            self.say("objective", f"{said}, recomputed {float(mine):.3f}")
        if said is None or bound is None:
            return
        if bound > said + 0.0011:
            self.say("bound", f"{bound} above the objective {said}")
        told = (said - bound) / said if said else 0.0
        if gap is None or abs(gap - told) > 1e-4 + 0.001 / max(said, 1):
            self.say("gap", f"{gap}, recomputed {told:.6f}")
        if self.plan["status"] == "optimal" and said - bound > 0.0011:
            self.say("status", f"optimal, objective {said}, bound {bound}")

    def _states(self) -> None:
        at = {"before": self.where("start"), "after": self.where("out")}
        homes = self.goal.get("homes", {})
        along = {*self.goal.get("servers", ()), *homes.values()} if self.goal.get("inactive") else set()
        counted = {m["lpar"] for m in self.plan["moves"]} | {n for n in self.site.lpars if n not in self.goal.get("leave", ()) and (
            {self.site.home[n], homes.get(n)} & along)}
        for word, where in at.items():
            for row in self.plan[word]:
                here = [n for n, s in where.items() if s == row["server"]]
                units, mib = self.site.held(row["server"], here)
                count = sum(self.site.active(n) or n in counted for n in here)
                most = self.site.limits(row["server"])
                mine = (units / 100, mib, float(most[0]) / 100, math.floor(most[1]))
                said = (row["cores"], row["memory_mib"], row["cores_limit"], row["memory_limit_mib"])
                if any(abs(a - b) > 0.011 for a, b in zip(mine, said, strict=True)) or row["lpars"] != count:
                    self.say(word, f"{row}, recomputed {mine} with {count} LPARs")
        for row in self.plan["peak"]:
            most_held = self.replay.peak.get(row["server"])
            if most_held and (row["cores"] > most_held[0] / 100 + 0.011 or row["memory_mib"] > most_held[1]):
                self.say("peak", f"{row}, at most {most_held} at any moment")

    def _blackouts(self) -> None:
        """By the predicted times of a window; nobody flies in his blackout."""
        window = self.plan["window"]
        if not window or self.plan["back_window"]:
            return
        begin = dt.datetime.fromisoformat(window["start"])
        for policy in self.site.of("blackout"):
            for m in self.plan["moves"]:
                start = begin + dt.timedelta(seconds=m["start_s"])
                end = start + dt.timedelta(seconds=m["duration_s"] - 0.01)
                if m["lpar"] in self.site.chosen(policy.subject) and any(
                        a < end and start < b for a, b in spans(policy.value, begin.date())):
                    self.say("timing.blackout", f"{m['lpar']} flies from {start} to {end}: {policy.value}")

    def _times(self) -> None:
        ends = [m["start_s"] + m["duration_s"] for m in self.plan["moves"]]
        if not ends:
            return
        for leg, least in self.plan.get("at_least_s", {}).items():
            own = [m for m in self.plan["moves"] if m["leg"] == leg]
            before = [m["start_s"] + m["duration_s"] for m in self.plan["moves"] if m["leg"] == "out"]
            begin = max(before, default=0.0) + (self.plan["work_s"] or 0) if leg == "back" and before else 0.0
            if own and least > max(m["start_s"] + m["duration_s"] for m in own) - begin + 0.01:
                self.say("at_least_s", f"{leg}: {least} s, more than the moves take")
        window = self.plan["window"]
        if window and window["spare_s"] is not None and not self.plan["back_window"] and not self.goal.get("weekend"):
            left = window["length_s"] - self.plan["total_s"]
            if abs(window["spare_s"] - left) > 1.01:
                self.say("window", f"{window['spare_s']} s to spare, recomputed {left}")
            if window["fits"] is True and left < 0:
                self.say("window", "fits and does not")
        self._blackouts()
        out = [m for m in self.plan["moves"] if m["leg"] == "out"]
        back = [m for m in self.plan["moves"] if m["leg"] == "back"]
        if out and back:
            over = max(m["start_s"] + m["duration_s"] for m in out)
            if min(m["start_s"] for m in back) < over + (self.plan["work_s"] or 0) - 0.01:
                self.say("timing.work", f"the way back begins before the way out is over and {self.plan['work_s']} s of work")


def spans(value: str, day: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
    """When a blackout holds, of one that is daily on the days about a day; an end before its start is of the next day."""
    daily = value.startswith("daily")
    start, _, end = value.removeprefix("daily").strip().partition("/")
    out = []
    for n in (-1, 0, 1, 2) if daily else (0,):
        begin = dt.datetime.fromisoformat(f"{day + dt.timedelta(n)} {start}" if daily else start)
        over = dt.datetime.fromisoformat(end if " " in end else f"{begin.date()} {end}")
        out.append((begin, over if over > begin else over + dt.timedelta(1)))
    return out


def slack(plan: Mapping[str, Any]) -> float:
    """Each move's cost is a whole number of milliseconds."""
    return 0.0011 * (1 + len(plan["moves"]))


def cost(site: Site, name: str, source: str, target: str) -> Fraction:
    """Seconds and surcharges of a move that has the best movers to itself."""
    extra = pairs_told.surcharge(site, name, source, target)
    if not site.active(name):
        return site.parameters["inactive_s"] + extra
    fine = {v.name for s in (source, target) for v in pairs_told.movers(site, s)}
    return minutes.cheapest(site, name, source, target, fine.__contains__).duration + extra


def measure(site: Site, by: str, at: Mapping[str, str], off: set[str], plan: Mapping[str, Any]) -> Fraction | None:
    """The first level of a consolidation; called *idle* it leaves out what LPARs draw."""
    idle_alone = any(x["name"].endswith("idle") for x in plan.get("levels", []))
    on = [s for s in site.servers.values() if s.name not in off]
    if by == "servers":
        return Fraction(len(on))
    if by == "cores":
        return Fraction(sum(s.configurable_units for s in on), 100)
    if by != "watts":
        return None
    watts = {e["server"]: (e["idle_w"], e["max_w"]) for e in plan["energy"]["servers"]}
    total = Fraction(0)
    for s in on:
        idle, most = watts[s.name]
        for fact, said in ((s.idle_watts, idle), (s.max_watts, most)):
            if fact is not None and fact != said:
                return None
        used = sum(v.entitlement_units for v in site.by_server[s.name])
        for n, where in at.items():
            if where == s.name and site.active(n) and not idle_alone:
                p = site.lpars[n]
                used += p.entitlement_units if p.busy_units is None else p.busy_units
        tenths = (Fraction(most - idle, s.configurable_units) * 1000 + Fraction(1, 2)) // 1  # of a busy core, half of one up
        total += idle + Fraction(tenths * used, 1000)
    return total


__all__ = ["Place", "checked"]
