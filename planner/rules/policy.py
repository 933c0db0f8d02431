"""Rules that people state: who stays, who goes where, who is kept apart or together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from planner.estate.changes import Exempt, Repair, without_policy
from planner.estate.licence_counts import ceiling_count
from planner.estate.policies import Group
from planner.findings import Severity
from planner.grouping import grouped
from planner.rules.base import ANYHOW, MIGRATIONS, Alternatives, Breach, Hold, Lifts, On, Scope, any_of, rule
from planner.rules.licences import ceiling_allows
from planner.rules.site import Site

Where = Mapping[str, Sequence[str]]


def _exempted(kind: str, policy: str, words: str) -> Lifts:
    """A policy holds no more for the LPAR."""
    def lifts(site: Site, lpar: str, *pair: str) -> Iterator[Alternatives]:
        yield any_of(Repair(kind, lpar, words.format(lpar), (Exempt(policy, lpar),)))
    return lifts


def _ungrouped(kind: str, words: str) -> Lifts:
    """The rows of a group are lifted."""
    def lifts(site: Site, group: str) -> Iterator[Alternatives]:
        rows = [p for p in site.estate.policies
                if p.active and p.kind == kind and (p.subject or "unnamed") == group]
        for p in rows:
            yield any_of(without_policy(kind, p, words.format(group, p.value)))
    return lifts


@rule("policy.production-stays", "Production LPARs do not move.", Scope.LPAR,
      source="seed: LPAR must be a non-production system",
      lifts=_exempted("production", "production-stays", "let {} move, a production LPAR"),
      reads="lpars.environment policies.production-stays")
def production_stays(site: Site, lpar: str) -> Iterator[Breach]:
    if lpar in site.policies.production_stays:
        yield Breach("is production, and production LPARs do not move",
                     "set the policy production-stays to Active = no, or stop the LPAR")


@rule("policy.asked-to-stay", "Who is asked to stay does not move.", Scope.LPAR,
      binds=MIGRATIONS | {On.RESTART}, source="the question (--alternatives)")
def asked_to_stay(site: Site, lpar: str) -> Iterator[Breach]:
    if site.goal and lpar in site.goal.stay:
        yield Breach("is asked to stay", "plan without that: it is what this alternative is about")


def _fixed_shape(site: Site, lpar: str) -> Hashable:
    return site.policies.pins.get(lpar), site.policies.fences.get(lpar)


@rule("policy.pin", "A pinned LPAR runs only on its servers.", Scope.MOVE, binds=ANYHOW,
      lasting=False, shape=_fixed_shape, source="policy",
      lifts=_exempted("pin", "pin", "lift the pin of {}"),
      reads="policies.pin")
def pin(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    allowed = site.policies.pins.get(lpar)
    if allowed is not None and target not in allowed:
        yield Breach(f"is pinned to {', '.join(allowed) or 'no server at all'}", "lift the policy pin, or make it "
                     "a soft-pin, which yields when its server is freed")


@rule("policy.fence", "A fenced LPAR runs only on the servers of its fence.", Scope.MOVE, binds=ANYHOW,
      lasting=False, shape=_fixed_shape, source="policy",
      lifts=_exempted("fence", "fence", "lift the fence of {}"),
      reads="policies.fence")
def fence(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    allowed = site.policies.fences.get(lpar)
    if allowed is not None and target not in allowed:
        yield Breach(f"is fenced to {', '.join(sorted(allowed)) or 'no server at all'}", "widen the policy fence")


def _soft_shape(site: Site, lpar: str) -> Hashable:
    return site.policies.soft_pins.get(lpar)


@rule("policy.soft-pin", "A softly pinned LPAR leaves its servers only when they are freed; with a way back it comes "
      "home. A warning where no question says what is freed, else an error.", Scope.MOVE, binds=MIGRATIONS,
      severity=Severity.WARNING,
      lasting=False, shape=_soft_shape, source="IBM PowerVC: soft and hard pins",
      lifts=_exempted("soft-pin", "soft-pin", "lift the soft pin of {}"),
      reads="policies.soft-pin")
def soft_pin(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    allowed = site.policies.soft_pins.get(lpar)
    if allowed and target not in allowed and (site.goal is None or source not in site.goal.freed):
        yield Breach(f"is softly pinned to {', '.join(allowed)} and leaves only a server that is freed",
                     "free its server, or lift the policy soft-pin",
                     Severity.ERROR if site.goal else None)


def _target_shape(site: Site, lpar: str) -> Hashable:
    asked = site.goal.not_targets if site.goal else ()
    refusing = frozenset(s for s, names in site.policies.not_targets.items() if lpar in names)
    return (refusing, site.belongs(lpar)) if refusing or asked else ()


def _let_in(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    asked = site.goal.not_targets if site.goal else ()
    yield any_of(*([] if target in asked else [
        Repair("target", target, f"let {target} take LPARs in", (Exempt("not-a-target", target),))]))


@rule("policy.not-a-target", "A server that is not a target takes nobody in but those that belong there.", Scope.MOVE,
      binds=ANYHOW, lasting=False, shape=_target_shape, source="policy; --not-a-target",
      lifts=_let_in,
      reads="policies.not-a-target")
def not_a_target(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    asked = site.goal.not_targets if site.goal else ()
    if (target in asked or lpar in site.policies.not_targets.get(target, ())) and target not in site.belongs(lpar):
        yield Breach(f"{target} is not a target", "lift the policy not-a-target, or leave --not-a-target out")


def _sharing(site: Site, group: Group, where: Where) -> Iterator[tuple[str, str, str]]:
    holders = grouped((server, name) for name in group.members for server in where.get(name, ()))
    for server, names in sorted(holders.items()):
        for i, a in enumerate(names):
            for b in names[i + 1:]:
                if not site.may_share(a, b, server):
                    yield server, a, b


@rule("policy.keep-apart", "LPARs that are kept apart never share a server, save the one where they stood "
      "together before the plan began (they may come home to it).", Scope.GROUP,
      rows="a row per group and server; every wave checked with both sides held", source="policy",
      lifts=_ungrouped("keep-apart", "let LPARs of {} share a server for the window: {}"))
def keep_apart(site: Site, where: Where) -> Iterator[Breach]:
    for group in site.groups_with("apart", where):
        for server, a, b in _sharing(site, group, where):
            yield Breach(f"{a} and {b} are kept apart ({group.name}) but share {server}",
                         "lift the policy keep-apart for the window", subject=a)


@rule("policy.cluster", "Nodes of a cluster never share a server.", Scope.GROUP,
      rows="a row per cluster and server; every wave checked with both sides held",
      source="IBM restriction list (robmcnelly.com/lpm-and-firmware-compatibility); policy")
def cluster(site: Site, where: Where) -> Iterator[Breach]:
    for group in site.groups_with("clusters", where):
        for server, a, b in _sharing(site, group, where):
            yield Breach(f"{a} and {b} are nodes of cluster {group.name} but share {server}",
                         "stop one node for the window, or lift the policy", subject=a)


@rule("policy.keep-together", "LPARs that are kept together end on one server.", Scope.GROUP, hold=Hold.END,
      rows="an equality per member and server", source="policy",
      lifts=_ungrouped("keep-together", "let LPARs of {} be apart for the window: {}"))
def keep_together(site: Site, where: Where) -> Iterator[Breach]:
    for group in site.groups_with("together", where):
        homes = {name: where[name][0] for name in group.members if where.get(name)}
        start = {name: site.start[name] for name in homes if name in site.start}
        unmoved = all(homes[n] == start.get(n) for n in homes)
        if len(set(homes.values())) > 1 and not unmoved:
            yield Breach(f"{', '.join(group.members)} are kept together ({group.name}) but end on "
                         f"{', '.join(sorted(set(homes.values())))}", "lift the policy keep-together",
                         subject=group.members[0])


def _licensed_shape(site: Site, lpar: str) -> Hashable:
    named = tuple(c.servers for c in site.policies.licence_ceilings if c.servers is not None and lpar in c.lpars)
    return (named, site.belongs(lpar)) if named else ()


@rule("policy.licensed-servers", "A product comes to the servers on which it is licensed alone; who belongs elsewhere "
      "may come home there.", Scope.MOVE, binds=ANYHOW, lasting=False, shape=_licensed_shape, source="policy",
      reads="lpars.software policies.licensed-servers")
def licensed_servers(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    for c in site.policies.licence_ceilings:
        if (c.servers is not None and lpar in c.lpars and target not in c.servers
                and target not in site.belongs(lpar)):
            yield Breach(f"runs {c.name}, which is licensed on {', '.join(sorted(c.servers))}",
                         "license it there, or widen the policy licensed-servers")


@rule("policy.licence-count", "A product stands on no more servers, and counts no more licence cores, than a policy "
      "says; what is more at the start does not rise.", Scope.GROUP, hold=Hold.END,
      rows="a count per product and server, and a row of their sum", source="policy; docs/licences.md")
def licence_count(site: Site, where: Where) -> Iterator[Breach]:
    for c in site.policies.licence_ceilings if site.policies.counts_licences else ():
        for held, most, what in zip(ceiling_count(site, c, where), ceiling_allows(site, c),
                                    ("servers", "licence cores"), strict=True):
            if most is not None and held > most:
                yield Breach(f"{c.name} would take {held} {what} of {most}",
                             "raise or lift the policy licensed-servers", subject=c.name)
