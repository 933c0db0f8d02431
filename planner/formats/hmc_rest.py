"""The HMC's REST API: Atom XML of managed systems, partitions, VIOS and processor pools, and ``quick`` JSON.

Fields are named after the elements (``CurrentMemory`` → ``current_memory``), whether they stand in a configuration
block or not; ``uuid`` is the AtomID or ``UUID``, a reference to another object is its UUID; the mappings, adapters and
volumes of a VIOS are tuples of dicts. Memory in MiB, processing units in hundredths of a core. An element that no
fact is made of goes by its family, else it is text; of no family, it is listed once, as are blocks that are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, cast
from xml.parsers import expat

from planner.estate.model import DEFAULT_VSWITCH
from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, NonValue, Reading, Record, TakeFacts, first, pick, stated
from planner.formats.facts import (
    Client,
    Hdisk,
    Intake,
    Mapping,
    Partition,
    PartRef,
    Sea,
    Values,
    Vfc,
    ViosRef,
    firmware_of,
    mode_of,
    percent_of,
    runs,
    state_of,
)
from planner.formats.values import flag, integral, mib, mtms, number, typed, units, whole, whole_or_any

KIND = "hmc-rest"

MOST_DEPTH = 60

_NAMESPACE = "/xmlns/systems/power/firmware/"
_KINDS = {
    "ManagedSystem": "rest-managed-system",
    "LogicalPartition": "rest-lpar",
    "VirtualIOServer": "rest-vios",
    "SharedProcessorPool": "rest-pool",
}
_ERRORS = "HttpErrorResponse"
#: What an object of each kind cannot lack.
_REQUIRED = {
    "rest-managed-system": ("system_name",),
    "rest-lpar": ("partition_name", "partition_id"),
    "rest-vios": ("partition_name", "partition_id"),
    "rest-pool": ("pool_id",),
}


#: Elements of which facts are made, by their type: what is none of it is an error.
_TYPED: dict[str, Callable[[str], Any]] = {name: parse for parse, names in (
    (mib, "CurrentMaximumMemory CurrentMemory DesiredMemory MaximumMemory ConfigurableSystemMemory"
          " CurrentLogicalMemoryBlockSize MemoryUsedByHypervisor"),
    (units, "DesiredProcessingUnits CurrentProcessingUnits MaximumProcessingUnits CurrentReservedProcessingUnits"
            " ConfigurableSystemProcessorUnits MinimumProcessorUnitsPerVirtualProcessor"),
    (integral, "PartitionID PoolID SharedProcessorPoolID DesiredVirtualProcessors MaximumVirtualProcessors"
               " AllocatedVirtualProcessors UncappedWeight DesiredProcessors MaximumProcessors CurrentProcessors"
               " RunProcessors MaximumActiveMigrations CurrentHugePageCount VirtualSlotNumber LocalPartitionID"
               " PortVLANID ConnectingPartitionID ConnectingVirtualSlotNumber"),
    (whole_or_any, "RemoteLogicalPartitionID RemoteSlotNumber RemotePartitionID"),
    (number, "ExpansionFactor CurrentExpansionFactor"),
    (flag, "HasDedicatedProcessors HasPhysicalIO MigrationDisable MoverServicePartition ActiveMemoryExpansionCapable"
           " IsVirtualTrustedPlatformModuleEnabled IsRedundantErrorPathReportingEnabled"
           " ActiveLogicalPartitionMobilityCapable"),
    (str, "PartitionName PartitionState PartitionType SystemName SharingMode OperatingSystemVersion PoolName Model"
          " CurrentProcessorCompatibilityMode ResourceMonitoringControlState UniqueDeviceID MachineType SerialNumber"
          " MTMS ActivatedLevel ActivatedServicePackNameAndLevel SystemFirmware ReservePolicy WWPNs TaggedVLANIDs UUID"
          " SupportedPartitionProcessorCompatibilityModes AssociatedManagedSystem"),
) for name in names.split()}
#: The other elements by their names; what is not of its family is kept as text.
_FAMILIES = tuple((re.compile(name), parse) for name, parse in cast(tuple[tuple[str, Callable[[str], Any]], ...], (
    (r"(?:Is|Has|Allow|Assign)[A-Z]\w*|AvailableForUsage|\w*(?:Capable|Enabled|Supported|Required|State|Send|VariedOn)",
     flag),
    (r"\w*(?:Memory|VolumeCapacity|RegionSize|BlockSize)|RequiredMinimumForMaximum", mib),
    (r"\w*(?:ProcessingUnits|ProcessorUnits|ProcUnits|SystemProcessors)", units),
    (r"\w*(?:Processors(?:Per\w+)?|Weight|Priority|Migrations|InProgress|Partitions|Slots|Count|Ports|WWPNs|Number|Total"
     r"|Remaining|QueueSize|PartitionID|PoolID|VLANID|SwitchID|GroupID|ChannelID)", integral),
    (r"\w*(?:Factor|Ratio)", number),
    (r"\w*(?:Name|State|Type|Mode|Level|ID|UUID|Address|Addresses|Version|Serial\w+|Prefix|Code|Label|Policy|Algorithm"
     r"|Location|Profile|Sync|Position|Status|Description|Port|Interface|WWPN|WWNN|Ping|Page83|Size|Capacity|Time|Rations"
     r"|Mirroring\w*|InUse)", str),
)))
#: Elements whose text is a list, separated by blanks; True: of whole numbers.
_SPLIT = {"WWPNs": False, "TaggedVLANIDs": True}
_REPEATED = frozenset({"SupportedPartitionProcessorCompatibilityModes"})
_SAME_AS = {"RMCState": "ResourceMonitoringControlState"}

#: Blocks whose elements stand beside the others, and what goes before their names.
_BLOCKS = {
    "PartitionMemoryConfiguration": "", "PartitionProcessorConfiguration": "", "SharedProcessorConfiguration": "",
    "DedicatedProcessorConfiguration": "", "CurrentSharedProcessorConfiguration": "",
    "CurrentDedicatedProcessorConfiguration": "", "RuntimeSharedProcessorConfiguration": "",
    "RuntimeDedicatedProcessorConfiguration": "", "PartitionCapabilities": "", "PartitionIOConfiguration": "",
    "AssociatedSystemProcessorConfiguration": "", "AssociatedSystemMemoryConfiguration": "",
    "AssociatedSystemCapabilities": "", "AssociatedSystemIOConfiguration": "", "SystemMigrationInformation": "",
    "MachineTypeModelAndSerialNumber": "", "ClientAdapter": "client_", "ServerAdapter": "server_",
    "Storage": "storage_", "TargetDevice": "target_", "PhysicalPort": "physical_", "Port": "port_",
    "BackingDeviceChoice": "backing_", "EthernetBackingDevice": "", "IPInterface": "ip_", "PhysicalVolume": "",
    "VirtualDisk": "", "VirtualOpticalMedia": "", "LogicalUnit": "", "PhysicalVolumeVirtualTargetDevice": "",
    "LogicalVolumeVirtualTargetDevice": "", "VirtualOpticalTargetDevice": "",
    "SharedStoragePoolLogicalUnitVirtualTargetDevice": "",
}
_LISTS = {
    "PhysicalVolumes": "PhysicalVolume", "SharedEthernetAdapters": "SharedEthernetAdapter",
    "VirtualSCSIMappings": "VirtualSCSIMapping", "VirtualFibreChannelMappings": "VirtualFibreChannelMapping",
    "TrunkAdapters": "TrunkAdapter",
}

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OF_SYSTEM = re.compile(r"/ManagedSystem/([0-9a-fA-F-]{36})(?:/|$)")
_DOCUMENT = re.compile(r"^[ \t]*(<\?xml\s)", re.MULTILINE)
_QUICK = re.compile(r'"(?:PartitionName|SystemName|PoolName)"\s*:')
_SPELLINGS = {"IBMi": "Ibmi", "VLANIDs": "VlanIds", "VLANID": "VlanId", "WWPNs": "Wwpns"}
_SPELLED = re.compile("|".join(_SPELLINGS))


def snake(name: str) -> str:
    """``CurrentMemory`` → ``current_memory``, ``PortVLANID`` → ``port_vlan_id``."""
    spelled = _SPELLED.sub(lambda match: _SPELLINGS[match[0]], _SAME_AS.get(name, name))
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", spelled).lower()


def _value(element: str, text: str) -> Any:
    """A value by the type of its element, else by its family, else text."""
    if element in _SPLIT:
        return tuple(whole(part) if _SPLIT[element] else part for part in text.split())
    if element in _TYPED:
        return _TYPED[element](text)
    with suppress(ValueError):
        return (_family(element[:80]) or str)(text)
    return text


@lru_cache(maxsize=4096)
def _family(element: str) -> Callable[[str], Any] | None:
    return next((parse for names, parse in _FAMILIES if names.fullmatch(element)), None)


@dataclass(slots=True)
class _Element:
    """An XML element below an object."""

    name: str
    line: int
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()


@dataclass(slots=True)
class _Log:
    """The records and findings of one text, and the names that are to be listed once."""

    file: str
    records: list[Record] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)

    def say(self, severity: Severity, rule: str, message: str, fix: str, line: int, subject: str = "") -> None:
        self.findings.append(Finding(rule, severity, subject or self.file, message, fix, Source(self.file, line)))

    def bad(self, name: str, error: ValueError, line: int) -> None:
        self.say(Severity.ERROR, "input.bad-value", f"{name}: {error}", "export it again; the value is left out", line)

    def closed(self) -> Reading:
        self._list(Severity.WARNING, self.unknown, "input.unknown-key", "elements of no known family", "kept as text")
        self._list(Severity.INFO, self.unread, "input.not-read", "blocks that are not read", "no plan needs them")
        return Reading(KIND, tuple(self.records), tuple(self.findings))

    def _list(self, severity: Severity, names: dict[str, int], rule: str, what: str, fix: str) -> None:
        if names:
            shown = ", ".join(sorted(names)[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
            self.say(severity, rule, f"{what}: {shown}", fix, min(names.values()))


@dataclass(slots=True)
class _Fields:
    """The fields of one object, or of one item of a list inside it."""

    log: _Log
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, value: Any, line: int) -> None:
        if name in self.values:
            self.log.say(Severity.ERROR, "input.duplicate-key", f"{name} stands twice in one object "
                         f"(first in line {self.lines[name]})", "the first is used; export it again", line)
            return
        self.values[name] = value
        self.lines[name] = line

    def append(self, name: str, value: Any, line: int) -> None:
        self.values[name] = (*self.values.get(name, ()), value)
        self.lines.setdefault(name, line)

    def leaf(self, element: str, text: str, line: int, prefix: str = "") -> None:
        """A value by the type of its element; the non-values are the same for all types."""
        element = _SAME_AS.get(element, element)
        name = prefix + snake(element)
        if not (element in _TYPED or element in _SPLIT or _family(element[:80])) and len(self.log.unknown) < 10_000:
            self.log.unknown.setdefault(element[:80], line)
        try:
            value = typed(text, partial(_value, element))
        except ValueError as error:
            self.log.bad(name, error, line)
            return
        if element in _REPEATED:
            self.append(name, value, line)
        else:
            self.put(name, value, line)


def recognise(text: str) -> bool:
    """XML in the HMC's namespace, or JSON objects that name partitions, systems or pools beside a UUID."""
    start = text.lstrip("\ufeff \t\n")[:1]
    if start in ("[", "{"):
        return bool(_QUICK.search(text)) and '"UUID"' in text
    return _NAMESPACE in text and ("<feed" in text or "<entry" in text or "Metadata" in text or _ERRORS in text)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """All objects of one answer, or of several written one after the other."""
    log = _Log(file)
    body, line = _body(text, first_line)
    start = re.search(r"[<\[{]", body)
    if not start:
        log.say(Severity.WARNING, "input.unknown-text", "neither XML nor JSON of the HMC's REST API",
                "export it again", line)
        return log.closed()
    if body[:start.start()].strip("\ufeff \t\n"):
        log.say(Severity.WARNING, "input.unknown-text", f"text before the document: {body.strip()[:60]!r}",
                "left out", line)
    line += body.count("\n", 0, start.start())
    if start[0] == "<":
        _read_xml(log, body[start.start():], line)
    else:
        _read_json(log, body[start.start():], line)
    return log.closed()



