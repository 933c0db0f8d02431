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

from planner.findings import Severity, Source
from planner.formats import hmc_rest_facts
from planner.formats.base import Format, NonValue, Reading, Record, unframed
from planner.formats.lines import Notes
from planner.formats.values import (
    flag,
    integral,
    mib,
    mtms,
    number,
    page_table_ratio,
    physical_page_table_ratio,
    typed,
    units,
    whole,
    whole_or_any,
)
from planner.units import some

KIND = "hmc-rest"
JOB = "rest-job"

MOST_DEPTH = 60

_NAMESPACE = "/xmlns/systems/power/firmware/"
_KINDS = {
    "ManagedSystem": "rest-managed-system",
    "LogicalPartition": "rest-lpar",
    "VirtualIOServer": "rest-vios",
    "SharedProcessorPool": "rest-pool",
    "ClientNetworkAdapter": "rest-ethernet",
    "VirtualSCSIClientAdapter": "rest-scsi-client",
    "VirtualFibreChannelClientAdapter": "rest-fc-client",
    "VirtualSwitch": "rest-switch",
    "VirtualNetwork": "rest-network",
    "NetworkBridge": "rest-bridge",
    "SRIOVEthernetLogicalPort": "rest-sriov-port",
    "SRIOVFibreChannelLogicalPort": "rest-sriov-port",
    "SRIOVRoCELogicalPort": "rest-sriov-port",
    "VirtualNICDedicated": "rest-vnic",
    "JobResponse": JOB,
}
_ERRORS = "HttpErrorResponse"
#: What an object of each kind cannot lack.
_REQUIRED = {
    "rest-managed-system": ("system_name",),
    "rest-lpar": ("partition_name", "partition_id"),
    "rest-vios": ("partition_name", "partition_id"),
    "rest-pool": ("pool_id",),
    "rest-ethernet": ("virtual_slot_number", "port_vlan_id"),
    "rest-scsi-client": ("virtual_slot_number",),
    "rest-fc-client": ("virtual_slot_number",),
    "rest-switch": ("switch_id", "switch_name"),
}


