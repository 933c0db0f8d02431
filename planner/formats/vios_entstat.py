"""``entstat -all`` of a Shared Ethernet Adapter (SEA): which VLANs it bridges over which trunk adapters.

The text has a part for the SEA, then one for each adapter in it, each begun by ``ETHERNET STATISTICS (entN) :`` and
told apart by ``Device Type``. Counters are not read. One record for each SEA: what its part says; ``adapters``, a
tuple of dictionaries in the order of the text with their ``role`` (real, virtual, control, or member of a link
aggregation), and for virtual ones ``trunk``, ``pvid``, ``tags``, ``switch_id``; ``vlan_ids`` as the SEA lists them by
adapter; ``vlans``, the sorted ids of all trunk adapters, port VLAN ids included (not there when one adapter's ids are
unknown).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.estate.model import DEFAULT_VSWITCH
from planner.findings import Severity
from planner.formats.base import Format, Reading, Record, stated, vios_of
from planner.formats.facts import Intake, Sea
from planner.formats.lines import Notes, Raw, boolean, head, is_error, is_prompt, is_rule, lines
from planner.formats.values import counter, shown, vlan_id

KIND = "vios-entstat"

_SEA = "Shared Ethernet Adapter"
_BEGIN = re.compile(r"ETHERNET STATISTICS \(\s*(\w{1,40})\s*\)\s*:")
_ROLE = re.compile(r"(Real|Virtual|Control|Ctrl) Adapter:\s*(\w{1,40})")
_TRUNK_PRIORITY = re.compile(r"Priority:\s*([0-9]{1,3})\s+Active:\s*(True|False)")
_LISTED = re.compile(r"([a-z]{1,20}[0-9]{1,6})\s*:(.*)")
_TABLE_ROW = re.compile(r"[A-Z<].*\s#?-?[0-9][0-9.]*")
_HEADINGS = (
    "Statistics for ", "Hypervisor Information", "Transmit Information", "Receive Information", "Virtual Memory",
    "I/O Memory", "Transmit Buffers", "Receive Buffers", "Buffer Type ", "Buffers", "History",
    "SEA THREADS INFORMATION",
)
_STATES = frozenset({
    "PRIMARY", "BACKUP", "PRIMARY_SH", "BACKUP_SH", "LIMBO", "INIT", "RECOVERY", "NOTIFY", "STANDBY", "UNHEALTHY",
})


def _state(text: str) -> str:
    if text not in _STATES:
        raise ValueError(f"found {shown(text)}, expected one of {', '.join(sorted(_STATES))}")
    return text


#: the keys that are read, and their fields
_ANY_KEYS: Mapping[str, str] = {"Device Type": "device_type", "Hardware Address": "hardware_address"}
_SEA_KEYS = {**_ANY_KEYS, "State": "ha_state"}
_VIRTUAL_KEYS = {**_ANY_KEYS, "Trunk Adapter": "trunk", "Port VLAN ID": "pvid", "Switch ID": "switch_id"}
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "ha_state": _state, "priority": counter, "trunk": boolean, "active": boolean, "pvid": vlan_id}


@dataclass(slots=True)
class _Part:
    """What is said of one adapter: of the SEA itself or of one in it. ``lists`` are tokens with their lines."""

    name: str
    line: int
    role: str
    raw: Raw = field(default_factory=dict)
    lists: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    has_ha: bool = False

    @property
    def is_sea(self) -> bool:
        return self.raw.get("device_type", ("", 0))[0] == _SEA

    @property
    def is_virtual(self) -> bool:
        return "(l-lan)" in self.raw.get("device_type", ("", 0))[0]

    @property
    def keys(self) -> Mapping[str, str]:
        """The keys that matter in this part."""
        return _SEA_KEYS if self.is_sea else _VIRTUAL_KEYS if self.is_virtual else _ANY_KEYS


class _Parser:
    """Goes through the text line by line. ``open`` names the list that may go on in the next line."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.parts: list[_Part] = []
        self.announced: tuple[str, str, int] | None = None
        self.open = ""

    def take(self, number: int, line: str) -> None:
        text = line.strip()
        if role := _ROLE.fullmatch(text):
            self.announced = (role[2], "control" if role[1][0] == "C" else role[1].lower(), number)
        elif begin := _BEGIN.fullmatch(text):
            self._begin(begin[1], number)
        elif not is_rule(text) and not self._use(text, number, indented=line[:1] in " \t"):
            self.notes.unknown(text, "a line of entstat -all", number)

    def _use(self, text: str, number: int, indented: bool) -> bool:
        """Whether the line belongs to the adapter whose part this is."""
        if is_error(text) or is_prompt(text) or not self.parts or self.announced:
            return False
        part = self.parts[-1]
        return self._goes_on(part, text, number, indented) or self._key(part, text, number)

    def _begin(self, name: str, number: int) -> None:
        """The part of an adapter. A role announced just above is its own; else it belongs to the one above."""
        role = self.announced[1] if self.announced and self.announced[0] == name else ""
        if not role:
            self.settle()
        self.announced = None
        self.parts.append(_Part(name, number, role or "member"))
        self.open = ""

    def settle(self) -> None:
        """Say so when an adapter was announced and no statistics of it followed."""
        if self.announced:
            name, _, line = self.announced
            self.notes.missing(f"the statistics of {name}", line, name, at_end=True)

    def _goes_on(self, part: _Part, text: str, number: int, indented: bool) -> bool:
        """A line that continues a list. In a list of VLANs what is no number makes the list unreadable."""
        if self.open in part.lists and ":" not in text and not text.startswith(_HEADINGS):
            part.lists[self.open] += [(token, number) for token in text.split()]
            return True
        in_vlan_ids = part.is_sea and (self.open == "VLAN Ids" or self.open in part.lists)
        if in_vlan_ids and (listed := _LISTED.fullmatch(text)):
            self._list(part, listed[1], listed[2], number)
            return True
        if (self.open == "Driver Flags" and indented and ":" not in text) or (
                self.open == "SEA Flags" and text[:1] == "<"):
            return True
        self.open = ""
        return False

    def _list(self, part: _Part, name: str, text: str, number: int) -> None:
        """A list begins; ``None`` is an empty one."""
        self.open = name
        if name in part.lists:
            self.notes.twice(f"the list of {name}", number, part.name)
        tokens = [] if text.strip() == "None" else text.split()
        part.lists.setdefault(name, []).extend((token, number) for token in tokens)

    def _key(self, part: _Part, text: str, number: int) -> bool:
        """A key that matters here, or a counter or heading, which is not read."""
        key, colon, value = text.partition(":")
        key = key.rstrip()
        if part.is_virtual and (match := _TRUNK_PRIORITY.fullmatch(text)):
            part.raw |= {"priority": (match[1], number), "active": (match[2], number)}
        elif part.is_virtual and key == "VLAN Tag IDs":
            self._list(part, "tags", value, number)
        elif colon and key in part.keys:
            self._set(part, part.keys[key], value.strip(), number)
        elif colon and key in ("SEA Flags", "VLAN Ids", "Driver Flags"):
            self.open = key
        part.has_ha |= key == "High Availability Statistics"
        return bool(colon) or text.startswith(_HEADINGS) or _TABLE_ROW.fullmatch(text) is not None

    def _set(self, part: _Part, name: str, value: str, number: int) -> None:
        if name in part.raw:
            self.notes.twice(name, number, part.name)
        else:
            part.raw[name] = (value, number)


