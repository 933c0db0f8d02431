"""whatif.json: today and scenarios as one document; page, workbook and terminal read it and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from planner.jobs.scenario_result import ScenarioFigures, ScenarioResult
from planner.plan.questions import UsageBasis, unseen
from planner.plan.wire import absent
from planner.units import gib

VERSION = 1


@dataclass(frozen=True, slots=True)
class WhatifDocument:
    """Today first, then the scenarios in the order given; ``as_json`` makes whatif.json of it."""

    version: int
    estate_sha256: str
    scenarios: tuple[ScenarioFigures, ...]
    usage: Annotated[UsageBasis | None, Field(exclude_if=absent)] = None

    @property
    def first(self) -> list[str]:
        """What is said before all else."""
        return unseen(self.usage)


def slug(text: str) -> str:
    """A name as a directory: ``two 770 of 16 cores`` → ``two-770-of-16-cores``."""
    words = "".join(c if c.isalnum() and c.isascii() else " " for c in text).split()
    return "-".join(words).lower() or "scenario"


def directories(results: Sequence[ScenarioResult]) -> list[str]:
    """A directory for each scenario's plan, no two the same."""
    out: list[str] = []
    for r in results:
        name = slug(r.name)
        while name in out:
            name += "-2"
        out.append(name)
    return out


def whatif_document(results: Sequence[ScenarioResult], estate_digest: str, usage: UsageBasis | None = None
                    ) -> WhatifDocument:
    """Today and the scenarios, in the order given, each plan with its directory."""
    return WhatifDocument(VERSION, estate_digest, tuple(
        r if r.plan is None else replace(r, directory=name)
        for r, name in zip(results, directories(results), strict=True)), usage)


def rounded_gib(mib: int) -> float:
    """MiB as GiB with two decimals, as whatif.json has it."""
    return round(gib(mib), 2)
