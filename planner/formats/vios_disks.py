"""Disks of a VIOS: ``lspv``, ``lsdev -dev … -attr`` and ``lsattr -El``. Lists of ``lsdev`` are told and left out.

Records: ``vios-lspv``, one for each disk: ``name``, ``pvid`` (what an unavailable disk shows as question marks is
:attr:`NonValue.UNAVAILABLE`), and as text what else the listing says; ``vios-hdisk-attr``, one for each disk:
``device`` where a line names it, ``pvid``, ``unique_id``, ``reserve_policy`` and other attributes as text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from planner.findings import Severity
from planner.formats.base import Format, NonValue, Reading, Record, stated, vios_of
from planner.formats.facts import Hdisk, Intake
from planner.formats.lines import Notes, Raw, head, is_error, is_prompt, is_rule, lines, pairs, snake, word
from planner.formats.values import counter, shown

KIND_LSPV = "vios-lspv"
KIND_ATTR = "vios-hdisk-attr"
KIND_LSDEV = "vios-lsdev"

_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}")
_PVID = re.compile(r"(?:[0-9a-f]{16}){1,2}")
_UNAVAILABLE = re.compile(r"\?{3,}")


# --- lspv ------------------------------------------------------------------------------------------------------------

_VG_HEADER = ("NAME", "PVID", "VG", "STATUS")
_SIZE_HEADER = ("NAME", "PVID", "SIZE(megabytes)")
_DETAIL_KEYS = {"PHYSICAL VOLUME": "name", "VOLUME GROUP": "vg", "PV IDENTIFIER": "pvid", "TOTAL PPs": "size",
                "FREE PPs": "free", "USED PPs": "used"}
_DETAIL_KEYS |= {key: snake(key) for key in (
    "VG IDENTIFIER", "PV STATE", "STALE PARTITIONS", "ALLOCATABLE", "PP SIZE", "LOGICAL VOLUMES", "VG DESCRIPTORS",
    "HOT SPARE", "MAX REQUEST", "FREE DISTRIBUTION", "USED DISTRIBUTION", "MIRROR POOL")}
_DETAIL_KEY = re.compile(r"(?<!\S)(" + "|".join(_DETAIL_KEYS) + r")(?::|(?=\s))")


def _pvid(text: str) -> str | NonValue:
    if text.lower() != "none" and _PVID.fullmatch(text) is None:
        raise ValueError(f"found {shown(text)}, expected 16 hexadecimal digits or none")
    return word(text)


def _text(text: str) -> str | NonValue:
    return NonValue.UNAVAILABLE if _UNAVAILABLE.fullmatch(text) else word(text)


_DETAIL_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "pvid": lambda text: NonValue.UNAVAILABLE if _UNAVAILABLE.fullmatch(text) else _pvid(text)}
_TABLE_PARSERS: Mapping[str, Callable[[str], Any]] = {"pvid": _pvid, "size": counter}


def recognise_lspv(text: str) -> bool:
    """A header of ``lspv``, the first line of ``lspv hdiskN``, or rows of a disk, its PVID and more."""
    first = head(text)
    if not first:
        return "0516-" in text[:2000] and all(is_error(line) or is_prompt(line) for _, line in lines(text))
    if any(_is_lspv_header(line) or line.startswith("PHYSICAL VOLUME:") for line in first):
        return True
    return all(_table_row(line, ()) is not None for line in first)


def read_lspv(text: str, file: str, first_line: int = 1) -> Reading:
    """The disks of ``lspv``; a disk that stands twice counts once."""
    notes = Notes(file)
    rows: list[Raw] = []
    header: tuple[str, ...] = ()
    for number, line in lines(text, first_line):
        if _is_lspv_header(line):
            header = tuple(line.split())
        elif detail := pairs(_DETAIL_KEY, line):
            _add_detail(rows, detail, number, notes)
        elif row := _table_row(line.strip(), header):
            rows.append({name: (value, number) for name, value in row.items()})
        elif not is_rule(line):
            _other_line_of_lspv(line, number, notes)
    return Reading(KIND_LSPV, tuple(_disks(rows, notes)), notes.all())


def _is_lspv_header(line: str) -> bool:
    return tuple(line.split()) in (_VG_HEADER, _SIZE_HEADER)


def _table_row(line: str, header: tuple[str, ...]) -> dict[str, str] | None:
    """A row of a table, or of ``-fmt :``; what the third column is goes by the header, else by being a number."""
    separated = ":" in line
    parts = [part.strip() for part in line.split(":")] if separated else line.split()
    if not 3 <= len(parts) <= 4 or not _NAME.fullmatch(parts[0]):
        return None
    if not _is_pvid(parts[1]) and not (header and parts[0][-1].isdigit()):
        return None
    sized = header == _SIZE_HEADER or (not header and len(parts) == 3 and parts[2].isdecimal())
    names = ("name", "pvid", "size") if sized else ("name", "pvid", "vg", "status")
    return dict(zip(names, parts, strict=False)) if len(parts) <= len(names) else None


def _is_pvid(text: str) -> bool:
    return text == "none" or _PVID.fullmatch(text) is not None


def _add_detail(rows: list[Raw], detail: list[tuple[str, str]], number: int, notes: Notes) -> None:
    for key, value in detail:
        name = _DETAIL_KEYS[key]
        if name == "name":
            rows.append({})
        if not rows or ("name" not in rows[-1] and name != "name"):
            notes.unknown(f"{key}: {value}", "'PHYSICAL VOLUME:' above it", number)
        elif name in rows[-1]:
            notes.twice(repr(key), number, rows[-1]["name"][0])
        else:
            rows[-1][name] = (value, number)


def _other_line_of_lspv(line: str, number: int, notes: Notes) -> None:
    if "0516-010" in line:
        notes.add(Severity.WARNING, "input.error-text", f"{shown(line)}: a disk of a group that is not varied on",
                  "its sizes are unavailable; lspv -size states them", number)
    else:
        notes.unknown(line, "a line of lspv", number)


def _disks(rows: list[Raw], notes: Notes) -> Iterator[Record]:
    seen: set[str] = set()
    for row in rows:
        name, line = row["name"]
        if name in seen:
            notes.twice(name, line, name)
            continue
        seen.add(name)
        detailed = "pv_state" in row or "vg_identifier" in row
        fields, field_lines = notes.typed(row, _DETAIL_PARSERS if detailed else _TABLE_PARSERS, name, _text)
        if detailed and "size" not in row:
            notes.missing("'TOTAL PPs'", max(field_lines.values()), name, at_end=row is rows[-1])
        yield Record(KIND_LSPV, fields, notes.source(line), field_lines)


# --- attributes of a disk --------------------------------------------------------------------------------------------

_ATTR_HEADER = ("attribute", "value", "description", "user_settable")
_ATTR_LINE = re.compile(r"\S+\s.*\s(?:True\+?|False)")
_COMMAND = re.compile(r"(?:.{0,120}[$#]\s+)?(?:lsdev -dev|lsattr -El)\s+([\w.-]{1,64})(?:\s+-attr)?")
_BARE_NAME = re.compile(r"([a-z]{2,20}[0-9]{1,6}):?")
_RESERVE_POLICIES = ("no_reserve", "single_path", "PR_shared", "PR_exclusive")
_KNOWN = """
    queue_depth hcheck_interval rw_timeout start_timeout reassign_to cntl_delay_time cntl_hcheck_int dist_err_pcnt
    dist_tw_width size_in_mb rw_max_time max_retry_delay clr_q q_err lun_reset_spt reserve_lock PCM PR_key_value
    algorithm dvc_support hcheck_cmd hcheck_mode location lun_id max_coalesce max_transfer node_name path_priority pvid
    q_type reserve_policy scsi_id timeout_policy unique_id ww_name ww_id hcheck_path FC3_REC mode_data san_rep_cfg
    san_rep_device lbp_enabled dist_tw_type model_map
