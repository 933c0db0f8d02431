"""Processor compatibility modes: what a server offers with its firmware, and what an operating system supports."""

from __future__ import annotations

from functools import cache

from planner.estate.catalogue import MODES
from planner.estate.model import GENERATIONS, Lpar, Server
from planner.formats.values import level
from planner.rules.versions import firmware_release

MODE_FIRMWARE = {"POWER9_base": 910, "POWER9": 940, "POWER10": 1010, "POWER11": 1110}
"""The firmware release that brings a mode to a server of its own generation (POWER9: IBM support node 6243336; later
generations have no lower release)."""

_FULLEST: dict[str, tuple[tuple[tuple[int, ...], str], ...]] = {
    "AIX": (((5, 3), "POWER6"), ((6, 1), "POWER7"), ((7, 1), "POWER7"), ((7, 1, 3), "POWER8"), ((7, 2), "POWER8"),
            ((7, 2, 2), "POWER9"), ((7, 3), "POWER10")),
    "IBM i": (((6, 1), "POWER7"), ((7, 1), "POWER8"), ((7, 2, 8), "POWER9"), ((7, 3), "POWER8"), ((7, 3, 4), "POWER9"),
              ((7, 4), "POWER9"), ((7, 4, 6), "POWER10"), ((7, 5), "POWER10"), ((7, 5, 6), "POWER11")),
    "Red Hat": (((6,), "POWER7"), ((7,), "POWER8"), ((8,), "POWER9"), ((8, 4), "POWER10"), ((9,), "POWER10"),
                ((9, 6), "POWER11")),
    "SUSE": (((11,), "POWER7"), ((12,), "POWER8"), ((12, 3), "POWER9"), ((15,), "POWER9"), ((15, 3), "POWER10")),
    "Ubuntu": (((16, 4), "POWER8"), ((18, 4), "POWER9"), ((22, 4), "POWER10")),
}
"""Operating system → (level from which, fullest mode). AIX 5.3 on POWER8 and RHEL: seen in secondary texts; the rest is
knowledge of the trade, to be looked up in IBM's system-to-OS maps before it is relied on."""
_DISTRIBUTIONS = {"red hat": "Red Hat", "rhel": "Red Hat", "suse": "SUSE", "sles": "SUSE", "ubuntu": "Ubuntu"}


@cache
def fullest_mode(os: str, os_level: str) -> str:
    """The newest processor mode that an operating system supports, of a level that is stated in part the one that is
    certain; "" where none is known."""
    folded = os_level.casefold()
    name = next((known for word, known in _DISTRIBUTIONS.items() if word in folded), os if os != "Linux" else "")
    numbers = level(os_level)
    modes = [mode for least, mode in _FULLEST.get(name, ()) if numbers >= least]
    return modes[-1] if modes and numbers else ""


def rank(mode: str) -> int:
    """Where a mode stands among all: of two the newer has the higher."""
    base = mode.split()[0].split("_")[0]
    return 2 * GENERATIONS.index(base) + (not mode.endswith("_base")) if base in GENERATIONS else -1


def modes_of(server: Server) -> tuple[str, ...]:
    """The compatibility modes of a server: as stated, else as its generation has them with its firmware; () when
    unknown."""
    return server.modes or _of_generation(server.generation, server.firmware)


@cache
def _of_generation(generation: str, firmware: str) -> tuple[str, ...]:
    release = firmware_release(firmware)
    return tuple(m for m in MODES.get(generation, ()) if release is None or MODE_FIRMWARE.get(m, 0) <= release[0])


def native_mode(server: Server) -> str:
    """The mode in which an LPAR with preferred mode ``default`` is activated: the newest that is not enhanced."""
    return max((m for m in modes_of(server) if "enhanced" not in m), key=rank, default="")


def held_mode(server: Server, lpar: Lpar) -> str:
    """The older mode than the server's own that an LPAR's preference or its system holds it in when it is activated
    there, or ``""``."""
    wanted = lpar.preferred_mode
    return wanted if wanted not in ("", "default", native_mode(server)) else supported_mode(
        server, lpar.os, lpar.os_level)


def supported_mode(server: Server, os: str, os_level: str) -> str:
    """The newest mode of a server that an operating system supports; "" when it supports its native one, or when that
    is not known."""
    fullest = fullest_mode(os, os_level)
    if not fullest or rank(native_mode(server)) <= rank(fullest):
        return ""
    return max((m for m in modes_of(server) if "enhanced" not in m and rank(m) <= rank(fullest)), key=rank,
               default=fullest)
