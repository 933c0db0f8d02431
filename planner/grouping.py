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
    chains = [chain for group in groups if len(chain := [name for name in group if name in order]) > 1]
    if not chains:
        return [[name] for name in order]
    import networkx as nx  # start-up: where nothing hangs together it is not needed

    graph = nx.Graph()
    graph.add_nodes_from(order)
    for chain in chains:
        nx.add_path(graph, chain)
    return [sorted(part, key=order.__getitem__) for part in nx.connected_components(graph)]
