"""What is other in one estate than in another: rows that came, went or changed, those together that make sense only
together, and either estate with some of them as they are in the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.estate.assemble import shown_value
from planner.estate.model import CLASSES, TABLE, TABLES, Bridge, Disk, Estate, Lpar, Vios
from planner.grouping import grouped, linked

_NAMED = {"lpars": "lpar", "vioses": "vios", "servers": "server"}
"""Kinds whose rows are what others name, and the field in which they do."""
_KINDS = {of: kind for kind, of in CLASSES.items()}
Thing = tuple[str, str]
"""(``lpar``, ``vios`` or ``server``, name)."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is another than it was; None: it is or was not there."""

    kind: str
    before: Any
    after: Any

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from the other rows of its kind."""
        return TABLE[self.kind].key_of(self.after or self.before)

    def things(self) -> set[Thing]:
        """The LPARs, VIOSes and servers that it is, or names, before or after."""
        rows = [r for r in (self.before, self.after) if r is not None]
        told = {(field, str(getattr(r, field))) for r in rows for field in _NAMED.values()
                if getattr(r, field, "")}
        return told | ({(_NAMED[self.kind], rows[0].name)} if self.kind in _NAMED else set())

    def unsettled(self) -> bool:
        """Whether others that name it cannot be as they were unless it is, too: it came, went, or stands elsewhere."""
        return self.kind in _NAMED and (self.before is None or self.after is None or (
            self.kind != "servers" and self.before.server != self.after.server))


@dataclass(frozen=True, slots=True)
class Story:
    """Changed rows that belong together: mostly one; of an LPAR, VIOS or server that came, went or moved all that name
    it."""

    rows: tuple[RowChange, ...]

    @property
    def everywhere(self) -> bool:
        """Whether it may matter to any server."""
        return any(r.kind in ("policies", "parameters") for r in self.rows)

    def things(self) -> set[Thing]:
        """All LPARs, VIOSes and servers that its rows name."""
        return {t for r in self.rows for t in r.things()}


def renamings(old: Estate, new: Estate) -> dict[str, str]:
    """Name then → name now of LPARs that are only called otherwise: on the same server under the same id, with a disk
    or WWPN of then."""
    known = [{p.name for p in of.lpars} for of in (old, new)]
    gone, fresh = (grouped(((p.server, p.lpar_id), p.name) for p in of.lpars if p.lpar_id is not None
                           and p.name not in other) for of, other in ((old, known[1]), (new, known[0])))
    carried = [grouped([*((d.lpar, d.lun) for d in of.disks if d.backing != "optical"),
                        *((f.lpar, f.wwpn1) for f in of.fibres)]) for of in (old, new)]
    return {a: b for at, names in gone.items() for a, b in zip(names, fresh.get(at, ()), strict=False)
            if {*carried[0].get(a, ())} & {*carried[1].get(b, ())}}


def called(estate: Estate, names: Mapping[str, str]) -> Estate:
    """The estate with LPARs under other names (name → name), policies that name them included."""
    def listed(words: str) -> str:
        parts = [w.strip() for w in words.split(";")]
        return "; ".join(names.get(w, w) for w in parts) if names.keys() & {*parts} else words

    rows: dict[str, tuple[Any, ...]] = {t.kind: tuple(
        replace(r, lpar=names.get(r.lpar, r.lpar)) for r in getattr(estate, t.kind)) for t in TABLES if "lpar" in t.key}
    rows["lpars"] = tuple(replace(p, name=names.get(p.name, p.name)) for p in estate.lpars)
    rows["policies"] = tuple(replace(p, subject=listed(p.subject), value=listed(p.value)) for p in estate.policies)
    return estate.replace(**rows) if names else estate


def stories(old: Estate, new: Estate) -> list[Story]:
    """What is other, in the order of the sheets and keys."""
    rows = [r for t in TABLES for r in _changed(t.kind, getattr(old, t.kind), getattr(new, t.kind))]
    unsettled = {(_NAMED[r.kind], r.key[0]) for r in rows if r.unsettled()}
    by_thing = grouped((thing, n) for n, r in enumerate(rows) for thing in r.things() if thing in unsettled)
    return [Story(tuple(rows[n] for n in part)) for part in linked(range(len(rows)), by_thing.values())]


def _changed(kind: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[RowChange]:
    key_of = TABLE[kind].key_of
    before, after = ({key_of(r): r for r in rows} for rows in (old, new))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield RowChange(kind, before.get(key), after.get(key))


def undone(new: Estate, some: Iterable[Story]) -> Estate:
    """The estate with these stories as they were."""
    rows = grouped((r.kind, r) for s in some for r in s.rows)
    changed = {}
    for kind, of in rows.items():
        key_of = TABLE[kind].key_of
        now = {key_of(r): r for r in getattr(new, kind)}
        for r in of:
            now.pop(r.key, None)
            if r.before is not None:
                now[r.key] = r.before
        changed[kind] = tuple(now.values())
    return new.replace(**changed) if changed else new


def in_words(some: Collection[Story]) -> list[str]:
    """What happened, each story in a few words; zonings of a LUN are told together."""
    zoned = grouped((what, s) for s in some if (what := _zoning(s)))
    told = [f"LUN {lun} {what} {', '.join(s.rows[0].key[1] for s in of)}" for (lun, what), of in zoned.items()]
    return told + [_story(s) for s in some if not _zoning(s)]


def _zoning(story: Story) -> tuple[str, str] | None:
    row = story.rows[0]
    if len(story.rows) > 1 or row.kind != "zonings":
        return None
    if row.before is None or row.after is None:
        return row.key[0], "no longer seen by" if row.after is None else "now seen by"
    return row.key[0], f"{'; '.join(_fields(row))} on"


def _story(story: Story) -> str:
    main = next((r for r in story.rows if r.unsettled() and r.kind == "servers"), None) or next(
        (r for r in story.rows if r.unsettled()), story.rows[0])
    also = [r for r in story.rows if r is not main and r.unsettled()]
    return _row(main) + (f" (and with it {', '.join(str(r.key[0]) for r in also[:4])}"
                         f"{f' and {len(also) - 4} more' if len(also) > 4 else ''})" if also else "")


def _row(r: RowChange) -> str:
    if r.before is None or r.after is None:
        return _came(r.after) if r.before is None else _went(r.before)
    if isinstance(r.after, Lpar | Vios) and r.before.server != r.after.server:
        return f"{r.after.name} is on {r.after.server}, was on {r.before.server}"
    return f"{_name(r.kind, r.after)}: {'; '.join(_fields(r))}"


def _came(row: Any) -> str:
    kind = _KINDS[type(row)]
    return _of(row, "on") or f"{_name(kind, row)} is new (sheet {TABLE[kind].sheet})"


def _went(row: Any) -> str:
    kind = _KINDS[type(row)]
    return _of(row, "no longer on") or f"{_name(kind, row)} is gone (sheet {TABLE[kind].sheet})"


def _of(row: Any, on: str) -> str:
    """What a path is, and on which VIOS; "" of other rows."""
    if isinstance(row, Disk):
        what = f"virtual optical {row.vtd or row.lun}" if row.backing == "optical" else f"disk {row.lun}"
        return f"{what} of {row.lpar} {on} {row.vios}"
    return f"VLAN {row.vlan} {on} {row.vios}" if isinstance(row, Bridge) else ""


def _name(kind: str, row: Any) -> str:
    return " ".join(str(k) for k in TABLE[kind].key_of(row) if k not in ("", None))


def _fields(r: RowChange) -> Iterator[str]:
    """``RMC active yes, was no`` of each field that is another."""
    for c in TABLE[r.kind].columns:
        now, then = (getattr(row, c.field) for row in (r.after, r.before))
        if now != then:
            yield f"{c.header} {_value(r.kind, c.field, now)}, was {_value(r.kind, c.field, then)}"


def _value(kind: str, field: str, value: Any) -> str:
    if value in (None, "", ()):
        return "not stated"
    return ("yes" if value else "no") if isinstance(value, bool) else shown_value(kind, field, value)