def _body(text: str, first_line: int) -> tuple[str, int]:
    """The answer without the frame ``INFO{…}``, ``HEADERS{…}``, ``BODY{…END OF SECTION}`` of recorded answers."""
    start = re.search(r"^BODY\{[ \t]*$\n?", text, re.MULTILINE)
    if not start:
        return text, first_line
    end = text.find("END OF SECTION}", start.end())
    body = text[start.end():] if end < 0 else text[start.end():end]
    return body, first_line + text.count("\n", 0, start.end())


class _RefusedError(Exception):
    """XML that is not read on, with the line."""


@dataclass(slots=True)
class _Document:
    """One XML document while it is parsed. Only what is inside an object is kept, one object at a time."""

    log: _Log
    parser: expat.XMLParserType
    offset: int
    path: list[str] = field(default_factory=list)
    inside: list[_Element] = field(default_factory=list)
    system: str = ""
    objects: int = 0

    def line(self) -> int:
        return self.parser.CurrentLineNumber + self.offset

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if len(self.path) >= MOST_DEPTH:
            raise _RefusedError(f"more than {MOST_DEPTH} elements inside each other")
        if self.inside or self._begins_object(name):
            element = _Element(name, self.line(), attributes)
            if self.inside:
                self.inside[-1].children.append(element)
            self.inside.append(element)
        elif name == "entry":
            self.system = ""
        elif name == "link" and (match := _OF_SYSTEM.search(attributes.get("href", ""))):
            self.system = match[1]
        self.path.append(name)

    def _begins_object(self, name: str) -> bool:
        if self.path and self.path[-1] != "content" and not self.path[-1].endswith("_Collection"):
            return False
        if name in _KINDS or name == _ERRORS:
            return True
        if name not in ("feed", "entry") and not name.endswith("_Collection"):
            self.objects += 1
            self.log.unread.setdefault(name[:80], self.line())
        return False

    def end(self, tag: str) -> None:
        self.path.pop()
        if self.inside:
            element = self.inside.pop()
            if not self.inside:
                self.objects += 1
                _add_object(self.log, element, self.system)

    def text(self, piece: str) -> None:
        if self.inside:
            self.inside[-1].pieces.append(piece)

    def refuse(self, *_: object) -> None:
        raise _RefusedError("it declares a document type or entities, which the HMC never does")


