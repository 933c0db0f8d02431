"""Partitions that stand on more than one system: which of them is the one of that name now.

An LPAR that was listed on one system and later on another has moved: the newest listing counts. Of one name on two
systems at once there are two partitions, as for VIOSes, which never move, and for a twin that is not activated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.estate.captures import CaptureTimes
from planner.estate.model import INACTIVE, MIGRATING
from planner.findings import Finding, Severity, Source
from planner.formats.facts import Partition
from planner.grouping import grouped
from planner.names import commands_on, lpar_filter, quoted
from planner.units import some

_DAY = 86400.0
#: (name, system) → the name that this partition has in the estate.
Homes = dict[tuple[str, str], str]


class _Sightings:
    """What is said of one name on one system."""

    def __init__(self, system: str, partitions: list[Partition], times: CaptureTimes) -> None:
        self.system = system
        self.newest: Source = min((p.source for p in partitions), key=times.order)
        self.vios = any(p.vios for p in partitions)
        self.files = {p.source.file for p in partitions}
        self.uuids = {str(p.values["uuid"][0]) for p in partitions if "uuid" in p.values}
        states = sorted((p for p in partitions if "state" in p.values), key=lambda p: times.order(p.source))
        self.state = str(states[0].values["state"][0]) if states else ""
        self.off = self.state in INACTIVE


def homes(partitions: Iterable[tuple[str, Partition]], known_vioses: Mapping[str, str],
          times: CaptureTimes) -> tuple[Homes, set[str], list[Finding]]:
    """The names of partitions that stand on several systems, those of them that are gone, and what is to be said."""
    names: Homes = {}
    gone: set[str] = set()
    findings: list[Finding] = []
    by_name = grouped((p.ref.name, (system, p)) for system, p in partitions if p.ref.name and system)
    for name, namesakes in by_name.items():
        systems = grouped(namesakes)
        if len(systems) > 1:
            seen = [_Sightings(system, listed, times) for system, listed in systems.items()]
            seen.sort(key=lambda one: (*times.order(one.newest), one.system))
            _settle(name, seen, known_vioses.get(name), times, names, gone, findings)
    findings += _renamed(partitions, names, gone, times)
    return names, gone, findings


def _renamed(partitions: Iterable[tuple[str, Partition]], names: Homes, gone: set[str],
             times: CaptureTimes) -> list[Finding]:
    """Partitions whose UUID, or whose id on their system, has another name in a newer capture."""
    every = [(system, p) for system, p in partitions if p.ref.name and system]
    last = {name: min(sources, key=times.order) for name, sources in grouped(
        (p.ref.name, p.source) for _, p in every).items()}
    same = grouped((key, (system, p.ref.name)) for system, p in every for key in (
        ("uuid", p.values.get("uuid", ("",))[0]), (system, p.ref.lpar_id)) if key[1])
    findings = []
    for key in same:
        here = sorted(set(same[key]), key=lambda one: times.order(last[one[1]]))
        for system, name in here[1:]:
            new = here[0][1]
            if name != new and times.tell(last[name], last[new]) and (name, system) not in names:
                names[name, system] = f"{name}@{system}"
                gone.add(f"{name}@{system}")
                findings.append(Finding(
                    "input.older-capture", Severity.INFO if key[0] == "uuid" else Severity.WARNING, name,
                    f"{name} of {times.shown(last[name])} is {new} in {times.shown(last[new])} (the same "
                    f"{'UUID' if key[0] == 'uuid' else 'id on ' + system}): it was renamed, or another took its place; "
                    "the newest counts", "nothing to do if that is so", last[new]))
    return findings


def unlisted(partitions: Iterable[tuple[str, Partition]], gone: set[str], names: Homes,
             times: CaptureTimes) -> list[Finding]:
    """Partitions that an older listing has and a newer one of the same system has not; they are kept."""
    findings = []
    by_system = grouped((system, p) for system, p in partitions if system and p.ref.name and "state" in p.values)
    for system, listed in sorted(by_system.items()):
        newest = min((p.source for p in listed), key=times.order)
        recent = {p.ref.name for p in listed if not times.long_before(p.source, newest)}
        old = sorted({p.ref.name for p in listed if names.get((p.ref.name, system)) not in gone} - recent)
        if old and len(recent) > 1:
            findings.append(Finding("input.older-capture", Severity.WARNING, system,
                                    f"{some(old)}: {times.shown(newest)} lists {system} without, only an older capture "
                                    "has it; kept", "leave out the older capture if it is gone", newest))
    return findings


def _settle(name: str, seen: list[_Sightings], stated: str | None, times: CaptureTimes, names: Homes, gone: set[str],
            findings: list[Finding]) -> None:
    """``stated``: the system on which a person says that a VIOS of this name stands."""
    moving = [one for one in seen if one.state in MIGRATING]
    if moving and _in_migration(seen, moving[0], times):
        names.update({(name, one.system): f"{name}@{one.system}" for one in seen if one is not moving[0]})
        both = " and ".join(sorted(one.system for one in seen))
        word = quoted(name)
        far = commands_on(name, f"lslparmigr -r lpar -m {quoted(moving[0].system)} {lpar_filter(name)}")
        ended = commands_on(name, f"migrlpar -o s -m SOURCE -p {word}; migrlpar -o r -m SOURCE -p {word}")
        findings.append(Finding("input.migrating", Severity.WARNING, name, f"is in migration between {both}: it is "
                                "counted on both until that is over", f"{far}; when it hangs: {ended}",
                                moving[0].newest))
        return
    if any(one.vios for one in seen) or _are_two(seen):
        names.update({(name, one.system): f"{name}@{one.system}" for one in seen if one.system != stated})
        where = " and ".join(sorted(one.system for one in seen))
        findings.append(Finding("input.same-name", Severity.INFO, name, f"there is a {name} on {where}: each is named "
                                "with its server", "give them names of their own", seen[0].newest))
        return
    _settle_moved(name, seen, times, names, gone, findings)


def _settle_moved(name: str, seen: list[_Sightings], times: CaptureTimes, names: Homes, gone: set[str],
                  findings: list[Finding]) -> None:
    """One partition that has been on several systems: it is where it was seen last."""
    here = next((one for one in seen if not one.off and _apart(one, seen[0], times) < _DAY), seen[0])
    for one in seen:
        if one is here:
            continue
        names[name, one.system] = f"{name}@{one.system}"
        if one.off and _apart(one, here, times) < _DAY and not one.uuids & here.uuids:
            continue  # a twin that stands by
        gone.add(f"{name}@{one.system}")
        findings.append(_moved(name, one, here, times))


def _in_migration(seen: list[_Sightings], moving: _Sightings, times: CaptureTimes) -> bool:
    """Whether one partition is seen on both its servers while it moves."""
    return not any(one.vios for one in seen) and all(
        one.state in MIGRATING or (not one.off and one.uuids & moving.uuids) for one in seen) and all(
        _apart(one, seen[0], times) < _DAY for one in seen)


def _apart(one: _Sightings, other: _Sightings, times: CaptureTimes) -> float:
    return times.apart(one.newest, other.newest)[1]


def _are_two(seen: list[_Sightings]) -> bool:
    """Whether partitions of one name run at once: consoles know them apart, or one listing has both."""
    first, *others = [one for one in seen if not one.off] or seen
    return any((first.uuids and one.uuids and not first.uuids & one.uuids) or first.files == one.files
               for one in others)


def _moved(name: str, old: _Sightings, new: _Sightings, times: CaptureTimes) -> Finding:
    if times.tell(old.newest, new.newest):
        return Finding("input.moved", Severity.INFO, name, f"{name} was on {old.system} in "
                       f"{times.shown(old.newest)} and is on {new.system} in {times.shown(new.newest)}: it has moved, "
                       "and the newest counts", "nothing to do if that is so", new.newest)
    return Finding("input.two-servers", Severity.WARNING, name, f"{name} is on {new.system} ({new.newest}) and on "
                   f"{old.system} ({old.newest}), and nothing tells which is newer: {new.system} is taken, the first "
                   "by the name of its file", "leave out the listing that is out of date, or put the date into the "
                   "names of the files", new.newest)
