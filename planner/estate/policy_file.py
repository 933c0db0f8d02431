"""A policy file (TOML): rows that are added to the estate's own for one question.

::

    [[policy]]
    kind = "keep-apart"
    subject = "SAP central instances"
    value = "hxaix11adm; hxaix41adm"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from planner.estate.assemble import Loaded, fact_name
from planner.estate.load import checked, load
from planner.estate.model import Estate, Policy
from planner.estate.parameter_file import with_parameters
from planner.findings import Source
from planner.formats.open import Progress
from planner.toml_file import line_of, validated

_RULE, _HELP = "input.bad-policy-file", "see docs/policies.md"


def read_policy_file(path: Path) -> tuple[Policy, ...]:
    """The rows of a policy file; raises InputError with every problem."""
    return tuple(row for row, _ in _placed(path))


def _placed(path: Path) -> list[tuple[Policy, Source]]:
    """The rows of a policy file, each with its place."""
    from pydantic import BaseModel, ConfigDict  # start-up: few have a file of policies

    class PolicyRow(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        kind: str
        subject: str = ""
        value: str | int | float = ""
        active: bool = True
        note: str = ""

    class PolicyDocument(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        policy: list[PolicyRow] = []

    text, document = validated(path, PolicyDocument, _RULE, _HELP)
    return [(Policy(r.kind, r.subject, str(r.value), r.active, r.note),
             Source(path.name, line_of(text, ("policy", n, "kind")))) for n, r in enumerate(document.policy)]


def with_policies(estate: Estate, extra: tuple[Policy, ...]) -> Estate:
    """The estate with these rows; a row of the same kind and subject replaces the estate's own."""
    replaced = {(p.kind, p.subject) for p in extra}
    kept = tuple(p for p in estate.policies if (p.kind, p.subject) not in replaced)
    return estate.replace(policies=kept + extra)


def _whatever_policies_name(merged: Loaded) -> Loaded:
    return replace(merged, findings=tuple(f for f in merged.findings if f.rule != "input.bad-policy"))


def loaded(sources: Iterable[str | Path], policies: Iterable[str | Path] = (),
           progress: Progress | None = None, mapping: Path | None = None,
           parameters: str | Path | None = None, *, of_then: bool = False) -> Loaded:
    """The estate in these sources, with further policies and parameters of the cost model (TOML files), its findings,
    and where each fact is stated; ``mapping`` says what a person's own tables mean. ``of_then``: an estate of earlier
    days, on which a policy that names what it does not have is no error.

    Raises InputError with all that makes it unusable.
    """
    merged = load([Path(s) for s in sources], progress, mapping)
    if of_then:
        merged = _whatever_policies_name(merged)
    if extra := [placed for file in policies for placed in _placed(Path(file))]:
        merged.usable()
        on = {(row.kind, row.subject) for row, _ in extra if row.active}
        off = {(row.kind, row.subject) for row, _ in extra} - on
        merged.lifted = tuple(p for p in merged.estate.policies if p.active and (p.kind, p.subject) in off)
        merged.estate = with_policies(merged.estate, tuple(row for row, _ in extra))
        places = {fact_name("policies", (row.kind, row.subject, row.value), ""): place for row, place in extra}
        merged.provenance = places | {fact: place for fact, place in merged.provenance.items()
                                      if not fact.startswith(tuple(places))}
        merged = checked(merged)
    if of_then:
        merged = _whatever_policies_name(merged)
    if parameters is not None:
        merged = with_parameters(merged.usable(), Path(parameters))
    return merged.usable()