"""
_KNOWN_ATTRIBUTES = frozenset(_KNOWN.split())
#: attributes that only disks have
_SIGNS_OF_A_DISK = frozenset({
    "reserve_policy", "reserve_lock", "PCM", "hcheck_cmd", "hcheck_interval", "size_in_mb", "reassign_to",
    "dist_err_pcnt",
})
#: what stands behind a value that may be empty or hold blanks
_DESCRIPTIONS = {
    "location": ("Location Label",),
    "unique_id": ("Unique device identifier", "Device Unique Identification", "Unique Identification"),
}


def _attr_pvid(text: str) -> str | NonValue:
    """lsattr pads a PVID with zeros to 32 digits; here it is as lspv prints it."""
    pvid = _pvid(text)
    return pvid[:16] if isinstance(pvid, str) else pvid


def recognise_attributes(text: str) -> bool:
    """Rows that end in True or False, one of them an attribute that only disks have."""
    return any(_ATTR_LINE.fullmatch(line) and line.split()[0] in _SIGNS_OF_A_DISK for line in head(text))


def read_attributes(text: str, file: str, first_line: int = 1) -> Reading:
    """The attributes of a disk, or of several where a line above each one's attributes names it."""
    notes = Notes(file)
    rows = [(number, line.lstrip()) for number, line in lines(text, first_line)]
    columns = _attr_columns([line for _, line in rows])
    disks: list[Raw] = []
    for number, line in rows:
        if named := _COMMAND.fullmatch(line) or _BARE_NAME.fullmatch(line):
            disks.append({"device": (named[1], number)})
        elif tuple(line.split()) == _ATTR_HEADER:
            if not disks or set(disks[-1]) != {"device"}:  # unless the line above has named it
                disks.append({})
        elif _ATTR_LINE.fullmatch(line):
            disks = disks or [{}]
            _add_attribute(disks[-1], line, columns, number, notes)
        else:
            notes.unknown(line, "an attribute with value, description and True or False", number)
    return Reading(KIND_ATTR, tuple(_attr_records(disks, notes)), notes.all())