#: Elements of which facts are made, by their type: what is none of it is left out, and told.
_TYPED: dict[str, Callable[[str], Any]] = {name: parse for parse, names in (
    (mib, "CurrentMaximumMemory CurrentMemory DesiredMemory MaximumMemory ConfigurableSystemMemory"
          " CurrentLogicalMemoryBlockSize MemoryUsedByHypervisor"),
    (units, "DesiredProcessingUnits CurrentProcessingUnits MaximumProcessingUnits CurrentReservedProcessingUnits"
            " ConfigurableSystemProcessorUnits MinimumProcessorUnitsPerVirtualProcessor"),
    (integral, "PartitionID PoolID SharedProcessorPoolID DesiredVirtualProcessors MaximumVirtualProcessors"
               " AllocatedVirtualProcessors UncappedWeight DesiredProcessors MaximumProcessors CurrentProcessors"
               " RunProcessors MaximumActiveMigrations CurrentHugePageCount VirtualSlotNumber LocalPartitionID"
               " PortVLANID ConnectingPartitionID ConnectingVirtualSlotNumber VirtualSwitchID SwitchID AvailablePorts"
               " PortLogicalPortLimit MaximumVirtualIOSlots CurrentMaximumVirtualIOSlots"),
    (page_table_ratio, "HardwarePageTableRatio CurrentHardwarePageTableRatio"),
    (physical_page_table_ratio, "PhysicalPageTableRatio"),
    (whole_or_any, "RemoteLogicalPartitionID RemoteSlotNumber"),
    (number, "ExpansionFactor CurrentExpansionFactor"),
    (flag, "HasDedicatedProcessors HasPhysicalIO MigrationDisable MoverServicePartition ActiveMemoryExpansionCapable"
           " IsVirtualTrustedPlatformModuleEnabled IsRedundantErrorPathReportingEnabled"
           " ActiveLogicalPartitionMobilityCapable"),
    (str, "PartitionName PartitionState PartitionType SystemName SharingMode OperatingSystemVersion PoolName Model"
          " CurrentProcessorCompatibilityMode ResourceMonitoringControlState UniqueDeviceID VolumeUniqueID MachineType"
          " SerialNumber MTMS ActivatedLevel ActivatedServicePackNameAndLevel SystemFirmware ReservePolicy WWPNs"
          " SupportedPartitionProcessorCompatibilityModes AssociatedManagedSystem PendingProcessorCompatibilityMode"
          " TaggedVLANIDs UUID SwitchName LocationCode VNICPortUsage VirtualDiskType ParameterName ParameterValue"),
) for name in names.split()}
#: The other elements by their names; what is not of its family is kept as text.
_FAMILIES = tuple((re.compile(name), parse) for name, parse in cast(tuple[tuple[str, Callable[[str], Any]], ...], (
    (r"(?:Is|Has|Allow|Assign)[A-Z]\w*|AvailableForUsage|Required\w+|Tagged\w+"
     r"|\w*(?:Capable|Enabled|Supported|Required|State|Send|VariedOn|Accepted|Device)",
     flag),
    (r"\w*(?:Memory|VolumeCapacity|RegionSize|BlockSize)|RequiredMinimumForMaximum", mib),
    (r"\w*(?:ProcessingUnits|ProcessorUnits|ProcUnits|SystemProcessors)", units),
    (r"\w*(?:Processors(?:Per\w+)?|Weight|Priority|Migrations|InProgress|Partitions|Slots|Count|Ports|WWPNs|Number|Total"
     r"|Remaining|QueueSize|PartitionID|PoolID|VLANID|SwitchID|GroupID|ChannelID)", integral),
    (r"\w*(?:Factor|Ratio)", number),
    (r"\w*(?:Name|State|Type|Mode|Level|ID|UUID|Address|Addresses|Version|Serial\w+|Prefix|Code|Label|Policy|Algorithm"
     r"|Location|Profile|Sync|Position|Status|Description|Port|Interface|WWPN|WWNN|Ping|Page83|Size|Capacity|Time|Rations"
     r"|Percentage|Granularity|Options|Speeds?|MTUs?|Capabilities|Mirroring\w*|InUse|Codes|Index|Started|Completed|VLANs"
     r"|Priorities|Ratios|Pools|Value|MemoryPartition)", str),
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
    "VirtualNICSRIOVBackingDevice": "", "SRIOVAdapter": "",
    "SharedStoragePoolLogicalUnitVirtualTargetDevice": "", "JobRequestInstance": "",
}
#: Blocks that no plan needs, of which nothing is said.
_QUIET = frozenset({
    "ProfileIOSlots", "LoadGroups", "NportLoggedInStatus", "Details", "UnconfiguredLogicalPorts",
    "RequestedOperation", "RelatedIBMiIOSlot", "AssociatedIPLConfiguration", "RelatedIOAdapter", "IORDevices",
    "HostChannelAdapters", "HostEthernetAdapters", "IOAdapters", "FreeEthernetBackingDevicesForSEA",
    "FreeIOAdaptersForLinkAggregation",
})
_LISTS = {
    "PhysicalVolumes": "PhysicalVolume", "SharedEthernetAdapters": "SharedEthernetAdapter",
    "VirtualSCSIMappings": "VirtualSCSIMapping", "VirtualFibreChannelMappings": "VirtualFibreChannelMapping",
    "TrunkAdapters": "TrunkAdapter", "IOSlots": "IOSlot", "IOBuses": "IOBus", "Results": "JobParameter",
    "JobParameters": "JobParameter", "AssociatedBackingDevices": "VirtualNICBackingDeviceChoice",
    "SRIOVAdapters": "IOAdapterChoice", "EthernetPhysicalPorts": "SRIOVEthernetPhysicalPort",
    "ConvergedEthernetPhysicalPorts": "SRIOVConvergedNetworkAdapterPhysicalPort",
}
_COMPOUND = _BLOCKS.keys() | _LISTS.keys() | _QUIET

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OF_SYSTEM = re.compile(r"/ManagedSystem/([0-9a-fA-F-]{36})(?:/|$)")
_OF_PARTITION = re.compile(r"/(?:LogicalPartition|VirtualIOServer)/([0-9a-fA-F-]{36})/")
_DOCUMENT = re.compile(r"^[ \t]*(<\?xml\s)", re.MULTILINE)
_QUICK = re.compile(r'"(?:PartitionName|SystemName|PoolName)"\s*:')
_BESIDE = re.compile(r'"(?:UUID|MTMS|PartitionType|PartitionState|ConfigurableSystemMemory)"\s*:')
_SPELLINGS = {"IBMi": "Ibmi", "VLANIDs": "VlanIds", "VLANID": "VlanId", "WWPNs": "Wwpns", "NICs": "Nics"}
_SPELLED = re.compile("|".join(_SPELLINGS))


def snake(name: str) -> str:
    """``CurrentMemory`` → ``current_memory``, ``PortVLANID`` → ``port_vlan_id``."""
    spelled = _SPELLED.sub(lambda match: _SPELLINGS[match[0]], _SAME_AS.get(name, name))
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", spelled).lower()


_REPEATABLE = frozenset({*_SPLIT, *_REPEATED, "UniqueDeviceID", "LocationCode", "VNICPortUsage", "VirtualDiskType"})
_SCALARS = frozenset(snake(name) for name in _TYPED if name not in _REPEATABLE)


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


class _RestNotes(Notes):
    """With the records of one text, and the names that are to be listed once."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.records: list[Record] = []
        self.untyped: dict[str, int] = {}
        self.unread: dict[str, int] = {}

    def bad(self, name: str, error: ValueError, line: int) -> None:
        self.add(Severity.WARNING, "input.bad-value", f"{name}: {error}", "export it again; the value is left out",
                 line)

    def closed(self) -> Reading:
        self._list(Severity.INFO, self.untyped, "input.unknown-key", "elements of no known family", "kept as text")
        self._list(Severity.INFO, self.unread, "input.not-read", "blocks that are not read", "no plan needs them")
        return Reading(KIND, tuple(self.records), self.all())

    def _list(self, severity: Severity, names: dict[str, int], rule: str, what: str, fix: str) -> None:
        if names:
            self.add(severity, rule, f"{what}: {some(sorted(names), 30)}", fix, min(names.values()))


class _Repeated(tuple[Any, ...]):
    """The values of an element that is repeated."""


@dataclass(slots=True)
class _Fields:
    """The fields of one object, or of one item of a list inside it."""

    log: _RestNotes
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, value: Any, line: int) -> None:
        """An element that is repeated is a list; of one that a fact is made of the first counts."""
        if name not in self.values:
            self.values[name] = value
            self.lines[name] = line
        elif name in _SCALARS and value != self.values[name]:
            self.log.add(Severity.WARNING, "input.duplicate-key", f"{name} stands twice in one object "
                         f"(first in line {self.lines[name]})", "the first is used; export it again", line)
        elif name not in _SCALARS:
            before = self.values[name]
            self.values[name] = (*(before if isinstance(before, _Repeated) else (before,)), value)
            self.values[name] = _Repeated(self.values[name])

    def append(self, name: str, value: Any, line: int) -> None:
        self.values[name] = (*self.values.get(name, ()), value)
        self.lines.setdefault(name, line)

    def leaf(self, element: str, text: str, line: int, prefix: str = "") -> None:
        """A value by the type of its element; the non-values are the same for all types."""
        element = _SAME_AS.get(element, element)
        name = prefix + snake(element)
        if not (element in _TYPED or element in _SPLIT or _family(element[:80])) and len(self.log.untyped) < 10_000:
            self.log.untyped.setdefault(element[:80], line)
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
    """XML in the HMC's namespace, or JSON objects that name partitions, systems or pools themselves, not inside."""
    start = text.lstrip("\ufeff \t\n")[:1]
    if start in ("[", "{"):
        name = _QUICK.search(text)
        before = text[:name.start()] if name else ""
        return bool(name and _BESIDE.search(text)) and before.count("{") - before.count("}") == 1
    sign = next((one for one in ("<feed", "<entry", "Metadata", _ERRORS) if one in text), "")
    return bool(sign) and (_NAMESPACE in text or "/rest/api/uom/" in text)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """All objects of one answer, or of several written one after the other."""
    log = _RestNotes(file)
    body, line = unframed(text, first_line)
    start = re.search(r"[<\[{]", body)
    if not start:
        log.add(Severity.WARNING, "input.unknown-text", "neither XML nor JSON of the HMC's REST API",
                "export it again", line)
        return log.closed()
    if body[:start.start()].strip("\ufeff \t\n"):
        log.add(Severity.WARNING, "input.unknown-text", f"text before the document: {body.strip()[:60]!r}",
                "left out", line)
    line += body.count("\n", 0, start.start())
    if start[0] == "<":
        _read_xml(log, body[start.start():], line)
    else:
        _read_json(log, body[start.start():], line)
    return log.closed()


class _XmlRefusedError(Exception):
    """XML that is not read on, with the line."""


@dataclass(slots=True)
class _Document:
    """One XML document while it is parsed. Only what is inside an object is kept, one object at a time."""

    log: _RestNotes
    parser: expat.XMLParserType
    offset: int
    path: list[str] = field(default_factory=list)
    inside: list[_Element] = field(default_factory=list)
    home: dict[str, str] = field(default_factory=dict)
    of_feed: dict[str, str] = field(default_factory=dict)
    objects: int = 0

    def line(self) -> int:
        return self.parser.CurrentLineNumber + self.offset

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if len(self.path) >= MOST_DEPTH:
            raise _XmlRefusedError(f"more than {MOST_DEPTH} elements inside each other")
        if self.inside or self._begins_object(name):
            element = _Element(name, self.line(), attributes)
            if self.inside:
                self.inside[-1].children.append(element)
            self.inside.append(element)
        elif name == "entry":
            self.home = dict(self.of_feed)
        elif name == "link":
            self._link(attributes.get("href", ""))
        self.path.append(name)

    def _link(self, href: str) -> None:
        """Whose the objects are: of a feed, or of one entry."""
        home = self.home if "entry" in self.path else self.of_feed
        for name, pattern in (("associated_managed_system", _OF_SYSTEM), ("owner", _OF_PARTITION)):
            if match := pattern.search(href):
                home[name] = match[1].lower()

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
                _add_object(self.log, element, self.home)

    def text(self, piece: str) -> None:
        if self.inside:
            self.inside[-1].pieces.append(piece)

    def refuse(self, *_: object) -> None:
        raise _XmlRefusedError("it declares a document type or entities, which the HMC never does")


def _read_xml(log: _RestNotes, text: str, first_line: int) -> None:
    starts = [match.start(1) for match in _DOCUMENT.finditer(text)]
    bounds = [0, *(start for start in starts if start > 0), len(text)]
    line = first_line
    for begin, end in pairwise(bounds):
        _read_document(log, text[begin:end].rstrip(), line)
        line += text.count("\n", begin, end)


def _read_document(log: _RestNotes, text: str, first_line: int) -> None:
    parser = expat.ParserCreate("utf-8")
    document = _Document(log, parser, first_line - 1)
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = document.refuse
    parser.buffer_text = True
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except _XmlRefusedError as refused:
        log.add(Severity.ERROR, "input.unreadable", f"the XML is refused: {refused}",
                "export it again from the HMC", document.line())
        return
    except expat.ExpatError as error:
        _broken_off(log, document, error)
    if not document.objects and document.path == []:
        log.add(Severity.INFO, "input.no-data", "an answer without objects in it", "nothing to do if that is expected",
                first_line)


def _broken_off(log: _RestNotes, document: _Document, error: expat.ExpatError) -> None:
    left_out = ""
    if document.inside:
        outer = document.inside[0]
        left_out = f" inside a {outer.name} that begins in line {outer.line}, which is left out"
    document.objects += 1
    log.add(Severity.ERROR, "input.truncated", f"the XML breaks off ({expat.ErrorString(error.code)}){left_out}",
            "what stands before is used; export it again", error.lineno + document.offset)


def _add_object(log: _RestNotes, element: _Element, home: dict[str, str]) -> None:
    if element.name == _ERRORS:
        _say_error(log, {child.name: child.text for child in element.children}, element.line)
        return
    fields, first = _Fields(log), len(log)
    _collect(fields, element, "")
    named = home.get("associated_managed_system") or _system_in(element)
    if named and "associated_managed_system" not in fields.values and element.name != "ManagedSystem":
        fields.put("associated_managed_system", named, element.line)
    if "owner" in home and element.name not in ("ManagedSystem", "LogicalPartition", "VirtualIOServer"):
        fields.put("owner", home["owner"], element.line)
    _add_record(log, _KINDS[element.name], fields, element.line)
    subject = str(fields.values.get("partition_name") or fields.values.get("system_name") or log.file)
    log.about(subject, first)


def _system_in(element: _Element) -> str:
    """The managed system that an object's references name."""
    inside = (one for child in element.children for one in (child, *child.children))
    matches = (_OF_SYSTEM.search(one.attributes.get("href", "")) for one in inside)
    return next((match[1].lower() for match in matches if match), "")


def _say_error(log: _RestNotes, answer: dict[str, str], line: int) -> None:
    message = answer.get("Message", "") or answer.get("ReasonCode", "") or "no message"
    status = answer.get("HTTPStatus", "")
    log.add(Severity.INFO, "input.error-text", f"the HMC answered with an error{f' ({status})' if status else ''}: "
            f"{message[:200]}", "ask the HMC again if the answer is needed", line)


def _add_record(log: _RestNotes, kind: str, fields: _Fields, line: int) -> None:
    absent = NonValue.EMPTY
    lacking = [name for name in _REQUIRED.get(kind, ()) if isinstance(fields.values.get(name, absent), NonValue)]
    if lacking:
        log.add(Severity.WARNING, "input.missing-value", f"a {kind.removeprefix('rest-')} without "
                + " and ".join(lacking), "left out; export it again", fields.lines.get(lacking[0], line))
    elif fields.values:
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
        elif child.text or not ("schemaVersion" in child.attributes or child.name in _COMPOUND):
            fields.leaf(child.name, child.text, child.line, prefix)


def _compound(fields: _Fields, child: _Element, prefix: str) -> None:
    if child.name in _LISTS:
        _items(fields, child, prefix)
    elif all(one.name == "link" for one in child.children):
        uuids = tuple(_uuid_of(one.attributes.get("href", "")) for one in child.children)
        fields.put(prefix + snake(child.name), uuids, child.line)
    else:
        _block(fields, child, prefix)


def _metadata(fields: _Fields, element: _Element, prefix: str) -> None:
    ids = (one for atom in element.children for one in atom.children if one.name == "AtomID")
    for one in ids:
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
    uuids = _UUID.findall(href)
    return uuids[-1].lower() if uuids else href


def _block(fields: _Fields, element: _Element, prefix: str) -> None:
    if element.name not in _BLOCKS:
        if element.name not in _QUIET:
            fields.log.unread.setdefault(element.name[:80], element.line)
        return
    if element.name == "Storage":
        kind = next((child.name for child in element.children if child.name != "Metadata"), "")
        fields.put(prefix + "storage_kind", kind, element.line)
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


def _read_json(log: _RestNotes, text: str, first_line: int) -> None:
    """Numbers stay text until the type of their field is known."""
    for value, line in _json_values(log, text, first_line):
        if isinstance(value, _Pairs):
            _add_json(log, value, line)
        else:
            log.add(Severity.WARNING, "input.bad-value", f"{_shown(value)} where an object was expected",
                    "export it again with quick/All", line)


def _json_values(log: _RestNotes, text: str, first_line: int) -> Iterator[tuple[Any, int]]:
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
            log.add(Severity.ERROR, "input.truncated", f"the JSON breaks off: {str(error)[:80]}",
                    "what stands before is used; export it again", line)
            return
        yield value, line
        if not in_list:
            position = _skip(text, position)
            break
    if position < len(text):
        log.add(Severity.WARNING, "input.unknown-text", f"text after the JSON: {text[position:position + 60]!r}",
                "left out", line + text.count("\n", counted, position))


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _shown(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else repr(value)[:60]


def _add_json(log: _RestNotes, pairs: _Pairs, line: int) -> None:
    names = {name for name, _ in pairs}
    kind = _json_kind(dict(pairs))
    if not kind and names & {"Message", "ReasonCode"}:
        _say_error(log, {name: value for name, value in pairs if isinstance(value, str)}, line)
        return
    if not kind:
        log.add(Severity.WARNING, "input.unknown-text", "an object that is no system, partition or pool",
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


def sessions(reading: Reading) -> Iterator[str]:
    """What commands printed that jobs of the console (CLIRunner) ran, as captures of a session."""
    for record in reading.records:
        if record.kind == JOB:
            asked, answered = (
                {str(one.get("parameter_name")): str(one.get("parameter_value")) for one in record.fields.get(name, ())}
                for name in ("job_parameters", "results"))
            if "cmd" in asked and answered.get("result"):
                yield f"$ {asked['cmd']}\n{answered['result']}\n"


FORMAT = Format(KIND, recognise, read, hmc_rest_facts.FACTS, inside=sessions)
