"""What exports say of an estate, in one form whichever console, command or sheet said it, before it is joined.

References to systems are names, serial numbers or REST identifiers; to partitions, a name or a partition id on a
system; to a VIOS, the host whose output it was or the location code ``U…-Vn`` that its listings carry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.estate.model import Estate
from planner.findings import Finding, Severity, Source

Values = dict[str, tuple[Any, Source]]


@dataclass(frozen=True, slots=True)
class PartRef:
    """A partition: by name, or by id on a system."""

    system: str = ""
    lpar_id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class ViosRef:
    """A VIOS: the host whose output it was, or the serial number and partition id of its location code."""

    host: str = ""
    serial: str = ""
    lpar_id: int | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Partition:
    """Facts of a partition; ``vios`` None: not said."""

    ref: PartRef
    vios: bool | None
    values: Values
    source: Source


@dataclass(frozen=True, slots=True)
class SelfReport:
    """What a running partition says of itself (``lparstat -i``): an LPAR, or the VIOS that another source knows.

    ``assumed`` gives way to whatever is stated elsewhere. ``embedded`` in a recording it may stand many times.
    """

    name: str
    values: Values
    assumed: Values
    embedded: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Ethernet:
    """A virtual Ethernet adapter; ``trunk``: it belongs to a SEA. ``vswitch`` is a name, or a number of its system."""

    ref: PartRef
    slot: int
    vlan: int
    tagged: tuple[int, ...]
    vswitch: str | int
    trunk: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Client:
    """A client adapter (virtual SCSI or Fibre Channel) and the server adapter that it is joined to."""

    ref: PartRef
    slot: int
    vios: PartRef
    vios_slot: int | None
    wwpns: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class VnicDevice:
    """A backing device of a vNIC, the ``number``-th of those in its slot; ``port``: a location or ``adapter/port``."""

    ref: PartRef
    slot: int
    number: int
    vios: PartRef
    port: str
    percent: int | None
    source: Source


@dataclass(frozen=True, slots=True)
class DiskMapping:
    """A virtual target device: server slot and client of its vhost, and the device behind it."""

    vios: ViosRef
    slot: int | None
    client: PartRef
    vtd: str
    backing: str
    device: str
    source: Source
    client_slot: int | None = None
    vhost: str = ""


@dataclass(frozen=True, slots=True)
class Hdisk:
    """A disk of a VIOS: what identifies it everywhere, and its reserve policy ("" unknown)."""

    vios: ViosRef
    name: str
    identities: tuple[str, ...]
    reserve_policy: str
    source: Source


@dataclass(frozen=True, slots=True)
class Sea:
    """A Shared Ethernet Adapter with the VLANs that it bridges: (virtual switch, VLAN id)."""

    vios: ViosRef
    name: str
    vlans: tuple[tuple[str | int, int], ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Vfc:
    """A virtual Fibre Channel server adapter: its slot, client and physical port, and what that has left."""

    vios: ViosRef
    slot: int | None
    client: PartRef
    port: str
    source: Source
    free_ports: int | None = None


#: (kind, key, values, place, rank) of one row of an estate; rank 0 a person's word, 1 a machine's, 2 assumed.
Row = tuple[str, tuple[Any, ...], Values, Source, int]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile of an LPAR gives it; it counts where it is the profile in use.

    ``sizes``: what an LPAR that stands still would have; without a ``name``, where its profiles do not say it.
    """

    ref: PartRef
    name: str
    values: Values
    sizes: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NpivPort:
    """A Fibre Channel port of a VIOS that serves NPIV; ``fabric`` "" where no label says it."""

    vios: ViosRef
    name: str
    fabric: str
    free: int | None
    source: Source