def _attr_columns(rows: list[str]) -> tuple[int, int] | None:
    """Where values and descriptions begin: by the header, else where most rows have a column; None when collapsed."""
    for row in rows:
        if tuple(row.split()) == _ATTR_HEADER:
            return row.index("value"), row.index("description")
    table = [row for row in rows if _ATTR_LINE.fullmatch(row)]
    starts = Counter(match.start() for row in table for match in re.finditer(r"(?<=\s)\S", row))
    common = sorted(at for at, count in starts.items() if count * 10 >= len(table) * 8)
    return (common[0], common[1]) if len(common) >= 3 and len(table) >= 3 else None


def _attribute(line: str, columns: tuple[int, int] | None) -> tuple[str, str | None]:
    """Name and value of a row; the value is None when the row does not show where it ends."""
    name, rest = [*line.rsplit(None, 1)[0].split(None, 1), ""][:2]
    if columns is not None and _is_aligned(line, name, *columns):
        return name, line[columns[0]:columns[1]].strip()
    if name in _DESCRIPTIONS:
        return name, next((rest.removesuffix(end).strip() for end in _DESCRIPTIONS[name] if rest.endswith(end)), None)
    return name, rest.split(None, 1)[0] if rest else ""


def _is_aligned(line: str, name: str, value_at: int, description_at: int) -> bool:
    ends = line[value_at - 1:value_at] + line[description_at - 1:description_at]
    return len(name) < value_at and len(ends) == 2 and not ends.strip() and bool(line[description_at:][:1].strip())


def _add_attribute(disk: Raw, line: str, columns: tuple[int, int] | None, number: int, notes: Notes) -> None:
    name, value = _attribute(line, columns)
    field = snake(name)
    if field in disk:
        notes.twice(repr(name), number)
        return
    if name not in _KNOWN_ATTRIBUTES:
        notes.new_key(name, number)
    if value is None:
        notes.bad_value(name, f"found {shown(line)}, expected aligned columns", number)
    else:
        disk[field] = (value, number)
    if name == "reserve_policy" and value is not None and value not in _RESERVE_POLICIES:
        notes.add(Severity.WARNING, "input.bad-value",
                  f"reserve_policy: found {shown(value)}, expected one of {', '.join(_RESERVE_POLICIES)}",
                  "kept as text; look at the disk", number)


