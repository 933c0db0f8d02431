"""Replays the moves of a plan.json over all moments that its lanes and waits allow, from docs/rules.md and docs/lanes.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

import minutes
import pairs_told
from facts import Site, level
from pairs_told import Question

MOST_STATES = 3000


@dataclass(frozen=True)
class Place:
    """Where an LPAR stands and by what it hangs there."""

    server: str
    number: int | None
    pool: int | None
    disks: tuple[tuple[int, str], ...] = ()
    fibres: tuple[tuple[int, str, str], ...] = ()
    backings: tuple[tuple[int, int, str, str, int], ...] = ()


def standing(site: Site) -> dict[str, Place]:
    """Everybody as the estate has it."""
    return {name: Place(
        p.server, p.lpar_id, site.pool_of(name, p.server),
        tuple((d.slot, d.vios) for d in site.disks[name] if d.backing != "optical"),
        tuple((f.slot, f.vios, f.port) for f in site.fibres[name]),
        tuple((v.slot, v.device, v.vios, v.port, v.percent or 1) for v in site.vnics[name]))
        for name, p in site.lpars.items()}


def arrived(move: Mapping[str, Any]) -> Place:
    """Where a move takes its LPAR."""
    return Place(
        move["target"], move["target_lpar_id"], move["target_pool_id"],
        tuple((d["slot"], d["vios"]) for d in move["virtual_scsi"]),
        tuple((f["slot"], f["vios"], f["port"]) for f in move["virtual_fc"]),
        tuple((b["slot"], b["device"], b["vios"], b["port"], b["capacity_percent"] or 1)
              for b in move.get("virtual_nic", [])))


def orders(moves: list[Mapping[str, Any]]) -> dict[int, set[int]]:
    """Number of each move of a leg → those that must be over before it begins."""
    numbers = {m.get("number", 0) for m in moves}
    if not all(numbers) or len(numbers) < len(moves):  # in waves
        return {n: {k for k, other in enumerate(moves) if other["wave"] < m["wave"]} for n, m in enumerate(moves)}
    before = {m["number"]: {w["move"] for w in m.get("waits", [])} & numbers for m in moves}
    last: dict[int, int] = {}
    for m in sorted(moves, key=lambda m: (m["start_s"], m["number"])):
        if m["lane"] in last:
            before[m["number"]].add(last[m["lane"]])
        last[m["lane"]] = m["number"]
    return before


def named(moves: list[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    own = [m.get("number", 0) for m in moves]
    return dict(zip(own if all(own) and len(set(own)) == len(own) else range(len(moves)), moves, strict=True))


def closed(before: Mapping[int, set[int]]) -> dict[int, set[int]]:
    """With everything that is before what is before."""
    out = {n: set(b) for n, b in before.items()}
    changed = True
    while changed:
        changed = False
        for n, b in out.items():
            more = set().union(*(out[k] for k in b)) - b if b else set()
            if more:
                out[n], changed = b | more, True
    return out


class Ledger:
    """What a server has of everything that is counted, and what stands there takes."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.start = standing(site)
        self.first: dict[str, list[tuple[str, Fraction, Fraction]]] = {}
        self.limits: dict[str, dict[str, Fraction]] = {}
        at: dict[str, list[tuple[str, Place]]] = defaultdict(list)
        for name, place in self.start.items():
            at[place.server].append((name, place))
        self.free_ports = self._ports()
        for server in site.servers:
            held = self.takes(server, at[server])
            self.limits[server] = {k: max(self._limit(server, k), v) for k, v in held.items()}

    def _ports(self) -> dict[tuple[str, str], int | None]:
        """Virtual ports of each physical port: what is free and what its clients of now have."""
        used = Counter((f.vios, f.port) for rows in self.site.fibres.values() for f in rows)
        return {(p.vios, p.port): 64 if p.free_ports is None else p.free_ports + used[p.vios, p.port]
                for p in self.site.rows["ports"]}

    def takes(self, server: str, there: Iterable[tuple[str, Place]]) -> dict[str, Fraction]:
        """What these take: cores, memory, pools, virtual slots and ports, logical ports and their capacity."""
        out: dict[str, Fraction] = defaultdict(Fraction)
        there = list(there)
        units, mib = self.site.held(server, [name for name, _ in there])
        out["processor.capacity"], out["memory.capacity"] = Fraction(units), Fraction(mib)
        for name, place in there:
            p = self.site.lpars[name]
            if place.pool is not None and p.processors != "dedicated" and self.site.active(name):
                out[f"processor.pool {place.pool}"] += p.entitlement_units
            for slot_vios in {(slot, vios) for slot, vios in place.disks}:
                out[f"storage.virtual-slots {slot_vios[1]}"] += 1
            for _, vios, port in place.fibres:
                out[f"storage.virtual-slots {vios}"] += 1
                out[f"storage.npiv-ports {vios} {port}"] += 1
            for _, _, _, port, percent in place.backings:
                out[f"network.vnic-ports {port}"] += 1
                out[f"network.vnic-capacity {port}"] += percent
        return out

    def limit(self, server: str, what: str) -> Fraction:
        known = self.limits[server]
        return known[what] if what in known else self._limit(server, what)

    def _limit(self, server: str, what: str) -> Fraction:
        site, endless = self.site, Fraction(10**12)
        kind, _, rest = what.partition(" ")
        if kind in ("processor.capacity", "memory.capacity"):
            return site.limits(server)[kind == "memory.capacity"]
        if kind == "processor.pool":
            pool = next((p for p in site.rows["pools"] if p.server == server and p.pool_id == int(rest)), None)
            return endless if pool is None or pool.max_units is None else Fraction(pool.max_units - pool.reserved_units)
        if kind == "storage.virtual-slots":
            return self._slots(rest)
        if kind == "storage.npiv-ports":
            vios, _, port = rest.partition(" ")
            if not port:
                return endless
            left = self.free_ports.get((vios, port))
            return Fraction(0 if left is None else left)
        return self._logical(server, kind, rest)

    def _slots(self, vios: str) -> Fraction:
        v = self.site.vioses[vios]
        if v.max_virtual_slots is None:
            return Fraction(10**12)
        mine = {(d.lpar, d.slot) for rows in self.site.disks.values() for d in rows if d.vios == vios}
        clients = len(mine) + sum(f.vios == vios for rows in self.site.fibres.values() for f in rows)
        used = clients + 2 if v.used_virtual_slots is None else v.used_virtual_slots
        return Fraction(v.max_virtual_slots - (used - clients))

    def _logical(self, server: str, kind: str, port: str) -> Fraction:
        row = next((p for p in self.site.rows["sriov"] if p.server == server and p.port == port), None)
        if row is None:
            return Fraction(0 if port else 10**12)
        own = [v for rows in self.site.vnics.values() for v in rows
               if v.port == port and self.site.home[v.lpar] == server]
        if kind == "network.vnic-ports":
            return Fraction(10**12 if row.free_ports is None else row.free_ports + len(own))
        return Fraction(10**12 if row.free_percent is None else row.free_percent + sum(v.percent or 1 for v in own))