def _read_xml(log: _Log, text: str, first_line: int) -> None:
    starts = [match.start(1) for match in _DOCUMENT.finditer(text)]
    bounds = [0, *(start for start in starts if start > 0), len(text)]
    line = first_line
    for begin, end in pairwise(bounds):
        _read_document(log, text[begin:end].rstrip(), line)
        line += text.count("\n", begin, end)


def _read_document(log: _Log, text: str, first_line: int) -> None:
    parser = expat.ParserCreate("utf-8")
    document = _Document(log, parser, first_line - 1)
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = document.refuse
    parser.buffer_text = True
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except _RefusedError as refused:
        log.say(Severity.ERROR, "input.unreadable", f"the XML is refused: {refused}",
                "export it again from the HMC", document.line())
        return
    except expat.ExpatError as error:
        _broken_off(log, document, error)
    if not document.objects and document.path == []:
        log.say(Severity.INFO, "input.no-data", "an answer without objects in it", "nothing to do if that is expected",
                first_line)


def _broken_off(log: _Log, document: _Document, error: expat.ExpatError) -> None:
    left_out = ""
    if document.inside:
        outer = document.inside[0]
        left_out = f" inside a {outer.name} that begins in line {outer.line}, which is left out"
    document.objects += 1
    log.say(Severity.ERROR, "input.truncated", f"the XML breaks off ({expat.ErrorString(error.code)}){left_out}",
            "what stands before is used; export it again", error.lineno + document.offset)


