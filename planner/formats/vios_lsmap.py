"""``lsmap -all`` of a VIOS: vSCSI, and with ``-net``, ``-npiv``, ``-vnic``; plain, and with ``-fmt :``.

A plain listing is made of blocks: a header, the row of a server adapter, then keys and values (``-npiv`` and
``-vnic``: in colons, maybe two to a line). vSCSI has a group of keys for each virtual target device, the others one
for each adapter. ``-fmt :`` has a line for each adapter, without names: its fields go by their number, or by the
names after ``-field`` in the command above, or in the header line that a script writes.

Records: one for each virtual target device (``vtd`` is :attr:`NonValue.NONE` where an adapter has none) or for each
adapter, with ``physloc`` and what it says: server, ``vios_partition_id``, ``slot``. A partition id of 0 (any client)
is :attr:`NonValue.NONE`; ``flags`` of NPIV are a bit mask, ``flag_names`` their names where they are printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from planner.findings import Severity
from planner.formats import facts
from planner.formats.base import Format, NonValue, Reading, Record, TakeFacts, stated, vios_of
from planner.formats.facts import Intake, PartRef, Vfc
from planner.formats.lines import Notes, Raw, boolean, head, is_rule, lines, pairs, snake, word
from planner.formats.values import counter, location, partition_id, shown

KIND = "vios-lsmap"
KIND_NET = "vios-lsmap-net"
KIND_NPIV = "vios-lsmap-npiv"
KIND_VNIC = "vios-lsmap-vnic"

_CLIENT_HEADER = ("Name", "Physloc", "ClntID", "ClntName", "ClntOS")
_ROW_OF_ANY = re.compile(r"\bv(?:fc)?host[0-9]|\bvnicserver[0-9]|-V[0-9]+-C[0-9]")
_KINDS = tuple((re.compile(name), kind) for name, kind in (
    (r"(?i:cd[0-9]+|/var/vio/VMLibrary/.*|.*\.iso)", "optical"), (r"/.*", "file"),
    (r"(?:hdisk|hdiskpower|vpath|dlmfdrv)[0-9]+", "disk"), (r"rmt[0-9]+", "tape"), (r".*\.[0-9a-f]{16,}", "ssp")))
_FLAGS = re.compile(r"([0-9a-fA-F]{1,8})(?:<([A-Z_, ]*)>)?")
_CLIENT_ROW = re.compile(r"(\S+)\s+(\S+)\s+([0-9]+)(?=\s|$)")
_LOGIN_STATES = ("LOGGED_IN", "NOT_LOGGED_IN")


def _tokens_row(names: tuple[str, ...], line: str) -> dict[str, str]:
    """The words of a row by name; nothing when there are more words than names."""
    tokens = line.split()
    return dict(zip(names, tokens, strict=False)) if len(tokens) <= len(names) else {}


def _vhost_row(line: str) -> dict[str, str]:
    tokens = line.split()
    if len(tokens) == 2 and tokens[1].startswith("0x"):
        return {"vhost": tokens[0], "client_partition_id": tokens[1]}
    return _tokens_row(("vhost", "physloc", "client_partition_id"), line)


def _client_row(name: str, line: str) -> dict[str, str]:
    """Name, location and client id; the client's name may hold blanks, and only known OS names end it."""
    match = _CLIENT_ROW.match(line)
    if match is None:
        return _tokens_row((name, "physloc"), line)
    rest = line[match.end():].strip()
    client_os = next((known for known in ("AIX", "Linux", "IBM i", "VIOS", "N/A") if rest.endswith(" " + known)), "")
    if not client_os and "  " in rest:
        client_os = rest.rpartition("  ")[2].strip()
    return {name: match[1], "physloc": match[2], "client_partition_id": match[3],
            "client_name": rest.removesuffix(client_os).strip(), "client_os": client_os}


#: :func:`backing_kind` → what the estate calls it.
BACKING = {"disk": "lun", "lv": "lv", "file": "file", "optical": "optical", "ssp": "ssp", "tape": "optical"}