@dataclass(slots=True)
class Intake:
    """Everything that was said. ``aliases``: serial number or identifier → name of a system.

    ``identifiers``: UUID → partition; ``switches``: (system, number) → name; ``held``: (partition, fact) → what it has
    of that, each with its place.
    """

    systems: dict[str, Values] = field(default_factory=dict)
    system_sources: dict[str, Source] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    firmware_total: Values = field(default_factory=dict)
    partitions: list[Partition] = field(default_factory=list)
    reports: list[SelfReport] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    pools: list[tuple[str, int, Values, Source]] = field(default_factory=list)
    ethernets: list[Ethernet] = field(default_factory=list)
    scsi: list[Client] = field(default_factory=list)
    vhosts: set[tuple[ViosRef, int | None]] = field(default_factory=set)
    """Server adapters whose mappings, or their absence, a VIOS lists; None: all of its."""
    fc: list[Client] = field(default_factory=list)
    vnics: list[VnicDevice] = field(default_factory=list)
    mappings: list[DiskMapping] = field(default_factory=list)
    hdisks: list[Hdisk] = field(default_factory=list)
    seas: list[Sea] = field(default_factory=list)
    vfcs: list[Vfc] = field(default_factory=list)
    ports: list[NpivPort] = field(default_factory=list)
    of_known_systems: list[tuple[str, Values, Source]] = field(default_factory=list)
    """Facts of systems (by any reference) that count only where another source knows the system."""
    of_vioses: list[tuple[ViosRef, Values, Source]] = field(default_factory=list)
    """What a VIOS says of itself: its level, how many moves it carries at a time."""
    identifiers: dict[str, PartRef] = field(default_factory=dict)
    identified: list[tuple[str, PartRef]] = field(default_factory=list)
    """(UUID or logical serial number, partition) of every listing that states one: they tell alike systems."""
    consoles: dict[str, Values] = field(default_factory=dict)
    """System → the consoles that list it."""
    unreached: dict[str, tuple[tuple[Any, Source], tuple[Any, Source] | None]] = field(default_factory=dict)
    """System → what a console says that does not reach it, and that console."""
    console_levels: Values = field(default_factory=dict)
    """Console → its level; "": of a console that nothing names."""
    switches: dict[tuple[str, int], str] = field(default_factory=dict)
    switch_modes: dict[tuple[str, str], tuple[str, Source]] = field(default_factory=dict)
    """(system, virtual switch) → its mode."""
    held: dict[tuple[PartRef, str], dict[str, Source]] = field(default_factory=dict)
    occupied: dict[PartRef, dict[int, tuple[str, Source]]] = field(default_factory=dict)
    """Partition → virtual slot → what kind of adapter a console lists there, and where."""
    sriov: dict[tuple[str, str], Values] = field(default_factory=dict)
    """(system, adapter/port) → what is listed of a physical port."""
    sriov_adapters: dict[tuple[str, str], tuple[int, Source]] = field(default_factory=dict)
    """(system, adapter) → the most logical ports of all its physical ports together."""
    capacity: dict[tuple[str, str], dict[str, tuple[int, Source]]] = field(default_factory=dict)
    """(system, adapter/port) → its logical ports, each with hundredths of a per cent of its capacity."""
    rows: list[Row] = field(default_factory=list)
    saved: tuple[Estate, Mapping[str, str]] | None = None
    findings: list[Finding] = field(default_factory=list)
    differing: list[tuple[str, str, tuple[Any, Source], tuple[Any, Source]]] = field(default_factory=list)
    """(subject, field, what is used, what another place says)."""
    _said: set[tuple[str, str]] = field(default_factory=set)

    def merge(self, subject: str, have: Values, more: Values) -> None:
        """More facts of a subject: the first to come counts."""
        for key, value in more.items():
            first = have.setdefault(key, value)
            if first[0] != value[0]:
                self.differing.append((subject, key, first, value))

    def system(self, name: str, values: Values, source: Source, *aliases: str) -> None:
        """Facts of a system."""
        console, lost = values.pop("console", None), values.pop("unreached", None)
        if lost:
            self.unreached.setdefault(name, (lost, console))
        elif console:
            self.consoles.setdefault(name, {}).setdefault(console[0], console)
        self.merge(name, self.systems.setdefault(name, {}), values)
        self.system_sources.setdefault(name, source)
        for alias in (name, *aliases):
            if alias:
                self.aliases.setdefault(alias, name)

    def identify(self, identifier: str, ref: PartRef) -> None:
        """A partition by its UUID."""
        self.identifiers.setdefault(identifier.lower(), ref)
        self.identified.append((identifier.lower(), ref))

    def has(self, ref: PartRef, fact: str, what: str, source: Source) -> None:
        """One more of something that a partition has: ports are counted, adapters listed."""
        self.held.setdefault((ref, fact), {}).setdefault(what, source)

    def say(self, severity: Severity, rule: str, subject: str, message: str, fix: str, source: Source | None) -> None:
        """Add a finding."""
        self.findings.append(Finding(rule, severity, subject, message, fix, source))

    def once(self, severity: Severity, rule: str, subject: str, message: str, fix: str, source: Source | None) -> None:
        """Add a finding that stands for all that say the same of the subject."""
        if (subject, message) not in self._said:
            self._said.add((subject, message))
            self.say(severity, rule, subject, message, fix, source)


