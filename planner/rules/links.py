"""What carries moves, by the levels of what they go over: one thread or several, compression by the chip.

Sources: gibsonnet.net quoting isg3T7000117 (one partition's stream hardly passes 1 Gbit/s on 10 Gbit/s), VIOS 2.2.4
sends by several threads; IBM's "LPM Data Encryption and Compression" (2020): from FW920 and HMC V9R1.920 on data are
encrypted and compressed by the NX unit of each chip, POWER9 at both ends. No page says by how much.
"""

from __future__ import annotations

from planner.estate.catalogue import generation_of
from planner.estate.model import GENERATIONS, Server, Vios
from planner.rules.versions import below, firmware_release

SEVERAL_THREADS = "2.2.4.0"
_PACKING_FIRMWARE, _PACKING_CONSOLE = 920, "V9R1M920"
_ALWAYS_THREADED = "POWER9"
"""No older VIOS runs on it or on what came later."""


def one_stream(vios: Vios, server: Server) -> bool:
    """Whether a mover sends a move by one thread; of unknown level it does where such a VIOS may run."""
    low = below(vios.level, SEVERAL_THREADS)
    if low is not None:
        return low
    generation = server.generation or generation_of(server.model)
    return generation not in GENERATIONS[GENERATIONS.index(_ALWAYS_THREADED):]


def packs(server: Server) -> bool:
    """Whether a server and its console compress what its moves send, where the other end does so too."""
    release = firmware_release(server.firmware)
    return release is not None and release[0] >= _PACKING_FIRMWARE and below(
        server.console_level, _PACKING_CONSOLE) is False