def _attr_records(disks: list[Raw], notes: Notes) -> Iterator[Record]:
    for disk in disks:
        if not disk:
            continue
        first = min(number for _, number in disk.values())
        subject = disk.get("device", ("", 0))[0]
        if set(disk) == {"device"}:
            notes.missing("attributes", first, subject, at_end=disk is disks[-1])
        else:
            fields, field_lines = notes.typed(disk, {"pvid": _attr_pvid}, subject)
            yield Record(KIND_ATTR, fields, notes.source(first), field_lines)


# --- lsdev -----------------------------------------------------------------------------------------------------------

_LSDEV_HEADER = ("name", "status", "description")
_STATUSES = ("Available", "Defined", "Stopped", "Unknown")
_TYPED_DEVICE = re.compile(
    r"(?:(?:hdisk|cd|rmt|ent|en|et|fcs|fscsi|scsi|vscsi|sas|sissas|sisscsia|vhost|vfchost|vtscsi|vtopt|vasi|vsa|pci|proc|mem"
    r"|sys|hba|iscsi)[0-9]{1,5}):[a-z][\w./-]{0,63}:(?:[^:0-9][^:]*|[0-9][^:]*[A-Za-z)])"
)


def recognise_lsdev(text: str) -> bool:
    """The header of ``lsdev`` on a VIOS, or nothing but rows of a device with its status or its type."""
    first = head(text)
    if any(tuple(line.split()) == _LSDEV_HEADER for line in first):
        return True
    return bool(first) and all(map(_is_device, first))


def read_lsdev(text: str, file: str, first_line: int = 1) -> Reading:
    """No records: one finding says how many devices are left out."""
    notes = Notes(file)
    devices: list[int] = []
    for number, line in lines(text, first_line):
        if _is_device(line.strip()):
            devices.append(number)
        elif tuple(line.split()) != _LSDEV_HEADER:
            notes.unknown(line, "a device with its status and description", number)
    if devices:
        notes.add(Severity.INFO, "input.not-read", f"{len(devices)} devices: no plan needs them", "nothing to do",
                  devices[0])
    return Reading(KIND_LSDEV, (), notes.all())


def _is_device(line: str) -> bool:
    parts = line.split(None, 2)
    named = len(parts) == 3 and parts[1] in _STATUSES and _NAME.fullmatch(parts[0]) is not None
    return named or _TYPED_DEVICE.fullmatch(line) is not None


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    name = str(have.get("name", have.get("device", "")))
    if name.startswith("hdisk"):
        ids = [f"pvid:{str(have['pvid']).lower()}"] if "pvid" in have else []
        ids += [f"uid:{have['unique_id']}"] if "unique_id" in have else []
        intake.hdisks.append(Hdisk(vios_of(record, reading), name, tuple(ids), str(have.get("reserve_policy", "")),
                                   record.source))


FORMATS = (
    Format(KIND_LSPV, recognise_lspv, read_lspv, {KIND_LSPV: _take}),
    Format(KIND_ATTR, recognise_attributes, read_attributes, {KIND_ATTR: _take}),
    Format(KIND_LSDEV, recognise_lsdev, read_lsdev),
)


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "the volume group and its space: a disk is joined by its PVID": (
        ("vios-lspv", "allocatable free* hot_spare logical_volumes max_request pp_size pv_state size"
         " stale_partitions status used* vg*"),),
    "how this VIOS drives the disk, which the other sets for itself": (
        ("vios-hdisk-attr", "algorithm clr_q hcheck_* lun_id max_transfer pcm queue_depth size_in_mb ww_name"),),
    "an attribute that is not known: told as input.unknown-text": (("vios-hdisk-attr", "shiny_new"),),
}
