"""Joining the intake: LUNs by identity across VIOSes, clients by partition id and slot, VLANs by SEA.

Everything that cannot be joined is a finding; nothing is joined by likeness of names alone. Which partition an id or a
name means depends on when the listing was taken: LPARs move between two captures (:mod:`planner.estate.homes`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.estate.capacity import SERIAL_SLOTS, hash_page_table_mib, too_many_slots
from planner.estate.captures import CaptureTimes
from planner.estate.consoles import as_one_name
from planner.estate.homes import homes, unlisted
from planner.estate.model import DEFAULT_VSWITCH, INACTIVE, STATES, SWITCH_MODES, Lpar, Vios
from planner.findings import Finding, Severity, Source
from planner.formats.facts import Client, DiskMapping, Hdisk, Intake, Partition, PartRef, Row, Values, ViosRef
from planner.formats.values import level as numbers_of
from planner.formats.values import mtms
from planner.grouping import grouped, linked
from planner.names import composed, spelt
from planner.units import some

UNKNOWN_FABRIC = "unknown"
UNKNOWN_DISK = "?"

_VIOS_FIELDS = set(Vios.__dataclass_fields__)
_SIZES = {"entitlement_units": ("processors", "sharing", "virtual_processors", "entitlement_units", "weight",
                                "max_virtual_processors", "pool_id"),
          "memory_mib": ("memory_mib", "max_memory_mib")}
_LPAR_FIELDS = set(Lpar.__dataclass_fields__)


class Join:
    """One join. ``rows`` are the facts, ``findings`` what could not be joined or had to be assumed."""

    def __init__(self, intake: Intake, known_vioses: Iterable[tuple[str, str]] = (),
                 times: CaptureTimes | None = None) -> None:
        self.intake = intake
        self.times = times or CaptureTimes()
        self.rows: list[Row] = []
        self.findings: list[Finding] = list(intake.findings)
        self.named: dict[tuple[str, int], list[tuple[Source, str]]] = {}
        self.homes: dict[tuple[str, str], str] = {}
        self.gone: set[str] = set()
        self.miscoded: dict[tuple[str, str], str] = {}
        self.system_of: dict[str, str] = {}
        self.vioses: dict[str, str] = dict(known_vioses)
        self.parts: dict[str, Values] = {}
        self.part_sources: dict[str, Source] = {}
        self.by_host: dict[tuple[str, str], str] = {}
        self.switches: dict[tuple[str, int], str] = {}
        self.modes: dict[tuple[str, str], tuple[str, Source]] = {}
        self.sriov_ports: dict[tuple[str, str], str] = {}
        self.strangers: dict[tuple[PartRef, str], dict[str, Source]] = {}
        self.lost: dict[tuple[str, str, str], dict[str, Source]] = {}

    def run(self) -> Join:
        """Everything, in the order in which one thing needs another."""
        self._same_systems()
        self._partitions()
        self._profiles()
        self._hosts()
        self._systems()
        self._pools()
        self._sriov()
        self._vnics()
        self._emit_partitions()
        self._networks()
        self._bridges()
        self._disks()
        self._fibres()
        self._tell_lost()
        self._leave_out()
        self._only_newest()
        return self

    def say(self, severity: Severity, rule: str, subject: str, message: str, fix: str, source: Source | None) -> None:
        """Add a finding."""
        self.findings.append(Finding(rule, severity, subject, message, fix, source))

    def system(self, reference: str) -> str:
        """The name of a system by name, serial number or identifier; "" unknown."""
        aliases = self.intake.aliases
        if not reference:
            return ""
        if not reference.isascii():
            reference = spelt(reference, aliases)
        return aliases.get(reference) or next((n for a, n in sorted(aliases.items())
                                               if min(len(reference), len(a)) >= 6
                                               and (a.endswith(reference) or reference.endswith(a))), "")

    def part(self, ref: PartRef, source: Source | None = None) -> str:
        """The name of a partition, as it was when ``source`` was taken; "" when it is not known."""
        ref = self.intake.identifiers.get(ref.name, ref)
        system = self.system(ref.system) or ref.system
        if ref.lpar_id is not None:
            named = self._named(system, ref.lpar_id, source)
            if named:
                return named
        name = self.homes.get((ref.name, system), ref.name)
        return name if name in self.system_of or name in self.gone else ""

    def _named(self, system: str, lpar_id: int, source: Source | None) -> str:
        """The partition that had this id when ``source`` was taken: by the same file, else the nearest in time."""
        known = self.named.get((system, lpar_id), ())
        if not known:
            return ""
        name = known[0][1]
        if source is not None and any(other != name for _, other in known):
            _, name = min(known, key=lambda one: self.times.apart(one[0], source))
        return self.homes.get((name, system), name)

    # ---- partitions and systems ---------------------------------------------------------------------------------

    def _same_systems(self) -> None:
        """Systems that have two names or none: by serial number, and by what two consoles say of one partition."""
        i, names = self.intake, dict[str, str]()
        for name, values in sorted(i.systems.items(), key=lambda one: (mtms(one[0]) is not None, _garbled(one[0]))):
            if stated := mtms(name):  # as -m or the name of a file says it
                source = i.system_sources[name]
                values |= {"model": (f"{stated[0]}-{stated[1]}", source), "serial": (stated[2], source)}
                i.aliases.setdefault(stated[2], name)
            serial = str(values.get("serial", ("",))[0])
            first = names.setdefault(serial, name) if serial else name
            if first != name:
                i.merge(first, i.systems[first], i.systems.pop(name))
                i.consoles[first] = i.consoles.pop(name, {}) | i.consoles.get(first, {})
                if name in i.unreached:
                    i.unreached.setdefault(first, i.unreached.pop(name))
                if name in i.firmware_total:
                    i.firmware_total.setdefault(first, i.firmware_total.pop(name))
                i.aliases.update({alias: first for alias, of in i.aliases.items() if of == name})
        by_identifier = grouped((identifier, ref.system) for identifier, ref in i.identified if ref.system)
        for identifier, systems in by_identifier.items():
            known = {self.system(one) for one in systems} - {""} or {
                name for serial, name in names.items() if identifier.upper().startswith(serial.upper())}
            if len(known) == 1:
                i.aliases.update({one: next(iter(known)) for one in systems if not self.system(one)})

    def _partitions(self) -> None:
        placed = self._one_name_each(self._named_partitions())
        self.intake.partitions = [p for _, p in placed]
        self.homes, self.gone, findings = homes(placed, self.vioses, self.times)
        self.homes |= {(bad, system): self.homes.get((good, system), good)
                       for (bad, system), good in self.miscoded.items()}
        self.findings += (*findings, *unlisted(placed, self.gone, self.homes, self.times))
        for p in self.intake.partitions:
            self._partition(p)
        for (ref, fact), things in self.intake.held.items():
            self._holds(ref, fact, things)
        for ref, slots in self.intake.occupied.items():
            self._occupied(ref, slots)

    def _occupied(self, ref: PartRef, slots: dict[int, tuple[str, Source]]) -> None:
        """How many virtual slots a VIOS uses, where its Ethernet adapters and those that serve others are listed; the
        two serial ones, which every partition has, come on top. Whether another uses more than it has."""
        newest = min((at for _, at in slots.values()), key=self.times.order)
        now = {slot: kind for slot, (kind, at) in slots.items() if not self.times.long_before(at, newest)}
        name, used = self.part(ref, newest), len(now.keys() | set(range(SERIAL_SLOTS)))
        most = self.parts.get(name, {}).get("max_virtual_slots", (used,))[0]
        if name in self.vioses and name in self.parts and "eth" in now.values() and {"scsi", "fc"} & {*now.values()}:
            self.parts[name].setdefault("used_virtual_slots", (used, newest))
        elif name not in self.vioses and used > most:
            self.findings.append(too_many_slots(name, used, most, newest))

    def _named_partitions(self) -> list[tuple[str, Partition]]:
        """Each partition with its system, under the name that the listings give it."""
        listed = {p.ref.name for p in self.intake.partitions if _is_listed(p)}
        for wanted in (True, False):  # a name that only a host gives itself comes last
            for p in self.intake.partitions:
                key = (self.system(p.ref.system) or p.ref.system, p.ref.lpar_id or 0)
                if p.ref.name and all(key) and _is_listed(p) is wanted and (wanted or key not in self.named):
                    self.named.setdefault(key, []).append((p.source, p.ref.name))
        placed = [(self.system(p.ref.system) or p.ref.system, p) for p in self.intake.partitions]
        return [(system, p if p.ref.name in listed or not p.ref.name or p.ref.lpar_id is None else replace(
            p, ref=replace(p.ref, name=self._named(system, p.ref.lpar_id, p.source) or p.ref.name)))
            for system, p in placed]

    def _one_name_each(self, placed: list[tuple[str, Partition]]) -> list[tuple[str, Partition]]:
        """Names of one id on one system that differ in what is not ASCII are one name, once of a lost encoding."""
        same = grouped(((system, p.ref.lpar_id, _plain(p.ref.name)), p.ref.name) for system, p in placed
                       if system and p.ref.lpar_id is not None and p.ref.name)
        for (system, *_), names in same.items():
            good = min(names, key=_garbled)
            self.miscoded.update({(bad, system): good for bad in names if bad != good})
        if self.miscoded:
            pairs = sorted({f"{bad!r} is {good}" for (bad, _), good in self.miscoded.items()})
            self.say(Severity.INFO, "input.encoding", "names", f"{some(pairs, 8)}: the same id on the same server, its "
                     "name in two encodings", "nothing to do", None)
        return [(system, replace(p, ref=replace(p.ref, name=self.miscoded.get((p.ref.name, system), p.ref.name))))
                for system, p in placed]

    def _holds(self, ref: PartRef, fact: str, things: dict[str, Source]) -> None:
        """What adapters a partition holds, or their number."""
        first = next(iter(things.values()))
        name = self.part(ref, first)
        if name in self.parts and fact == "mover_address":
            self._moves_over(name, things)
        elif name in self.parts:
            what: object = tuple(things) if fact == "physical_adapters" else len(things)
            self.parts[name].setdefault(fact, (what, first))
        elif name not in self.gone:
            for thing, source in things.items():
                self._stranger(ref, fact.replace("_", " "), str(thing), source)

    def _moves_over(self, vios: str, addresses: dict[str, Source]) -> None:
        """The address of a mover where its console names one; of several none is chosen."""
        first = next(iter(addresses.values()))
        if len(addresses) == 1:
            self.parts[vios].setdefault("mover_address", (next(iter(addresses)), first))
        else:
            self.say(Severity.INFO, "input.several-addresses", vios,
                     f"its console offers {', '.join(sorted(addresses))} as its address for moves: none is chosen",
                     "state the one wanted in sheet VIOS, Mover address; without it the console chooses", first)

    def _partition(self, p: Partition) -> None:
        system = self.system(p.ref.system) or p.ref.system
        name = self.homes.get((p.ref.name, system), p.ref.name) or (
            self._named(system, p.ref.lpar_id, p.source) if p.ref.lpar_id is not None else "")
        if not name:
            self.say(Severity.WARNING, "input.unknown-partition", p.source.file,
                     f"partition id {p.ref.lpar_id} of {system or 'an unnamed system'} has no name in any listing",
                     "add lssyscfg -r lpar", p.source)
        if not name or name in self.gone:
            return
        if system:
            self.system_of.setdefault(name, system)
        if p.vios:
            self.vioses.setdefault(name, system)
        values = self.parts.setdefault(name, {})
        more = {k: v for k, v in p.values.items() if k != "physical_adapters"}
        if "physical_adapters" in p.values:
            new, source = p.values["physical_adapters"]
            had = values.get("physical_adapters", ((), source))
            values["physical_adapters"] = (tuple(dict.fromkeys((*had[0], *new))), had[1])
        if p.ref.lpar_id is not None:
            more.setdefault("lpar_id", (p.ref.lpar_id, p.source))
        self.intake.merge(name, values, more)
        self.part_sources.setdefault(name, p.source)

    def _profiles(self) -> None:
        """What the profile in use gives an LPAR and nothing else states; the only one listed counts as that."""
        listed = grouped((self.part(profile.ref, next((at for _, at in profile.values.values()), None))
                          or profile.ref.name, profile) for profile in self.intake.profiles)
        for name, own in listed.items():
            values, named = self.parts.get(name, {}), [p for p in own if p.name]
            in_use = [p for p in named if p.name == values.get("profile", ("",))[0]] or (
                named if len(named) == 1 else [])
            for profile in (*in_use[:1], *(p for p in own if not p.name)):
                for key, value in profile.values.items():
                    values.setdefault(key, value)
                if values.get("state", ("",))[0] in INACTIVE:
                    _give_sizes(values, profile.sizes)

    def _hosts(self) -> None:
        """Which VIOS each host is: by name, else by the location codes in its own listings, file by file."""
        for vios in self.vioses:
            self.by_host[vios, ""] = vios
        for ref in self._vios_refs():
            if ref.host and ref.serial:
                named = self._named(self.system(ref.serial), ref.lpar_id or -1, Source(ref.file))
                if named:
                    self.by_host.setdefault((ref.host, ref.file), named)
                    self.by_host.setdefault((ref.host, ""), named)

    def _vios_refs(self) -> Iterable[ViosRef]:
        i = self.intake
        for group in (i.mappings, i.hdisks, i.seas, i.vfcs):
            for row in group:
                yield row.vios
        yield from (ref for ref, _, _ in i.of_vioses)

    def vios(self, ref: ViosRef) -> str:
        """The name of the VIOS whose output this is; "" when nothing tells."""
        if ref.serial and ref.lpar_id is not None:
            named = self._named(self.system(ref.serial), ref.lpar_id, Source(ref.file))
            if named:
                return named
        for host in (ref.host, ref.host.split(".")[0]):
            for file in (ref.file, ""):
                if host and (host, file) in self.by_host:
                    return self.by_host[host, file]
        hits = {v for v in self.vioses if _in_path(v, ref.file)}
        return hits.pop() if len(hits) == 1 else ""

    def _lost(self, ref: ViosRef, what: str, thing: str, source: Source) -> None:
        """A thing of a VIOS of which nothing tells the name."""
        self.lost.setdefault((ref.host, "" if ref.host else ref.file, what), {}).setdefault(thing, source)

    def _stranger(self, ref: PartRef, what: str, thing: str, source: Source) -> None:
        """An adapter of, or served by, a partition that no listing names."""
        self.strangers.setdefault((ref, what), {}).setdefault(thing, source)

    def _tell_lost(self) -> None:
        """Once for each file or partition: what was read of which it is not known whose it is, and what would tell."""
        keep = "name the file or its directory after the VIOS, keep the prompt, or use planner collect vios"
        fix = keep if self.vioses else f"add what names the VIOSes (lssyscfg -r lpar), and {keep}"
        for (host, file, what), things in self.lost.items():
            of = f" (host {host})" if host else ""
            self.say(Severity.WARNING, "input.unknown-vios", host or file, f"{what} '{_listed(things)}': nothing tells "
                     f"which VIOS this is{of}", fix, next(iter(things.values())))
        for (ref, what), things in self.strangers.items():
            who = f"partition id {ref.lpar_id}" if ref.lpar_id is not None else f"partition {ref.name or 'any'}"
            source = next(iter(things.values()))
            self.say(Severity.WARNING, "input.unknown-partition", source.file, f"{what} '{_listed(things)}': no "
                     f"listing names {who} of {self.system(ref.system) or ref.system or 'a system'}",
                     "add lssyscfg -r lpar, or the answers of LogicalPartition and VirtualIOServer", source)

    def _leave_out(self) -> None:
        """Partitions and pools of a system of which nothing but a reference is known: they block no other."""
        aliases = self.intake.aliases
        strange = {name for name, system in self.system_of.items() if aliases and not self.system(system)}
        for system in sorted({self.system_of[name] for name in strange}):
            names = sorted(name for name in strange if self.system_of[name] == system)
            self.say(Severity.WARNING, "input.unknown-system", system,
                     f"{some(names)}: no file says which system this is",
                     "left out; add lssyscfg -r sys of it, or the answer of ManagedSystem", self.part_sources[names[0]])
        listed = (*(of for of, *_ in self.intake.pools), *(of for of, _ in self.intake.sriov))
        unknown = self.gone | strange | {of for of in listed if aliases and not self.system(of)}
        if unknown:
            self.rows = [row for row in self.rows if unknown.isdisjoint(map(str, row[1]))]

    def _only_newest(self) -> None:
        """Adapters that only an older capture of their LPAR shows are there no more."""
        newest: dict[tuple[str, str], Source] = {}
        for kind, key, _, source, _ in self.rows:
            if kind in ("networks", "fibres"):
                best = newest.setdefault((kind, key[0]), source)
                newest[kind, key[0]] = min(best, source, key=self.times.order)
        listed = {(row[0], row[1]) for row in self.rows if (row[0], row[1][0]) in newest
                  and not self.times.long_before(row[3], newest[row[0], row[1][0]])}
        old = [row for row in self.rows if (row[0], row[1][0]) in newest and (row[0], row[1]) not in listed]
        for file, rows in grouped((row[3].file, row) for row in old).items():
            names = sorted({str(row[1][0]) for row in rows})
            self.say(Severity.INFO, "input.older-capture", file, f"{len(rows)} adapters of {some(names)} that newer "
                     "captures do not show are left out", "nothing to do if they were removed", rows[0][3])
        left_out = set(map(id, old))
        self.rows = [row for row in self.rows if id(row) not in left_out] if old else self.rows

    def _systems(self) -> None:
        one = as_one_name(console for consoles in self.intake.consoles.values() for console in consoles)
        managed = Counter(name for consoles in self.intake.consoles.values() for name in {one[c] for c in consoles})
        levels = {one.get(name, name): level for name, level in self.intake.console_levels.items()}
        for name, values in self.intake.systems.items():
            source = self.intake.system_sources[name]
            row = dict(values)
            if "cpu_generation" in row:
                generation = row.pop("cpu_generation")
                self.rows.append(("servers", (name,), {"generation": generation}, generation[1], 2))
            consoles = self.intake.consoles.get(name)
            if name in self.intake.unreached:  # by one console; another's word counts
                lost, by = self.intake.unreached[name]
                row.setdefault("state", lost)
                consoles = consoles or {str(by[0]): by} if by else consoles
            names = sorted({one.get(c, c) for c in consoles or ()}, key=lambda name: (-managed[name], name))
            if consoles:
                row["console"] = ("; ".join(names), next(iter(consoles.values()))[1])
            row |= self._console_level(names, levels, len(managed) <= 1) | self._firmware_memory(name)
            self.rows.append(("servers", (name,), {"name": (name, source), **row}, source, 1))
        self._facts_of_known_systems()

    @staticmethod
    def _console_level(names: Sequence[str], levels: Mapping[str, Any], alone: bool) -> dict[str, Any]:
        """The lowest level of these consoles; the only one stated where there is no other console."""
        known = [levels[c] for c in names if c in levels]
        stated = known or (list(levels.values()) if len(levels) == 1 and alone else [])
        return {"console_level": min(stated, key=lambda level: numbers_of(str(level[0])))} if stated else {}

    def _firmware_memory(self, system: str) -> dict[str, Any]:
        """What the hypervisor holds without the hash page tables of the partitions."""
        if system not in self.intake.firmware_total:
            return {}
        total, where = self.intake.firmware_total[system]
        return {"firmware_memory_mib": (max(0, total - self._tables_on(system)), where)}

    def _facts_of_known_systems(self) -> None:
        """Facts that make no server of their own."""
        of_strangers: dict[str, tuple[set[str], Source]] = {}
        for reference, values, source in self.intake.of_known_systems:
            name = self.system(reference) or self.system_of.get(reference, "")
            if name:
                self.rows.append(("servers", (name,), values, source, 1))
            else:
                of_strangers.setdefault(reference, (set(), source))[0].update(values)
        for reference, (facts, source) in of_strangers.items():
            self.say(Severity.INFO, "input.unknown-name", reference, f"no export lists the system {reference}: "
                     f"its {', '.join(sorted(facts))} is left out", "add lssyscfg -r sys", source)

    def _tables_on(self, system: str) -> int:
        """Hash page tables of the active partitions of a system, in MiB."""
        total = 0
        for name, values in self.parts.items():
            if self.system_of.get(name) == system and values.get("state", ("",))[0] not in INACTIVE:
                maximum = values.get("max_memory_mib", values.get("memory_mib", (0,)))[0]
                total += hash_page_table_mib(maximum, values.get("hpt_ratio", (64,))[0])
        return total

    def _pools(self) -> None:
        for reference, pool_id, values, source in self.intake.pools:
            system = self.system(reference) or reference
            own = {"server": (system, source), "pool_id": (pool_id, source), **values}
            self.rows.append(("pools", (system, pool_id), own, source, 1))

    def _within_adapters(self) -> None:
        """What is free on the ports of an SR-IOV adapter is no more than it has left for all of them together: where it
        has less, the ports with most give way."""
        for (reference, adapter), (most, source) in self.intake.sriov_adapters.items():
            ports = {key: values for key, values in self.intake.sriov.items()
                     if key[0] == reference and key[1].partition("/")[0] == adapter}
            if not ports or any("configured" not in values or "free_ports" not in values for values in ports.values()):
                continue
            left = max(0, most - sum(values["configured"][0] for values in ports.values()))
            for n, values in enumerate(sorted(ports.values(), key=lambda values: values["free_ports"][0])):
                share = min(values["free_ports"][0], left // (len(ports) - n))
                if share < values["free_ports"][0]:
                    values["free_ports"] = (share, source)
                left -= share

    def _sriov(self) -> None:
        """Physical ports of SR-IOV adapters; what they have left where all their logical ports are listed."""
        self._within_adapters()
        for (reference, number), values in self.intake.sriov.items():
            shares = self.intake.capacity.get((reference, number), {})
            number_of, source = values.get("configured", (None, values["listed"][1]))
            system, port = self.system(reference) or reference, values.get("port", values["listed"])
            own = {"server": (system, source), "port": port}
            self.sriov_ports[system, number] = port[0]
            own |= {"number": values["listed"]} if port[0] != number else {}
            own |= {"free_ports": values["free_ports"]} if "free_ports" in values else {}
            own |= {"free_percent": values["free_percent"]} if "free_percent" in values else {}
            if number_of is not None and len(shares) >= number_of:
                own["free_percent"] = (max(0, 10_000 - sum(share for share, _ in shares.values())) // 100, source)
            self.rows.append(("sriov", (system, port[0]), own, source, 1))

    def _vnics(self) -> None:
        """The backing devices of vNICs, each with its port as the listing of ports names it."""
        for v in self.intake.vnics:
            name = self.part(v.ref, v.source)
            if not name:  # told where adapters are counted
                continue
            system = self.system_of.get(name, v.ref.system)
            stated = {"lpar": name, "slot": v.slot, "device": v.number, "vios": self.part(v.vios, v.source),
                      "port": self.sriov_ports.get((system, v.port), v.port), "percent": v.percent}
            values: Values = {k: (value, v.source) for k, value in stated.items() if value not in ("", None)}
            self.rows.append(("vnics", (name, v.slot, v.number), values, v.source, 1))

    def _emit_partitions(self) -> None:
        for name, values in self.parts.items():
            source = self.part_sources[name]
            own: Values = {"name": (name, source), **values}
            if name in self.system_of:
                own["server"] = (self.system_of[name], source)
            if (state := str(values.get("state", ("",))[0])) and state not in STATES:
                at = values["state"][1]
                own["state"] = ("unknown", at)
                self.say(Severity.WARNING, "input.unknown-state", name, f"its state is {state!r}, which is no word of "
                         "the HMC: it counts as active", "see what state it has: lssyscfg -r lpar -F name,state", at)
            kind, known = ("vioses", _VIOS_FIELDS) if name in self.vioses else ("lpars", _LPAR_FIELDS)
            if kind == "vioses" and values.get("processors", ("",))[0] == "dedicated":
                own["sharing"] = ("dedicated", values["processors"][1])
            self.rows.append((kind, (name,), {k: v for k, v in own.items() if k in known}, source, 1))
        for ref, values, source in self.intake.of_vioses:
            vios = self.vios(ref)
            if vios:
                self.rows.append(("vioses", (vios,), values, source, 1))
            else:
                self._lost(ref, f"its {' and '.join(values).replace('_', ' ')}",
                           ", ".join(str(value) for value, _ in values.values()), source)

    def _switch(self, reference: str, switch: str | int, source: Source) -> str:
        """The name of a virtual switch. Number 0 is the one that every system has; another goes by its number."""
        if isinstance(switch, str):
            return switch
        system = self.system(reference) or reference
        if not self.switches:
            self.switches = {(self.system(of) or of, number): name
                             for (of, number), name in self.intake.switches.items()}
        named = self.switches.get((system, switch))
        if named:
            return named
        name = f"VSWITCH{switch}" if switch else DEFAULT_VSWITCH
        self.switches[system, switch] = name
        self.say(Severity.WARNING if switch else Severity.INFO, "input.unknown-switch", system,
                 f"no file names virtual switch {switch} of {system or 'a system'}: {name} stands for it",
                 "add the answer of ManagedSystem/UUID/VirtualSwitch", source)
        return name

    # ---- networks -----------------------------------------------------------------------------------------------

    def _networks(self) -> None:
        for e in self.intake.ethernets:
            name = self.part(e.ref, e.source) or e.ref.name
            if not name:
                vlans = some((e.vlan, *e.tagged), 8)
                self._stranger(e.ref, "virtual Ethernet adapters", f"slot {e.slot} in VLAN {vlans} on "
                               + self._switch(e.ref.system, e.vswitch, e.source), e.source)
            if e.trunk or not name or name in self.vioses:
                continue
            vswitch = self._switch(self.system_of.get(name, e.ref.system), e.vswitch, e.source)
            values: Values = {"lpar": (name, e.source), "slot": (e.slot, e.source), "vlan": (e.vlan, e.source),
                              "tagged": (e.tagged, e.source), "vswitch": (vswitch, e.source)}
            self.rows.append(("networks", (name, e.slot), values, e.source, 1))

    def _bridges(self) -> None:
        self.modes = {(self.system(of) or of, name): mode for (of, name), mode in self.intake.switch_modes.items()
                      if mode[0] in SWITCH_MODES}
        seen: set[str] = set()
        for sea in self.intake.seas:
            vios = self.vios(sea.vios)
            if not vios:
                vlans = some((vlan for _, vlan in sea.vlans), 8) or "none"
                self._lost(sea.vios, "SEA", f"{sea.name} with VLAN {vlans}", sea.source)
                continue
            seen.add(vios)
            for vswitch, vlan in sea.vlans:
                self._bridge(vios, sea.name, vswitch, vlan, sea.source)
        for e in self.intake.ethernets:
            vios = self.part(e.ref, e.source) or e.ref.name
            if e.trunk and vios in self.vioses and vios not in seen:
                for vlan in (e.vlan, *e.tagged):
                    self._bridge(vios, f"trunk in slot {e.slot}", e.vswitch, vlan, e.source)

    def _bridge(self, vios: str, sea: str, switch: str | int, vlan: int, source: Source) -> None:
        if 1 <= vlan <= 4094:
            vswitch = self._switch(self.vioses.get(vios, ""), switch, source)
            values: Values = {"vios": (vios, source), "sea": (sea, source), "vswitch": (vswitch, source),
                              "vlan": (vlan, source)}
            if mode := self.modes.get((self.vioses.get(vios, ""), vswitch)):
                values["switch_mode"] = mode
            self.rows.append(("bridges", (vios, sea, vswitch, vlan), values, source, 1))

    # ---- storage ------------------------------------------------------------------------------------------------

    def _disks(self) -> None:
        known: dict[tuple[str, str], list[Hdisk]] = defaultdict(list)
        for disk in self.intake.hdisks:
            vios = self.vios(disk.vios)
            if vios:
                known[(vios, disk.name)].append(disk)
            else:
                self._lost(disk.vios, "disks", disk.name, disk.source)
        luns = _lun_names({place: [i for d in disks for i in d.identities] for place, disks in known.items()})
        for (vios, hdisk), disks in known.items():
            lun = luns.get((vios, hdisk))
            if lun:
                source = disks[0].source
                values: Values = {"lun": (lun, source), "vios": (vios, source), "hdisk": (hdisk, source)}
                policy = next((d for d in disks if d.reserve_policy), None)
                if policy:
                    values["reserve_policy"] = (policy.reserve_policy, policy.source)
                self.rows.append(("zonings", (lun, vios), values, source, 1))
        clients = self._clients(self.intake.scsi)
        for mapping in self.intake.mappings:
            vios = self.vios(mapping.vios)
            if vios:
                self._mapping(mapping, vios, clients, luns)
            else:
                self._lost(mapping.vios, "virtual SCSI mappings", mapping.vtd, mapping.source)
        self._unlisted_adapters(clients)

    def _unlisted_adapters(self, clients: dict[tuple[str, int], Client]) -> None:
        """Client adapters of which no VIOS lists what hangs on them: a row each, that they are not forgotten."""
        listed = {(self.vios(ref), slot) for ref, slot in self.intake.vhosts}
        served = {row[1][:2] for row in self.rows if row[0] == "disks"}
        adapters = [(self.part(c.ref, c.source), vios, slot, c) for (vios, slot), c in clients.items()]
        newest = {system: min(own, key=self.times.order) for system, own in grouped(
            (self.vioses.get(vios), c.source) for _, vios, _, c in adapters).items()}
        for name, vios, slot, c in adapters:
            shown = not listed.isdisjoint({(vios, slot), (vios, None)}) or (name, c.slot) in served
            if name and name not in self.vioses and vios in self.vioses and not shown and not self.times.long_before(
                    c.source, newest[self.vioses[vios]]):
                values: Values = {k: (v, c.source) for k, v in (
                    ("lpar", name), ("slot", c.slot), ("lun", UNKNOWN_DISK), ("vios", vios), ("backing", "unknown"))}
                self.rows.append(("disks", (name, c.slot, UNKNOWN_DISK, vios), values, c.source, 1))

    def _clients(self, adapters: Iterable[Client]) -> dict[tuple[str, int], Client]:
        """(VIOS, server slot) → the client adapter that is joined to it."""
        out: dict[tuple[str, int], Client] = {}
        for c in adapters:
            vios = self.part(c.vios, c.source) or c.vios.name
            if vios and c.vios_slot is not None:
                out.setdefault((vios, c.vios_slot), c)
        return out

    def _mapping(self, m: DiskMapping, vios: str, clients: dict[tuple[str, int], Client],
                 luns: dict[tuple[str, str], str]) -> None:
        adapter = clients.get((vios, m.slot)) if m.slot is not None else None
        name = self.part(adapter.ref, adapter.source) if adapter else ""
        name = name or self.part(PartRef(self.vioses.get(vios, ""), m.client.lpar_id, m.client.name), m.source)
        if name in self.gone:
            return
        if not name:
            self.say(Severity.WARNING, "input.unknown-client", vios,
                     f"{m.vtd} on {vios} (server slot {m.slot}) serves partition id {m.client.lpar_id or 'any'}, "
                     "which no listing names", "add lssyscfg -r lpar and lshwres -r virtualio --rsubtype scsi",
                     m.source)
            return
        slot = adapter.slot if adapter else m.client_slot if m.client_slot is not None else m.slot
        if slot is None:
            self.say(Severity.WARNING, "input.unknown-client", name, f"{m.vtd} on {vios}: no slot is stated",
                     "add lshwres -r virtualio --rsubtype scsi", m.source)
            return
        if adapter is None and m.client_slot is None:
            self.say(Severity.WARNING, "input.assumed-slot", name,
                     f"client slot of {m.vtd} on {vios} is not stated: server slot {slot} is used in its place",
                     "add lshwres -r virtualio --rsubtype scsi", m.source)
        lun = luns.get((vios, m.device)) if m.backing == "lun" else m.device
        if not lun:
            lun = f"{vios}:{m.device}"
            self.say(Severity.WARNING, "input.unknown-lun", name,
                     f"{m.device} behind {m.vtd} on {vios} has neither PVID nor unique id: it cannot be found on "
                     "another VIOS", f"add lspv and lsdev -dev {m.device} -attr of {vios}", m.source)
        values: Values = {k: (v, m.source) for k, v in (
            ("lpar", name), ("slot", slot), ("lun", lun), ("vios", vios), ("backing", m.backing), ("vtd", m.vtd),
            ("vhost", m.vhost))}
        self.rows.append(("disks", (name, slot, lun, vios), values, m.source, 1))

    def _ports(self) -> tuple[dict[tuple[str, str], tuple[str, Source]], dict[tuple[str, int], str]]:
        """Rows of the ports; the fabric of each that a label names, and the port behind each server slot."""
        fabrics: dict[tuple[str, str], tuple[str, Source]] = {}
        behind: dict[tuple[str, int], str] = {}
        stated: list[tuple[ViosRef, str, str, int | None, int | None, Source]] = [
            (p.vios, p.name, p.fabric, p.free, None, p.source) for p in self.intake.ports]
        stated += [(v.vios, v.port, "", v.free_ports, v.slot, v.source) for v in self.intake.vfcs]
        for ref, port, fabric, free, slot, source in stated:
            vios = self.vios(ref)
            if not vios:
                self._lost(ref, "Fibre Channel ports", (port or "none behind an adapter") + "".join((
                    f" with {free} free" if free is not None else "", f" on {fabric}" if fabric else "")), source)
            elif port:
                values: Values = {"vios": (vios, source), "port": (port, source)}
                if free is not None:
                    values["free_ports"] = (free, source)
                self.rows.append(("ports", (vios, port), values, source, 1))
                fabrics.setdefault((vios, port), (fabric, source))
                if slot is not None:
                    behind[vios, slot] = port
        return fabrics, behind

    def _fabrics(self, fabrics: dict[tuple[str, str], tuple[str, Source]], behind: dict[tuple[str, int], str]) -> None:
        """The fabric of every port and WWPN pair where labels name them all; else one for all, and said so."""
        places: dict[tuple[str, int], tuple[str, Source]] = {}
        for c in self.intake.fc:
            name, vios = self.part(c.ref, c.source), self.part(c.vios, c.source) or c.vios.name
            if name and vios and name not in self.vioses:
                port = behind.get((vios, c.vios_slot or -1), "")
                places[name, c.slot] = (fabrics.get((vios, port), ("",))[0], c.source)
                if port:
                    self.rows.append(("fibres", (name, c.slot), {"port": (port, c.source)}, c.source, 1))
        every = (*places.values(), *fabrics.values())
        known = all(fabric for fabric, _ in every)
        for kind, of_kind in (("ports", fabrics), ("fibres", places)):
            for key, (fabric, source) in of_kind.items():
                self.rows.append((kind, key, {"fabric": (fabric if known else UNKNOWN_FABRIC, source)}, source, 2))
        unlabelled = sorted(":".join(key) for key, (fabric, _) in fabrics.items() if not fabric)
        labelled = len(unlabelled) < len(fabrics)
        if not known and (places or labelled):
            which = f" ({some(unlabelled, 4)}: no label)" if unlabelled and labelled else ""
            self.say(Severity.WARNING, "input.unknown-fabric", "NPIV",
                     f"no export says which fabric a port or a WWPN pair is on: one fabric is assumed for all{which}",
                     "state the fabrics in sheets NPIV and FC ports, or label the ports on the VIOS (lsnports shows "
                     "labels)", every[0][1])

    def _fibres(self) -> None:
        for c in self.intake.fc:
            name, vios = self.part(c.ref, c.source), self.part(c.vios, c.source) or c.vios.name
            if not name or not vios:
                self._stranger(c.vios if name else c.ref, "virtual Fibre Channel adapters",
                               " ".join(("slot", str(c.slot), *c.wwpns)), c.source)
            if not name or not vios or name in self.vioses:
                continue
            wwpns = (*c.wwpns, "", "")
            values: Values = {k: (v, c.source) for k, v in (
                ("lpar", name), ("slot", c.slot), ("vios", vios), ("wwpn1", wwpns[0]), ("wwpn2", wwpns[1])) if v}
            self.rows.append(("fibres", (name, c.slot), values, c.source, 1))
        self._fabrics(*self._ports())


def _listed(things: Iterable[str]) -> str:
    return some((thing.replace("'", "’") for thing in things), 8)


def _is_listed(p: Partition) -> bool:
    """Whether a console says it: what a host says of itself may be another name."""
    return p.vios is not None or "state" in p.values


def _plain(name: str) -> str:
    """What of a name every encoding keeps."""
    return "".join(char for char in composed(name) if char.isascii() and char != "?")


def _garbled(name: str) -> tuple[bool, bool]:
    """Whether a name shows that its encoding was lost: control characters, UTF-8 read as Latin-1, letters
    missing, accents apart."""
    try:
        twice = not name.isascii() and bool(name.encode("latin-1").decode())
    except UnicodeError:
        twice = False
    lost = "?" in name or not name.isprintable() or "\ufffd" in name or composed(name) != name
    return twice or lost, name.isascii()


def _give_sizes(values: Values, sizes: Values) -> None:
    """The sizes of a profile to an LPAR that stands still and has none."""
    for missing, names in _SIZES.items():
        if missing not in values and missing in sizes:
            values.update({name: sizes[name] for name in names if name in sizes})
    if "huge_pages" in sizes and not values.get("huge_pages", (0,))[0]:
        values["huge_pages"] = sizes["huge_pages"]


def _in_path(vios: str, file: str) -> bool:
    """Whether a file or one of its directories is named after a VIOS: ``hvio1.lsmap``, ``hvio1/lspv.txt``."""
    parts, vios = re.split(r"[/\\]", composed(file)), composed(vios)
    return vios in parts or any(re.match(rf"{re.escape(vios)}([._-]|$)", p) for p in parts)


def _lun_names(identities: dict[tuple[str, str], list[str]]) -> dict[tuple[str, str], str]:
    """(VIOS, hdisk) → the LUN's name: disks that share a PVID or a unique id are one LUN.

    The name is its lowest PVID, else its lowest unique id: "pvid:" sorts before "uid:".
    """
    every = sorted({one for ids in identities.values() for one in ids})
    name = {one: same[0].split(":", 1)[1] for same in linked(every, identities.values()) for one in same}
    return {place: name[ids[0]] for place, ids in identities.items() if ids}