def _add_object(log: _Log, element: _Element, system: str) -> None:
    if element.name == _ERRORS:
        _say_error(log, {child.name: child.text for child in element.children}, element.line)
        return
    fields = _Fields(log)
    _collect(fields, element, "")
    if system and not fields.values.keys() & {"associated_managed_system"} and element.name != "ManagedSystem":
        fields.put("associated_managed_system", system.lower(), element.line)
    _add_record(log, _KINDS[element.name], fields, element.line)


def _say_error(log: _Log, answer: dict[str, str], line: int) -> None:
    message = answer.get("Message", "") or answer.get("ReasonCode", "") or "no message"
    status = answer.get("HTTPStatus", "")
    log.say(Severity.ERROR, "input.error-text", f"the HMC answered with an error{f' ({status})' if status else ''}: "
            f"{message[:200]}", "export it again once the HMC answers", line)


def _add_record(log: _Log, kind: str, fields: _Fields, line: int) -> None:
    subject = str(fields.values.get("partition_name") or fields.values.get("system_name") or "")
    for name in _REQUIRED[kind]:
        if isinstance(fields.values.get(name, NonValue.EMPTY), NonValue):
            log.say(Severity.ERROR, "input.missing-value", f"a {kind.removeprefix('rest-')} without {name}",
                    "export it again", fields.lines.get(name, line), subject)
    if fields.values:
        log.records.append(Record(kind, fields.values, Source(log.file, line), fields.lines))


