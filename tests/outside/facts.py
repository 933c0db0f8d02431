"""A saved estate as plain rows, and what its pages in docs/ say of it. Nothing here imports the planner.

Defaults come from docs/estate.schema.json; policies are read as docs/policies.md says. Whoever changes this reads the pages,
not the program: what the checker knows must not be what the program knows.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).parents[2]
DEFS = {"servers": "Server", "vioses": "Vios", "lpars": "Lpar", "pools": "ProcessorPool", "bridges": "Bridge",
        "networks": "Network", "disks": "Disk", "zonings": "Zoning", "fibres": "Fibre", "ports": "Port",
        "vnics": "Vnic", "sriov": "SriovPort", "policies": "Policy", "parameters": "Parameter"}
GENERATION_MODES = {
    "POWER6": {"POWER6", "POWER6 enhanced"}, "POWER6+": {"POWER6", "POWER6+", "POWER6+ enhanced"},
    "POWER7": {"POWER6", "POWER6+", "POWER7"}, "POWER7+": {"POWER6", "POWER6+", "POWER7"},
    "POWER8": {"POWER6", "POWER6+", "POWER7", "POWER8"}, "POWER9": {"POWER7", "POWER8", "POWER9_base", "POWER9"},
    "POWER10": {"POWER8", "POWER9_base", "POWER9", "POWER10"}, "POWER11": {"POWER9_base", "POWER9", "POWER10", "POWER11"}}
FINE = {"POWER7+", "POWER8", "POWER9", "POWER10", "POWER11"}
"""Where a virtual processor needs 0.05 cores; elsewhere 0.10."""
MIB = 1 << 20


@cache
def _defaults(name: str) -> dict[str, Any]:
    schema = json.loads((ROOT / "docs" / "estate.schema.json").read_text())
    properties = schema["$defs"][name]["properties"]
    return {k: v.get("default") for k, v in properties.items()}


@cache
def parameter_defaults() -> dict[str, Fraction]:
    """The second column of docs/parameters.md."""
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]*) \|", (ROOT / "docs" / "parameters.md").read_text(), re.M)
    return {name: Fraction(value) for name, value in rows if value}


@cache
def catalogue() -> dict[str, Any]:
    """Models by type-model, of the catalogue that docs/whatif.md describes."""
    text = (ROOT / "planner" / "estate" / "catalogue.toml").read_text()
    return {m["type_model"]: m for m in tomllib.loads(text, parse_float=Fraction)["model"]}


def power_of_two(least: int) -> int:
    out = 1
    while out < least:
        out *= 2
    return out


def blocks(mib: int, lmb: int | None) -> int:
    return -(-mib // lmb) * lmb if lmb else mib


def page_table(max_mib: int, ratio: int = 64) -> int:
    return power_of_two(-(-max_mib // ratio)) if max_mib else 0


def level(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", text))


def percent(text: str) -> Fraction:
    """``90``, ``90 %`` and ``0.9`` are the same; a bare 1 is 100 %."""
    number = Fraction(text.replace("%", "").strip())
    return number if "%" in text or number > 1 else number * 100


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), name) is not None


class Site:
    """The rows by name, and the sums that docs/rules.md speaks of; ``where`` may place LPARs otherwise than the rows."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        rows = {kind: [SimpleNamespace(**(_defaults(name) | row)) for row in document["estate"].get(kind, [])]
                for kind, name in DEFS.items()}
        self.rows = rows
        self.servers = {s.name: s for s in rows["servers"]}
        self.lpars = {p.name: p for p in rows["lpars"]}
        self.vioses = {v.name: v for v in rows["vioses"]}
        self.home = {p.name: p.server for p in rows["lpars"]}
        self.by_server: dict[str, list[Any]] = defaultdict(list)
        for v in rows["vioses"]:
            self.by_server[v.server].append(v)
        self.networks, self.disks, self.fibres, self.vnics = (_by(rows[k], "lpar") for k in (
            "networks", "disks", "fibres", "vnics"))
        self.policies = [p for p in rows["policies"] if p.active]
        self.parameters = parameter_defaults() | {
            p.name: Fraction(str(p.value)) for p in rows["parameters"] if not p.subject}
        stated = {p.name for p in rows["parameters"]}
        if "overhead_s" in stated and "hmc_overhead_s" not in stated:
            self.parameters["hmc_overhead_s"] = self.parameters["overhead_s"]
        self._sees = {(z.lun, z.vios): z.reserve_policy for z in rows["zonings"]}
        self._limits: dict[str, tuple[Fraction, Fraction]] = {}
        self._bridged: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        for b in rows["bridges"]:
            self._bridged[self.vioses[b.vios].server, b.vswitch, b.vlan].add(b.vios)

    # ---- policies -----------------------------------------------------------------------------------------------

    def of(self, kind: str) -> list[Any]:
        return [p for p in self.policies if p.kind == kind]

    def chosen(self, text: str) -> set[str]:
        """The LPARs that a subject or value selects; none named is all of them."""
        words = [w.strip() for w in text.split(";") if w.strip()]
        return {p.name for p in self.lpars.values() if not words or any(self._selects(w, p) for w in words)}

    def _selects(self, word: str, p: Any) -> bool:
        kind, _, value = word.partition(":")
        if kind == "env" and value:
            return p.environment == value
        if kind == "software" and value:
            return any(s.lower().startswith(value.lower()) for s in p.software)
        return _matches(word, p.name)

    def boxes(self, text: str, nothing: Iterable[str] = ()) -> set[str]:
        """The servers (and VIOSes) that a subject or value selects."""
        words = [w.strip() for w in text.split(";") if w.strip()]
        if not words:
            return set(nothing)
        out = {v for v in self.vioses if any(_matches(w, v) for w in words)}
        for s in self.servers.values():
            facts = {"generation": s.generation, "model": s.model, "site": s.site, "console": s.console}
            for word in words:
                kind, _, value = word.partition(":")
                if (kind in facts and value and _matches(value, facts[kind])) or _matches(word, s.name):
                    out.add(s.name)
        return out

    def stated(self, kind: str, server: str) -> list[str]:
        """The values of the rows that hold for a server: those that name it before those with a wildcard or none."""
        named, general = [], []
        for p in self.of(kind):
            if server in self.boxes(p.subject, self.servers):
                words = [w.strip() for w in p.subject.split(";")]
                (named if server in words else general).append(p.value)
        return named or general

    # ---- sizes --------------------------------------------------------------------------------------------------

    def active(self, lpar: str) -> bool:
        return self.lpars[lpar].state.lower() != "not activated"

    def memory(self, lpar: str, server: str) -> int:
        p = self.lpars[lpar]
        own = 0 if p.memory_mode == "shared" else blocks(p.memory_mib, self.servers[server].lmb_mib)
        return own + page_table(p.max_memory_mib, p.hpt_ratio)

    def base(self, server: str) -> tuple[int, int]:
        """Hundredths of cores and MiB that are held without any LPAR."""
        s = self.servers[server]
        units = sum(v.entitlement_units for v in self.by_server[server])
        units += sum(p.reserved_units for p in self.rows["pools"] if p.server == server)
        mib = (s.firmware_memory_mib or 0) + (s.shared_memory_pool_mib or 0)
        mib += sum(blocks(v.memory_mib, s.lmb_mib) + page_table(v.max_memory_mib or v.memory_mib)
                   for v in self.by_server[server])
        return units, mib

    def held(self, server: str, there: Iterable[str]) -> tuple[int, int]:
        """With these LPARs there."""
        units, mib = self.base(server)
        for name in there:
            if self.active(name):
                units, mib = units + self.lpars[name].entitlement_units, mib + self.memory(name, server)
        return units, mib

    def limits(self, server: str) -> tuple[Fraction, Fraction]:
        """What a server may hold by its ceilings and reserves."""
        if server not in self._limits:
            self._limits[server] = self._limits_of(server)
        return self._limits[server]

    def _limits_of(self, server: str) -> tuple[Fraction, Fraction]:
        s = self.servers[server]
        out = []
        for whole, ceiling, reserve, unit in ((s.configurable_units, "cpu-ceiling", "reserve-cores", 100),
                                              (s.configurable_memory_mib, "memory-ceiling", "reserve-memory", 1024)):
            share = min((percent(v) for v in self.stated(ceiling, server)), default=Fraction(100))
            kept = max((Fraction(v) * unit for v in self.stated(reserve, server)), default=Fraction(0))
            out.append(whole * share / 100 - kept)
        return out[0], out[1]

    def pool_of(self, lpar: str, server: str, own: int | None = None) -> int | None:
        """The processor pool that an LPAR runs in on a server; None: it has processors of its own."""
        p = self.lpars[lpar]
        if p.processors == "dedicated":
            return None
        if server == p.server:
            return p.pool_id or 0
        here = {q.pool_id: q.name for q in self.rows["pools"] if q.server == p.server}
        there = {q.name: q.pool_id for q in self.rows["pools"] if q.server == server}
        for policy in self.of("target-pool"):
            if lpar in self.chosen(policy.subject):
                return int(there.get(policy.value, 0))
        return int(there.get(here.get(p.pool_id, ""), 0)) if p.pool_id else 0

    # ---- networks and storage -----------------------------------------------------------------------------------

    def bridging(self, server: str, vswitch: str, vlan: int) -> set[str]:
        return self._bridged.get((server, vswitch, vlan), set())

    def sees(self, vios: str, lun: str) -> str | None:
        """The reserve policy under which a VIOS sees a LUN; None: it does not."""
        return self._sees.get((lun, vios))

    def ignorable(self) -> set[int]:
        words = [w for p in self.of("ignorable-vlan") for w in re.findall(r"\d+", f"{p.subject};{p.value}")]
        return {int(w) for w in words}

    def groups(self, kind: str) -> list[set[str]]:
        return [self.chosen(p.value) for p in self.of(kind)]

    def belongs(self, lpar: str) -> set[str]:
        """Where an LPAR belongs: its home, else where it stands."""
        p = self.lpars[lpar]
        return {p.home or p.server}


def _by(rows: Iterable[Any], field: str) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        out[getattr(row, field)].append(row)
    return out