_STATES = {"migrating running": "migrating - running", "migrating not active": "migrating - not activated",
           "migrating - not active": "migrating - not activated"}


def state_of(text: str) -> str:
    """``Running`` → running, ``migrating running`` (REST) → migrating - running; others as they are, in lower case."""
    folded = " ".join(text.lower().replace("_", " ").split())
    return _STATES.get(folded, folded)


_LOST = ("no connection", "incomplete", "failed authentication", "connecting", "version mismatch")
"""How a console without its server says so (or begins to): another console may have it."""


def state_of_system(text: str, where: Source) -> Values:
    """The state of a server, or what a console that does not reach it says in the place of that."""
    state = text.strip().lower()
    return {"unreached" if state.startswith(_LOST) else "state": (state, where)}


def mode_of(text: str) -> str:
    """A compatibility mode as consoles write it → as the estate does: ``POWER6_Plus_Enhanced`` → ``POWER6+ enhanced``.
    """
    base, *rest = text.strip().lower().replace("_plus", "+").split("_")
    base = base.replace("power", "POWER")
    return f"{base} enhanced" if rest == ["enhanced"] else "_".join((base, *rest))


def os_of(environment: str, version: str) -> tuple[str, str]:
    """(OS, level) of an environment and a version text such as ``AIX 7.1 7100-03-04-1441``."""
    words = version.split()
    if environment == "os400" or version.startswith(("IBM i", "OS/400")):
        return "IBM i", " ".join(words[2:] if version.startswith("IBM i") else words[1:])
    if words and words[0] == "AIX":
        return "AIX", words[-1] if len(words) > 1 else ""
    if version.startswith("Linux"):
        return "Linux", " ".join(words[1:])
    return "", ""


def runs(environment: str, version: str, *, vios: bool | None, source: Source) -> Values:
    """What runs in a partition as facts: the level of a VIOS; else the OS and its level, where they are stated."""
    if vios and version.startswith("VIOS"):
        return {"level": (version.removeprefix("VIOS").strip(), source)}
    system, level = os_of(environment, version)
    values: Values = {"os": (system, source)} if system else {}
    return values | {"os_level": (level, source)} if system and level else values


_FIRMWARE = re.compile(r"(?:01)?([A-Z]{2}[0-9]{3,4}_[0-9]{1,4})(?![0-9])")
_BOTH = re.compile(r"([A-Z]{2}[0-9]{3,4})_FW[0-9A-Z.]{1,12} \(([0-9]{1,4})\)")
_SERVICE_PACK = re.compile(r"FW[0-9]{3,4}\.[0-9A-Z]{1,4}")
_RELEASE = re.compile(r"(?:01)?([A-Z]{2}[0-9]{3,4})")


def firmware_of(release: str, level: str = "", service_pack: str = "") -> str:
    """A firmware level as a person states it: ``VL950_099``, else ``FW950.30``; "" where the texts name none.

    ``release`` may be ``01ML1030`` with its ``level`` ``48`` apart: ML1030_048; or ``VL950_FW950.40 (99)``: VL950_099.
    """
    if both := _BOTH.fullmatch(release.strip()):
        return f"{both[1]}_{int(both[2]):03}"
    texts = (release, level, service_pack)
    for pattern, part in ((_FIRMWARE, 1), (_SERVICE_PACK, 0)):
        named = next((match for text in texts if (match := pattern.search(text))), None)
        if named:
            return named[part]
    alone = _RELEASE.fullmatch(release.strip())
    number = level.strip()
    return f"{alone[1]}_{int(number):03}" if alone and number.isdecimal() and len(number) <= 4 else ""


_SHARING = {"cap": "capped", "uncap": "uncapped"}


def sharing_of(word: str) -> str:
    """``cap``, ``uncap`` as the estate has them; "" for what is a dedicated partition's."""
    return _SHARING.get(word, "")


def hpt_ratio_of(text: object) -> int:
    """``1:128`` → 128; 0 where nothing is stated."""
    number = str(text).removeprefix("1:")
    return int(number) if number.isdecimal() and len(number) < 7 else 0


def whole_percent(text: object) -> int | None:
    """The capacity of a logical port, ``2.0`` or ``2.0%``, in whole per cent, rounded up; None where none is stated."""
    match = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%?", str(text))
    return None if match is None or int(match[1]) > 100 else int(match[1]) + bool((match[2] or "").strip("0"))


def percent_of(factor: float) -> int:
    """A factor of memory expansion in per cent: 1.25 → 125."""
    return round(factor * 100)