def backing_kind(device: object, vtd: object, physloc: object) -> str | None:
    """``disk``, ``lv``, ``file``, ``optical``, ``tape`` or ``ssp`` (a logical unit of a shared storage pool).

    A name that says nothing (disks can be renamed) goes by its location: disks have one, logical volumes an empty
    one. None when that is not stated either.
    """
    virtual_optical = isinstance(vtd, str) and vtd.startswith("vtopt")
    if not isinstance(device, str):
        return "optical" if virtual_optical else None
    if virtual_optical and device.startswith("/"):
        return "optical"
    by_place = "disk" if isinstance(physloc, str) else "lv" if physloc is NonValue.EMPTY else None
    return next((kind for name, kind in _KINDS if name.fullmatch(device)), by_place)


def _of_shape(shape: re.Pattern[str], what: str, value: Callable[[str], Any] = word) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if shape.fullmatch(text) is None:
            raise ValueError(f"{shown(text)} is not {what}")
        return value(text)
    return parse


def _backing_extras(fields: Mapping[str, Any], raw: Raw) -> dict[str, Any]:
    device = fields.get("backing_device", "")
    kind = backing_kind(device, fields.get("vtd"), fields.get("backing_physloc")) if device else None
    return {"backing_kind": kind} if kind else {}


def _flag_extras(fields: Mapping[str, Any], raw: Raw) -> dict[str, Any]:
    match = _FLAGS.fullmatch(raw["flags"][0]) if "flags" in raw else None
    if match is None or match[2] is None:
        return {}
    return {"flag_names": tuple(name.strip() for name in match[2].split(",") if name.strip())}


