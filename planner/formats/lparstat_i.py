"""``lparstat -i`` of AIX (all generations: 23 to 44 lines) and of Linux on Power.

Keys are matched by alias, without regard to case and blanks. ``Capacity`` fields are exported in cores, ``Capacity of
Pool`` fields in hundredths; ``-`` is :attr:`NonValue.DASH`. Linux differs: ``Online Memory`` is what the kernel has
left of the assigned memory (``MemTotal``, in kB), and minimum, desired and maximum memory carry no unit. These are MB
where that fits the online memory, said in a finding. A figure whose unit nothing tells is left out with a finding.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from planner.findings import Severity, Source
from planner.formats import values
from planner.formats.base import Format, NonValue, Reading, Record, pick, stated
from planner.formats.facts import Intake, PartRef, Profile, SelfReport, Values, mode_of, percent_of
from planner.formats.lines import Notes, is_error, lines, snake
from planner.formats.values import Parser

KIND = "lparstat-i"

_NUMBER = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,6})?")
_WHOLE = re.compile(r"[0-9]{1,12}")


class UnclearUnit(ValueError):
    """A figure that could be in more than one unit."""


def split_line(line: str) -> tuple[str, str] | None:
    """Key with single blanks and value of a line; None when it is not ``key : value``."""
    key, colon, value = line.partition(":")
    key = " ".join(key.split())
    return (key, value.strip()) if colon and key[:1].isalpha() else None


def _pool_units(value: str) -> int:
    if _NUMBER.fullmatch(value) and not _WHOLE.fullmatch(value):
        raise UnclearUnit(f"{value!r} has decimals: cores or hundredths of a core?")
    return values.hundredths(value)


def _memory(value: str) -> int:
    if _NUMBER.fullmatch(value):
        if not value.strip("0.,"):
            return 0
        raise UnclearUnit(f"{value!r} has no unit such as MB")
    return values.memory(value)


def _with_comma(parse: Parser) -> Parser:
    """Locales write ``4,00``."""
    return lambda value: parse(value.replace(",", ".") if value.count(",") == 1 else value)


_cores, _integer = _with_comma(values.units), _with_comma(values.integral)
_percent = _with_comma(lambda value: values.number(value.removesuffix("%")))


#: key in lower case → (field, parser); ``>`` names a field that is not the key. AIX's spelling, then that of Linux.
_KEYS: dict[str, tuple[str, Parser]] = {
    key: (name or snake(key), parse) for parse, keys in (
        (values.text, """node name; partition name; type; mode; memory mode; hypervisor page size; power saving mode;
                         sub processor mode; processor mode; processor implementation mode > processor_mode;
                         processor compatibility mode > processor_mode"""),
        (_integer, """partition number; partition group-id > group_id; shared pool id;
                      online virtual cpus > online_vcpus; maximum virtual cpus > maximum_vcpus;
                      minimum virtual cpus > minimum_vcpus; desired virtual cpus > desired_vcpus;
                      variable capacity weight > weight; desired variable capacity weight > desired_weight;
                      unallocated weight > group_unallocated_weight;
                      maximum physical cpus in system > installed_cpus_in_system;
                      active physical cpus in system > active_cpus_in_system; active cpus in pool;
                      shared physical cpus in system > shared_cpus_in_system;
                      variable memory capacity weight > memory_weight; memory pool id;
                      unallocated variable memory capacity weight > unallocated_memory_weight;
                      memory group id of lpar > memory_group_id"""),
        (_cores, """entitled capacity; minimum capacity; maximum capacity; desired capacity; capacity increment;
                    unallocated capacity > group_unallocated_capacity;
                    unallocated processor capacity > group_unallocated_capacity"""),
        (_pool_units, """maximum capacity of pool > pool_maximum_capacity;
                         entitled capacity of pool > pool_entitled_capacity"""),
        (_memory, """online memory; maximum memory; minimum memory; desired memory;
                     total i/o memory entitlement > io_memory_entitlement;
                     physical memory in the pool > memory_pool_size;
                     unallocated i/o memory entitlement > unallocated_io_memory;
                     target memory expansion size > expansion_size"""),
        (_percent, "physical cpu percentage; target memory expansion factor > expansion_factor"))
    for key, _, name in (one.strip().partition(" > ") for one in keys.split(";"))}

#: What every generation prints; one that is not there means a truncated or filtered file.
REQUIRED = (
    "partition_name", "partition_number", "type", "mode", "entitled_capacity", "online_vcpus", "maximum_vcpus",
    "minimum_vcpus", "online_memory", "maximum_memory", "minimum_memory", "active_cpus_in_system",
    "physical_cpu_percentage",
)
_SHOWN = {name: key for key, (name, _) in reversed(_KEYS.items())}  # ``online_memory`` → ``online memory``
#: Fields that Linux prints without a unit, from the MinMem, DesMem and MaxMem of lparcfg.
_LINUX_MEMORY = ("minimum_memory", "desired_memory", "maximum_memory")
_LONGEST_KEY = 60
_LARGEST_RATIO = 512  # maximum to online memory; a figure in kB or bytes would be 1024 times or more too large


def recognise(text: str) -> bool:
    """At least three keys of ``lparstat -i`` at the head of lines."""
    known = (line for line in text.splitlines()[:400] if (parts := split_line(line)) and parts[0].lower() in _KEYS)
    return len(list(islice(known, 3))) == 3


class _Lpar:
    def __init__(self, file: str) -> None:
        self.notes = Notes(file)
        self.fields: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        self.raw: dict[str, str] = {}
        self.bare_memory: list[str] = []
        self.new: dict[str, int] = {}

    def subject(self) -> str:
        name = self.fields.get("partition_name")
        return name if isinstance(name, str) else self.notes.file

    def report(self, severity: Severity, rule: str, message: str, fix: str, line: int) -> None:
        self.notes.add(severity, rule, message, fix, line, self.subject())

    def bad(self, name: str, error: object) -> None:
        self.report(Severity.WARNING, "input.bad-value", f"{_SHOWN[name]!r}: {error}", "run lparstat -i again",
                    self.lines[name])

    def line(self, line: str, number: int) -> None:
        key, value = split_line(line) or ("", "")
        name, parse = _KEYS.get(key.lower(), ("", values.text))
        if not name and key and len(key) <= _LONGEST_KEY and not is_error(line):
            self.new.setdefault(key, number)
            return
        if not name:
            self.notes.unknown(line, "lparstat -i", number, self.subject())
            return
        if name in self.lines:
            self.report(Severity.WARNING, "input.duplicate-key", f"{key!r} stands twice (first in line "
                        f"{self.lines[name]})", "the first is used; one lparstat -i per file", number)
            return
        self.lines[name], self.raw[name] = number, value
        if value == "-":
            self.fields[name] = NonValue.DASH
        elif value:
            self.parse(name, parse)
        else:
            self.report(Severity.WARNING, "input.missing-value", f"{key!r} has no value", "run lparstat -i again",
                        number)

    def parse(self, name: str, parse: Parser) -> None:
        try:
            self.fields[name] = parse(self.raw[name])
        except UnclearUnit as error:
            if name in _LINUX_MEMORY:
                self.bare_memory.append(name)
            elif name in REQUIRED:
                self.bad(name, error)
            else:
                self.report(Severity.WARNING, "input.missing-unit", f"{_SHOWN[name]!r}: {error}",
                            "left out; the HMC states it", self.lines[name])
        except ValueError as error:
            self.bad(name, error)

    def is_mib(self, value: str) -> bool:
        """Whether a bare figure can be in MB: on Linux (online memory in kB), and not far above online memory."""
        online = self.fields.get("online_memory")
        if not isinstance(online, int) or not self.raw["online_memory"].lower().endswith("kb"):
            return False
        return _WHOLE.fullmatch(value) is not None and int(value) <= online * _LARGEST_RATIO

    def settle_memory(self) -> None:
        """Read minimum, desired and maximum memory that carry no unit."""
        if not all(self.is_mib(self.raw[name]) for name in self.bare_memory):
            for name in self.bare_memory:
                self.bad(name, f"{self.raw[name]!r} has no unit such as MB")
        elif self.bare_memory:
            self.fields.update({name: int(self.raw[name]) for name in self.bare_memory})
            self.report(Severity.INFO, "input.missing-unit",
                        "without a unit, read as MB: " + ", ".join(repr(_SHOWN[name]) for name in self.bare_memory) +
                        "; 'online memory' is what Linux has left of the assigned memory",
                        "compare with the profile on the HMC", self.lines[self.bare_memory[0]])

    def check_end(self, last: int) -> None:
        """Keys that every generation prints, and a percentage that was cut short in the last line."""
        wanted = list(REQUIRED)
        if "installed_cpus_in_system" in self.lines and "shared_cpus_in_system" in self.lines:
            # AIX from late 5.3 on prints what the pool has (line 22) and, at its end, what the profile desires.
            wanted.append("desired_capacity")
        missing = [repr(_SHOWN[name]) for name in wanted if name not in self.lines]
        percentage = self.raw.get("physical_cpu_percentage", "%")
        if self.lines.get("physical_cpu_percentage") == last and percentage[-1:] not in ("%", "-", ""):
            self.fields.pop("physical_cpu_percentage", None)
            missing.append("the rest of 'physical cpu percentage'")
        if missing:
            self.report(Severity.WARNING, "input.truncated", "ends without " + ", ".join(missing),
                        "run lparstat -i again and keep all its lines, or take the file away", last)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One LPAR's ``lparstat -i``. Unknown keys, unreadable values and missing keys are findings."""
    lpar, last = _Lpar(file), first_line
    for last, line in lines(text, first_line):
        lpar.line(line, last)
    lpar.settle_memory()
    lpar.check_end(last)
    lpar.notes.new_keys(lpar.new, KIND, "left out; nothing depends on them", lpar.subject())
    record = Record(KIND, lpar.fields, Source(file, first_line), lpar.lines)
    return Reading(KIND, (record,) if lpar.fields else (), lpar.notes.all())