@dataclass
class Replay:
    """Everything that a plan's moves break; ``ends`` is where everybody stands after each leg."""

    site: Site
    plan: Mapping[str, Any]
    asked: Question
    wrong: list[str] = field(default_factory=list)
    ends: dict[str, dict[str, Place]] = field(default_factory=dict)
    peak: dict[str, tuple[int, int]] = field(default_factory=dict)

    def run(self) -> None:
        self.ledger = Ledger(self.site)
        at = dict(self.ledger.start)
        self.ends["start"] = dict(at)
        for leg in ("out", "back"):
            moves = [m for m in self.plan["moves"] if m["leg"] == leg]
            if moves:
                self._leg(named(moves), orders(moves), at, leg)
                for m in sorted(moves, key=lambda m: m["start_s"]):
                    at[m["lpar"]] = arrived(m)
            self.ends[leg] = dict(at)

    def say(self, rule: str, text: str) -> None:
        self.wrong.append(f"{rule}: {text}")

    # ---- one leg ------------------------------------------------------------------------------------------------

    def _leg(self, moves: Mapping[int, Any], before: Mapping[int, set[int]], at: Mapping[str, Place], leg: str) -> None:
        order = closed(before)
        if any(n in b for n, b in order.items()):
            self.say("timing.order", f"the moves {leg} wait for one another in a circle")
            return
        self._chains(moves, order, at)
        if self.wrong:
            return
        for m in moves.values():
            self._move(m, leg)
        if self.wrong:
            return
        for done in states(order, Random(len(moves))):
            self._moment(moves, order, at, done)
        self._nominal(moves, at)

    def _chains(self, moves: Mapping[int, Any], order: Mapping[int, set[int]], at: Mapping[str, Place]) -> None:
        """The moves of one LPAR come one after the other, each from where it then is."""
        for name in dict.fromkeys(m["lpar"] for m in moves.values()):
            if name not in at:
                self.say("plan.lpar", f"{name} is not there")
                continue
            own = sorted((n for n, m in moves.items() if m["lpar"] == name), key=lambda n: len(order[n]))
            here = at[name].server
            for k, n in enumerate(own):
                if k and own[k - 1] not in order[n]:
                    self.say("timing.order", f"two moves of {name} may fly at once")
                if moves[n]["source"] != here or moves[n]["target"] == here:
                    self.say("plan.moves", f"{name} is on {here}, moved from {moves[n]['source']} to {moves[n]['target']}")
                here = moves[n]["target"]

    def _move(self, m: Mapping[str, Any], leg: str) -> None:
        """What a move breaks wherever everybody else is."""
        name, source, target = m["lpar"], m["source"], m["target"]
        home = self.asked.homes.get(name, self.site.lpars[name].home or self.site.home[name])
        own = {home, self.site.home[name]}
        for rule in pairs_told.refusals(self.site, name, source, target, self.asked):
            if not (rule == "policy.soft-pin" and leg == "back" and target in own):
                self.say(rule, f"{name} from {source} to {target} ({leg})")
        self._adapters(m)
        live = self.site.active(name)
        if bool(m.get("inactive")) == live:
            self.say("partition.running", f"{name} is moved {'inactive' if live else 'live'}")
        for side in ("source", "target"):
            usable = {v.name for v in pairs_told.movers(self.site, m[side])}
            if (m[f"{side}_msp"] not in usable) if live else m[f"{side}_msp"]:
                self.say("timing.mover-place", f"{name}: {m[f'{side}_msp'] or 'nobody'} is no mover of {m[side]}")
        if live and {m["source_msp"], m["target_msp"]} <= set(self.site.vioses):
            least = minutes.alone(self.site, name, m["source_msp"], m["target_msp"]).duration
            if m["duration_s"] < least - Fraction(2, 1000):
                self.say("timing.duration", f"{name} takes {m['duration_s']} s, at least {float(least):.3f}")
        pool = self._pool(name, target)
        if m["target_pool_id"] != pool:
            self.say("processor.pool-kept", f"{name} arrives in pool {m['target_pool_id']}, not {pool}")

    def _pool(self, name: str, target: str) -> int | None:
        return self.site.pool_of(name, target)

    def _adapters(self, m: Mapping[str, Any]) -> None:
        site, name, target = self.site, m["lpar"], m["target"]
        disks = {d["slot"]: d["vios"] for d in m["virtual_scsi"]}
        could = pairs_told.disk_choices(site, name, target)
        if set(disks) != set(could) or any(v not in could[s] for s, v in disks.items()):
            self.say("storage.lun-seen", f"{name} on {target}: {disks} of {could}")
        elif not pairs_told.keeps_paths(site, name, disks):
            self.say("storage.redundancy", f"{name} on {target}: {disks}")
        fibres = {f["slot"]: f["vios"] for f in m["virtual_fc"]}
        could = pairs_told.fibre_choices(site, name, target)
        if set(fibres) != set(could) or any(v not in could[s] for s, v in fibres.items()):
            self.say("storage.fabric", f"{name} on {target}: {fibres} of {could}")
        elif not pairs_told.keeps_fibres(site, name, fibres):
            self.say("storage.redundancy", f"{name} on {target}: {fibres}")
        fabric = {f.slot: f.fabric for f in site.fibres[name]}
        for f in m["virtual_fc"]:
            if not any((p.vios, p.port, p.fabric) == (f["vios"], f["port"], fabric.get(f["slot"])) for p in site.rows["ports"]):
                self.say("storage.fabric", f"{name} on {target}: no port {f['port']} of {f['vios']} on its fabric")
        vnics = {v.slot for v in site.vnics[name]}
        stated = any(p.server == target for p in site.rows["sriov"])
        if stated and vnics != {b["slot"] for b in m.get("virtual_nic", [])}:
            self.say("network.vnic", f"{name} on {target}: vNICs {vnics} have {m.get('virtual_nic')}")

    # ---- a moment -----------------------------------------------------------------------------------------------

    def _moment(self, moves: Mapping[int, Any], order: Mapping[int, set[int]], at: Mapping[str, Place], done: frozenset[int]) -> None:
        """These are over, and all that may have begun has."""
        now = dict(at)
        for n in sorted(done, key=lambda n: len(order[n])):
            now[moves[n]["lpar"]] = arrived(moves[n])
        flying = [m for n, m in moves.items() if n not in done and order[n] <= done]
        there: dict[str, list[tuple[str, Place]]] = defaultdict(list)
        for name, place in now.items():
            there[place.server].append((name, place))
        for m in flying:
            there[m["target"]].append((m["lpar"], arrived(m)))
        for server in self.site.servers:
            self._server(server, there[server])
        self._groups({s: {n for n, _ in rows} for s, rows in there.items()})
        self._air(flying)

    def _server(self, server: str, there: list[tuple[str, Place]]) -> None:
        held = self.ledger.takes(server, there)
        peak = self.peak.get(server, (0, 0))
        self.peak[server] = (max(peak[0], int(held["processor.capacity"])), max(peak[1], int(held["memory.capacity"])))
        for what, much in held.items():
            if much > self.ledger.limit(server, what):
                self.say(what, f"{server} holds {much} of {self.ledger.limit(server, what)} with {[n for n, _ in there]}")
        ids = Counter(p.number for _, p in there if p.number is not None)
        ids.update(v.lpar_id for v in self.site.by_server[server] if v.lpar_id is not None)
        before = Counter(p.number for p in self.ledger.start.values() if p.server == server)
        for number, count in ids.items():
            if count > 1 and before[number] < count:
                self.say("partition.id-free", f"{server} has {count} partitions of id {number}")

    def _groups(self, there: Mapping[str, set[str]]) -> None:
        start, moved = self.ledger.start, {m["lpar"] for m in self.plan["moves"]}
        for kind, rule in (("keep-apart", "policy.keep-apart"), ("cluster", "policy.cluster")):
            for group in self.site.groups(kind):
                for server, names in there.items():
                    together = {n for n in group & names if self.site.active(n) or n in moved}
                    lived = kind == "keep-apart" and all(start[n].server == server for n in together)
                    as_was = all(start[n].server == server for n in together) or all(
                        self.asked.homes.get(n, start[n].server) == server for n in together)
                    if len(together) > 1 and not lived and not as_was:
                        self.say(rule, f"{sorted(together)} on {server}")

    def _air(self, flying: list[Mapping[str, Any]]) -> None:
        site = self.site
        live = [m for m in flying if not m.get("inactive")]
        over, on, idle = Counter[str](), Counter[str](), Counter[str]()
        for m in flying:
            (idle if m.get("inactive") else on).update((m["source"], m["target"]))
        for m in live:
            over.update((m["source_msp"], m["target_msp"]))
        for server, count in on.items():
            if count > server_limit(site, server):
                self.say("timing.server-limit", f"{count} moves on {server}")
        for server, count in idle.items():
            most = site.servers[server].max_inactive_migrations
            if count > (4 if most is None else most):
                self.say("timing.inactive-limit", f"{count} inactive migrations on {server}")
        for mover, count in over.items():
            if count > mover_limit(site, mover):
                self.say("timing.mover-limit", f"{count} moves over {mover}")
        self._beside(live, over)

    def _beside(self, live: list[Mapping[str, Any]], over: Counter[str]) -> None:
        site = self.site
        for m in live:
            used = (m["source_msp"], m["target_msp"])
            shares = [minutes.carries(site, v, side) / over[v] for v, side in zip(used, ("source", "target"), strict=True)]
            if max(over[v] for v in used) > 1:
                own = min(minutes.carries(site, v, side) for v, side in zip(used, ("source", "target"), strict=True))
                if min(shares) < min(own, 2 * minutes.dirty(site, m["lpar"])):
                    self.say("timing.share", f"{m['lpar']} has {float(min(shares)):.0f} bytes/s beside others")
                if pairs_told.cluster_software(site, m["lpar"]):
                    self.say("timing.heartbeat", f"{m['lpar']} shares its movers")
        for group in site.groups("cluster"):
            if len(group & {m["lpar"] for m in live}) > 1:
                self.say("timing.cluster-nodes", f"{sorted(group)} in flight at once")

    # ---- the clock ----------------------------------------------------------------------------------------------

    def _nominal(self, moves: Mapping[int, Any], at: Mapping[str, Place]) -> None:
        begin = min(m["start_s"] for m in moves.values())
        if not all(m.get("number") for m in moves.values()):
            return  # in waves the others of a wave count to its end, whenever they are over
        clock = minutes.Clock(self.site, moves, orders(list(moves.values())), begin)
        clock.run()
        for n, m in moves.items():
            for word, mine, said in (("starts at", clock.starts[n], m["start_s"]),
                                     ("ends at", clock.ends[n], m["start_s"] + m["duration_s"]),
                                     ("stands still for", clock.suspended.get(n, 0.0), m["suspend_s"])):
                if abs(mine - said) > 0.05 + 1e-5 * abs(said):
                    self.say("timing.clock", f"{m['lpar']} {word} {said} s, by the cost model {mine:.3f}")
            if abs(clock.sent.get(n, 0.0) - m["bytes"]) > 10**6 + 1e-5 * m["bytes"]:
                self.say("timing.clock", f"{m['lpar']} sends {m['bytes']}, by the cost model {clock.sent.get(n, 0.0):.0f}")