def _seas(parts: list[_Part], notes: Notes) -> list[tuple[_Part, list[_Part]]]:
    """Each SEA with the adapters that follow it; a SEA, or an adapter in one, that stands twice counts once."""
    seas: list[tuple[_Part, list[_Part]]] = []
    members: list[_Part] = []
    seen: set[tuple[str, str]] = set()
    inside: set[tuple[str, str]] = set()
    for part in parts:
        if part.is_sea:
            members, inside = [], set()
            if _once(part, part.raw.get("hardware_address", ("", 0))[0], seen, notes):
                seas.append((part, members))
        elif not seas:
            notes.add(Severity.WARNING, "input.unknown-text", f"found {part.name}, expected a {_SEA} first",
                      "left out; run entstat -all on the SEA", part.line, part.name)
        elif _once(part, part.role, inside, notes):
            members.append(part)
    return seas


def _once(part: _Part, told_by: str, seen: set[tuple[str, str]], notes: Notes) -> bool:
    """Whether this is the first of its name; a finding when it is not."""
    if (part.name, told_by) in seen:
        notes.twice(part.name, part.line, part.name)
        return False
    seen.add((part.name, told_by))
    return True


def _vlans(part: _Part, name: str, notes: Notes) -> tuple[int, ...] | None:
    numbers: list[int] = []
    for token, line in part.lists[name]:
        try:
            numbers.append(vlan_id(token))
        except ValueError as error:
            notes.bad_value(name, error, line, part.name)
            return None
    return tuple(numbers)


