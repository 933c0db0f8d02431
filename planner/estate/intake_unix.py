"""What an LPAR says of itself besides ``lparstat -i``: nmon's configuration, ``/proc/ppc64/lparcfg`` → intake."""

from __future__ import annotations

from planner.estate.intake import Intake, Partition, PartRef, Take, Values, pick, stated
from planner.formats.base import Reading, Record


def _nmon(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name = str(have.get("lparname") or have.get("lpar_name") or have.get("runname") or "")
    if not name:
        return
    values: Values = pick(r, {
        "virtual_cpu": "virtual_processors", "max_virtual": "max_virtual_processors", "entitled_capacity":
        "entitlement_units", "online_memory": "memory_mib", "max_memory": "max_memory_mib", "pool_id": "pool_id"})
    values["os"] = ("AIX", r.source)
    if "aix" in have:
        values["os_level"] = (str(have["aix"]), r.where("aix"))
    flags = {str(f).lower() for f in have.get("flags", ())}
    if flags & {"shared", "dedicated"}:
        values["processors"] = ("shared" if "shared" in flags else "dedicated", r.where("flags"))
    ref = PartRef(str(have.get("serial_number", "")), have.get("lparno", have.get("lpar_number")), name)
    intake.partitions.append(Partition(ref, None, values, r.source))


def _lparcfg(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    values: Values = pick(r, {
        "partition_entitled_capacity": "entitlement_units", "partition_active_processors": "virtual_processors",
        "partition_potential_processors": "max_virtual_processors", "max_mem": "max_memory_mib"})
    if "shared_processor_mode" in have:
        values["processors"] = ("shared" if have["shared_processor_mode"] else "dedicated",
                                r.where("shared_processor_mode"))
    values["os"] = ("Linux", r.source)
    serial = str(have.get("serial_number", "")).removeprefix("IBM,")
    intake.partitions.append(Partition(PartRef(serial, have.get("partition_id"), reading.host), None, values, r.source))


TAKES: dict[str, Take] = {"nmon-config": _nmon, "lparcfg": _lparcfg}
