"""VIOS command output → intake."""

from __future__ import annotations

from planner.estate.model import DEFAULT_VSWITCH
from planner.formats.base import Reading, Record, TakeFacts, stated
from planner.formats.facts import Intake, Sea
from planner.formats.vios_common import vios_of


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
    intake.seas.append(Sea(vios_of(r, reading), str(have.get("sea", "")), tuple(sorted(vlans)), r.source))


TAKES: dict[str, TakeFacts] = {"vios-entstat": _entstat}