def _adapter(part: _Part, notes: Notes, last: bool) -> dict[str, Any]:
    fields, _ = notes.typed(part.raw, _PARSERS, part.name)
    if "tags" in part.lists:
        tags = _vlans(part, "tags", notes)
        fields |= {} if tags is None else {"tags": tags}
    absent = [repr(key) for key in _absent_keys(part, fields)]
    if absent:
        notes.missing(", ".join(absent), part.line, part.name, last)
    return {"name": part.name, "role": part.role, "line": part.line, **fields}


def _absent_keys(part: _Part, fields: Mapping[str, Any]) -> list[str]:
    """The keys of a virtual adapter that are not there and that tell what it bridges."""
    if not part.is_virtual:
        return []
    absent = [key for key in ("Trunk Adapter", "Port VLAN ID") if part.keys[key] not in part.raw]
    if "tags" not in part.lists:
        absent.append("VLAN Tag IDs")
    if fields.get("trunk") is True and "priority" not in part.raw:
        absent.append("Priority")
    return absent


def _all_vlans(
    listed: Mapping[str, tuple[int, ...] | None], adapters: tuple[dict[str, Any], ...]
) -> tuple[int, ...] | None:
    """The ids of all trunk adapters, as listed by the SEA and as stated by each; None when one's are not known."""
    known = {name: set(ids) for name, ids in listed.items() if ids is not None}
    trunks = [adapter for adapter in adapters if adapter.get("trunk") is True]
    for adapter in trunks:
        if "pvid" in adapter and "tags" in adapter:
            known.setdefault(adapter["name"], set()).update((adapter["pvid"], *adapter["tags"]))
    expected = {*listed, *(adapter["name"] for adapter in trunks)}
    if not expected or expected - set(known):
        return None
    return tuple(sorted(set().union(*known.values())))


def _record(sea: _Part, parts: list[_Part], notes: Notes, last: bool) -> Record:
    fields, field_lines = notes.typed(sea.raw, _PARSERS, sea.name)
    if sea.has_ha and "ha_state" not in sea.raw:
        notes.missing("'State'", sea.line, sea.name, last and not parts)
    listed = {name: _vlans(sea, name, notes) for name in sea.lists}
    adapters = tuple(_adapter(part, notes, last and part is parts[-1]) for part in parts)
    untold = [name for name in listed if name not in {part.name for part in parts}]
    if untold:
        notes.missing(f"the statistics of {', '.join(untold)}", sea.line, sea.name, at_end=True)
    vlans = _all_vlans(listed, adapters)
    more: dict[str, Any] = {"vlan_ids": {name: ids for name, ids in listed.items() if ids is not None}}
    more |= {"adapters": adapters} | ({} if vlans is None else {"vlans": vlans})
    return Record(KIND, {"sea": sea.name} | fields | more, notes.source(sea.line), {"sea": sea.line} | field_lines)


def recognise(text: str) -> bool:
    """The line that begins the statistics of an adapter."""
    return any(_BEGIN.fullmatch(line) for line in head(text))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The SEAs of the text. What a list or an adapter does not state is a finding."""
    notes = Notes(file)
    parser = _Parser(notes)
    for number, line in lines(text, first_line):
        parser.take(number, line)
    parser.settle()
    seas = _seas(parser.parts, notes)
    if not seas:
        notes.missing(f"the statistics of a {_SEA}", first_line)
    records = tuple(_record(sea, parts, notes, sea is seas[-1][0]) for sea, parts in seas)
    return Reading(KIND, records, notes.all())


def _take(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    vlans: set[tuple[str, int]] = set()
    for adapter in have.get("adapters", ()):
        if adapter.get("role") == "virtual" and adapter.get("trunk"):
            switch = adapter.get("switch_id")
            switch = switch if isinstance(switch, str) and switch else DEFAULT_VSWITCH
            numbers = [adapter.get("pvid"), *(adapter.get("tags") or ())]
            vlans |= {(switch, n) for n in numbers if isinstance(n, int)}
    if not vlans:
        vlans = {(DEFAULT_VSWITCH, n) for n in have.get("vlans", ())}
    intake.seas.append(Sea(vios_of(r, reading), str(have.get("sea", "")), tuple(sorted(vlans)), r.source))


FORMAT = Format(KIND, recognise, read, {KIND: _take})


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "how the bridge is set up and what state it is in; what it bridges is taken": (
        ("vios-entstat", "device_type ha_state hardware_address vlan_ids"),),
}
