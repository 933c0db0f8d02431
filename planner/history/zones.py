"""Time zones by their names: for plans as well, which read no samples."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from planner.errors import InputError
from planner.findings import Finding, Severity


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises InputError."""
    try:
        return ZoneInfo(name)
    except Exception:  # zoneinfo raises KeyError, ValueError, OSError and others, depending on the text
        raise InputError([Finding("history.zone", Severity.ERROR, "zone", f"{name!r} is no time zone known here",
                                  "give an IANA name such as Europe/Berlin or Australia/Melbourne")]) from None
