"""``lshmc -V``: the level of the console, printed as quoted text over several lines.

Record ``hmc-level``: ``version``, ``release``, ``service_pack``, ``build_level``, ``base_version`` (``V10R3``) and
``level`` as a person states it: ``V10R3M1060``.
"""

from __future__ import annotations

import re

from planner.findings import Source
from planner.formats.base import Format, Reading, Record, stated
from planner.formats.facts import Intake

KIND = "hmc-level"

_PARTS = (("version", re.compile(r"\bVersion:\s*(\d{1,2})\b")), ("release", re.compile(r"\bRelease:\s*([\d.]{1,8})")),
          ("service_pack", re.compile(r"\bService Pack:\s*(\d{1,6})")),
          ("build_level", re.compile(r"\bBuild level:?\s*([\w.]{1,20})", re.IGNORECASE)),
          ("base_version", re.compile(r"base_version=\s*([A-Z0-9.]{2,16})")))


def recognise(text: str) -> bool:
    """Version and base version of a console."""
    return "base_version=" in text[:4096] and "version=" in text[:4096] and "Release:" in text[:4096]


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """One record with what the text states."""
    fields = {name: match[1] for name, pattern in _PARTS if (match := pattern.search(text[:65536]))}
    if {"version", "release", "service_pack"} <= fields.keys():
        fields["level"] = f"V{fields['version']}R{fields['release']}M{fields['service_pack']}"
    return Reading(KIND, (Record(KIND, fields, Source(file, first_line)),))


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    if "level" in stated(record):
        intake.console_levels.setdefault(reading.host, (stated(record)["level"], record.source))


#: What is not taken, and why.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "parts of the level": ((KIND, "version release service_pack build_level base_version"),),
}

FORMAT = Format(KIND, recognise, read, {KIND: _take})
