"""Values of the HMC's listings: one parser for each type of attribute.

Every parser takes the text of one value and raises ValueError, saying what is wrong and what was expected.
Numbers have a decimal point, never a comma; the limits refuse only what no machine can have.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from planner.formats.base import NonValue
from planner.units import units_from_cores

Parser = Callable[[str], Any]

ANY = "any"
MOST_MIB = 1 << 30
MOST_UNITS = 1_000_000
MOST_COUNT = (1 << 64) - 1

_NON_VALUES = {member.value: member for member in NonValue}
_WHOLE = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_TIME = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")


class EthAdapter(NamedTuple):
    """A virtual Ethernet adapter of a profile; parts that older levels do not print are None.

    ``slot/ieee/port_vlan/addl_vlans/trunk_priority/required[/vswitch/mac/allowed_os_macs/qos]``; a trunk priority
    of 0 is an adapter that is no trunk.
    """

    slot_num: int
    ieee_virtual_eth: bool
    port_vlan_id: int
    addl_vlan_ids: tuple[int, ...]
    trunk_priority: int | NonValue
    is_required: bool
    vswitch: str | NonValue | None = None
    mac_addr: str | NonValue | None = None
    allowed_os_mac_addresses: str | NonValue | None = None
    qos_priority: int | NonValue | None = None


class ScsiAdapter(NamedTuple):
    """A virtual SCSI adapter of a profile: ``slot/type/remote_id/remote_name/remote_slot/required``."""

    slot_num: int
    adapter_type: str
    remote_lpar_id: int | str | NonValue
    remote_lpar_name: str | NonValue
    remote_slot_num: int | str | NonValue
    is_required: bool


class FcAdapter(NamedTuple):
    """A virtual fibre channel adapter of a profile: ``slot/type/remote_id/remote_name/remote_slot/wwpns/required``."""

    slot_num: int
    adapter_type: str
    remote_lpar_id: int | str | NonValue
    remote_lpar_name: str | NonValue
    remote_slot_num: int | str | NonValue
    wwpns: tuple[str, ...]
    is_required: bool


class SerialAdapter(NamedTuple):
    """A virtual serial adapter: ``slot/type/supports_hmc/remote_id/remote_name/remote_slot/required``."""

    slot_num: int
    adapter_type: str
    supports_hmc: bool
    remote_lpar_id: int | str | NonValue
    remote_lpar_name: str | NonValue
    remote_slot_num: int | str | NonValue
    is_required: bool


class IoSlot(NamedTuple):
    """A physical slot of a profile: ``drc_index/io_pool/required``."""

    drc_index: str
    slot_io_pool_id: int | NonValue
    is_required: bool


class ViosMapping(NamedTuple):
    """A mapping that ``lslparmigr`` offers: ``client_slot/vios_name/vios_id[/vios_slot[/port]]``."""

    client_slot_num: int
    vios_name: str | NonValue
    vios_id: int | NonValue
    vios_slot_num: int | NonValue | None = None
    port: str | NonValue | None = None


def typed(value: str, parse: Parser) -> Any:
    """What a value says: a :class:`NonValue` if it says that there is none, else what ``parse`` makes of it."""
    non_value = _NON_VALUES.get(value)
    return parse(value) if non_value is None else non_value


def split_fields(line: str, separator: str = ",") -> list[str]:
    """The fields of a line or the items of a list value; one that holds the separator stands in double quotes."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        raise ValueError("the double quotes do not pair up") from None


def text(value: str) -> str:
    """Text as it is."""
    return value


def counter(value: str) -> int:
    """A whole number of up to 64 bits: cycles, instructions, bytes."""
    if not _WHOLE.fullmatch(value) or int(value) > MOST_COUNT:
        raise ValueError(f"{value[:40]!r} is not a whole number of up to 64 bits")
    return int(value)


def whole(value: str) -> int:
    """A whole number: an id, a slot, a weight, a number of processors."""
    if not _WHOLE.fullmatch(value) or int(value) >= 1 << 31:
        raise ValueError(f"{value[:40]!r} is not a whole number of up to 31 bits")
    return int(value)


def whole_or_any(value: str) -> int | str:
    """A partition id or a slot number of the other side, which may be ``any``."""
    return ANY if value == ANY else whole(value)


def mib(value: str) -> int:
    """Memory, in MiB (the HMC's MB)."""
    if not _WHOLE.fullmatch(value) or int(value) > MOST_MIB:
        raise ValueError(f"{value[:40]!r} is not memory in whole MB")
    return int(value)


def units(value: str) -> int:
    """Processing units, exported in cores, in hundredths of a core."""
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is not a number of cores such as 0.25")
    hundredths = units_from_cores(value)
    if hundredths > MOST_UNITS:
        raise ValueError(f"{value[:40]!r} is more cores than any server has")
    return hundredths


def decimal(value: str) -> float:
    """A number that is neither memory nor cores: an expansion factor, a percentage."""
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is not a number such as 1.25")
    return float(value)


def flag(value: str) -> bool:
    """``0`` or ``1``."""
    if value not in ("0", "1"):
        raise ValueError(f"{value[:40]!r} is neither 0 nor 1")
    return value == "1"


def time(value: str) -> datetime:
    """``MM/DD/YYYY HH:MM:SS`` in the console's (or the server's) local time, which the export does not name."""
    match = _TIME.fullmatch(value)
    if not match:
        raise ValueError(f"{value[:40]!r} is not a time as MM/DD/YYYY HH:MM:SS")
    month, day, year, hour, minute, second = map(int, match.groups())
    return datetime(year, month, day, hour, minute, second)


def list_of(parse: Parser) -> Parser:
    """A comma-separated list, as a tuple."""
    return lambda value: tuple(parse(item) for item in split_fields(value))


def _part_list(parse: Parser) -> Parser:
    """A list inside an adapter: empty or ``none`` is a list without items."""
    return lambda value: () if value in ("", "none") else tuple(parse(item) for item in value.split(","))


def _adapter(make: Callable[..., Any], least: int, *parsers: Parser) -> Parser:
    def parse(value: str) -> Any:
        parts = value.split("/")
        if not least <= len(parts) <= len(parsers):
            wanted = f"{least}" if least == len(parsers) else f"{least} to {len(parsers)}"
            raise ValueError(f"{value[:60]!r} has {len(parts)} parts between slashes, not {wanted}")
        return make(*(parser(part) for parser, part in zip(parsers, parts, strict=False)))

    return parse


def _maybe(parse: Parser) -> Parser:
    return lambda value: typed(value, parse)


def _side(value: str) -> str:
    if value not in ("client", "server"):
        raise ValueError(f"{value[:40]!r} is neither client nor server")
    return value


_REMOTE = (_maybe(whole_or_any), _maybe(text), _maybe(whole_or_any))

eth_adapter = _adapter(
    EthAdapter, 6, whole, flag, whole, _part_list(whole), _maybe(whole), flag,
    _maybe(text), _maybe(text), _maybe(text), _maybe(whole),
)
scsi_adapter = _adapter(ScsiAdapter, 6, whole, _side, *_REMOTE, flag)
fc_adapter = _adapter(FcAdapter, 7, whole, _side, *_REMOTE, _part_list(text), flag)
serial_adapter = _adapter(SerialAdapter, 7, whole, _side, flag, *_REMOTE, flag)
io_slot = _adapter(IoSlot, 3, text, _maybe(whole), flag)
vios_mapping = _adapter(ViosMapping, 3, whole, _maybe(text), _maybe(whole), _maybe(whole), _maybe(text))