def _no_extras(fields: Mapping[str, Any], raw: Raw) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one kind of listing looks. ``keys`` go from an export's key to a field, in the order of ``-fmt``."""

    kind: str
    command: str
    header: tuple[str, ...]
    adapter: re.Pattern[str]
    row: Callable[[str], dict[str, str]]
    row_fields: tuple[str, ...]
    keys: Mapping[str, str]
    colon: bool = False
    nothing: str = ""
    many: bool = False
    optional: frozenset[str] = frozenset()
    extras: Callable[[Mapping[str, Any], Raw], dict[str, Any]] = _no_extras
    evidence: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The field that begins a group."""
        return next(iter(self.keys.values()))


_CLIENT_FIELDS = ("physloc", "client_partition_id", "client_name", "client_os")


def _of_clients(kind: str, option: str, adapter: str, keys: Mapping[str, str], evidence: tuple[str, ...],
                extras: Callable[[Mapping[str, Any], Raw], dict[str, Any]] = _no_extras) -> _Layout:
    """A listing whose rows name an adapter and its client; ``evidence`` tells it from others of the same header."""
    return _Layout(
        kind, f"lsmap -all {option}", _CLIENT_HEADER, re.compile(rf"{adapter}[0-9]+"), partial(_client_row, adapter),
        (adapter, *_CLIENT_FIELDS), keys, colon=True, extras=extras, evidence=evidence)


_VSCSI = _Layout(
    kind=KIND,
    command="lsmap -all",
    header=("SVSA", "Physloc", "Client", "Partition", "ID"),
    adapter=re.compile(r"\S+(?=\s+\S+\s+0x[0-9a-fA-F]+$)|vhost[0-9]+"),
    row=_vhost_row,
    row_fields=("vhost", "physloc", "client_partition_id"),
    keys={"VTD": "vtd", "Status": "status", "LUN": "lun", "Backing device": "backing_device",
          "Physloc": "backing_physloc", "Mirrored": "mirrored"},
    nothing="NO VIRTUAL TARGET DEVICE FOUND",
    many=True,
    optional=frozenset({"status", "mirrored"}),
    extras=_backing_extras,
)
_NET = _Layout(
    kind=KIND_NET,
    command="lsmap -all -net",
    header=("SVEA", "Physloc"),
    adapter=re.compile(r"\S+(?=\s+U\S+-V[0-9]{1,5}-C[0-9]{1,5}(?:-T[0-9]+)?$)|ent[0-9]+"),
    row=partial(_tokens_row, ("svea", "physloc")),
    row_fields=("svea", "physloc"),
    keys={"SEA": "sea", "Backing device": "backing_device", "Status": "status", "Physloc": "backing_physloc"},
    nothing="NO SHARED ETHERNET ADAPTER FOUND",
)
_NPIV = _of_clients(
    KIND_NPIV, "-npiv", "vfchost",
    {"Status": "status", "FC name": "fc_name", "FC loc code": "fc_physloc", "Ports logged in": "ports_logged_in",
     "Flags": "flags", "VFC client name": "vfc_client_name", "VFC client DRC": "vfc_client_drc"},
    ("FC name:", "Ports logged in:", "VFC client name:"), _flag_extras)
_VNIC = _of_clients(
    KIND_VNIC, "-vnic", "vnicserver",
    {"Backing device": "backing_device", "Status": "status", "Physloc": "backing_physloc",
     "Client device name": "client_device_name", "Client device physloc": "client_device_physloc"},
    ("Client device name:", "Client device physloc:"))
_LAYOUTS = (_VSCSI, _NET, _NPIV, _VNIC)
_KEYS = {one.kind: re.compile((r"(?<!\S)({}):" if one.colon else r"\A({})(?!\S)").format(
    "|".join(sorted(one.keys, key=len, reverse=True)))) for one in _LAYOUTS}
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "client_partition_id": partition_id, "mirrored": boolean, "ports_logged_in": counter,
    "vtd": _of_shape(re.compile(r"[^ ]*"), "the name of a device"),
    "lun": _of_shape(re.compile(r"(?:0x[0-9a-fA-F]{1,32})?"), "a LUN such as 0x8100000000000000"),
    "flags": _of_shape(_FLAGS, "a mask such as a<LOGGED_IN,STRIP_MERGE>", lambda text: int(text.partition("<")[0], 16)),
}


@dataclass(slots=True)
class _Block:
    """The row of an adapter, and its groups of keys; ``nothing`` is the line that says that it has none."""

    name: str
    row: Raw
    line: int
    plain: bool = True
    groups: list[Raw] = field(default_factory=list)
    nothing: int | None = None


class _Listing:
    """One listing: its blocks are collected line by line, then made records."""

    def __init__(self, layout: _Layout, notes: Notes) -> None:
        self.layout, self.notes = layout, notes
        self.blocks: list[_Block] = []
        self._current: _Block | None = None
        self._fields: tuple[str, ...] = ()

    def take(self, number: int, text: str) -> None:
        asked = _asked(self.layout, text)
        block = _asked_block(self.layout, self._fields, text, number) if self._fields else None
        if asked:
            self._fields = asked
        elif block:
            self._begin(block)
        elif tuple(text.split()) == self.layout.header:
            self._current = None
        elif is_rule(text) or self._separated(text, number) or self._keys(text, number) or self._row(text, number):
            return
        elif not self._new_key(text, number):
            self._unknown(text, number)

    def _begin(self, block: _Block) -> None:
        self.blocks.append(block)
        self._current = block

    def _separated(self, text: str, number: int) -> bool:
        if not _is_separated(self.layout, text):
            return False
        values = [value.strip() for value in text.split(_separator(self.layout, text))]
        block = _separated_block(self.layout, values, number)
        if block is None:
            self.notes.bad_value(values[0], f"{len(values)} fields, expected {_sizes(self.layout)}", number, values[0])
            return True
        self._begin(block)
        for name in (name for group in block.groups for name in group if name.startswith("field_")):
            self.notes.new_key(name, number)
        return True

    def _keys(self, text: str, number: int) -> bool:
        """The known keys of a line. A key without an adapter above it is a finding."""
        nothing = bool(self.layout.nothing) and text.endswith(self.layout.nothing)
        keys = [] if nothing else pairs(_KEYS[self.layout.kind], text)
        if not (keys or nothing):
            return False
        if self._current is None:
            self.notes.unknown(text, f"the row of a {self.layout.row_fields[0]} above it", number)
        elif nothing:
            self._current.nothing = number
        else:
            for key, value in keys:
                self._set(self._current, self.layout.keys[key], value, number)
        return True

    def _set(self, block: _Block, name: str, value: str, number: int) -> None:
        """A field of the last group, or of a new one where the name begins one or stands there already."""
        repeated = bool(block.groups) and name in block.groups[-1]
        if not block.groups or (self.layout.many and (repeated or name == self.layout.first)):
            block.groups.append({name: (value, number)})
        elif repeated:
            self.notes.twice(shown(name), number, block.name)
        else:
            block.groups[-1][name] = (value, number)

    def _row(self, text: str, number: int) -> bool:
        adapter = self.layout.adapter.match(text)
        if adapter is None or text[adapter.end():adapter.end() + 1].strip():
            return False
        row = self.layout.row(text)
        if row:
            named = row[self.layout.row_fields[0]]
            self._begin(_Block(named, {name: (value, number) for name, value in row.items()}, number))
        return bool(row)

    def _new_key(self, text: str, number: int) -> bool:
        """A key that is not known, in the shape of the others: kept, and said once."""
        key, mark, value = text.partition(":" if self.layout.colon else "  ")
        if not mark or self._current is None or not re.fullmatch(r"[A-Za-z][A-Za-z ]{1,30}", key):
            return False
        self.notes.new_key(key, number)
        self._set(self._current, snake(key), value.strip(), number)
        return True

    def _unknown(self, text: str, number: int) -> None:
        """A line of no use. What may be a damaged row ends the block, lest its keys go to the adapter above."""
        if _ROW_OF_ANY.search(text):
            self._current = None
        self.notes.unknown(text, f"a line of {self.layout.command}", number)

    def records(self) -> Iterator[Record]:
        """The records in the order of the listing; an adapter that stands twice counts once."""
        seen: set[tuple[str, str]] = set()
        for block in self.blocks:
            identity = (block.name, block.row.get("physloc", ("", 0))[0])
            if identity in seen:
                self.notes.twice(block.name, block.line, block.name)
                continue
            seen.add(identity)
            yield from self._of_block(block, block is self.blocks[-1])

    def _of_block(self, block: _Block, last: bool) -> Iterator[Record]:
        row = self._adapter(block)
        if not block.groups:
            yield self._bare(block, row, last)
        seen: set[str] = set()
        for group in block.groups:
            device, line = group.get(self.layout.first, ("", block.line))
            if device and device in seen:
                self.notes.twice(f"{device} of {block.name}", line, block.name)
                continue
            if not any(value for value, _ in group.values()):
                self.notes.missing("a device among blank fields", line, block.name)
                continue
            seen.add(device)
            self._check(block, group, last and group is block.groups[-1])
            yield self._of_group(block, row, group)

    def _of_group(self, block: _Block, row: tuple[dict[str, Any], dict[str, int]], group: Raw) -> Record:
        fields, field_lines = self.notes.typed(group, _PARSERS, block.name)
        line = min(field_lines.values()) if self.layout.many else block.line
        extras = self.layout.extras(fields, group)
        return Record(self.layout.kind, row[0] | fields | extras, self.notes.source(line), row[1] | field_lines)

    def _adapter(self, block: _Block) -> tuple[dict[str, Any], dict[str, int]]:
        """The adapter's fields with what its location says, and their lines."""
        fields, field_lines = self.notes.typed(block.row, _PARSERS, block.name)
        physloc = fields.get("physloc")
        place = location(physloc)
        if place is not None:
            fields |= {"type_model": place.type_model, "serial_num": place.serial_num,
                       "vios_partition_id": place.partition_id, "slot": place.slot}
        elif isinstance(physloc, str):
            self.notes.add(Severity.WARNING, "input.bad-value",
                           f"physloc: found {shown(physloc)}, expected a location such as U9117.MMD.1045EE7-V2-C31",
                           "server, partition and slot stay unknown; export again", block.line, block.name)
        for name in self.layout.row_fields[1:3] if not self._fields else ():
            if block.row.get(name, ("", 0))[0] == "":
                self.notes.missing(name, block.line, block.name)
        return fields, field_lines

    def _bare(self, block: _Block, row: tuple[dict[str, Any], dict[str, int]], last: bool) -> Record:
        """An adapter without a group: the listing says that it has none, or the listing was cut."""
        fields, field_lines = row
        if block.nothing is None:
            self.notes.missing(f"the lines of {block.name}", block.line, block.name, last)
        else:
            fields = fields | {self.layout.first: NonValue.NONE}
            field_lines = field_lines | {self.layout.first: block.nothing}
        return Record(self.layout.kind, fields, self.notes.source(block.line), field_lines)

    def _check(self, block: _Block, group: Raw, last: bool) -> None:
        """A plain group states all that it should; a virtual device has something behind it."""
        line = max(number for _, number in group.values())
        expected = {name: key for key, name in self.layout.keys.items() if name not in self.layout.optional}
        absent = [repr(key) for name, key in expected.items() if name not in group]
        if absent and block.plain:
            self.notes.missing(", ".join(absent), line, block.name, last)
        if self.layout.many and _lost_backing(group):
            self.notes.add(
                Severity.WARNING, "input.missing-value",
                f"{group['vtd'][0]} has no backing device, expected one: its disk is gone, or it is optical and empty",
                "look at the device on the VIOS", line, block.name,
            )


