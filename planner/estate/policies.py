"""What the Policies rows mean, compiled once: who is pinned, kept apart, blacked out, which ceilings hold."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any, NamedTuple, TypeVar
from zoneinfo import available_timezones

from planner.estate.capacity import Demand
from planner.estate.consoles import consoles_of, same_console
from planner.estate.licences import (
    Counting,
    EnterprisePool,
    LicenceCeiling,
    Licensed,
    counting_from,
    known,
    most_from,
    product_of,
    running,
)
from planner.estate.model import GENERATIONS, POLICY_KINDS, Estate, Lpar, Policy, Server
from planner.formats.values import decimal_from, level, mib_from_gib, units_from_cores
from planner.names import composed, spelt

V = TypeVar("V")
_CLOCK = re.compile(
    r"^(?:(\d{4}-\d{2}-\d{2})|daily)\s+(\d{1,2}:\d{2})\s*/\s*(?:(\d{4}-\d{2}-\d{2})\s+)?(\d{1,2}:\d{2})$")


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of LPARs: keep-apart, keep-together or the nodes of a cluster."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blackout:
    """A time in which an LPAR may not be moving; ``day`` of None: every day."""

    day: dt.date | None
    start: dt.time
    end_day: dt.date | None
    end: dt.time
    text: str

    def spans(self, first: dt.datetime, last: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
        """The concrete spans that may touch [first, last]."""
        days = [self.day] if self.day else [
            first.date() + dt.timedelta(days=n) for n in range(-1, (last.date() - first.date()).days + 2)]
        windows = []
        for day in days:
            start = dt.datetime.combine(day, self.start)
            end = dt.datetime.combine(self.end_day or day, self.end)
            windows.append((start, end if end > start else end + dt.timedelta(days=1)))
        return [(a, b) for a, b in windows if a < last and first < b]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two rows that cannot both be kept for what they name, and what is done about it."""

    rows: tuple[Policy, Policy]
    names: tuple[str, ...]
    applied: str


@dataclass(slots=True)
class PolicySet:
    """The active policies of an estate in the form in which rules ask for them."""

    production_stays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """LPAR → the server that it does not leave while it runs."""
    pins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    soft_pins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """LPAR → its servers: it leaves them only when they are freed, and comes home."""
    fences: dict[str, frozenset[str]] = field(default_factory=dict)
    not_targets: dict[str, frozenset[str]] = field(default_factory=dict)
    """Server → the LPARs that it does not take in."""
    apart: list[Group] = field(default_factory=list)
    together: list[Group] = field(default_factory=list)
    clusters: list[Group] = field(default_factory=list)
    blackouts: dict[str, list[Blackout]] = field(default_factory=dict)
    priority: dict[str, int] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    production_order: str = ""
    """``first`` or ``last``: when on each way production moves; ``""``: whenever it suits."""
    cpu_ceiling: dict[str, int] = field(default_factory=dict)
    memory_ceiling: dict[str, int] = field(default_factory=dict)
    cpu_warning: dict[str, int] = field(default_factory=dict)
    memory_warning: dict[str, int] = field(default_factory=dict)
    reserve_units: dict[str, int] = field(default_factory=dict)
    reserve_mib: dict[str, int] = field(default_factory=dict)
    concurrency: dict[str, int] = field(default_factory=dict)
    console_links: set[frozenset[str]] = field(default_factory=set)
    site_links: set[frozenset[str]] = field(default_factory=set)
    ignorable_vlans: set[int] = field(default_factory=set)
    minimum_software: dict[str, str] = field(default_factory=dict)
    minimum_there: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """(product, version, generations of the target for which it is needed)."""
    refused_software: set[str] = field(default_factory=set)
    redundancy_optional: set[str] = field(default_factory=set)
    target_pool: dict[str, str] = field(default_factory=dict)
    licensed: dict[str, Licensed] = field(default_factory=dict)
    """Product → how it is licensed: as stated, or as is known of it."""
    licence_ceilings: list[LicenceCeiling] = field(default_factory=list)
    enterprise_pools: list[EnterprisePool] = field(default_factory=list)
    zone: str = ""
    """IANA name of the zone of clock times."""
    contradictions: list[Contradiction] = field(default_factory=list)

    def kept_apart(self) -> Iterator[tuple[str, Group]]:
        """The groups whose members share no server, each with the id of its rule."""
        for rule, groups in (("policy.keep-apart", self.apart), ("policy.cluster", self.clusters)):
            for group in groups:
                yield rule, group

    def tied(self) -> list[Collection[str]]:
        """LPARs whose places are not one another's matter alone: kept together, or counted over servers."""
        return [*(g.members for g in self.together), *(c.lpars for c in self.licence_ceilings if c.counts)]

    @property
    def counts_licences(self) -> bool:
        """Whether anything is counted over servers."""
        return any(c.counts for c in self.licence_ceilings)

    def limit(self, server: Server) -> Demand:
        """What a server may hold: configurable, lowered by ceiling and reserve."""
        units = server.configurable_units * self.cpu_ceiling.get(server.name, 100) // 100
        memory = server.configurable_memory_mib * self.memory_ceiling.get(server.name, 100) // 100
        return Demand(units - self.reserve_units.get(server.name, 0), memory - self.reserve_mib.get(server.name, 0))


