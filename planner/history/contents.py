"""What is in a usage history: its series with gaps, changes of server and resets; samples, and usage slot by slot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from planner.errors import InputError
from planner.findings import Finding, Severity, Source
from planner.formats.samples import MOST_SPAN_S, SERIAL, Kind, Sample
from planner.history.clock import Clock
from planner.units import show_duration

if TYPE_CHECKING:
    import duckdb

STEP_S = 300
_GAP_S = 900
_NONE = -1
_MOST_SLOTS = 200_000_000
_CODE = 1 << 20
_SERIES = 16
_MOST_CHANGES = 20
_FIRST, _LAST = 0, 1 << 40
_CELLS = 1 << 22  # slots of all names that are asked for at a time
_FIGURES = ("physc", "mem_used")
_INTERRUPTED = "Query interrupted"
"""What DuckDB says when a signal came while it worked; it takes the KeyboardInterrupt away and raises RuntimeError."""

Key = tuple[str, str, str]
"""Kind, name, and server unless it is an LPAR."""


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """What is known of one entity. Instants are UTC; ``gaps`` are holes of more than 15 minutes and one sample;
    ``changes`` (when, from, to) the changes of server of an LPAR; ``resets`` of its counters."""

    kind: Kind
    name: str
    servers: tuple[str, ...]
    first_s: int
    last_s: int
    samples: int
    finest_span_s: int
    coarsest_span_s: int
    gaps: int
    gap_s: int
    longest_gap: tuple[int, int] | None
    resets: int
    changes: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A file that was added; ``stated``: its samples and counters."""

    name: str
    digest: str
    stated: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in a store, ordered by name."""

    zone: str
    series: tuple[SeriesSummary, ...]
    sources: tuple[SourceSummary, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Usage of several LPARs in slots of ``step_s``: rows as ``names``, columns as ``starts`` (UTC seconds).

    ``physc`` in thousandths of a core, ``memory_mib`` MiB; -1 where nothing is known. ``spans``: the commonest span
    of each LPAR's samples in seconds, 0 without any.
    """

    names: tuple[str, ...]
    step_s: int
    starts: NDArray[np.int64]
    physc: NDArray[np.int32]
    memory_mib: NDArray[np.int32]
    spans: tuple[int, ...]


def refused(path: Path, message: str, fix: str, rule: str = "history.store") -> InputError:
    return InputError([Finding(rule, Severity.ERROR, path.name, message, fix, Source(str(path)))])


