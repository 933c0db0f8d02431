"""Small random sites as saved estates, and questions about them. The same seed gives the same; the planner takes no part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

ERAS = {
    "POWER6": {"model": "9117-MMA", "firmware": "EM350_085", "console_level": "V7R7.9.0", "os": "6.1 TL2 SP3",
               "vios": "2.2.6.65", "mode": "POWER6", "lmb": 256},
    "POWER9": {"model": "9009-42A", "firmware": "VL950_099", "console_level": "V10R3M1060", "os": "7.2 TL5",
               "vios": "3.1.4.10", "mode": "POWER9", "lmb": 256}}
KINDS = ("evacuate", "evacuate", "evacuate", "headroom", "consolidate", "whatif", "campaign", "resume")


@dataclass
class Drawn:
    """A site that is being drawn: rows by kind, as a saved estate has them."""

    rng: Random
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    era: dict[str, Any] = field(default_factory=dict)

    def add(self, kind: str, /, **row: Any) -> dict[str, Any]:
        self.rows.setdefault(kind, []).append(row)
        return row

    def of(self, kind: str) -> list[dict[str, Any]]:
        return self.rows.get(kind, [])

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def some(self, names: list[str], least: int = 1, most: int | None = None) -> list[str]:
        top = len(names) if most is None else min(most, len(names))
        return sorted(self.rng.sample(names, self.rng.randint(min(least, top), top)))

    def servers(self) -> list[str]:
        return [s["name"] for s in self.of("servers")]

    def lpars(self) -> list[str]:
        return [p["name"] for p in self.of("lpars")]

    def on(self, server: str) -> list[dict[str, Any]]:
        return [v for v in self.of("vioses") if v["server"] == server]

    def policy(self, kind: str, subject: str = "", value: str = "") -> None:
        self.add("policies", kind=kind, subject=subject, value=value)

    def document(self) -> dict[str, Any]:
        return {"format": "planner-estate", "version": 1, "estate": self.rows}


def site(seed: int, servers: int = 0, lpars: int = 0, twists: int | None = None) -> dict[str, Any]:
    """The saved estate of this seed: a plain site, made tight, with up to so many things that stand in the way."""
    rng = Random(f"site {seed}")
    out = Drawn(rng)
    out.era = dict(ERAS[rng.choice(("POWER6", "POWER9"))])
    _plain(out, servers or rng.choice((2, 3, 3, 3, 4)), lpars or rng.choice((2, 3, 4, 4, 5, 5, 6, 7)))
    count = rng.choice((0, 1, 1, 2, 2, 3)) if twists is None else twists
    for twist in rng.sample(sorted(TWISTS), count):
        TWISTS[twist](out)
    _sized(out)
    return out.document()


def _plain(out: Drawn, servers: int, lpars: int) -> None:
    rng, era = out.rng, out.era
    for s in "ABCD"[:servers]:
        out.add("servers", name=s, configurable_units=0, configurable_memory_mib=0, model=era["model"], serial=f"65{s}",
                generation="POWER6" if era["mode"] == "POWER6" else "POWER9", console="hmc1", site="north",
                firmware_memory_mib=1024, lmb_mib=era["lmb"], firmware=era["firmware"], enterprise=True,
                console_level=era["console_level"], vnic_capable=True)
        for k in (1, 2):
            out.add("vioses", name=f"{s}-v{k}", server=s, entitlement_units=50, memory_mib=2048, lpar_id=k, level=era["vios"],
                    rmc_active=True, msp=True, virtual_processors=2, sharing="uncapped", link_mbit=1000)
            out.add("bridges", vios=f"{s}-v{k}", sea="ent6", vlan=10)
    crowd = "ABCD"[:servers]
    for n in range(lpars):
        home, name = rng.choice("A" + crowd), f"p{n + 1}"
        units, mib = rng.choice((10, 25, 50, 100, 130, 200)), rng.choice((1024, 2048, 4096, 4352, 6144, 8192))
        out.add("lpars", name=name, server=home, entitlement_units=units, virtual_processors=max(1, -(-units // 100)),
                memory_mib=mib, max_memory_mib=mib * rng.choice((1, 1, 2)), lpar_id=11 + n, os="AIX", os_level=era["os"],
                environment="non-production", state="running", rmc_active=True, sharing="uncapped", weight=128,
                current_mode=era["mode"], preferred_mode="default", busy_units=rng.choice((units, units, units // 2)))
        out.add("networks", lpar=name, slot=2, vlan=10)
        for k in (1, 2):
            out.add("disks", lpar=name, slot=2 + k, lun=f"lun-{name}", vios=f"{home}-v{k}")
        for v in out.of("vioses"):
            out.add("zonings", lun=f"lun-{name}", vios=v["name"], reserve_policy="no_reserve")


def _power_of_two(least: int) -> int:
    out = 1
    while out < least:
        out *= 2
    return out


def _sized(out: Drawn) -> None:
    """Every server holds what it has and mostly little more, so that what fits is a question."""
    rng, lmb = out.rng, out.era["lmb"]
    loose = out.chance(0.3)
    for s in out.of("servers"):
        units, mib = 0, 1024 + (s.get("shared_memory_pool_mib") or 0)
        for v in out.on(s["name"]):
            units, mib = units + v["entitlement_units"], mib + 2048 + 32
        for pool in out.of("pools"):
            units += pool.get("reserved_units", 0) if pool["server"] == s["name"] else 0
        for p in out.of("lpars"):
            if p["server"] == s["name"] and p["state"] == "running":
                units += p["entitlement_units"]
                own = 0 if p.get("memory_mode") == "shared" else -(-p["memory_mib"] // lmb) * lmb
                mib += own + _power_of_two(-(-p["max_memory_mib"] // 64))
        spare = rng.choice((0, 0, 10, 50, 100, 130, 200, 400)), rng.choice((0, 0, 1100, 2200, 4400, 8700, 13000))
        if loose:
            spare = spare[0] + 400, spare[1] + 16384
        elif out.chance(0.04):
            spare = -10, -256  # more stands there than there is
        s["configurable_units"] = max(units + spare[0], 10)
        s["configurable_memory_mib"] = max(mib + spare[1], 1024)


# ---- what stands in the way -----------------------------------------------------------------------------------------


def _pools(out: Drawn) -> None:
    for s in out.servers():
        if out.chance(0.7):
            inside = [p for p in out.of("lpars") if p["server"] == s and out.chance(0.7)]
            held = sum(p["entitlement_units"] for p in inside)
            kept = out.rng.choice((0, 0, 50))
            out.add("pools", server=s, pool_id=out.rng.choice((1, 2)), name="licences", reserved_units=kept,
                    max_units=-(-(held + kept) // 100) * 100 + out.rng.choice((0, 100, 200)))
            for p in inside:
                p["pool_id"] = out.of("pools")[-1]["pool_id"]


def _dedicated(out: Drawn) -> None:
    for p in out.of("lpars"):
        if out.chance(0.4):
            cores = max(1, p["entitlement_units"] // 100)
            p.update(processors="dedicated", entitlement_units=100 * cores, virtual_processors=cores, sharing="capped")


def _vlans(out: Drawn) -> None:
    wide = {s: out.chance(0.6) for s in out.servers()}
    wide[out.rng.choice(out.servers())] = True
    for v in out.of("vioses"):
        if wide[v["server"]] and not (v["name"].endswith("2") and out.chance(0.3)):
            out.add("bridges", vios=v["name"], sea="ent6", vlan=20)
    bridged = {b["vios"][0] for b in out.of("bridges") if b["vlan"] == 20}
    for n in out.of("networks"):
        home = next(p["server"] for p in out.of("lpars") if p["name"] == n["lpar"])
        if home in bridged and out.chance(0.5):
            n["tagged"] = [20]
    if out.chance(0.2):
        out.policy("ignorable-vlan", "20")


def _zoned(out: Drawn) -> None:
    home = {p["name"]: p["server"] for p in out.of("lpars")}
    out.rows["zonings"] = [z for z in out.of("zonings") if z["vios"][0] == home[z["lun"].split("-")[1]] or out.chance(0.75)]
    for z in out.of("zonings"):
        if out.chance(0.05):
            z["reserve_policy"] = "single_path"


def _single_path(out: Drawn) -> None:
    """Some LPARs with their disk over one VIOS, and two LUNs."""
    for name in out.some(out.lpars()):
        out.rows["disks"] = [d for d in out.of("disks") if d["lpar"] != name or d["slot"] == 3]
        if out.chance(0.5):
            mine = next(d for d in out.of("disks") if d["lpar"] == name)
            out.add("disks", **(mine | {"lun": f"lun-{name}-2"}))
            for v in out.of("vioses"):
                if v["server"] == mine["vios"][0] or out.chance(0.8):
                    out.add("zonings", lun=f"lun-{name}-2", vios=v["name"], reserve_policy="no_reserve")


def _fibre(out: Drawn) -> None:
    for v in out.of("vioses"):
        for fabric in ("fA", "fB"):
            if not out.chance(0.1):
                out.add("ports", vios=v["name"], port=f"fcs-{fabric}", fabric=fabric, free_ports=out.rng.choice((0, 1, 1, 2, 4)))
    for name in out.some(out.lpars()):
        home = next(p["server"] for p in out.of("lpars") if p["name"] == name)
        for k, fabric in enumerate(("fA", "fB")[:out.rng.choice((1, 2, 2))], 1):
            if any(p["vios"] == f"{home}-v{k}" and p["fabric"] == fabric for p in out.of("ports")):
                out.add("fibres", lpar=name, slot=20 + k, vios=f"{home}-v{k}", wwpn1=f"c0507601{name}{k}a", both_zoned=True,
                        wwpn2=f"c0507601{name}{k}b", fabric=fabric, port=f"fcs-{fabric}")


def _slots(out: Drawn) -> None:
    for v in out.of("vioses"):
        here = sum(d["vios"] == v["name"] for d in out.of("disks")) + sum(f["vios"] == v["name"] for f in out.of("fibres"))
        v["max_virtual_slots"] = here + 2 + out.rng.choice((1, 2, 3, 5, 9)) + 10
        v["used_virtual_slots"] = here + 12


def _vnics(out: Drawn) -> None:
    for s in out.servers():
        for n in range(out.rng.choice((1, 2))):
            out.add("sriov", server=s, port=f"{s}-P{n}", number=f"1/{n}", free_ports=out.rng.choice((1, 2, 4)),
                    free_percent=out.rng.choice((5, 20, 60)))
    for name in out.some(out.lpars()):
        p = next(p for p in out.of("lpars") if p["name"] == name)
        p["vnic_adapters"] = 1
        out.add("vnics", lpar=name, slot=30, device=1, vios=f"{p['server']}-v1", port=f"{p['server']}-P0",
                percent=out.rng.choice((2, 5, 20)))


def _hindered(out: Drawn) -> None:
    """Facts that keep an LPAR where it is, or a server out."""
    for p in out.of("lpars"):
        if out.chance(0.2):
            p.update(out.rng.choice((
                {"rmc_active": False}, {"physical_adapters": ["U78-P1-C4"]}, {"lhea": True}, {"huge_pages": 2},
                {"bsr_arrays": 1}, {"migration_disabled": True}, {"error_path_reporting": True}, {"workload_group": "7"},
                {"sriov_ports": 1}, {"state": "open firmware"}, {"software": ["Oracle RAC 10.2.0.4"]})))


def _apart_servers(out: Drawn) -> None:
    for s in out.of("servers"):
        if out.chance(0.3):
            s.update(out.rng.choice((
                {"lmb_mib": 128}, {"site": "south"}, {"console": "hmc2"}, {"enterprise": False}, {"dpo_running": True},
                {"state": "error"}, {"max_migrations": 0}, {"console": "hmc1; hmc2"})))
    if out.chance(0.4) and len({s["site"] for s in out.of("servers")}) > 1:
        out.policy("site-link", "north", "south")
    if out.chance(0.4) and any("hmc2" in s["console"] for s in out.of("servers")) and any("hmc1" in s["console"] for s in out.of("servers")):
        out.policy("console-link", "hmc1", "hmc2")


def _limits(out: Drawn) -> None:
    for s in out.of("servers"):
        s["max_migrations"] = out.rng.choice((1, 2, 4, 8))
    for v in out.of("vioses"):
        v.update(link_mbit=out.rng.choice((1000, 1000, 10000)), max_migrations=out.rng.choice((1, 2, 4, 8)),
                 msp=out.chance(0.8), sharing=out.rng.choice(("uncapped", "uncapped", "capped")),
                 virtual_processors=out.rng.choice((1, 2, 4)))
    if out.chance(0.4):
        out.policy("concurrency", out.rng.choice((*out.servers(), "A-v1", "")), str(out.rng.choice((1, 2))))


def _movers(out: Drawn) -> None:
    for v in out.of("vioses"):
        v.update(msp=out.chance(0.7), rmc_active=out.chance(0.9))


def _inactive(out: Drawn) -> None:
    for p in out.of("lpars"):
        if out.chance(0.35):
            p.update(state="not activated", current_mode="", never_activated=out.chance(0.2))
            p.pop("rmc_active")
    for s in out.of("servers"):
        if out.chance(0.3):
            s["max_inactive_migrations"] = out.rng.choice((0, 1, 2))


def _modes(out: Drawn) -> None:
    if out.era["mode"] == "POWER9":
        for s in out.of("servers"):
            if out.chance(0.5):
                s["modes"] = out.rng.choice((["POWER8", "POWER9"], ["POWER9"], ["POWER7", "POWER8"]))
        for p in out.of("lpars"):
            if p["state"] == "running":
                p["current_mode"] = out.rng.choice(("POWER8", "POWER9"))
            p["preferred_mode"] = out.rng.choice(("default", "default", "POWER9"))
    for s in out.of("servers"):
        if out.chance(0.3):
            s["min_units_per_vp"] = out.rng.choice((5, 10, 20))


def _pins(out: Drawn) -> None:
    for kind in out.rng.sample(("pin", "soft-pin", "fence", "not-a-target", "production-stays"), 2):
        if kind == "not-a-target":
            out.policy(kind, out.rng.choice(out.servers()), out.rng.choice(("", "", ";".join(out.some(out.lpars())))))
        elif kind == "production-stays":
            for name in out.some(out.lpars(), 1, 2):
                next(p for p in out.of("lpars") if p["name"] == name)["environment"] = "production"
            out.policy(kind)
        else:
            name = out.rng.choice(out.lpars())
            home = next(p["server"] for p in out.of("lpars") if p["name"] == name)
            own = sorted({home, *out.some(out.servers(), 1, 2)})
            out.policy(kind, name, out.rng.choice(("; ".join(own), "" if kind != "fence" else home)))


def _groups(out: Drawn) -> None:
    for kind in out.rng.sample(("keep-apart", "keep-together", "cluster", "keep-apart"), 2):
        if len(out.lpars()) >= 2:
            out.policy(kind, f"group {len(out.of('policies'))}", "; ".join(out.some(out.lpars(), 2, 3)))


def _ceilings(out: Drawn) -> None:
    for kind, values in (("cpu-ceiling", ("90", "85 %", "0.8")), ("memory-ceiling", ("90", "95 %")), ("reserve-cores", ("0.5", "1")),
                         ("reserve-memory", ("1", "2.5"))):
        if out.chance(0.5):
            out.policy(kind, out.rng.choice(("", "*", out.rng.choice(out.servers()))), out.rng.choice(values))


def _ids(out: Drawn) -> None:
    used: dict[str, set[int]] = {}
    for p in out.of("lpars"):
        free = [n for n in (3, 4, 5, 6, 7, 8, 9, 10) if n not in used.setdefault(p["server"], set())]
        p["lpar_id"] = free[0] if out.chance(0.7) else out.rng.choice(free)
        used[p["server"]].add(p["lpar_id"])


def _production(out: Drawn) -> None:
    for p in out.of("lpars"):
        if out.chance(0.3):
            p["environment"] = "production"
    if out.chance(0.5):
        out.policy("production-order", "", out.rng.choice(("first", "last")))
    if out.chance(0.5):
        out.policy("priority", out.rng.choice(out.lpars()), str(out.rng.choice((1, 2))))


def _heartbeat(out: Drawn) -> None:
    for name in out.some(out.lpars(), 1, 3):
        next(p for p in out.of("lpars") if p["name"] == name)["software"] = ["PowerHA 7.2"]


def _dirty(out: Drawn) -> None:
    for p in out.of("lpars"):
        p["busy_units"] = out.rng.choice((50, 100, 150, 190, 250))
        p["virtual_processors"] = max(p["virtual_processors"], 3) if out.chance(0.3) else p["virtual_processors"]
        if out.chance(0.3):
            p["working_set_mib"] = out.rng.choice((256, 1024))


def _homes(out: Drawn) -> None:
    for p in out.of("lpars"):
        if out.chance(0.3):
            p["home"] = out.rng.choice(out.servers())


def _blackouts(out: Drawn) -> None:
    for name in out.some(out.lpars(), 1, 2):
        out.policy("blackout", name, out.rng.choice(("2026-12-05 21:50/22:15", "daily 22:05/22:40", "2026-12-05 22:30/2026-12-06 01:00")))


def _watts(out: Drawn) -> None:
    for s in out.of("servers"):
        s.update(idle_watts=out.rng.choice((500, 800, 1000)), max_watts=out.rng.choice((1200, 1500, 2000)))


TWISTS: dict[str, Callable[[Drawn], None]] = {
    "pools": _pools, "dedicated": _dedicated, "vlans": _vlans, "zoned": _zoned, "single path": _single_path,
    "fibre": _fibre, "slots": _slots, "vnics": _vnics, "hindered": _hindered, "apart": _apart_servers, "limits": _limits,
    "movers": _movers, "inactive": _inactive, "modes": _modes, "pins": _pins, "groups": _groups, "ceilings": _ceilings,
    "ids": _ids, "production": _production, "heartbeat": _heartbeat, "dirty": _dirty, "homes": _homes,
    "blackouts": _blackouts, "watts": _watts}


# ---- questions ------------------------------------------------------------------------------------------------------


def asked(seed: int, document: dict[str, Any], kind: str = "") -> dict[str, Any]:
    """A question about a site, as plain words: a command and its options."""
    rng = Random(f"question {seed}")
    drawn = rng.choice(KINDS)
    kind = kind or drawn
    rows = document["estate"]
    names, lpars = [s["name"] for s in rows["servers"]], [p["name"] for p in rows["lpars"]]
    return {"kind": kind} | _QUESTIONS[kind](rng, names, lpars, rows)


def _evacuate(rng: Random, servers: list[str], lpars: list[str], rows: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"servers": sorted(rng.sample(servers, 2 if len(servers) > 3 and rng.random() < 0.2 else 1)),
                           "return": rng.random() < 0.5, "inactive": rng.random() < 0.3}
    if "A" in servers and rng.random() < 0.6:
        out["servers"] = ["A"]
    standing = [p["name"] for p in rows["lpars"] if p["server"] in out["servers"] and p["state"] == "running"]
    if standing and rng.random() < 0.1:
        out["leave"] = [rng.choice(standing)]
    if rng.random() < 0.1:
        out["not_targets"] = [rng.choice(servers)]
    if rng.random() < 0.4:
        out["window"] = rng.choice(("2026-12-05 22:00/04:00", "2026-12-05 22:00/23:30", "2026-12-05 22:00/22:20"))
    return out


def _headroom(rng: Random, servers: list[str], lpars: list[str], rows: dict[str, Any]) -> dict[str, Any]:
    cores, memory = rng.choice(((0, 1), (0, 4), (0.5, 0), (1, 2), (1, 6), (2, 0), (2, 9), (3, 14)))
    return {"server": rng.choice(servers), "cores": cores, "memory": memory, "critical": rng.sample(lpars, 1) if rng.random() < 0.3 else [], "return": rng.random() < 0.4}


def _consolidate(rng: Random, servers: list[str], lpars: list[str], rows: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"measure": rng.choice(("watts", "watts", "servers", "cores")), "n_plus_1": rng.random() < 0.3,
                           "return": rng.random() < 0.2, "weekend": False}
    if rng.random() < 0.2:
        out["keep"] = [rng.choice(servers)]
    if rng.random() < 0.15:
        out["off"] = [rng.choice(servers)]
    if not out["return"] and rng.random() < 0.2:
        out.update(weekend=True, window="2026-11-27 20:00/2026-11-30 06:00")
    return out


def _whatif(rng: Random, servers: list[str], lpars: list[str], rows: dict[str, Any]) -> dict[str, Any]:
    return {"retire": rng.sample(servers, 1), "add": rng.choice((0, 1, 1, 2)), "cores": rng.choice((4, 8)),
            "memory": rng.choice((16, 32, 64)), "growth": rng.choice((0, 0, 20)), "resize": rng.random() < 0.4}


def _campaign(rng: Random, servers: list[str], lpars: list[str], rows: dict[str, Any]) -> dict[str, Any]:
    return {"work": rng.sample(servers, rng.randint(1, min(3, len(servers)))), "refill": rng.random() < 0.6,
            "minutes": rng.choice((30, 60)), "windows": rng.choice((1, 2, 4)), "home_at_end": rng.random() < 0.3}


def _resume(rng: Random, servers: list[str], lpars: list[str], rows: dict[str, Any]) -> dict[str, Any]:
    return _evacuate(rng, servers, lpars, rows) | {"on": rng.random() < 0.5, "share": rng.random()}


_QUESTIONS = {"evacuate": _evacuate, "headroom": _headroom, "consolidate": _consolidate, "whatif": _whatif,
              "campaign": _campaign, "resume": _resume}