def states(order: Mapping[int, set[int]], rng: Random) -> Iterator[frozenset[int]]:
    """Every set of moves that may be over: all where they are few, else those of random evenings."""
    seen = {frozenset[int]()}
    todo = [frozenset[int]()]
    while todo and len(seen) < MOST_STATES:
        done = todo.pop()
        yield done
        for n, b in order.items():
            if n not in done and b <= done and done | {n} not in seen:
                seen.add(done | {n})
                todo.append(done | {n})
    for _ in range(50 if todo else 0):
        done = frozenset[int]()
        while len(done) < len(order):
            done |= {rng.choice([n for n, b in order.items() if n not in done and b <= done])}
            yield done


def server_limit(site: Site, server: str) -> int:
    s = site.servers[server]
    stated = 4 if s.max_migrations is None else s.max_migrations
    said = [int(v) for v in site.stated("concurrency", server)]
    return min([stated, *said])


def mover_limit(site: Site, mover: str) -> int:
    v = site.vioses[mover]
    most = 8 if level(v.level)[:3] >= (2, 2, 2) else 4
    stated = 4 if v.max_migrations is None else v.max_migrations
    said = [int(p.value) for p in site.of("concurrency") if mover in site.boxes(p.subject, site.vioses)]
    return min([stated, most, *([4] if (v.link_mbit or 1000) <= 1000 else []), *said])
