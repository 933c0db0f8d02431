"""Changes as a month brings them: a few rows of an estate that are other, drawn by chance, each of a kind of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from planner.estate.model import Disk, Estate, Policy

Change = Callable[[Random, Estate], Estate]


def _other(of: Estate, kind: str, row: Any, **changes: Any) -> Estate:
    return of.replace(**{kind: tuple(replace(r, **changes) if r == row else r for r in getattr(of, kind))})


def optical(random: Random, of: Estate) -> Estate:
    p = random.choice(of.lpars)
    vios = random.choice([v.name for v in of.vioses if v.server == p.server])
    return of.replace(disks=(*of.disks, Disk(p.name, 90 + random.randrange(9), "fix.iso", vios, "optical", "vtopt0")))


def unzoned(random: Random, of: Estate) -> Estate:
    z = random.choice(of.zonings)
    return of.replace(zonings=tuple(r for r in of.zonings if r is not z)) if of.zonings else of


def reserved(random: Random, of: Estate) -> Estate:
    return _other(of, "zonings", random.choice(of.zonings), reserve_policy="single_path")


def unbridged(random: Random, of: Estate) -> Estate:
    b = random.choice(of.bridges)
    return of.replace(bridges=tuple(r for r in of.bridges if r is not b))


def rmc(random: Random, of: Estate) -> Estate:
    p = random.choice(of.lpars)
    return _other(of, "lpars", p, rmc_active=not p.rmc_active)


def dark(random: Random, of: Estate) -> Estate:
    return _other(of, "vioses", random.choice(of.vioses), rmc_active=False)


def grown(random: Random, of: Estate) -> Estate:
    p = random.choice(of.lpars)
    return _other(of, "lpars", p, entitlement_units=p.entitlement_units * 4, memory_mib=p.memory_mib * 3,
                  max_memory_mib=p.memory_mib * 3, virtual_processors=p.virtual_processors * 4)


def shrunk(random: Random, of: Estate) -> Estate:
    s = random.choice(of.servers)
    return _other(of, "servers", s, configurable_memory_mib=s.configurable_memory_mib * 2 // 3)


def pinned(random: Random, of: Estate) -> Estate:
    p = random.choice(of.lpars)
    return of.replace(policies=(*of.policies, Policy("pin", p.name, p.server)))


def noted(random: Random, of: Estate) -> Estate:
    """What no rule looks at."""
    return _other(of, "lpars", random.choice(of.lpars), note=f"seen {random.random():.3f}")


CHANGES: tuple[Change, ...] = (optical, unzoned, reserved, unbridged, rmc, dark, grown, shrunk, pinned, noted)


def later(of: Estate, seed: str, count: int) -> Estate:
    """The estate after so many changes."""
    random = Random(seed)
    kinds = [c for c in CHANGES if of.zonings or c not in (unzoned, reserved)]
    for change in random.sample(kinds, count):
        of = change(random, of)
    return of
