"""``/proc/ppc64/lparcfg`` (newer: ``/proc/powerpc/lparcfg``) of Linux on Power.

One record; its fields are the file's keys in snake case (``MinEntCapPerVP`` → ``min_ent_cap_per_vp``). Capacities are
exported in percent of a core, which is hundredths of a core; ``min_mem``, ``des_mem``, ``max_mem`` are the platform's
MB, taken as MiB; entitled memory is in bytes. ``lparstat -i`` of Linux prints ``capacity_weight`` and
``entitled_proc_capacity_available`` under one and the same label; here they are different keys.
"""

from __future__ import annotations

import re

from planner.findings import Severity, Source
from planner.formats.base import Format, Reading, Record, clean, pick, stated
from planner.formats.facts import Intake, Partition, PartRef
from planner.formats.lines import Notes, Raw, lines
from planner.formats.values import Parser, bit, counter, hundredths, mib, processors

KIND = "lparcfg"

_BANNER = re.compile(r"lparcfg[ \t]+([0-9]{1,4}(?:\.[0-9]{1,4})*)")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _signed(value: str) -> int:
    return -counter(value[1:]) if value.startswith("-") else counter(value)


def _bytes(value: str) -> int:
    return counter(value.removesuffix("bytes").rstrip())


_MOST_MB = 1 << 27


def _memory(value: str) -> int:
    """MaxMem in MiB: current kernels print bytes, which as MB would be more than any machine has."""
    number = counter(value)
    return number >> 20 if number > _MOST_MB else mib(value)


_PARSERS: dict[str, Parser] = {key: parse for parse, keys in (
    (str, "serial_number system_type power_mode_data partition_name"),
    (_bytes, "entitled_memory_pool_size backing_memory"),
    (bit, "capped shared_processor_mode cmo_enabled CapiLicensed ServicePartition"),
    (hundredths, "CapInc MinEntCap MinEntCapPerVP partition_max_entitled_capacity DesEntCap pool_capacity "
                 "partition_entitled_capacity unallocated_capacity max_proc_entitled_capacity "
                 "max_proc_capacity_available entitled_proc_capacity_available"),
    (processors, "MinProcs system_potential_processors DesProcs system_active_processors pool_num_procs "
                 "physical_procs_allocated_to_virtualization partition_active_processors "
                 "partition_potential_processors"),
    (mib, "MinMem DesMem"),
    (_memory, "MaxMem"),
    (_signed, "entitled_memory_loan_request"),
    (counter, "partition_id group security_flavor BoundThrds DisWheRotPer DesVarCapWt DedDonMode pool "
              "pool_idle_time boot_pool_idle_time unallocated_capacity_weight capacity_weight dispatches "
              "dispatch_dispersions purr tbr slb_size entitled_memory mapped_entitled_memory "
              "entitled_memory_group_number entitled_memory_pool_number "
              "entitled_memory_weight unallocated_entitled_memory_weight unallocated_io_mapping_entitlement "
              "coalesced_bytes pool_coalesced_bytes coalesce_pool_purr coalesce_pool_spurr partition_affinity_score "
              "cmo_faults cmo_fault_time_usec cmo_primary_psp cmo_secondary_psp cmo_page_size"),
) for key in keys.split()}

#: What every LPAR's lparcfg holds; one that is not there means an excerpt.
REQUIRED = (
    "system_type", "partition_id", "partition_entitled_capacity", "partition_active_processors",
    "partition_potential_processors", "shared_processor_mode",
)


def field_name(key: str) -> str:
    """``MinEntCapPerVP`` → ``min_ent_cap_per_vp``."""
    return _HUMP.sub("_", key).lower()


_BY_FIELD = {field_name(key): parse for key, parse in _PARSERS.items()} | {"version": str}


def recognise(text: str) -> bool:
    """The banner, or at least three keys of lparcfg at the head of lines."""
    start = [line.strip()[:200] for line in clean(text).split("\n")[:400]]
    if any(_BANNER.fullmatch(line) for line in start):
        return True
    return sum("=" in line and line.partition("=")[0] in _PARSERS for line in start) >= 3


def _int_or_text(value: str) -> int | str:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 20 else value


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One LPAR's lparcfg. Unknown keys, unreadable values and missing keys are findings."""
    notes, raw, last = Notes(file), Raw(), first_line
    new: dict[str, int] = {}
    for last, line in lines(text, first_line):
        _line(notes, raw, new, line.strip(), last)
    notes.new_keys(new, "lparcfg", "kept as they stand")
    missing = [repr(key) for key in REQUIRED if key not in raw]
    fields, field_lines = notes.typed(raw, _BY_FIELD, other=_int_or_text)
    if missing:
        notes.add(Severity.WARNING, "input.truncated", "ends without " + ", ".join(missing),
                  "copy the whole file", last)
    record = Record(KIND, fields, Source(file, first_line), field_lines)
    return Reading(KIND, (record,) if fields else (), notes.all())


def _line(notes: Notes, raw: Raw, new: dict[str, int], line: str, at: int) -> None:
    banner = _BANNER.fullmatch(line)
    key, equals, value = ("version", "=", banner[1]) if banner else [part.strip() for part in line.partition("=")]
    name = field_name(key)
    if not equals or not _KEY.fullmatch(key):
        notes.unknown(line, "lparcfg (key=value)", at)
        return
    if name not in _BY_FIELD:
        new[key] = at
    if not value:
        notes.add(Severity.WARNING, "input.missing-value", f"{key!r} has no value", "export it again", at)
    elif name in raw:
        notes.add(Severity.WARNING, "input.duplicate-key", f"{key!r} stands twice (first in line {raw[name][1]})",
                  "the first is used; one lparcfg per file", at)
    else:
        raw[name] = (value, at)


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    values = pick(record, {
        "partition_entitled_capacity": "entitlement_units", "partition_active_processors": "virtual_processors",
        "partition_potential_processors": "max_virtual_processors", "max_mem": "max_memory_mib"})
    if "shared_processor_mode" in have:
        values["processors"] = ("shared" if have["shared_processor_mode"] else "dedicated",
                                record.where("shared_processor_mode"))
    values["os"] = ("Linux", record.source)
    serial = str(have.get("serial_number", "")).removeprefix("IBM,")
    model = str(have.get("system_type", "")).removeprefix("IBM,")
    if serial and model:
        intake.of_known_systems.append((serial, {"model": (model, record.where("system_type"))}, record.source))
    intake.partitions.append(Partition(PartRef(
        serial, have.get("partition_id"), have.get("partition_name") or reading.host), None, values, record.source))


FORMAT = Format(KIND, recognise, read, {KIND: _take})


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {reason: (("lparcfg", names),) for reason, names in {
    "a limit or a wish of the LPAR's profile: a move neither checks it nor changes it":
        "des_* min_* cap_inc partition_max_entitled_capacity",
    "what the server or the pool has: its console says so":
        "system_* pool* physical_procs_* *unallocated_* max_proc_* entitled_proc_* group",
    "the kernel shows them whatever the processors are: the console says which count": "capped capacity_weight",
    "entitlement to I/O memory follows the LPAR":
        "entitled_memory* mapped_entitled_memory cmo_enabled backing_memory",
    "counters and settings of the kernel":
        "*dispatch* purr tbr *coalesce* partition_affinity_score bound_thrds ded_don_mode dis_whe_rot_per slb_size"
        " version power_mode_data security_flavor capi_licensed service_partition",
}.items()}