#: Names of ``-field``, in the order of ``-fmt``.
_ASKED = {KIND: "svsa physloc clientid vtd status lun backing bdphysloc mirrored",
          KIND_NET: "svea physloc sea backing status bdphysloc",
          KIND_NPIV: "name physloc clntid clntname clntos status fc fcphysloc ports flags vfcclient vfcclientdrc",
          KIND_VNIC: "name physloc clntid clntname clntos backing status bdphysloc clntdev clntphysloc"}
_COMMAND = re.compile(r"(?:.{0,80}[\s/])?lsmap\s.{0,200}-field\s+([a-z][a-z ,:]{0,200})")


def _asked(layout: _Layout, text: str) -> tuple[str, ...]:
    """The fields of the rows below a command with ``-field``, or below a header of its names; () for other lines."""
    command = _COMMAND.match(text) if "-field" in text else None
    ours = _ASKED[layout.kind].split()
    if len(text) > _LONGEST_HEADER or (command is None and _FIRST_NAME.match(text) is None):
        return ()
    names = tuple(re.split(r"[^a-z]+", command[1].strip() if command else text.lower()))
    known = dict(zip(ours, (*layout.row_fields, *layout.keys.values()), strict=True))
    if len(names) < 2 or ours[0] not in names or not known.keys() >= {*names}:
        return ()
    return tuple(known[name] for name in names)