def take(intake: Intake, record: Record, reading: Reading) -> None:
    """What the LPAR says of itself; inside a recording (nmon) the same may stand once a day."""
    name = record.fields.get("partition_name")
    if isinstance(name, str):
        values, assumed = _values(record), {}
        if "installed_cpus_in_system" not in record.fields and "memory_mib" in values:
            # Linux prints MemTotal there, which is less than what the partition holds.
            assumed["memory_mib"] = values.pop("memory_mib")
        if "processor_mode" in stated(record):
            mode = mode_of(str(record.fields["processor_mode"]).replace(" ", ""))
            intake.profiles.append(Profile(PartRef(name=name), "", {"current_mode": (mode,
                                                                                     record.where("processor_mode"))}))
        intake.reports.append(SelfReport(name, values, assumed, reading.kind != KIND, record.source))
    else:
        intake.say(Severity.WARNING, "input.missing-value", record.source.file,
                   "no 'Partition Name': whose output is it?", "run lparstat -i again", record.source)


def _values(record: Record) -> Values:
    have = stated(record)
    values = pick(record, {
        "partition_name": "name", "partition_number": "lpar_id", "entitled_capacity": "entitlement_units",
        "online_vcpus": "virtual_processors", "maximum_vcpus": "max_virtual_processors", "weight": "weight",
        "shared_pool_id": "pool_id", "online_memory": "memory_mib", "maximum_memory": "max_memory_mib"})
    values["state"] = ("running", record.where("partition_name"))
    kind, mode = str(have.get("type", "")).lower(), str(have.get("mode", "")).lower()
    if kind.startswith(("shared", "dedicated")):
        values["processors"] = ("shared" if kind.startswith("shared") else "dedicated", record.where("type"))
    if mode in ("capped", "uncapped", "donating"):
        values["sharing"] = (mode, record.where("mode"))
    if "memory_mode" in have:
        shared = str(have["memory_mode"]).lower().startswith("shared")
        values["memory_mode"] = ("shared" if shared else "dedicated", record.where("memory_mode"))
        if shared and "io_memory_entitlement" in have:
            values["io_entitled_mib"] = (have["io_memory_entitlement"], record.where("io_memory_entitlement"))
    if "expansion_factor" in have:
        values["memory_expansion_percent"] = (percent_of(have["expansion_factor"]), record.where("expansion_factor"))
    if kind.startswith("dedicated"):
        values.pop("weight", None)
    return values


FORMAT = Format(KIND, recognise, read, {KIND: take})


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {reason: (("lparstat-i", names),) for reason, names in {
    "a limit or a wish of the LPAR's profile: a move neither checks it nor changes it":
        "desired_* minimum_* maximum_capacity capacity_increment",
    "what the server, the pool or a group has: its console says so":
        "active_cpus_* shared_cpus_* pool_* group_* memory_pool_* memory_group_id",
    "weights and entitlement of memory that partitions share follow the LPAR": "memory_weight unallocated_*",
    "another name, or a figure computed from two others":
        "node_name physical_cpu_percentage power_saving_mode expansion_size",
}.items()}
