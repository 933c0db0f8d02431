"""Things put together: by a key, or because they are linked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[T, V]], keys: Iterable[T] = ()) -> dict[T, list[V]]:
    """Key → its values, both in the order in which they come; ``keys`` come first, of which some may have no values."""
    groups: dict[T, list[V]] = {key: [] for key in keys}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def inverted(where: Iterable[tuple[V, T]], keys: Iterable[T] = ()) -> dict[T, list[V]]:
    """The same of (value, key): ``(LPAR, server)`` → the LPARs of each server."""
    return grouped(((key, value) for value, key in where), keys)


def linked(names: Iterable[T], groups: Iterable[Iterable[T]]) -> list[list[T]]:
    """The connected components of ``names`` when each group hangs together, all in the order of ``names``.

    Members of groups that are not among ``names`` count for nothing.
    """
    order = {name: number for number, name in enumerate(names)}
    part = {name: [name] for name in order}
    for group in groups:
        into: list[T] = []
        for own in filter(None, map(part.get, group)):
            if own is not into:
                into, joins = (into, own) if len(into) >= len(own) else (own, into)
                into += joins
                part |= dict.fromkeys(joins, into)
    return [sorted(one, key=order.__getitem__) for one in {id(one): one for one in part.values()}.values()]
