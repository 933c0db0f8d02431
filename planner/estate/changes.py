"""What people can change of an estate so that something becomes possible: each change with its edits and its commands.

A change is data: which fields and rows it alters, in words and as commands. What lifts a rule's refusal is said beside
that rule (``lifts=``, ``relief=`` of ``planner.rules.base``); a price list says what each kind costs and who does it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from planner.estate.model import TABLE, Estate, Policy
from planner.estate.policies import exempted
from planner.grouping import grouped

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SetTo:
    """A field of a row gets another value."""

    table: str
    key: Key
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class PutRow:
    """A new row, in place of that of its key where there is one."""

    table: str
    row: Any


@dataclass(frozen=True, slots=True)
class DropRow:
    """A row that is there no more."""

    table: str
    key: Key


@dataclass(frozen=True, slots=True)
class Exempt:
    """The policies of a kind hold no more for one of those that they name."""

    kind: str
    name: str


Edit = SetTo | PutRow | DropRow | Exempt


@dataclass(frozen=True, slots=True)
class Repair:
    """One change. ``kind``: its line in the price list, ``amount`` times; ``words``: an order to its owner.

    ``alike``: what a person would call the same change (a VLAN on either VIOS of a server); empty: itself alone.
    ``passing``: it is made for one window and undone after it.
    """

    kind: str
    subject: str
    words: str
    edits: tuple[Edit, ...]
    commands: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    amount: int = 1
    passing: bool = field(default=False, compare=False)

    @property
    def shape(self) -> tuple[str, ...]:
        """What it shares with those that a person would call the same."""
        return (self.kind, *(self.alike or (self.words,)))


def set_to(kind: str, table: str, subject: str, name: str, value: Any, *, words: str, commands: Iterable[str] = (),
           passing: bool = False) -> Repair:
    """The change of one field of a row whose key is its name."""
    return Repair(kind, subject, words, (SetTo(table, (subject,), name, value),), tuple(commands), passing=passing)


def policy_changes(estate: Estate, exempt: Mapping[str, Collection[str]]) -> Estate:
    """The estate in which policies of kinds hold no more for these names (kind → names)."""
    rows = [row for p in estate.policies for row in exempted(estate, p, exempt.get(p.kind, ()))]
    return estate.replace(policies=tuple(rows))


def applied(estate: Estate, changes: Iterable[Repair]) -> Estate:
    """The estate after these changes. Whatever their order, exemptions come first, then rows, then fields."""
    edits = list(dict.fromkeys(e for c in changes for e in c.edits))
    exempt = grouped((e.kind, e.name) for e in edits if isinstance(e, Exempt))
    out = policy_changes(estate, exempt) if exempt else estate
    rows: dict[str, dict[Key, Any]] = {
        kind: {TABLE[kind].key_of(r): r for r in getattr(out, kind)}
        for kind in {e.table for e in edits if not isinstance(e, Exempt)}}
    for e in edits:
        if isinstance(e, DropRow):
            rows[e.table].pop(e.key, None)
    for e in edits:
        if isinstance(e, PutRow):
            rows[e.table][TABLE[e.table].key_of(e.row)] = e.row
    for e in edits:
        if isinstance(e, SetTo) and e.key in rows[e.table]:
            rows[e.table][e.key] = replace(rows[e.table][e.key], **{e.name: e.value})
    return out.replace(**{kind: tuple(of.values()) for kind, of in rows.items()})


def without_policy(kind: str, policy: Policy, words: str) -> Repair:
    """A policy row is lifted."""
    return Repair(kind, policy.subject or policy.kind, words, (DropRow("policies", TABLE["policies"].key_of(policy)),))
