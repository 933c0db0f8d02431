"""The rules: one small module per family. ``docs/rules.md`` is printed from this registry."""

from planner.rules import (
    availability,
    capability,
    firmware,
    memory,
    network,
    npiv,
    partition,
    policy,
    processor,
    server,
    software,
    storage,
    timing,
)
from planner.rules.base import REGISTRY, Breach, Hold, Rule, Scope
from planner.rules.judge import Judge
from planner.rules.site import Site

RULES: tuple[Rule, ...] = tuple(REGISTRY[i] for i in sorted(REGISTRY))

__all__ = ["RULES", "Breach", "Hold", "Judge", "Rule", "Scope", "Site", "availability", "capability", "firmware",
           "memory", "network", "npiv", "partition", "policy", "processor", "server", "software", "storage", "timing"]
