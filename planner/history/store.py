"""The store: one DuckDB file with all samples. Adding is idempotent, whole or not at all, and blind to order.

Samples of the same entity, instant and span are one sample: of each figure the larger one counts, of the sources the
one with the smaller digest. Counters are kept as they were read and turned into usage from neighbour to neighbour,
however the files that hold them are cut. Nothing that :class:`History` answers depends on internal numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from planner.errors import InputError
from planner.files import alone, beside, clear, put, remove
from planner.findings import Finding, Severity, Source, errors, ordered
from planner.formats.open import Document
from planner.formats.samples import MOST_SPAN_S, SERIAL, Context, Count, Extract, Kind, Sample, server_of_serial
from planner.history.clock import Clock
from planner.history.contents import Contents, Key, change_finding, connected, gap_finding, log_of, refused
from planner.history.sources import TOO_COARSE, extract, has_lparstat, settings_of

FORMAT = "planner-history"
VERSION = "1"
_MOST_THOUSANDTHS = 4_096_000
_NONE = -1
_MOST_HELD = 500_000  # rows, before they are merged
_SCHEMA = """
CREATE TABLE meta(key VARCHAR, value VARCHAR);
CREATE TABLE entity(id INTEGER, kind VARCHAR, name VARCHAR, server VARCHAR);
CREATE TABLE source(id INTEGER, digest VARCHAR, name VARCHAR, settings VARCHAR, stated BIGINT);
CREATE TABLE sample(entity INTEGER, t BIGINT, span INTEGER, physc INTEGER, ent INTEGER, mem_used INTEGER,
                    mem_total INTEGER, source INTEGER);
CREATE TABLE counter(entity INTEGER, t BIGINT, passed UBIGINT, used UBIGINT, ent INTEGER, mem_used INTEGER,
                     mem_total INTEGER, source INTEGER);
CREATE TABLE derived(entity INTEGER, t BIGINT, span INTEGER, physc INTEGER, ent INTEGER, mem_used INTEGER,
                     mem_total INTEGER, source INTEGER);
CREATE TABLE reset(entity INTEGER, t BIGINT);
CREATE VIEW usage AS SELECT * FROM sample UNION ALL SELECT * FROM derived;
"""
_ENTITY_KEY = {"sample": "entity, t, span", "counter": "entity, t"}
_FIGURES = {"sample": ("physc", "ent", "mem_used", "mem_total"),
            "counter": ("passed", "used", "ent", "mem_used", "mem_total")}


_IN_FILE = "forgotten"
"""Of meta: samples were forgotten, and the file was not written anew since."""


@dataclass(frozen=True, slots=True)
class AddReport:
    """What adding did. ``added``: samples and counters that are new; ``known``: those that were there already;
    ``changed``: those of which another source now states more or a larger figure."""

    files: int
    added: int
    known: int
    changed: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What was forgotten: samples and counters (``rows``), and the entities and sources of which nothing is left."""

    rows: int
    entities: int
    sources: int


