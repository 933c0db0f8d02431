"""Values of the HMC's listings that hold several: adapters, slots, mappings; their parts stand between slashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from planner.formats.base import NonValue
from planner.formats.values import Parser, bit, text, typed, whole, whole_or_any


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
    EthAdapter, 6, whole, bit, whole, _part_list(whole), _maybe(whole), bit,
    _maybe(text), _maybe(text), _maybe(text), _maybe(whole),
)
scsi_adapter = _adapter(ScsiAdapter, 6, whole, _side, *_REMOTE, bit)
fc_adapter = _adapter(FcAdapter, 7, whole, _side, *_REMOTE, _part_list(text), bit)
serial_adapter = _adapter(SerialAdapter, 7, whole, _side, bit, *_REMOTE, bit)
io_slot = _adapter(IoSlot, 3, text, _maybe(whole), bit)
vios_mapping = _adapter(ViosMapping, 3, whole, _maybe(text), _maybe(whole), _maybe(whole), _maybe(text))
