"""A policy file (TOML): rows that are added to the estate's own for one question.

::

    [[policy]]
    kind = "keep-apart"
    subject = "SAP central instances"
    value = "hxaix11adm; hxaix41adm"
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from planner.errors import InputError
from planner.estate.assemble import Loaded, fact_name
from planner.estate.load import checked, load
from planner.estate.model import Estate, Policy
from planner.findings import Finding, Severity, Source
from planner.formats.open import Progress
from planner.toml_file import line_of, read_toml

_RULE, _HELP = "input.bad-policy-file", "see docs/policies.md"


def read_policy_file(path: Path) -> tuple[Policy, ...]:
    """The rows of a policy file; raises InputError with every problem."""
    return tuple(row for row, _ in _placed(path))


def _placed(path: Path) -> list[tuple[Policy, Source]]:
    """The rows of a policy file, each with its place."""
    from pydantic import BaseModel, ConfigDict, ValidationError  # start-up: few have a file of policies

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

    text, document = read_toml(path, _RULE, _HELP, float)
    try:
        rows = PolicyDocument.model_validate(document).policy
    except ValidationError as error:
        raise InputError(Finding(
            _RULE, Severity.ERROR, path.name, f"{'.'.join(map(str, e['loc']))}: {e['msg']}", _HELP,
            Source(path.name, line_of(text, e["loc"]))) for e in error.errors()) from None
    return [(Policy(r.kind, r.subject, str(r.value), r.active, r.note),
             Source(path.name, line_of(text, ("policy", n, "kind")))) for n, r in enumerate(rows)]


def with_policies(estate: Estate, extra: tuple[Policy, ...]) -> Estate:
    """The estate with these rows; a row of the same kind and subject replaces the estate's own."""
    replaced = {(p.kind, p.subject) for p in extra}
    kept = tuple(p for p in estate.policies if (p.kind, p.subject) not in replaced)
    return estate.replace(policies=kept + extra)


def loaded(sources: Iterable[str | Path], policies: Iterable[str | Path] = (),
           progress: Progress | None = None, mapping: Path | None = None) -> Loaded:
    """The estate in these sources, with further policies (TOML files), its findings, and where each fact is stated;
    ``mapping`` says what a person's own tables mean.

    Raises InputError with all that makes it unusable.
    """
    merged = load([Path(s) for s in sources], progress, mapping)
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
    return merged.usable()