@dataclass(slots=True)
class Columns:
    """Rows to be added, column by column; -1 stands for what a source does not state."""

    table: str
    entities: list[tuple[str, str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def sources(self, number: int) -> None:
        """Give the source to all rows that have none yet."""
        listed = self.values.setdefault("source", [])
        listed.extend([number] * (len(self.entities) - len(listed)))


def _append(columns: Columns, row: Sample | Count) -> None:
    if isinstance(row, Sample):
        first: tuple[int | None, ...] = (row.end_s, row.span_s, row.physc)
    else:
        first = (row.at_s, row.time_cycles, row.used_cycles)
    columns.entities.append((row.kind.value, row.name, row.server))
    values = (*first, row.entitlement, row.memory_used_mib, row.memory_total_mib)
    for name, value in zip(_columns_of(columns.table), values, strict=True):
        columns.values[name].append(_NONE if value is None else value)


def _columns_of(table: str) -> tuple[str, ...]:
    return *_ENTITY_KEY[table].split(", ")[1:], *_FIGURES[table]


def _no_batches() -> dict[str, Columns]:
    return {table: Columns(table, [], {name: [] for name in _columns_of(table)}) for table in _FIGURES}


@dataclass(slots=True)
class _Adding:
    """One call of :meth:`History.add` while it goes on. ``times`` holds the first and the last instant."""

    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    batches: dict[str, Columns] = field(default_factory=_no_batches)
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    keys: set[tuple[str, str]] = field(default_factory=set)
    times: tuple[int, ...] = ()
    started: dict[str, Document] = field(default_factory=dict)
    stopped: bool = False

    def say(self, findings: Iterable[Finding]) -> None:
        """Keep findings; from one that stands in the way on, nothing more is held."""
        listed = list(findings)
        self.findings += listed
        self.stopped = self.stopped or any(f.rule.startswith("history.") for f in errors(listed))

    def take(self, rows: Sequence[Sample | Count], number: int) -> None:
        """Hold these rows of a source."""
        for row in rows:
            _append(self.batches["sample" if isinstance(row, Sample) else "counter"], row)
        for columns in self.batches.values():
            columns.sources(number)
        ends = [*self.times, *(row.end_s if isinstance(row, Sample) else row.at_s for row in rows)]
        self.times = min(ends), max(ends)
        self.keys |= {(row.kind.value, row.name) for row in rows}

    def started_twice(self, source: Document, names: set[str]) -> list[Finding]:
        """Two runs of ``lparstat`` on one LPAR cannot begin at the one start that was given."""
        other = {name: self.started.setdefault(name, source) for name in sorted(names)}
        return [Finding("history.no-clock", Severity.ERROR, name, f"{source.name} and {first.name} are both of "
                        f"{name}, and both would begin at the start that was given", "add them one at a time",
                        Source(source.name)) for name, first in other.items() if first.digest != source.digest]


@contextmanager
def _made_beside(place: Path) -> Iterator[Path]:
    """A name for a store that is made beside its place, while no other command writes there; nothing is left of it."""
    new = beside(place.parent)
    try:
        with alone(place.parent):
            yield new
    finally:
        for left in (new, log_of(new)):
            remove(left)


def _whole(path: Path, new: Path) -> None:
    """That a store made beside ``path`` has all in it, and nothing in its log; raises InputError."""
    if log_of(new).exists():
        raise refused(path, "cannot be written", "make room on the disk, or look whether it is broken")


def _put_new(path: Path) -> None:
    """A store without samples in its place, whole, where there is none; what killed commands left beside it is taken
    away. Raises InputError."""
    place = Path(os.path.realpath(path))
    try:
        if path.exists():
            clear(place.parent)
            return
        with _made_beside(place) as new:
            history = History(path, connected(new, read_only=False, named=path))
            try:
                with history._mapped():
                    history._check_or_make(read_only=False)
            finally:
                history.close()
            _whole(path, new)
            with suppress(FileExistsError):
                put(new, place)
    except OSError as error:
        raise refused(path, f"the file cannot be made there: {error.strerror or error}",
                      "check the permissions, or name a file in another directory") from None


class History(Contents):
    """A store of usage. Open it with :meth:`open`; use it in a ``with`` statement or call :meth:`close`."""

    @staticmethod
    def open(path: Path, *, read_only: bool = False) -> History:
        """Open a store; a new one is made unless ``read_only``. Raises InputError for any file that is none."""
        if path.is_dir() or not path.parent.is_dir():
            raise refused(path, "is a directory" if path.is_dir() else "its directory does not exist",
                          "name a file in a directory that exists")
        if path.exists() and not path.is_file():
            raise refused(path, "a pipe or a device", "give a file")
        if not path.exists() and read_only:
            raise refused(path, "no such history", "make it with: planner history add SOURCE --store FILE")
        if not read_only:
            _put_new(path)
        history = History(path, connected(path, read_only))
        try:
            with history._mapped():
                history._check_or_make(read_only)
        except BaseException:
            history.close()
            raise
        return history

    def _check_or_make(self, read_only: bool) -> None:
        tables = {name for (name,) in self._db.execute(
            "SELECT table_name FROM information_schema.tables").fetchall()}
        if not tables and not read_only:
            with self._transaction():
                self._db.execute(_SCHEMA)
                self._set("format", FORMAT)
                self._set("version", VERSION)
        elif "meta" not in tables or self._get("format") != FORMAT:
            raise refused(self.path, "a DuckDB database, but no usage history", "give another file")
        elif self._get("version") != VERSION:
            raise refused(self.path, f"a usage history of version {self._get('version')}; this program reads {VERSION}",
                          "add the sources to a new file, or use the release that made it")

    @contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[None]:
        """All or nothing of what is done in it; not ``keep``: nothing in any case."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT" if keep else "ROLLBACK")

    def _set(self, key: str, value: str) -> None:
        self._db.execute("DELETE FROM meta WHERE key = ?", [key])
        self._db.execute("INSERT INTO meta VALUES (?, ?)", [key, value])

    # --- adding -------------------------------------------------------------------------------------------------------

    def add(self, sources: Iterable[Document], zone: str | None = None, *, start: datetime | None = None,
            interval_s: int | None = None, lpar: str = "", servers: Mapping[str, str] | None = None,
            force_zone: bool = False) -> AddReport:
        """Add all usage in these files, in one transaction: when this returns, it will survive a crash.

        ``zone`` (IANA) is asked for once, when the first source with local times comes, and kept. Another one later is
        refused, unless ``force_zone``: then it holds for these sources alone. ``start``, ``interval_s`` and ``lpar``
        are for ``lparstat``, whose rows have no clock; ``servers`` gives names for serial numbers, which are kept: what
        stands under a serial number goes to the named server, now and later. Raises InputError with everything that
        stands in the way, and then nothing is added.
        """
        with self._mapped():
            clock = self._clock_for(zone, force_zone)
            adding = _Adding()
            with self._transaction():
                context = Context(clock, start, interval_s, lpar, self._learn(servers or {}, adding))
                for source in sources:
                    adding.files += 1
                    self._stage(extract(source, context), source, context, adding)
                    self._flush(adding, _MOST_HELD)
                if stopping := _stopping(adding.findings, bool(adding.times)):
                    raise InputError(ordered(stopping))
                if clock and not self._get("zone"):
                    self._set("zone", clock.name)
                self._flush(adding, 1)
                adding.findings += self._series_findings(adding, clock)
        added, known, changed = adding.counts
        return AddReport(adding.files, added, known, changed, ordered(adding.findings))

    def add_columns(self, columns: Columns, name: str, digest: str, zone: str | None = None) -> AddReport:
        """Add rows that stand in columns (numpy arrays or lists) already; for programs that make their own."""
        with self._mapped(), self._transaction():
            clock = self._clock_for(zone, force=False)
            if clock and not self._get("zone"):
                self._set("zone", clock.name)
            columns.sources(self._source(name, digest, "", len(columns.entities)))
            added, known, changed = self._merge(columns)
        return AddReport(1, added, known, changed, ())

    def _learn(self, servers: Mapping[str, str], adding: _Adding) -> dict[str, str]:
        """Keep these names of serial numbers, give them to what is there without a name; all that are known."""
        known: dict[str, str] = dict(self._db.execute(
            "SELECT key, value FROM meta WHERE starts_with(key, ?)", [SERIAL]).fetchall())
        for serial, name in sorted(servers.items()):
            was = known.setdefault(SERIAL + serial, name)
            if was == name:
                self._set(SERIAL + serial, name)
            else:
                adding.say([Finding(
                    "history.server-name", Severity.WARNING, name, f"serial number {serial} is {was} in this history: "
                    f"what nmon recorded there stays under {was}",
                    "correct the name in the estate, or make a new history of the sources")])
        names = {key.removeprefix(SERIAL): name for key, name in known.items()}
        adding.say(self._named(names))
        return names

    def _named(self, servers: Mapping[str, str]) -> list[Finding]:
        """Samples that stand under a serial number go to the server of that name, each once."""
        said: dict[tuple[str, str], None] = {}
        for number, kind, name, server in self._db.execute(
                "SELECT id, kind, name, server FROM entity WHERE starts_with(server, ?) ORDER BY server, kind, name",
                [SERIAL]).fetchall():
            named = server_of_serial(server.removeprefix(SERIAL), servers)
            if named != server:
                self._rename(number, (kind, name, named))
                said[server, named] = None
        return [Finding("history.server-named", Severity.INFO, named, f"what stood under {server} is of this server",
                        "nothing to do") for server, named in said]

    def _rename(self, number: int, key: Key) -> None:
        """Let an entity be another; where that one has samples already, those of the same instant become one."""
        there = self._db.execute("SELECT id FROM entity WHERE kind = ? AND name = ? AND server = ?", key).fetchone()
        if there is None:
            self._db.execute("UPDATE entity SET server = ? WHERE id = ?", [key[2], number])
            return
        for table in ("derived", "reset"):
            self._db.execute(f"DELETE FROM {table} WHERE entity = {number}")
        for table in _FIGURES:
            self._db.execute(f"CREATE TEMP TABLE incoming AS SELECT * REPLACE ({there[0]}::INTEGER AS entity) "
                             f"FROM {table} WHERE entity = {number}")
            self._db.execute(f"DELETE FROM {table} WHERE entity = {number}")
            self._settle(table)
        self._db.execute("DELETE FROM entity WHERE id = ?", [number])

    def _clock_for(self, zone: str | None, force: bool) -> Clock | None:
        stored = self._get("zone")
        if zone and stored and zone != stored and not force:
            raise refused(self.path, f"the history's zone is {stored}, and {zone} is given",
                          "leave the zone out, or force it for sources that come from another zone", "history.zone")
        name = zone or stored
        return Clock(name) if name else None

    def _stage(self, extracted: Extract, source: Document, context: Context, adding: _Adding) -> None:
        """Put what a file says with what is to be merged, unless something in it stands in the way."""
        rows: list[Sample | Count] = [*extracted.samples, *extracted.counts]
        adding.say(extracted.findings)
        clockless = has_lparstat(source)
        settings = settings_of(context, extracted.local, clockless)
        known = self._db.execute("SELECT settings FROM source WHERE digest = ?", [source.digest]).fetchone()
        if rows and known and known[0] != settings:
            adding.say([Finding(
                "history.other-settings", Severity.ERROR, source.name, "this file was added before with another zone, "
                f"start, interval or LPAR: {str(known[0]).strip('|') or 'none'}", "give the same ones",
                Source(source.name))])
        if clockless:
            adding.say(adding.started_twice(source, {row.name for row in rows}))
        if not rows or adding.stopped:
            return
        number = self._source(source.name, source.digest, settings, len(rows))
        adding.take(rows, number)

    def _flush(self, adding: _Adding, least: int) -> None:
        """Merge what is held if it is that much."""
        if sum(len(columns.entities) for columns in adding.batches.values()) < least:
            return
        for columns in adding.batches.values():
            if columns.entities:
                merged = self._merge(columns)
                adding.counts = [one + more for one, more in zip(adding.counts, merged, strict=True)]
        adding.batches = _no_batches()

    def _source(self, name: str, digest: str, settings: str, stated: int) -> int:
        """The number of a source; of the names that the same bytes came under, the first in order is kept."""
        row = self._db.execute("SELECT id FROM source WHERE digest = ?", [digest]).fetchone()
        if row:
            self._db.execute("UPDATE source SET name = ? WHERE id = ? AND name > ?", [name, row[0], name])
            return int(row[0])
        number = int(self._db.execute("SELECT coalesce(max(id), -1) + 1 FROM source").fetchall()[0][0])
        self._db.execute("INSERT INTO source VALUES (?, ?, ?, ?, ?)", [number, digest, name, settings, stated])
        return number

    def _entities(self, keys: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
        known = {(kind, name, server): number for number, kind, name, server in
                 self._db.execute("SELECT id, kind, name, server FROM entity").fetchall()}
        new = sorted(set(keys) - known.keys())
        for number, key in enumerate(new, max(known.values(), default=-1) + 1):
            self._db.execute("INSERT INTO entity VALUES (?, ?, ?, ?)", [number, *key])
            known[key] = number
        return known

    def _merge(self, columns: Columns) -> tuple[int, int, int]:
        """Rows in, each once. Returns how many were new, known, changed."""
        key, figures = _ENTITY_KEY[columns.table], _FIGURES[columns.table]
        numbers = self._entities(dict.fromkeys(columns.entities))
        batch: dict[str, Any] = {"entity": np.array([numbers[one] for one in columns.entities], dtype=np.int32)}
        for name, values in columns.values.items():
            batch[name] = np.asarray(values, dtype=np.uint64 if name in ("passed", "used") else np.int64)
        self._db.register("batch", batch)
        stated = ", ".join(f"nullif({name}, -1) AS {name}" if name not in ("passed", "used") else name
                           for name in figures)
        once = _once(columns.table, f"(SELECT {key}, {stated}, source FROM batch)")
        self._db.execute(f"CREATE TEMP TABLE incoming AS {once}")
        self._db.unregister("batch")
        return self._settle(columns.table)

    def _settle(self, table: str) -> tuple[int, int, int]:
        """Take the rows of ``incoming`` into a table and drop it. Returns how many were new, known, changed."""
        key = _ENTITY_KEY[table]
        low, high = self._one("SELECT coalesce(min(t), 0), coalesce(max(t), 0) FROM incoming")
        self._db.execute(f"CREATE TEMP TABLE standing AS SELECT rowid AS row_id, r.* FROM {table} r "
                         f"SEMI JOIN incoming USING ({key}) WHERE r.t BETWEEN {low} AND {high}")
        self._db.execute(f"INSERT INTO {table} SELECT * FROM incoming ANTI JOIN standing USING ({key}) ORDER BY {key}")
        both = _once(table, "(SELECT * EXCLUDE (row_id) FROM standing UNION ALL SELECT * FROM incoming SEMI JOIN "
                            f"standing USING ({key}))")
        self._db.execute(f"CREATE TEMP TABLE changed AS {both} EXCEPT SELECT * EXCLUDE (row_id) FROM standing")
        self._db.execute(f"DELETE FROM {table} WHERE t BETWEEN {low} AND {high} AND rowid IN "
                         f"(SELECT row_id FROM standing SEMI JOIN changed USING ({key}))")
        self._db.execute(f"INSERT INTO {table} SELECT * FROM changed ORDER BY {key}")
        counted = self._one("SELECT (SELECT count(*) FROM incoming), (SELECT count(*) FROM standing), "
                            "(SELECT count(*) FROM changed)")
        if table == "counter":
            self._derive()
        self._db.execute("DROP TABLE incoming; DROP TABLE standing; DROP TABLE changed")
        return counted[0] - counted[1], counted[1] - counted[2], counted[2]

    def _derive(self) -> None:
        """Usage between neighbouring counters, anew from the counter before the incoming ones to the one after."""
        self._db.execute("""
            CREATE TEMP TABLE touched AS
            SELECT b.entity, b.low, coalesce((SELECT max(t) FROM counter c WHERE c.entity = b.entity AND c.t < b.low),
                                             b.low) AS before,
                   coalesce((SELECT min(t) FROM counter c WHERE c.entity = b.entity AND c.t > b.high), b.high) AS after
            FROM (SELECT entity, min(t) AS low, max(t) AS high FROM incoming GROUP BY entity) b""")
        for table in ("derived", "reset"):
            self._db.execute(f"DELETE FROM {table} AS d USING touched x "
                             "WHERE d.entity = x.entity AND d.t BETWEEN x.low AND x.after")
        self._db.execute("""
            CREATE TEMP TABLE step AS
            SELECT c.*, c.t - lag(c.t) OVER w AS span, c.passed::HUGEINT - lag(c.passed) OVER w AS dt,
                   c.used::HUGEINT - lag(c.used) OVER w AS du
            FROM counter c JOIN touched x ON x.entity = c.entity AND c.t BETWEEN x.before AND x.after
            WINDOW w AS (PARTITION BY c.entity ORDER BY c.t)""")
        sound = f"dt > 0 AND du >= 0 AND (2000 * du + dt) // (2 * dt) <= {_MOST_THOUSANDTHS}"
        self._db.execute(f"INSERT INTO derived SELECT entity, t, span, (2000 * du + dt) // (2 * dt), ent, mem_used, "
                         f"mem_total, source FROM step WHERE span <= {MOST_SPAN_S} AND {sound} ORDER BY entity, t")
        self._db.execute(f"INSERT INTO reset SELECT entity, t FROM step WHERE span IS NOT NULL AND NOT ({sound}) "
                         "ORDER BY entity, t")
        self._db.execute("DROP TABLE touched; DROP TABLE step")

    # --- forgetting ---------------------------------------------------------------------------------------------------

    def forget(self, lpars: Sequence[str] = (), server: str = "", since_s: int | None = None,
               before_s: int | None = None, *, dry: bool = False) -> ForgetReport:
        """Take samples out that all of this is true of: of these LPARs, on this server, begun at ``since_s`` or later
        and ended at ``before_s`` or earlier (UTC seconds). What stays is as if they had never been added; the file
        keeps its size, and what it held, until it is written anew (:meth:`compact`).

        ``dry`` counts alone. Raises ValueError when nothing says which.
        """
        if not lpars and not server and since_s is None and before_s is None:
            raise ValueError("which samples: of these LPARs, on this server, since or before an instant")
        with self._mapped(), self._transaction(keep=not dry):
            listed = sorted(number for (kind, name, _), ids in self._series().items() for number, on in ids.items()
                            if (not lpars or (kind == Kind.LPAR and name in lpars)) and (not server or on == server))
            report = self._forget(listed, since_s, before_s)
            if report.rows:
                self._set(_IN_FILE, "they are in the file until it is written anew")
            return report

    @property
    def unfinished(self) -> bool:
        """Whether the file may still hold what was forgotten: it was not written anew since."""
        with self._mapped():
            return bool(self._get(_IN_FILE))

    def _forget(self, entities: Sequence[int], since_s: int | None, before_s: int | None) -> ForgetReport:
        ids = ", ".join(map(str, entities)) or "NULL"
        rows, sources = 0, self._one("SELECT count(*) FROM source")[0]
        held = "SELECT entity, source FROM sample UNION ALL SELECT entity, source FROM counter"
        self._db.execute("CREATE TEMP TABLE unused AS SELECT id FROM source WHERE id NOT IN "
                         f"(SELECT source FROM ({held}))")
        for table, begun in (("sample", "t - span"), ("counter", "t")):
            chosen = " AND ".join([f"entity IN ({ids})", *([] if since_s is None else [f"{begun} >= {since_s}"]),
                                   *([] if before_s is None else [f"t <= {before_s}"])])
            self._db.execute(f"CREATE TEMP TABLE incoming AS SELECT * FROM {table} WHERE {chosen}")
            rows += self._one("SELECT count(*) FROM incoming")[0]
            self._db.execute(f"DELETE FROM {table} WHERE {chosen}")
            if table == "counter":
                self._derive()
            self._db.execute("DROP TABLE incoming")
        self._db.execute(f"DELETE FROM source WHERE id NOT IN (SELECT source FROM ({held})) "
                         "AND id NOT IN (SELECT id FROM unused)")
        gone = self._one(f"SELECT count(*) FROM entity WHERE id IN ({ids}) AND id NOT IN (SELECT entity FROM ({held}))")
        self._db.execute(f"DELETE FROM entity WHERE id IN ({ids}) AND id NOT IN (SELECT entity FROM ({held}))")
        self._db.execute("DROP TABLE unused")
        return ForgetReport(rows, gone[0], sources - self._one("SELECT count(*) FROM source")[0])

    def compact(self) -> None:
        """Close the store and write its file anew without what was forgotten: whole or not at all. Raises InputError
        when it cannot be written."""
        import duckdb  # start-up: as for :meth:`_mapped`

        self.close()
        place = Path(os.path.realpath(self.path))
        still = "samples are forgotten, but still in the file's unused part; make room beside it"
        try:
            with _made_beside(place) as new, self._mapped(), duckdb.connect() as both:
                both.execute(f"ATTACH {_quoted(self.path)} AS was (READ_ONLY)")
                if (log := log_of(place)).exists():  # of the old file: read after the new one it would destroy that
                    raise refused(self.path, f"cannot be written anew: what is in {log.name} could not be written into "
                                  "it", f"{still}, and keep both files: the next command takes it in")
                both.execute(f"ATTACH {_quoted(new)} AS anew")
                both.execute("COPY FROM DATABASE was TO anew")
                both.execute(f"DELETE FROM anew.meta WHERE key = '{_IN_FILE}'")
                both.execute("DETACH anew")
                _whole(self.path, new)
                new.replace(place)  # while nobody else can write the old one
        except OSError as error:
            raise refused(self.path, f"cannot be written anew: {error.strerror or error}", still) from None

    # --- what to say of it --------------------------------------------------------------------------------------------

    def _series_findings(self, adding: _Adding, clock: Clock | None) -> list[Finding]:
        """Gaps, resets and changes of server in and around what was just added."""
        series = {key: ids for key, ids in self._series().items() if key[:2] in adding.keys}
        low, high = self._around(series, min(adding.times), max(adding.times))
        findings = [gap_finding(name, gaps, clock) for (_, name, _), gaps in self._gaps(series, low, high).items()]
        findings += [change_finding(name, one, clock) for name, one in self._changes(series, low, high).items()]
        findings += [Finding("history.reset", Severity.INFO, name, f"its counters were reset {number} times",
                             "the interval across a reset is left out: the LPAR was activated or moved there")
                     for (_, name, _), number in self._resets(series, low, high).items()]
        return [*findings, *self._lone_counts(series)]

    def _lone_counts(self, series: Mapping[Key, Mapping[int, str]]) -> list[Finding]:
        """Counters that have no neighbour yet say nothing of usage."""
        lone = {number for (number,) in self._db.execute(
            "SELECT entity FROM counter GROUP BY entity HAVING count(*) = 1").fetchall()}
        return [Finding("history.one-count", Severity.INFO, name, "one reading of its counters: no usage yet",
                        "add the readings before or after it")
                for (_, name, _), ids in series.items() if lone & ids.keys()]


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _once(table: str, rows: str) -> str:
    """A query of these rows, those of the same entity, instant and span as one."""
    key = _ENTITY_KEY[table].replace("entity, t", "r.entity, r.t").replace("span", "r.span")
    merged = ", ".join(f"max(r.{name}) AS {name}" for name in _FIGURES[table])
    return (f"SELECT {key}, {merged}, arg_min(r.source, s.digest) AS source FROM {rows} r "
            f"JOIN source s ON s.id = r.source GROUP BY {key}")


def _stopping(findings: list[Finding], useful: bool) -> list[Finding]:
    """What stands in the way of adding: a question that has no answer yet, or sources without any usage."""
    said = [f for f in errors(findings) if f.rule.startswith("history.")]
    if said or useful:
        return said
    return [Finding("history.no-usage", Severity.ERROR, "sources", "no usage in any of these sources",
                    "give nmon recordings, lparstat with an interval, lslparutil, HMC Scanner or a mapped table"),
            *(f for f in findings if f.severity is not Severity.INFO or f.rule == TOO_COARSE)]