def _collect(fields: _Fields, element: _Element, prefix: str) -> None:
    for child in element.children:
        href = child.attributes.get("href")
        if child.name == "Metadata":
            _metadata(fields, child, prefix)
        elif href:
            _reference(fields, child.name, href, child.line, prefix)
        elif child.children:
            _compound(fields, child, prefix)
        elif child.text or not ("schemaVersion" in child.attributes or child.name in _BLOCKS or child.name in _LISTS):
            fields.leaf(child.name, child.text, child.line, prefix)


def _compound(fields: _Fields, child: _Element, prefix: str) -> None:
    if child.name in _LISTS:
        _items(fields, child, prefix)
    elif all(one.name == "link" for one in child.children):
        found = tuple(_uuid_of(one.attributes.get("href", "")) for one in child.children)
        fields.put(prefix + snake(child.name), found, child.line)
    else:
        _block(fields, child, prefix)


def _metadata(fields: _Fields, element: _Element, prefix: str) -> None:
    found = (one for atom in element.children for one in atom.children if one.name == "AtomID")
    for one in found:
        if not prefix and "uuid" not in fields.values:
            fields.put("uuid", one.text.lower(), one.line)


def _reference(fields: _Fields, name: str, href: str, line: int, prefix: str) -> None:
    """Several elements may refer to objects of one kind: always a tuple for pools, one UUID for the others."""
    uuid = _uuid_of(href)
    if name == "SharedProcessorPool":
        fields.append(prefix + "shared_processor_pools", uuid, line)
    else:
        fields.put(prefix + snake(name), uuid, line)


def _uuid_of(href: str) -> str:
    """The object a link points to: the last UUID in it, else the link itself."""
    found = _UUID.findall(href)
    return found[-1].lower() if found else href


def _block(fields: _Fields, element: _Element, prefix: str) -> None:
    if element.name not in _BLOCKS:
        fields.log.unread.setdefault(element.name[:80], element.line)
        return
    if element.name == "Storage":
        fields.put(prefix + "storage_kind", element.children[0].name, element.line)
    _collect(fields, element, prefix + _BLOCKS[element.name])


