"""Rules without a row of their own: they are asked of answers and arrivals, and what they refuse is cut off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from planner.findings import errors
from planner.grouping import grouped, inverted
from planner.rules.base import ASKED, Rule, Scope
from planner.rules.site import Site


def stood_there(rule: Rule, site: Site, server: str, holders: Collection[str]) -> bool:
    """Whether a rule that is asked passes over a server: it holds nobody who was not there at the start."""
    return rule.encoding == ASKED and set(holders) <= set(site.residents(server))


def server_refuses(rule: Rule, site: Site, server: str, holders: Sequence[str]) -> bool:
    """Whether a server may not carry these LPARs."""
    if stood_there(rule, site, server, holders) or (rule.enough and rule.enough.kept(site, server, holders)):
        return False
    return bool(errors(rule.findings(server, site, server, holders)))


def group_refuses(rule: Rule, site: Site, where: Mapping[str, Sequence[str]]) -> bool:
    """Whether LPARs may not hold these servers."""
    return bool(errors(rule.findings("", site, where)))


def refused(site: Site, where: Mapping[str, str]) -> Iterator[tuple[Rule, str, dict[str, str]]]:
    """Of a placement (LPAR → server) what rules refuse: the rule, the server if it is of one, and a smallest part of
    the placement that it still refuses."""
    for rule in site.asked(Scope.SERVER):
        for server, names in sorted(inverted(sorted(where.items())).items()):
            if least := _least(names, partial(server_refuses, rule, site, server)):
                yield rule, server, dict.fromkeys(least, server)
    for rule in site.asked(Scope.GROUP):
        if least := _least(sorted(where), partial(_some_refused, rule, site, where)):
            yield rule, "", {n: where[n] for n in least}


def refused_there(site: Site, server: str, holders: Sequence[str]) -> Iterator[tuple[Rule, list[str]]]:
    """Of what a server carries that takes in what restarts what rules refuse, and a smallest part of it that they still
    refuse: it is new there, whoever stood there at the start."""
    for rule in site.asked(Scope.SERVER):
        if least := _least(holders, lambda names, rule=rule: bool(  # type: ignore[misc]
                errors(rule.findings(server, site, server, names)))):
            yield rule, least


def _some_refused(rule: Rule, site: Site, where: Mapping[str, str], names: Sequence[str]) -> bool:
    return group_refuses(rule, site, {n: (where[n],) for n in names})


def _least(names: Sequence[str], refuses: Callable[[Sequence[str]], bool]) -> list[str]:
    """A part of these names that is refused and would not be without any one of them; [] when they are not."""
    if not refuses(names):
        return []
    needed = list(names)
    for name in names:
        rest = [n for n in needed if n != name]
        if refuses(rest):
            needed = rest
    return needed


def may_arrive(site: Site, lpar: str, server: str, holders: Mapping[str, Collection[str]],
               of_server: Sequence[Rule], of_groups: Sequence[Rule]) -> bool:
    """Whether these rules let an LPAR arrive where ``holders`` (server → LPARs) are now, its old place still held."""
    here = sorted({lpar, *holders.get(server, ())}) if of_server else ()
    if any(server_refuses(r, site, server, here) for r in of_server):
        return False
    if not of_groups:
        return True
    where = grouped((n, s) for s in sorted({*holders, server}) for n in sorted(holders.get(s, ())))
    where[lpar] = [*(s for s in where.get(lpar, ()) if s != server), server]
    return not any(group_refuses(r, site, where) for r in of_groups)