_LONGEST_HEADER = 400
_FIRST_NAME = re.compile("|".join(sorted({name for names in _ASKED.values() for name in names.split()}, reverse=True)),
                         re.IGNORECASE)


def _asked_block(layout: _Layout, asked: tuple[str, ...], text: str, number: int) -> _Block | None:
    """The block of a row whose fields were asked for; None for other lines."""
    at = asked.index(layout.row_fields[0])
    parts = (text.split(mark) for mark in _FMT if mark in text)
    values = next((v for v in ([one.strip() for one in part] for part in parts)
                   if len(v) > at and layout.adapter.fullmatch(v[at])), None)
    if values is None:
        return None
    row = tuple(one for one in asked if one in layout.row_fields)
    device, rest = asked[len(row):], values[len(row):]
    whole = len(rest) % len(device) == 0 if device and layout.many else len(rest) == len(device)
    if asked[:len(row)] != row or not whole:
        return None
    groups = [_raw(device, rest[at:at + len(device)], number) for at in range(0, len(rest), len(device) or 1)]
    return _Block(values[at], _raw(row, values, number), number, plain=False, groups=groups)


def _separator(layout: _Layout, text: str) -> str:
    """What separates the fields of a ``-fmt`` line: whatever the caller chose; "" for any other line."""
    name = _WORD.match(text)
    mark = text[name.end():name.end() + 1] if name else ""
    rest = text[name.end() + 1:] if name else ""
    fits = mark in tuple(_FMT) and layout.adapter.fullmatch(name[0] if name else "")
    return mark if fits and rest[:1] == "U" and mark in rest else ""


_WORD = re.compile(r"[\w.-]{1,64}")
_FMT = ":,!@#%;|^~/*+&?"


def _is_separated(layout: _Layout, text: str) -> bool:
    return bool(_separator(layout, text))


def _separated_block(layout: _Layout, values: list[str], number: int) -> _Block | None:
    """The block of a ``-fmt`` line; None when the number of its fields fits no known layout."""
    columns = _columns(layout, values)
    if columns is None:
        return None
    row, device = columns
    rest = values[len(row):]
    groups = [_raw(device, rest[at:at + len(device)], number) for at in range(0, len(rest), len(device))]
    block = _Block(values[0], _raw(row, values, number), number, plain=False, groups=groups)
    if len(groups) == 1 and layout.nothing and groups[0][layout.first][0] in ("", layout.nothing):
        block.groups, block.nothing = [], number
    return block


def _raw(names: tuple[str, ...], values: list[str], number: int) -> Raw:
    named = zip(names, values, strict=False)
    return {name: (value, number) for name, value in named if value or not name.startswith("field_")}