def words(text: str) -> tuple[str, ...]:
    """``a; b, c`` → three words."""
    return tuple(w.strip() for w in text.replace(",", ";").split(";") if w.strip())


def percent_from(text: str) -> int:
    """``90``, ``90 %`` or ``0.9`` → 90; raises ValueError outside 1 to 100."""
    value = decimal_from(text.replace("%", ""))
    if "%" not in text and 0 < value <= 1:
        value *= 100
    if not 1 <= value <= 100 or value != value.to_integral_value():
        raise ValueError(f"{text!r} is not a whole percentage from 1 to 100")
    return int(value)


def blackout_from(text: str) -> Blackout:
    """``2026-12-05 22:00/23:30``, ``2026-12-05 22:00/2026-12-06 01:00`` or ``daily 22:00/23:30``."""
    match = _CLOCK.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not like '2026-12-05 22:00/23:30' or 'daily 22:00/23:30'")

    def day(value: str | None) -> dt.date | None:
        return dt.date.fromisoformat(value) if value else None

    def clock(value: str) -> dt.time:
        return dt.datetime.strptime(value, "%H:%M").time()

    return Blackout(day(match[1]), clock(match[2]), day(match[3]), clock(match[4]), text.strip())


def minimum_from(text: str) -> tuple[str, tuple[str, ...]]:
    """``6.1 TL9 SP5 on POWER8`` → that level, for targets of that generation (several with commas); ``from POWER8``:
    for that and later ones; no generation: for all. Raises ValueError for an unknown one."""
    match = re.fullmatch(r"(.*?)(?:\s+(on|from)\s+(POWER.*))?", text.strip(), re.IGNORECASE)
    named = words(match[3].upper()) if match and match[3] else ()
    for one in named:
        if one not in GENERATIONS:
            raise ValueError(f"{one!r} is no generation; one of: {', '.join(GENERATIONS)}")
    if re.search(r"\bPOWER\d", match[1] if match else text, re.IGNORECASE):
        raise ValueError("a generation stands after the version: 7.1 TL4 on POWER8, or 7.1 TL4 from POWER8")
    if match and named and match[2].casefold() == "from":
        named = GENERATIONS[min(map(GENERATIONS.index, named)):]
    return (match[1] if match else text).strip(), named


class Unmatched(ValueError):
    """A ``word`` of a policy that names nothing of the estate."""

    def __init__(self, word: str, problem: str) -> None:
        super().__init__(f"{word!r} {problem}")
        self.word = word


class RefusedPolicy(NamedTuple):
    """A policy that cannot be applied, and why; ``unmatched``: the word that matches nothing, where it is that."""

    policy: Policy
    reason: str
    unmatched: str = ""


