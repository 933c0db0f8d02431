"""What AIX says of the machine it runs on: ``prtconf``, ``lscfg -vpl sysplanar0``, ``lsattr -El sys0``, ``lsmcode``.

Record ``aix-config``: ``type_model``, ``serial_num``, ``firmware`` (the running one), ``lpar_id``, ``lpar_name`` and
``mode`` (the processors' implementation mode: that of the compatibility mode). Devices, memory and addresses, which
the consoles state as well, are left aside.
"""

from __future__ import annotations

import re
from typing import Any

from planner.findings import Severity
from planner.formats import values
from planner.formats.base import Format, Reading, Record, stated
from planner.formats.facts import Intake, Partition, PartRef, Profile, Values, firmware_of, mode_of
from planner.formats.lines import Notes, lines

KIND = "aix-config"

_MODEL = r"(?:IBM,)?(?P<type_model>[0-9]{4}-[0-9A-Z]{3})"
_LEVEL = r"(?P<firmware>(?:01)?[A-Z]{2}[0-9]{3,4}_[0-9]{2,4})"
_LINES = tuple(re.compile(line) for line in (
    rf"System Model: {_MODEL}", r"Machine Serial Number: (?P<serial_num>[0-9A-Z]{7})",
    r"Processor Implementation Mode: (?P<mode>POWER ?[0-9]{1,2}\+?)",
    r"LPAR Info: (?P<lpar_id>[0-9]{1,5}) (?P<lpar_name>\S.{0,60})",
    rf"Platform Firmware level: {_LEVEL}.*", rf"Firmware Version: (?:IBM,)?(?:FW\S+ \()?{_LEVEL}.*",
    rf"Microcode Image\.+{_LEVEL}.*", r"Microcode Level\.+(?P<firmware>FW[0-9]{3,4}\.\w{1,4}).*",
    r"Hardware Location Code\.+U(?P<type_model>[0-9]{4}\.[0-9A-Z]{3})\.(?P<serial_num>[0-9A-Z]{7})-Y1.*",
    rf"modelname\s+{_MODEL}\s.*", r"systemid\s+IBM,0[0-9](?P<serial_num>[0-9A-Z]{7})\s.*",
    r"fwversion\s+IBM,(?P<firmware>[A-Z]{2}[0-9]{3,4}\w{0,6})\s.*",
    rf"System Firmware level is {_LEVEL}.*", rf"sys0!system:{_LEVEL}.*"))
_PARSERS: dict[str, values.Parser] = {"lpar_id": values.whole, "type_model": lambda text: text.replace(".", "-")}


def recognise(text: str) -> bool:
    """Two such lines, or the only line that ``lsmcode`` prints."""
    matching = [line for _, line in lines(text[:65536]) if _matched(line)]
    return len(matching) > 1 or (len(matching) == 1 and ("sys0!" in matching[0] or "level is" in matching[0]))


def _matched(line: str) -> re.Match[str] | None:
    stripped = " ".join(line[:400].split())
    return next((match for one in _LINES if (match := one.fullmatch(stripped))), None)


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record of all that stands there."""
    notes, fields, at = Notes(file), dict[str, Any](), dict[str, int]()
    for number, line in lines(text, first_line):
        match = _matched(line)
        for name, value in match.groupdict().items() if match else ():
            if name not in fields or (name == "firmware" and str(fields[name]).startswith("FW")):
                fields[name], at[name] = _PARSERS.get(name, values.text)(value), number
    notes.add(Severity.INFO, "input.not-needed", "of this configuration model, serial number, firmware, LPAR and "
              "processor mode are taken", "nothing to do", first_line)
    return Reading(KIND, (Record(KIND, fields, notes.source(first_line), at),), notes.all())


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    serial = str(have.get("serial_num", ""))
    of_system: Values = {}
    if "type_model" in have:
        of_system["model"] = (have["type_model"], record.where("type_model"))
    if firmware_of(str(have.get("firmware", ""))):
        of_system["firmware"] = (firmware_of(str(have["firmware"])), record.where("firmware"))
    if of_system and (serial or reading.host):
        intake.of_known_systems.append((serial or reading.host, of_system, record.source))
    name = str(have.get("lpar_name") or reading.host)
    ref = PartRef(serial, have.get("lpar_id"), name)
    if serial and name and "lpar_id" in have:
        intake.partitions.append(Partition(ref, None, {}, record.source))
    if "mode" in have and name:
        mode = mode_of(str(have["mode"]).replace(" ", ""))
        intake.profiles.append(Profile(ref, "", {"current_mode": (mode, record.where("mode"))}))


FORMAT = Format(KIND, recognise, read, {KIND: _take})

#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {}