def _columns(layout: _Layout, values: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The names of a ``-fmt`` line's fields: those of the row, those of a device.

    Old levels print no ``mirrored``. A script in use asks ``-npiv`` for nine fields only: those that the values
    identify have names, the others the number of their place.
    """
    keys = tuple(layout.keys.values())
    if layout.many:
        devices = values[len(layout.row_fields):]
        sizes = (size for size in (len(keys), len(keys) - 1) if _fits(devices, size))
        return next(((layout.row_fields, keys[:size]) for size in sizes), None)
    if len(values) == len(layout.row_fields) + len(keys):
        return layout.row_fields, keys
    if layout is _NPIV and len(values) == 9 and values[-1] in _LOGIN_STATES:
        return layout.row_fields[:3], ("field_4", "fc_name", "fc_physloc", "field_7", "field_8", "status")
    return None


def _fits(values: list[str], size: int) -> bool:
    """Groups of this size, each with a LUN, or nothing, in its third place."""
    return len(values) % size == 0 and all(lun == "" or lun.startswith("0x") for lun in values[2::size])


def _sizes(layout: _Layout) -> str:
    row, group = len(layout.row_fields), len(layout.keys)
    return f"{row} and {group} for each device" if layout.many else str(row + group)


def _lost_backing(group: Raw) -> bool:
    """A device without anything behind it that is not a virtual optical device by its name."""
    return group.get("backing_device", ("x", 0))[0] == "" and not group.get("vtd", ("vtopt", 0))[0].startswith("vtopt")


def _read(layout: _Layout, text: str, file: str, first_line: int = 1) -> Reading:
    notes = Notes(file)
    listing = _Listing(layout, notes)
    for number, line in lines(text, first_line):
        listing.take(number, line.strip())
    return Reading(layout.kind, tuple(listing.records()), notes.all())


def _recognise(layout: _Layout, text: str) -> bool:
    """The header of the listing (two kinds share one: a row or a key tells them apart) or a line of ``-fmt :``."""
    first = head(text)
    if any(_is_separated(layout, line) for line in first):
        return True
    asked = next((asked for line in first if (asked := _asked(layout, line))), ())
    if asked and any(_asked_block(layout, asked, line, 0) for line in first):
        return True
    if not any(tuple(line.split()) == layout.header for line in first):
        return False
    return not layout.evidence or any(
        line.startswith(layout.evidence) or layout.adapter.match(line) is not None for line in first
    )


def _take_vtd(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    vios = vios_of(record, reading)
    intake.vhosts.add((vios, have.get("slot", -1)))
    if "vtd" not in have:
        return
    client = PartRef(vios.serial, have.get("client_partition_id"))
    backing = BACKING.get(str(have.get("backing_kind", "")), "lv")
    intake.mappings.append(facts.DiskMapping(
        vios, have.get("slot"), client, str(have["vtd"]), backing, str(have.get("backing_device", have["vtd"])),
        record.source, vhost=str(have.get("vhost", ""))))


def _take_vfc(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    vios = vios_of(record, reading)
    client = PartRef(vios.serial, have.get("client_partition_id"), str(have.get("client_name", "")))
    intake.vfcs.append(Vfc(vios, have.get("slot"), client, str(have.get("fc_name", "")), record.source))


_TAKES: Mapping[str, Mapping[str, TakeFacts]] = {KIND: {KIND: _take_vtd}, KIND_NPIV: {KIND_NPIV: _take_vfc}}
FORMATS = tuple(Format(one.kind, partial(_recognise, one), partial(_read, one), _TAKES.get(one.kind, {}))
                for one in _LAYOUTS)


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "taken apart before: serial number, partition and slot": (
        ("vios-lsmap", "physloc type_model"), ("vios-lsmap-npiv", "physloc type_model")),
    "the path's number and state on this VIOS, which a move makes anew": (
        ("vios-lsmap", "backing_physloc lun mirrored status"),
        ("vios-lsmap-npiv", "status vfchost fc_physloc ports_logged_in flag* vfc_client_* client_os field_*")),
    "no VLANs: entstat says what a bridge carries": (("vios-lsmap-net", "*"),),
    "what stands behind a vNIC: a VIOS shows those that it backs, the console counts all of an LPAR": (
        ("vios-lsmap-vnic", "*"),),
}