def _items(fields: _Fields, element: _Element, prefix: str) -> None:
    items = []
    for child in element.children:
        if child.name == _LISTS[element.name]:
            item = _Fields(fields.log)
            _collect(item, child, "")
            items.append(item.values)
        elif child.name != "Metadata":
            fields.log.unread.setdefault(child.name[:80], child.line)
    fields.put(prefix + snake(element.name), tuple(items), element.line)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its names in order and repeated ones kept."""


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_int=str, parse_constant=str)
_BETWEEN = re.compile(r"[\s,]*")


def _read_json(log: _Log, text: str, first_line: int) -> None:
    """Numbers stay text until the type of their field is known."""
    for value, line in _json_values(log, text, first_line):
        if isinstance(value, _Pairs):
            _add_json(log, value, line)
        else:
            log.say(Severity.ERROR, "input.bad-value", f"{_shown(value)} where an object was expected",
                    "export it again with quick/All", line)


def _json_values(log: _Log, text: str, first_line: int) -> Iterator[tuple[Any, int]]:
    """Each object of a list, or the one object, with its line."""
    in_list = text.startswith("[")
    position, counted, line = (1 if in_list else 0), 0, first_line
    while True:
        position = _skip(text, position)
        line, counted = line + text.count("\n", counted, position), position
        if in_list and text[position:position + 1] == "]":
            position = _skip(text, position + 1)
            break
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            log.say(Severity.ERROR, "input.truncated", f"the JSON breaks off: {str(error)[:80]}",
                    "what stands before is used; export it again", line)
            return
        yield value, line
        if not in_list:
            position = _skip(text, position)
            break
    if position < len(text):
        log.say(Severity.WARNING, "input.unknown-text", f"text after the JSON: {text[position:position + 60]!r}",
                "left out", line + text.count("\n", counted, position))


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _shown(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else repr(value)[:60]


def _add_json(log: _Log, pairs: _Pairs, line: int) -> None:
    names = {name for name, _ in pairs}
    kind = _json_kind(dict(pairs))
    if not kind and names & {"Message", "ReasonCode"}:
        _say_error(log, {name: value for name, value in pairs if isinstance(value, str)}, line)
        return
    if not kind:
        log.say(Severity.ERROR, "input.unknown-text", "an object that is no system, partition or pool",
                "export ManagedSystem, LogicalPartition or VirtualIOServer with quick/All", line)
        return
    fields = _Fields(log)
    for name, value in pairs:
        _put_json(fields, name, value, line)
    named = mtms(str(fields.values.get("mtms", ""))) or ()
    for part, value in zip(("machine_type", "model", "serial_number"), named, strict=False):
        fields.values.setdefault(part, value)
    fields.lines.clear()
    _add_record(log, kind, fields, line)


def _json_kind(answer: dict[str, Any]) -> str:
    if "PartitionName" in answer:
        return "rest-vios" if answer.get("PartitionType") == "Virtual IO Server" else "rest-lpar"
    if "PoolName" in answer or "PoolID" in answer:
        return "rest-pool"
    return "rest-managed-system" if "SystemName" in answer else ""


def _put_json(fields: _Fields, name: str, value: Any, line: int) -> None:
    if value is None:
        fields.put(snake(name), NonValue.NULL, line)
    elif isinstance(value, bool):
        fields.leaf(name, "true" if value else "false", line)
    elif isinstance(value, list):
        fields.put(snake(name), _plain(value), line)
    elif name in ("UUID", "AssociatedManagedSystem"):
        fields.put(snake(name), _uuid_of(str(value).strip()), line)
    else:
        fields.leaf(name, str(value).strip(), line)


def _plain(values: Iterable[Any], depth: int = 0) -> tuple[Any, ...]:
    """The items of a list, numbers as text; an object inside is (name, value) pairs; too deep ones are left out."""
    if depth >= MOST_DEPTH:
        return ()
    return tuple(_plain(value, depth + 1) if isinstance(value, list | tuple) else value for value in values)


# --- what is taken ----------------------------------------------------------------------------------------------------


_RESERVE = {"noreserve": "no_reserve", "singlepath": "single_path", "persistentreserveexclusive": "PR_exclusive",
            "persistentreserveshared": "PR_shared"}
_BACKING = {"PhysicalVolume": "lun", "LogicalVolume": "lv", "VirtualOpticalMedia": "optical", "LogicalUnit": "ssp",
            "VirtualDisk": "lv"}
_FIRMWARE = ("system_firmware", "activated_level", "activated_service_pack_name_and_level")
_DEVICES = ("storage_volume_name", "storage_disk_name", "storage_media_name", "storage_unit_name",
            "storage_unique_device_id", "target_target_name")


def _valued(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if not isinstance(v, NonValue)}


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have.get("system_name", ""))
    if not name:
        return
    values = pick(r, {
        "serial_number": "serial", "configurable_system_processor_units": "configurable_units",
        "configurable_system_memory": "configurable_memory_mib", "current_logical_memory_block_size": "lmb_mib",
        "minimum_processor_units_per_virtual_processor": "min_units_per_vp", "maximum_active_migrations":
        "max_migrations", "active_logical_partition_mobility_capable": "enterprise",
        "active_memory_expansion_capable": "memory_expansion_capable"})
    level = firmware_of(*(str(have.get(name, "")) for name in _FIRMWARE))
    if level:
        values["firmware"] = (level, r.where(next(name for name in _FIRMWARE if name in have)))
    if "machine_type" in have and "model" in have:
        values["model"] = (f"{have['machine_type']}-{have['model']}", r.source)
    modes = [mode_of(str(m)) for m in have.get("supported_partition_processor_compatibility_modes", ())]
    if modes:
        values["modes"] = (tuple(m for m in modes if m != "default"), r.source)
    intake.system(name, values, r.source, str(have.get("uuid", "")), str(have.get("serial_number", "")))
    if "memory_used_by_hypervisor" in have:
        intake.firmware_total[name] = (have["memory_used_by_hypervisor"], r.where("memory_used_by_hypervisor"))


def _partition(vios: bool) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        ref = PartRef(str(have.get("associated_managed_system", "")), have.get("partition_id"),
                      str(have.get("partition_name", "")))
        intake.partitions.append(Partition(ref, vios, _values(r, vios), r.source))
        if vios:
            _vios_parts(intake, r, ref)
    return take


def _values(r: Record, vios: bool) -> Values:
    have = stated(r)
    values = pick(r, {"partition_id": "lpar_id", "mover_service_partition": "msp", "shared_processor_pool_id":
                      "pool_id", "uncapped_weight": "weight", "has_physical_io": "physical_io", "migration_disable":
                      "migration_disabled", "is_virtual_trusted_platform_module_enabled": "vtpm",
                      "current_huge_page_count": "huge_pages",
                      "is_redundant_error_path_reporting_enabled": "error_path_reporting"})
    for name in ("current_expansion_factor", "expansion_factor"):
        if name in have:
            values.setdefault("memory_expansion_percent", (percent_of(have[name]), r.where(name)))
    values |= first(r, "memory_mib", "current_memory", "desired_memory") | first(r, "max_memory_mib", "maximum_memory",
                                                                                 "current_maximum_memory")
    if "partition_state" in have:
        values["state"] = (state_of(str(have["partition_state"])), r.source)
    if "resource_monitoring_control_state" in have:
        values["rmc_active"] = (have["resource_monitoring_control_state"] == "active", r.source)
    if "current_processor_compatibility_mode" in have:
        values["current_mode"] = (mode_of(str(have["current_processor_compatibility_mode"])), r.source)
    values |= _processors(r)
    version = str(have.get("operating_system_version", ""))
    environment = "os400" if have.get("partition_type") == "OS400" else ""
    values |= runs(environment, version, vios=vios, source=r.source)
    return values


def _processors(r: Record) -> Values:
    have = stated(r)
    dedicated = have.get("has_dedicated_processors")
    if dedicated is None:
        return {}
    values: Values = {"processors": ("dedicated" if dedicated else "shared", r.source)}
    if dedicated:
        values |= first(r, "virtual_processors", "current_processors", "desired_processors", "run_processors")
        values |= pick(r, {"maximum_processors": "max_virtual_processors"})
        if "virtual_processors" in values:
            values["entitlement_units"] = (values["virtual_processors"][0] * 100, r.source)
        return values
    values |= first(r, "virtual_processors", "allocated_virtual_processors", "desired_virtual_processors")
    values |= first(r, "entitlement_units", "current_processing_units", "desired_processing_units")
    values |= pick(r, {"maximum_virtual_processors": "max_virtual_processors"})
    if have.get("sharing_mode") in ("capped", "uncapped"):
        values["sharing"] = (have["sharing_mode"], r.source)
    return values


def _vios_parts(intake: Intake, r: Record, ref: PartRef) -> None:
    have = stated(r)
    vios = ViosRef(ref.name, file=r.source.file)
    for disk in map(_valued, have.get("physical_volumes", ())):
        ids = (f"uid:{disk['unique_device_id']}",) if "unique_device_id" in disk else ()
        policy = str(disk.get("reserve_policy", ""))
        intake.hdisks.append(Hdisk(vios, str(disk.get("volume_name", "")), ids,
                                   _RESERVE.get(policy.replace("_", "").lower(), policy), r.source))
    for sea in map(_valued, have.get("shared_ethernet_adapters", ())):
        vlans = {(_switch(t), n) for t in map(_valued, sea.get("trunk_adapters", ()))
                 for n in (t.get("port_vlan_id"), *t.get("tagged_vlan_ids", ())) if isinstance(n, int)}
        intake.seas.append(Sea(vios, str(sea.get("device_name", "")), tuple(sorted(vlans)), r.source))
    for m in map(_valued, have.get("virtual_scsi_mappings", ())):
        _scsi(intake, vios, ref, m, r)
    for m in map(_valued, have.get("virtual_fibre_channel_mappings", ())):
        _fibre(intake, vios, ref, m, r)


def _switch(trunk: dict[str, Any]) -> str:
    return str(trunk.get("virtual_switch_name", DEFAULT_VSWITCH)).removesuffix("(Default)") or DEFAULT_VSWITCH


def _scsi(intake: Intake, vios: ViosRef, ref: PartRef, m: dict[str, Any], r: Record) -> None:
    device = next((str(m[name]) for name in _DEVICES if m.get(name)), "")
    if not device:
        return
    client = PartRef(ref.system, m.get("client_local_partition_id"))
    intake.mappings.append(Mapping(
        vios, m.get("server_virtual_slot_number"), client, str(m.get("target_target_name", device)),
        _BACKING.get(str(m.get("storage_kind", "")), "lv"), device, r.source, m.get("client_virtual_slot_number"),
        str(m.get("server_adapter_name", ""))))


def _fibre(intake: Intake, vios: ViosRef, ref: PartRef, m: dict[str, Any], r: Record) -> None:
    lpar = m.get("client_local_partition_id", m.get("server_connecting_partition_id"))
    client = PartRef(ref.system, lpar if isinstance(lpar, int) else None)
    port = str(m.get("server_physical_port_name") or m.get("server_map_port") or "")
    intake.vfcs.append(Vfc(vios, m.get("server_virtual_slot_number"), client, port, r.source))
    wwpns = tuple(str(w) for w in m.get("client_wwpns", ()))
    slot = m.get("client_virtual_slot_number", m.get("server_connecting_virtual_slot_number"))
    if wwpns and isinstance(slot, int):
        intake.fc.append(Client(client, slot, PartRef(ref.system, ref.lpar_id, ref.name),
                                m.get("server_virtual_slot_number"), wwpns, r.source))


def _pool(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    system = str(have.get("associated_managed_system", ""))
    if system and "pool_id" in have:
        values = pick(r, {"pool_name": "name", "maximum_processing_units": "max_units",
                          "current_reserved_processing_units": "reserved_units"})
        if not values.get("max_units", (0, None))[0]:
            values.pop("max_units", None)
        intake.pools.append((system, have["pool_id"], values, r.source))


_FACTS: dict[str, TakeFacts] = {
    "rest-managed-system": _sys, "rest-lpar": _partition(False), "rest-vios": _partition(True), "rest-pool": _pool,
}

FORMAT = Format(KIND, recognise, read, _FACTS)


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "a limit of the LPAR's profile: a move neither checks it nor changes it": (
        ("rest-*", "minimum_memory minimum_processing_units minimum_processors minimum_virtual_processors"
         " maximum_processing_units"),
    ),
    "what is free, or installed and not configurable: a plan computes the first and cannot use the second": (
        ("rest-managed-system", "current_available_* installed_* available_wwpns"),
    ),
    "other objects: they name the system themselves": (
        ("rest-*", "associated_logical_partitions shared_processor_pools assigned_partitions processor_pool"),
        ("rest-managed-system", "mtms"),
        ("rest-lpar", "uuid"),
        ("rest-vios", "uuid"),
        ("rest-pool", "uuid"),
    ),
    "only an LPAR that does not run is moved like that": (
        ("rest-managed-system", "*inactive_*"),
    ),
    "what was under way when it was exported": (
        ("rest-*", "number_of_active_* migration_state runtime_memory"),
    ),
    "the firmware's limit, of which the console's is the smaller": (
        ("rest-managed-system", "maximum_firmware_*"),
    ),
    "state and lamps of the console": (
        ("rest-*", "state is_classic_* *attention_led* partition_type"),
    ),
    "elements that this program does not know: told as input.unknown-key, capabilities apart": (
        ("rest-*", "flying_toasters quantum_leap_capable"),
    ),
}