class _Compiler:
    """Applies rows one by one; ``handlers``: kind of policy → what takes a row of it."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.out = PolicySet()
        self.by_name = {p.name: p for p in estate.lpars}
        self.lpars = list(self.by_name)
        self.servers = [s.name for s in estate.servers]
        self.servers_and_vioses = [*self.servers, *(v.name for v in estate.vioses)]
        self.stated: dict[tuple[str, str], Policy] = {}
        """(kind, name) → the row that counts for it."""
        self.redundant: dict[str, str] = {}
        self.grouped: list[tuple[Policy, Group]] = []
        self.known = {id(names): frozenset(names) for names in (self.lpars, self.servers, self.servers_and_vioses)}
        out = self.out
        self.handlers: dict[str, Callable[[Policy], Any]] = {
            "production-stays": self.production_stays, "pin": self.pin, "soft-pin": self.pin, "fence": self.fence,
            "not-a-target": self.not_a_target,
            "keep-apart": lambda p: out.apart.append(self._group(p)),
            "keep-together": lambda p: out.together.append(self._group(p)),
            "cluster": lambda p: out.clusters.append(self._group(p)),
            "blackout": self.blackout, "priority": self.priority,
            "owner": self.owner,
            "production-order": self.production_order, "concurrency": self.concurrency,
            "cpu-ceiling": lambda p: self._per_server(p, out.cpu_ceiling, percent_from(p.value), min),
            "memory-ceiling": lambda p: self._per_server(p, out.memory_ceiling, percent_from(p.value), min),
            "cpu-warning": lambda p: self._per_server(p, out.cpu_warning, percent_from(p.value), min),
            "memory-warning": lambda p: self._per_server(p, out.memory_warning, percent_from(p.value), min),
            "reserve-cores": lambda p: self._per_server(p, out.reserve_units, units_from_cores(p.value), max),
            "reserve-memory": lambda p: self._per_server(p, out.reserve_mib, mib_from_gib(p.value), max),
            "console-link": lambda p: self._links(p, out.console_links, "console"),
            "site-link": lambda p: self._links(p, out.site_links, "site"),
            "ignorable-vlan": self.ignorable_vlan, "minimum-software": self.minimum_software,
            "refused-software": self.refused_software, "redundancy": self.redundancy,
            "target-pool": self.target_pool, "time-zone": self.time_zone,
            "licence": self.licence, "licensed-servers": self.licensed_servers,
            "enterprise-pool": self.enterprise_pool}
        self.running = running(estate.lpars)
        self.counted: dict[str, tuple[Counting, int, str]] = {}

    def applied(self, rows: Iterable[Policy]) -> list[RefusedPolicy]:
        """Apply rows; those that cannot be, with the reason."""
        refused: list[RefusedPolicy] = []
        for policy in rows:
            try:
                if policy.kind not in self.handlers:
                    raise ValueError(f"unknown policy {policy.kind!r}; one of: {', '.join(POLICY_KINDS)}")
                self.handlers[policy.kind](policy)
            except (ValueError, OverflowError) as error:
                refused.append(RefusedPolicy(policy, str(error), error.word if isinstance(error, Unmatched) else ""))
        return refused

    def matching(self, text: str, among: list[str], what: str, default: str = "") -> list[str]:
        """Names that the subject's words match; ``software:X`` and ``env:X`` select LPARs by what they are,
        ``generation:X``, ``model:X``, ``site:X`` and ``console:X`` servers."""
        matches: list[str] = []
        for word in words(text) or words(default):
            if word.startswith(("software:", "env:")):
                hits = [p.name for p in self.estate.lpars if selects(word, p)]
            elif among is self.servers and word.partition(":")[0] in ("generation", "model", "site", "console"):
                kind, _, wanted = word.partition(":")
                hits = [s.name for s in self.estate.servers
                        if fnmatchcase(getattr(s, kind).casefold(), wanted.strip().casefold())]
            elif not any(c in word for c in "*?["):
                meant = word if word in self.known[id(among)] or word.isascii() else spelt(word, among)
                hits = [meant] if meant in self.known[id(among)] else []
            else:
                hits = [n for n in among if fnmatchcase(composed(n), composed(word))]
            if not hits:
                raise Unmatched(word, f"matches no {what}")
            matches += hits
        if not matches:
            raise ValueError(f"names no {what}")
        return list(dict.fromkeys(matches))

    def production_stays(self, p: Policy) -> None:
        chosen = self.matching(p.subject, self.lpars, "LPAR", "*") if self.lpars else []
        for name in chosen:
            if self.by_name[name].environment == "production":
                self.out.production_stays[name] = (self.by_name[name].server,)
                self.stated[p.kind, name] = p

    def pin(self, p: Policy) -> None:
        for name in self.matching(p.subject, self.lpars, "LPAR"):
            row = self.by_name[name]
            own = (p.kind == "soft-pin" and row.home) or row.server
            wanted = self.matching(p.value, self.servers, "server") if p.value else [own]
            into = self.out.pins if p.kind == "pin" else self.out.soft_pins
            both = tuple(s for s in into.get(name, wanted) if s in wanted)
            if not both:
                self._against(self.stated[p.kind, name], p, [name], "no server suits both: it stays where it is")
            into[name] = both
            self.stated[p.kind, name] = p

    def fence(self, p: Policy) -> None:
        allowed = frozenset(self.matching(p.value, self.servers, "server"))
        for name in self.matching(p.subject, self.lpars, "LPAR"):
            before = self.out.fences.get(name, allowed)
            if before and not before & allowed:
                self._against(self.stated[p.kind, name], p, [name], "no server suits both: it stays where it is")
            self.out.fences[name] = before & allowed
            self.stated[p.kind, name] = p

    def not_a_target(self, p: Policy) -> None:
        refused = frozenset(self.matching(p.value, self.lpars, "LPAR", "*")) if self.lpars else frozenset()
        for server in self.matching(p.subject, self.servers, "server"):
            self.out.not_targets[server] = self.out.not_targets.get(server, frozenset()) | refused

    def _against(self, before: Policy, now: Policy, names: Iterable[str], applied: str) -> None:
        """Tell two rows that contradict each other once, with all that they name."""
        contradictions = self.out.contradictions
        for n, one in enumerate(contradictions):
            if one.rows == (before, now) and one.applied == applied:
                contradictions[n] = Contradiction(one.rows, tuple(dict.fromkeys((*one.names, *names))), applied)
                return
        contradictions.append(Contradiction((before, now), tuple(names), applied))

    def _once(self, p: Policy, into: dict[str, V], names: Iterable[str], value: V, careful: Callable[[V, V], V],
              ) -> None:
        """One value for each name: a row that says which goes before one for all; of two of the same reach that
        differ, the careful value counts and both are told."""
        for name in names:
            before, counts = self.stated.get((p.kind, name)), value
            if before is not None and _says_which(before) == _says_which(p) and into[name] != value:
                counts = careful(into[name], value)
                self._against(before, p, [name], f"{(p if counts == value else before).value} counts")
            if counts == value:
                self.stated[p.kind, name] = p
            into[name] = counts

    def across(self) -> None:
        """Contradictions between rows of different kinds."""
        out = self.out
        staying = {n: servers for n, servers in out.production_stays.items() if self.by_name[n].active}
        allowed: Sequence[tuple[str, Mapping[str, Collection[str]]]] = (
            ("production-stays", staying), ("pin", out.pins), ("soft-pin", out.soft_pins), ("fence", out.fences))
        for n, (kind, first) in enumerate(allowed):
            for other, second in allowed[n + 1:]:
                for name in sorted(first.keys() & second.keys()):
                    if first[name] and second[name] and not set(first[name]) & set(second[name]):
                        self._against(self.stated[kind, name], self.stated[other, name], [name],
                                      "no server suits both: it stays where it is")
        together = [(p, g) for p, g in self.grouped if p.kind == "keep-together"]
        for p, group in self.grouped:
            self._among(p, group, together, staying)

    def _among(self, p: Policy, group: Group, together: Sequence[tuple[Policy, Group]],
               staying: Mapping[str, Collection[str]]) -> None:
        """Of a group with groups that are kept together, and with where its members have to be."""
        out = self.out
        if p.kind != "keep-together":
            for q, other_group in together:
                if len(both := sorted(set(group.members) & set(other_group.members))) > 1:
                    self._against(p, q, both, "they do not come to share a server, and where they are apart they "
                                  "do not move")
        pinned = [(m, frozenset(servers), kind) for m in group.members
                  for kind, servers in (("pin", out.pins.get(m)), ("production-stays", staying.get(m))) if servers]
        for (a, at, _), (b, there, kind) in combinations(pinned, 2):
            if a != b and ((not at & there) if p.kind == "keep-together" else (at == there and len(at) == 1)):
                self._against(p, self.stated[kind, b], [a, b], "they do not move")

    def _group(self, p: Policy) -> Group:
        members = tuple(sorted(self.matching(p.value, self.lpars, "LPAR")))
        if len(members) < 2:
            raise ValueError("needs at least two LPARs in Value")
        group = Group(p.subject or "unnamed", members)
        self.grouped.append((p, group))
        return group

    def blackout(self, p: Policy) -> None:
        span = blackout_from(p.value)
        for name in self.matching(p.subject, self.lpars, "LPAR"):
            self.out.blackouts.setdefault(name, []).append(span)

    def priority(self, p: Policy) -> None:
        self._once(p, self.out.priority, self.matching(p.subject, self.lpars, "LPAR"), int(decimal_from(p.value)), min)

    def owner(self, p: Policy) -> None:
        if not p.value.strip():
            raise ValueError("names nobody")
        self._once(p, self.out.owners, self.matching(p.subject, self.lpars, "LPAR"), p.value.strip(),
                   lambda first, _: first)

    def production_order(self, p: Policy) -> None:
        if p.value not in ("first", "last"):
            raise ValueError(f"value {p.value!r} is neither 'first' nor 'last'")
        self._one(p, "production_order", p.value, "the order of production")

    def _per_server(self, p: Policy, into: dict[str, int], value: int, careful: Callable[[int, int], int]) -> None:
        if value < 0:
            raise ValueError(f"{p.value!r} is below 0")
        self._once(p, into, self.matching(p.subject, self.servers, "server", "*"), value, careful)

    def concurrency(self, p: Policy) -> None:
        limit = int(decimal_from(p.value))
        if limit < 1:
            raise ValueError("a concurrency below 1 allows no move at all")
        self._once(p, self.out.concurrency, self.matching(p.subject, self.servers_and_vioses, "server or VIOS", "*"),
                   limit, min)

    def _links(self, p: Policy, into: set[frozenset[str]], what: str) -> None:
        known = {name for s in self.estate.servers for name in (consoles_of(s) if what == "console" else (s.site,))}
        pairs = [(a, b) for a in words(p.subject) for b in words(p.value)]
        if not pairs:
            raise ValueError(f"needs a {what} in Subject and in Value")
        for word in {w for pair in pairs for w in pair}:
            if word not in known and not (what == "console" and any(same_console(word, one) for one in known)):
                raise Unmatched(word, f"is no {what} of this estate")
        into.update(frozenset(pair) for pair in pairs)

    def ignorable_vlan(self, p: Policy) -> None:
        chosen = words(f"{p.subject};{p.value}")
        if not chosen:
            raise ValueError("names no VLAN")
        self.out.ignorable_vlans.update(int(decimal_from(w)) for w in chosen)

    def minimum_software(self, p: Policy) -> None:
        named = p.subject or "".join(re.findall(r"^\D*[^\d\s](?=\s+v?\d)", p.value))
        if not named or not p.value:
            raise ValueError("needs a product in Subject and a version in Value")
        version, generations = minimum_from(p.value)
        products = self._products(named)
        if generations:
            self.out.minimum_there += [(product, version, generations) for product in products]
        else:
            self._once(p, self.out.minimum_software, products, version, lambda a, b: max(a, b, key=level))

    def refused_software(self, p: Policy) -> None:
        self.out.refused_software.update(self._products(f"{p.subject};{p.value}"))

    def _products(self, text: str) -> list[str]:
        """Software texts, products and systems of the estate that the words match."""
        return self._named(text, {s for p in self.estate.lpars for s in (
            *p.software, *(product_of(x) for x in p.software), p.os) if s})

    def _named(self, text: str, among: Iterable[str]) -> list[str]:
        """Those of these products that the words match."""
        products: list[str] = []
        for word in words(text):
            hits = sorted(k for k in among if fnmatchcase(k.casefold(), word.casefold()))
            if not hits:
                raise Unmatched(word, "matches nothing that runs in an LPAR of this estate")
            products += hits
        if not products:
            raise ValueError("names no product")
        return products

    def redundancy(self, p: Policy) -> None:
        if p.value not in ("must", "if-possible"):
            raise ValueError(f"value {p.value!r} is neither 'must' nor 'if-possible'")
        self._once(p, self.redundant, self.matching(p.subject, self.lpars, "LPAR", "*"), p.value, max)
        self.out.redundancy_optional = {n for n, word in self.redundant.items() if word == "if-possible"}

    def time_zone(self, p: Policy) -> None:
        zone = p.value.strip() or p.subject.strip()
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is no time zone such as Europe/Berlin")
        self._one(p, "zone", zone, "clock times")

    def _one(self, p: Policy, name: str, value: str, what: str) -> None:
        """What is stated once for the whole estate."""
        known = getattr(self.out, name)
        if known and known != value:
            self._against(self.stated[p.kind, ""], p, [what], f"{known} counts")
            return
        setattr(self.out, name, value)
        self.stated[p.kind, ""] = p

    def target_pool(self, p: Policy) -> None:
        if not p.value:
            raise ValueError("names no pool in Value")
        self._once(p, self.out.target_pool, self.matching(p.subject, self.lpars, "LPAR"), p.value.strip(),
                   lambda a, b: a)


    def licence(self, p: Policy) -> None:
        self._once(p, self.counted, self._named(p.subject, self.running), counting_from(p.value),
                   lambda a, b: max(a, b, key=lambda x: [*_COUNTED].index(x[0])))

    def enterprise_pool(self, p: Policy) -> None:
        counts = dict(most for word in words(p.value) if (most := most_from(word)))
        named = "; ".join(word for word in words(p.value) if not most_from(word))
        if set(counts) != {"core"}:
            raise ValueError("states no base in Value, like '40 cores' behind its servers")
        servers = tuple(sorted(self.matching(named, self.servers, "server")))
        known = {s: pool.name for pool in self.out.enterprise_pools for s in pool.servers}
        if twice := [s for s in servers if s in known]:
            raise ValueError(f"{twice[0]} is of the enterprise pool {known[twice[0]]!r} already")
        self.out.enterprise_pools.append(EnterprisePool(p.subject or "unnamed", servers, counts["core"]))

    def licensing(self) -> None:
        """How everything that runs is licensed, once all rows that state it are read."""
        for product, lpars in self.running.items():
            counting = self.counted.get(product)
            found = known(product, lpars) if counting is None else Licensed(
                product, counting[0], lpars, *counting[1:], stated=True)
            if found is not None:
                self.out.licensed[product] = found

    def licensed_servers(self, p: Policy) -> None:
        products = self._named(p.subject, self.running)
        counts = {most[0]: most[1] for word in words(p.value) if (most := most_from(word))}
        named = "; ".join(word for word in words(p.value) if not most_from(word))
        by_core = tuple(one for x in products if (one := self.out.licensed.get(x)) and one.by_core)
        if not counts and not named:
            raise ValueError("names neither servers nor how many of them, or of licence cores, there may be")
        if "core" in counts and len(by_core) < len(products):
            raise ValueError("not every product that it names is counted by the core: say how with the policy licence")
        self.out.licence_ceilings.append(LicenceCeiling(
            p.subject, frozenset().union(*(self.running[x] for x in products)), by_core,
            frozenset(self.matching(named, self.servers, "server")) if named else None,
            counts.get("server"), counts.get("core")))


_COUNTED = (Counting.NOT_BY_CORE, Counting.SUB_CAPACITY, Counting.CAPPED_ONLY, Counting.FULL_CAPACITY)
"""From the fewest cores to the most."""


def _says_which(policy: Policy) -> bool:
    """Whether a row names its subjects rather than all of them."""
    return bool(policy.subject) and "*" not in policy.subject


def selects(word: str, lpar: Lpar) -> bool:
    """Whether ``env:production``, ``software:SAP`` or a name with wildcards selects an LPAR."""
    kind, _, wanted = word.partition(":")
    if kind == "env" and wanted:
        return lpar.environment.casefold() == wanted.casefold()
    if kind == "software" and wanted:
        return any(s.casefold().startswith(wanted.casefold()) for s in lpar.software)
    return fnmatchcase(lpar.name, word)


def compile_policies(estate: Estate) -> tuple[PolicySet, tuple[RefusedPolicy, ...]]:
    """The policy set, and each row that could not be applied with the reason."""
    compiler = _Compiler(estate)
    rows = sorted((p for p in estate.policies if p.active), key=_says_which)
    refused = compiler.applied(p for p in rows if p.kind != "licensed-servers")
    compiler.licensing()
    refused += compiler.applied(p for p in rows if p.kind == "licensed-servers")
    compiler.across()
    return compiler.out, tuple(refused)


def owners(estate: Estate) -> dict[str, str]:
    """LPAR → whom to ask about it, where that is stated: in its row, else by a policy."""
    by_policy = compile_policies(estate)[0].owners if any(p.kind == "owner" for p in estate.policies) else {}
    return {p.name: who for p in estate.lpars if (who := p.owner or by_policy.get(p.name, ""))}


def exempted(estate: Estate, policy: Policy, names: Collection[str]) -> Iterator[Policy]:
    """A row as it is when it holds no more for these names: of what it names one by one those that are left, none where
    nothing is left; a row that cannot be applied stays."""
    compiler = _Compiler(estate)
    among, what = (compiler.servers, "server") if policy.kind in _OF_SERVERS else (compiler.lpars, "LPAR")
    try:
        found = compiler.matching(policy.subject, among, what, "*") if policy.active and names else []
    except ValueError:
        found = []
    left = [n for n in found if n not in names]
    if len(left) == len(found):
        yield policy
    elif left:
        yield replace(policy, subject="; ".join(left))


_OF_SERVERS = ("not-a-target", "cpu-ceiling", "memory-ceiling", "reserve-cores", "reserve-memory")