class Contents:
    """A store of usage that is open, to be read. Use it in a ``with`` statement or call :meth:`close`."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._db = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Write out what is still in the log beside the file (``.wal``) and let go of it."""
        with self._mapped():
            self._db.close()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """DuckDB's exceptions as InputError; what it makes of Ctrl-C as the KeyboardInterrupt that it was."""
        import duckdb  # start-up: who asks for no history does not wait for it

        try:
            yield
        except (duckdb.Error, RuntimeError) as error:
            if isinstance(error, duckdb.InterruptException) or str(error) == _INTERRUPTED:
                raise KeyboardInterrupt from None
            if not isinstance(error, duckdb.Error):
                raise
            said = re.sub(r"\s+", " ", str(error).split("\n\n")[0])[:200]
            raise refused(self.path, f"the history cannot be read or written: {said}",
                          "restore it from a copy, or make a new one from the sources") from None

    def _get(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return str(row[0]) if row else ""

    @property
    def zone(self) -> str:
        """The IANA name of the site's zone; empty while no source needed it and none was given."""
        with self._mapped():
            return self._get("zone")

    def clock(self) -> Clock:
        """The site's clock: UTC where no zone was ever given."""
        return Clock(self.zone or "UTC")

    def _one(self, query: str) -> tuple[int, ...]:
        return tuple(self._db.execute(query).fetchall()[0])

    def _series(self) -> dict[Key, dict[int, str]]:
        """Each series (kind, name, and server unless it is an LPAR) with its entities and their servers."""
        series: dict[Key, dict[int, str]] = {}
        for number, kind, name, server in self._db.execute(
                "SELECT id, kind, name, server FROM entity ORDER BY kind, name, server").fetchall():
            series.setdefault((kind, name, "" if kind == Kind.LPAR else server), {})[number] = server
        return series

    def _around(self, series: Mapping[Key, Mapping[int, str]], low: int, high: int) -> tuple[int, int]:
        """The range widened to the neighbours of each series."""
        before, after = self._one(f"""
            SELECT min(b), max(a) FROM (
                SELECT max(t) FILTER (WHERE t < {low}) AS b, min(t) FILTER (WHERE t > {high}) AS a
                FROM usage u JOIN {numbered(series.values())} x ON x.id = u.entity GROUP BY x.number)""")
        return min(low, before if before is not None else low), max(high, after if after is not None else high)

    def _gaps(self, series: Mapping[Key, Mapping[int, str]], low: int = _FIRST,
              high: int = _LAST) -> dict[Key, list[tuple[int, int]]]:
        """Series → holes (from, to), in order; as many series at a time as memory is used for sensibly."""
        holes: dict[Key, list[tuple[int, int]]] = {}
        keys = list(series)
        for begin in range(0, len(keys), _SERIES):
            some = keys[begin:begin + _SERIES]
            rows = self._db.execute(f"""
                SELECT number, before, t - span FROM (
                    SELECT x.number, u.t, u.span, max(u.t) OVER (PARTITION BY x.number ORDER BY u.t, u.span
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                    FROM usage u JOIN {numbered(series[key] for key in some)} x ON x.id = u.entity
                    WHERE u.t BETWEEN {low} AND {high})
                WHERE t - span - before > greatest(span, {_GAP_S}) ORDER BY ALL""").fetchall()
            for number, before, after in rows:
                holes.setdefault(some[number], []).append((before, after))
        return holes

    def _changes(self, series: Mapping[Key, Mapping[int, str]], low: int = _FIRST,
                 high: int = _LAST) -> dict[str, list[tuple[int, str, str]]]:
        """LPAR → changes of server. A serial number and a name are not compared: they may be the same server."""
        by_lpar: dict[str, list[tuple[int, str, str]]] = {}
        for (kind, name, _), servers in series.items():
            for serial in (False, True):
                ids = {n: s for n, s in servers.items() if s and s.startswith(SERIAL) == serial}
                if kind == Kind.LPAR and len(ids) > 1:
                    by_lpar.setdefault(name, []).extend((at, ids[was], ids[now])
                                                        for at, was, now in self._changes_of(ids, low, high))
        return {name: sorted(changes) for name, changes in by_lpar.items() if changes}

    def _changes_of(self, ids: Mapping[int, str], low: int, high: int) -> list[tuple[int, int, int]]:
        """(when, from, to) of an LPAR's entities. Where it has samples on both at once, in the order of their names."""
        ranks = {number: rank for rank, number in enumerate(sorted(ids, key=lambda number: ids[number]))}
        table = ", ".join(f"({number}, {rank})" for number, rank in ranks.items())
        return self._db.execute(f"""
            SELECT t, was, entity FROM (
                SELECT u.t, u.entity, x.rank, lag(u.entity) OVER (ORDER BY u.t, x.rank) AS was
                FROM usage u JOIN (VALUES {table}) x(id, rank) ON x.id = u.entity WHERE u.t BETWEEN {low} AND {high})
            WHERE entity <> was ORDER BY t, rank""").fetchall()

    def _resets(self, series: Mapping[Key, Mapping[int, str]], low: int = _FIRST,
                high: int = _LAST) -> dict[Key, int]:
        counted = dict(self._db.execute(
            f"SELECT entity, count(*) FROM reset WHERE t BETWEEN {low} AND {high} GROUP BY entity").fetchall())
        totals = {key: sum(counted.get(number, 0) for number in ids) for key, ids in series.items()}
        return {key: total for key, total in totals.items() if total}

    def show(self) -> Summary:
        """What is in the store; the same for the same sources, however they were added."""
        with self._mapped():
            series = self._series()
            gaps, changes, resets = self._gaps(series), self._changes(series), self._resets(series)
            rows = self._extent()
            sources = self._db.execute("SELECT name, digest, stated FROM source ORDER BY ALL").fetchall()
            zone = self._get("zone")
        shown = tuple(_summary(row, gaps, changes, resets) for row in rows)
        return Summary(zone, shown, tuple(SourceSummary(*row) for row in sources))

    def _extent(self) -> list[tuple[Any, ...]]:
        return self._db.execute("""
            SELECT e.kind, e.name, CASE WHEN e.kind = 'lpar' THEN '' ELSE e.server END AS place,
                   coalesce(list_sort(list(DISTINCT e.server) FILTER (WHERE e.server <> '')), []) AS servers,
                   min(u.first), max(u.last), sum(u.n)::BIGINT, min(u.finest), max(u.coarsest)
            FROM (SELECT entity, min(t - span) AS first, max(t) AS last, count(*) AS n, min(span) AS finest,
                         max(span) AS coarsest FROM usage GROUP BY entity) u JOIN entity e ON e.id = u.entity
            GROUP BY e.kind, e.name, place ORDER BY e.kind, e.name, place""").fetchall()

    # --- asking -------------------------------------------------------------------------------------------------------

    def names(self, kind: Kind = Kind.LPAR) -> tuple[str, ...]:
        """The names of all entities of a kind, in order."""
        with self._mapped():
            return tuple(name for (name,) in self._db.execute(
                "SELECT DISTINCT name FROM entity WHERE kind = ? ORDER BY name", [kind.value]).fetchall())

    def lpars_on(self, server: str, start_s: int, end_s: int) -> tuple[str, ...]:
        """The LPARs with samples on a server between two instants, in order."""
        with self._mapped():
            return tuple(name for (name,) in self._db.execute(
                "SELECT DISTINCT e.name FROM usage u JOIN entity e ON e.id = u.entity WHERE e.kind = 'lpar' "
                "AND e.server = ? AND u.t > ? AND u.t - u.span < ? ORDER BY ALL", [server, start_s, end_s]).fetchall())

    def servers(self, *kinds: Kind) -> tuple[str, ...]:
        """The servers on which LPARs (or entities of these kinds) were recorded, in order; by serial number where no
        source named them."""
        listed = ", ".join(f"'{kind.value}'" for kind in kinds or (Kind.LPAR,))
        with self._mapped():
            return tuple(name for (name,) in self._db.execute(
                f"SELECT DISTINCT server FROM entity WHERE kind IN ({listed}) AND server <> '' ORDER BY 1").fetchall())

    def first_seen(self) -> dict[str, int]:
        """LPAR → the beginning of its first sample (UTC seconds)."""
        with self._mapped():
            return dict(self._db.execute(
                "SELECT e.name, min(u.t - u.span) FROM usage u JOIN entity e ON e.id = u.entity WHERE e.kind = 'lpar' "
                "GROUP BY e.name ORDER BY e.name").fetchall())

    def extent(self) -> tuple[int, int] | None:
        """The beginning of the first sample and the end of the last (UTC seconds); None of an empty store."""
        with self._mapped():
            first, last = self._one("SELECT min(t - span), max(t) FROM usage")
        return None if first is None else (first, last)

    def samples(self, name: str, start_s: int, end_s: int, *, kind: Kind = Kind.LPAR,
                server: str | None = None) -> tuple[Sample, ...]:
        """An entity's samples that end after ``start_s`` and not after ``end_s``, in order of time."""
        on = "" if server is None else "AND e.server = ? "
        asked = [kind.value, name, start_s, end_s, *([] if server is None else [server])]
        with self._mapped():
            rows = self._db.execute(
                "SELECT e.server, u.t, u.span, u.physc, u.ent, u.mem_used, u.mem_total, s.digest FROM usage u "
                "JOIN entity e ON e.id = u.entity JOIN source s ON s.id = u.source "
                f"WHERE e.kind = ? AND e.name = ? AND u.t > ? AND u.t <= ? {on}"
                "ORDER BY u.t, u.span, e.server, u.physc, s.digest", asked).fetchall()
        return tuple(Sample(kind, name, *row) for row in rows)

    def grid(self, names: Sequence[str], start_s: int, end_s: int, *, step_s: int = STEP_S,
             kind: Kind = Kind.LPAR, server: str | None = None) -> Grid:
        """Usage of LPARs or pools (on one server only, if named) in slots of ``step_s`` seconds.

        A slot's figure is the mean, by span, of the samples whose middle lies in it; samples longer than a slot stand
        in every slot whose middle they cover. Where sources of different resolution meet, the finest counts.
        Raises InputError for more than 200 million figures.
        """
        first, last = start_s // step_s, -(-end_s // step_s)
        shape = (len(names), max(0, last - first))
        if shape[0] * shape[1] > _MOST_SLOTS:
            raise refused(self.path, f"{shape[1]:,} slots of {step_s} s for {shape[0]} names are too many at once",
                          "ask for a shorter period; see whether a clock was wrong with: planner history show",
                          "history.too-long")
        physc, memory = (np.full(shape, _NONE, dtype=np.int32) for _ in range(2))
        met: Counter[int] = Counter()
        with self._mapped():
            chunk = max(_CELLS // max(1, len(names)), 256)
            for begin in range(first, last, chunk):
                slots = self._slots(names, begin, min(begin + chunk, last), step_s, kind, server)
                at = slots["pos"], slots["slot"] - first
                physc[at], memory[at] = slots["physc"], slots["mem_used"]
                codes, counts = np.unique(slots["pos"] * _CODE + slots["span"], return_counts=True)
                met.update(dict(zip(codes.tolist(), counts.tolist(), strict=True)))
        usual = {code // _CODE: code % _CODE for code, _ in sorted(met.items(), key=lambda one: (one[1], -one[0]))}
        starts = np.arange(first, max(first, last), dtype=np.int64) * step_s
        return Grid(tuple(names), step_s, starts, physc, memory, tuple(usual.get(n, 0) for n in range(len(names))))

    def _slots(self, names: Sequence[str], first: int, last: int, step: int, kind: Kind,
               server: str | None) -> dict[str, Any]:
        listed = {name: position for position, name in enumerate(names)}
        on = [] if server is None else [server]
        numbers = [(number, listed[name]) for number, name in self._db.execute(
            f"SELECT id, name FROM entity WHERE kind = ? {'AND server = ?' if on else ''} ORDER BY name, id",
            [kind.value, *on]).fetchall() if name in listed]
        summed = ", ".join(f"coalesce(sum({x} * span), 0)::BIGINT AS {x}, "
                           f"coalesce(sum(span) FILTER ({x} IS NOT NULL), 0)::BIGINT AS {x}_s" for x in _FIGURES)
        single = ", ".join(f"coalesce({x} * span, 0)::BIGINT, if({x} IS NULL, 0, span)::BIGINT" for x in _FIGURES)
        query = f"""
            WITH part AS (
                SELECT x.pos, u.t, u.span, u.physc::BIGINT AS physc, u.mem_used::BIGINT AS mem_used
                FROM usage u JOIN wanted x ON x.id = u.entity
                WHERE u.t > {first * step} AND u.t < {last * step + MOST_SPAN_S} AND u.t - u.span < {last * step})
            SELECT pos, (2 * t - span) // {2 * step} AS low, low + 1 AS high, min(span) AS span, {summed} FROM part
            WHERE span < {step} GROUP BY pos, low
            UNION ALL
            SELECT pos, (2 * (t - span) + {step - 1}) // {2 * step}, (2 * t + {step - 1}) // {2 * step}, span, {single}
            FROM part WHERE span >= {step}"""
        self._db.execute("CREATE TEMP TABLE wanted(id INTEGER, pos INTEGER)")
        try:
            self._db.execute("INSERT INTO wanted SELECT unnest(?), unnest(?)",
                             [[number for number, _ in numbers], [position for _, position in numbers]])
            rows = self._db.execute(query).fetchnumpy()
        finally:
            self._db.execute("DROP TABLE wanted")
        return _in_slots({name: np.asarray(column, dtype=np.int64) for name, column in rows.items()}, first, last, step)


def _in_slots(rows: Mapping[str, NDArray[np.int64]], first: int, last: int, step: int) -> dict[str, NDArray[np.int64]]:
    """What is known of each slot of each position (``pos``): the mean by span of the finest samples there are. A row
    stands in the slots from ``low`` up to ``high`` with its figures times their seconds, and these (``…_s``)."""
    low = np.maximum(rows["low"], first)
    count = np.maximum(0, np.minimum(rows["high"], last) - low)
    row = np.repeat(np.arange(len(count)), count)
    slot = low[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    width = last - first
    cell = rows["pos"][row] * width + slot - first
    cells = int(cell.max()) + 1 if len(cell) else 0
    out = {name: np.full(cells, _NONE, dtype=np.int64) for name in (*_FIGURES, "span")}
    coarse = np.maximum(1, rows["span"] // step)
    for level in np.unique(coarse)[::-1]:
        on = coarse[row] == level
        at, of = cell[on], row[on]
        if np.bincount(at).max(initial=0) < 2:  # no slot has two of them: each row is worked out once
            out["span"][at] = rows["span"][of]
            for name in _FIGURES:
                mean = _mean(rows[name], rows[f"{name}_s"])[of]
                out[name][at] = np.where(mean != _NONE, mean, out[name][at])
            continue
        finest = np.full(cells, _LAST, dtype=np.int64)
        np.minimum.at(finest, at, rows["span"][of])
        out["span"] = np.where(finest < _LAST, finest, out["span"])
        for name in _FIGURES:
            mean = _mean(*(np.bincount(at, rows[x][of], cells).astype(np.int64) for x in (name, f"{name}_s")))
            out[name] = np.where(mean != _NONE, mean, out[name])
    met = np.flatnonzero(out["span"] >= 0)
    return {"pos": met // width, "slot": met % width + first, **{name: column[met] for name, column in out.items()}}


def _mean(total: NDArray[np.int64], weight: NDArray[np.int64]) -> NDArray[np.int64]:
    """Figures times their seconds by these seconds, to the nearest whole; without any, that nothing is known."""
    return np.where(weight > 0, (2 * total + weight) // np.maximum(1, 2 * weight), _NONE)


def numbered(series: Iterable[Mapping[int, str]]) -> str:
    """A table of entities with the number of the series that each is of."""
    rows = ", ".join(f"({number}, {at})" for at, ids in enumerate(series) for number in ids)
    return f"(SELECT * FROM (VALUES {rows}) v(id, number))"


def _summary(row: tuple[Any, ...], gaps: dict[Key, list[tuple[int, int]]],
             changes: dict[str, list[tuple[int, str, str]]], resets: dict[Key, int]) -> SeriesSummary:
    kind, name, place, servers, first, last, number, finest, coarsest = row
    holes = gaps.get((kind, name, place), [])
    longest = max(holes, key=lambda hole: (hole[1] - hole[0], -hole[0]), default=None)
    return SeriesSummary(
        Kind(kind), name, tuple(servers), first_s=first, last_s=last, samples=number, finest_span_s=finest,
        coarsest_span_s=coarsest, gaps=len(holes), gap_s=sum(end - begin for begin, end in holes), longest_gap=longest,
        resets=resets.get((kind, name, place), 0), changes=tuple(changes.get(name, ())) if kind == Kind.LPAR else ())


def log_of(store: Path) -> Path:
    """What DuckDB keeps beside a store until it is written into it."""
    return store.with_name(f"{store.name}.wal")


def connected(path: Path, read_only: bool, named: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that loads nothing from elsewhere and reads no other file; ``named``: what the store is called."""
    import duckdb  # start-up: who asks for no history does not wait for it

    try:
        return duckdb.connect(str(path), read_only=read_only, config={
            "enable_external_access": "false", "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false"})
    except duckdb.Error as error:
        said, path = re.sub(r"\s+", " ", str(error)), named or path
    if "set lock" in said or "different configuration" in said:
        raise refused(path, "another program, or this one, has the history open", "wait until it is done")
    if said.startswith("IO Error: Cannot open file"):
        raise refused(path, f"the file cannot be {'opened' if path.exists() else 'made'} there: "
                      f"{said.rpartition(': ')[2]}", "check the permissions, or name a file in another directory")
    raise refused(path, f"no usage history, or a damaged one: {said[:160]}",
                  "give another file, or restore it from a copy")


def _shown(instant_s: int, clock: Clock | None) -> str:
    if clock is None:
        return f"{datetime.fromtimestamp(instant_s, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{clock.local(instant_s):%Y-%m-%d %H:%M}"


def gap_finding(name: str, gaps: list[tuple[int, int]], clock: Clock | None) -> Finding:
    begin, end = max(gaps, key=lambda gap: (gap[1] - gap[0], -gap[0]))
    total = show_duration(sum(b - a for a, b in gaps))
    return Finding("history.gap", Severity.WARNING, name,
                   f"{len(gaps)} gaps, {total} in all, the longest from {_shown(begin, clock)} to {_shown(end, clock)}"
                   if len(gaps) > 1 else f"a gap of {total} from {_shown(begin, clock)} to {_shown(end, clock)}",
                   "add what was recorded then, if anything was")


def change_finding(name: str, changes: list[tuple[int, str, str]], clock: Clock | None) -> Finding:
    at, was, server = changes[0]
    if len(changes) > _MOST_CHANGES:
        return Finding("history.two-servers", Severity.WARNING, name,
                       f"seems to be on {was} and on {server} at once from {_shown(at, clock)} on",
                       "two LPARs of one name? their usage is averaged; give them different names")
    more = f", and {len(changes) - 1} more changes" if len(changes) > 1 else ""
    return Finding("history.changed-server", Severity.INFO, name,
                   f"ran on {was} and from {_shown(at, clock)} on {server}{more}",
                   "nothing to do: its usage goes with it")
