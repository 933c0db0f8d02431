"""VIOS command output → intake."""

from __future__ import annotations

from planner.estate.intake import Hdisk, Intake, Mapping, PartRef, Sea, Take, Vfc, ViosRef, stated
from planner.estate.model import DEFAULT_VSWITCH
from planner.formats.base import Reading, Record

BACKING = {"disk": "lun", "lv": "lv", "file": "file", "optical": "optical", "ssp": "ssp", "tape": "optical"}


def _vios(r: Record, reading: Reading) -> ViosRef:
    have = stated(r)
    return ViosRef(reading.host, str(have.get("serial_num", "")), have.get("vios_partition_id"), r.source.file)


def _lsmap(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    vios = _vios(r, reading)
    if "vtd" not in have:
        return
    client = PartRef(vios.serial, have.get("client_partition_id"))
    intake.mappings.append(Mapping(vios, have.get("slot"), client, str(have["vtd"]),
                                   BACKING.get(str(have.get("backing_kind", "")), "lv"),
                                   str(have.get("backing_device", have["vtd"])), r.source,
                                   vhost=str(have.get("vhost", ""))))


def _npiv(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    vios = _vios(r, reading)
    client = PartRef(vios.serial, have.get("client_partition_id"), str(have.get("client_name", "")))
    intake.vfcs.append(Vfc(vios, have.get("slot"), client, str(have.get("fc_name", "")), r.source))


def _lspv(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have.get("name", ""))
    if name.startswith("hdisk"):
        ids = (f"pvid:{str(have['pvid']).lower()}",) if "pvid" in have else ()
        intake.hdisks.append(Hdisk(_vios(r, reading), name, ids, "", r.source))


def _attributes(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have.get("device", ""))
    if name.startswith("hdisk"):
        ids = [f"pvid:{str(have['pvid']).lower()}"] if "pvid" in have else []
        ids += [f"uid:{have['unique_id']}"] if "unique_id" in have else []
        intake.hdisks.append(Hdisk(_vios(r, reading), name, tuple(ids), str(have.get("reserve_policy", "")), r.source))


def _entstat(intake: Intake, r: Record, reading: Reading) -> None:
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
    intake.seas.append(Sea(_vios(r, reading), str(have.get("sea", "")), tuple(sorted(vlans)), r.source))


def _level(intake: Intake, r: Record, reading: Reading) -> None:
    intake.levels.append((_vios(r, reading), str(stated(r).get("level", "")), r.source))


TAKES: dict[str, Take] = {
    "vios-lsmap": _lsmap, "vios-lsmap-npiv": _npiv, "vios-lspv": _lspv, "vios-hdisk-attr": _attributes,
    "vios-entstat": _entstat, "vios-ioslevel": _level,
}
