"""What every part of the replay shares: the result, a breach as a finding, what a server holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.estate.model import Lpar
from planner.findings import Finding, Severity, errors
from planner.grouping import inverted
from planner.plan.plan import Plan, ServerState
from planner.rules import Judge, Site


@dataclass(frozen=True, slots=True)
class Replay:
    """What the replay found. ``holds``: no error. ``peak``: the most that each server held at any moment."""

    findings: tuple[Finding, ...]
    peak: tuple[ServerState, ...]
    before: tuple[ServerState, ...]
    after: tuple[ServerState, ...]

    @property
    def holds(self) -> bool:
        """No rule is broken at any moment."""
        return not errors(self.findings)


def broken(rule: str, subject: str, message: str, fix: str = "plan again") -> Finding:
    return Finding(rule, Severity.ERROR, subject, message, fix)


def pageless(site: Site, server: str, names: Collection[str]) -> list[str]:
    """The LPARs in shared memory mode that find no paging device, when the largest take the largest."""
    devices = [size for v in site.estate.vioses if v.server == server for size in v.paging_devices_mib]
    needs = [p for p in site.estate.lpars if p.memory_mode == "shared" and p.active]
    devices += [p.max_memory_mib for p in needs if p.server == server]
    devices.sort(reverse=True)
    wanted = sorted((p for p in needs if p.name in names), key=lambda p: -p.max_memory_mib)
    return [p.name for n, p in enumerate(wanted) if n >= len(devices) or devices[n] < p.max_memory_mib]


def pool_over(site: Site, server: str, names: Collection[str]) -> int:
    """MiB of I/O entitled memory that find no place in a server's shared memory pool, beside what never had one."""
    row = next(s for s in site.estate.servers if s.name == server)
    sharing = [p for p in site.estate.lpars if p.memory_mode == "shared" and p.active]
    before = sum(p.io_entitled_mib or 0 for p in sharing if p.server == server)
    now = sum(p.io_entitled_mib or 0 for p in sharing if p.name in names)
    if row.free_pool_mib is not None:
        return max(0, now - before - row.free_pool_mib)
    return 0 if row.shared_memory_pool_mib is None else max(0, now - max(before, row.shared_memory_pool_mib))


def _shares(p: Lpar, *, at_start: bool) -> list[int]:
    """The capacity in % of each logical port that an LPAR has where it was at the start, or needs elsewhere."""
    vnics = p.vnic_adapters or 0
    least = (sorted(p.vnic_backing) + [1] * vnics)[:vnics]
    return [*(p.vnic_backing if at_start and p.vnic_backing else least), *[1] * (p.migratable_sriov_ports or 0)]


def _free_sriov(site: Site, server: str) -> tuple[int | None, int | None]:
    """Logical ports and % that physical ports have left which have both; None where that is not stated."""
    rows = [row for row in site.estate.sriov if row.server == server]
    if not rows:
        return site.servers[server].free_sriov_ports, None
    useful = [row for row in rows if row.free_ports != 0 and row.free_percent != 0]
    ports, percent = [r.free_ports for r in useful], [r.free_percent for r in useful]
    return (None if None in ports else sum(n or 0 for n in ports),
            None if None in percent else sum(n or 0 for n in percent))


def vnics_over(site: Site, server: str, names: Collection[str]) -> tuple[int, int]:
    """How many logical ports, and how much % of capacity, vNICs and migratable ports find no place for on a server that
    states what is free."""
    here = {n for n, s in site.start.items() if s == server}
    coming = [one for n in names if n not in here for one in _shares(site.lpars[n], at_start=False)]
    gone = [one for n in here.difference(names) for one in _shares(site.lpars[n], at_start=True)]
    ports, percent = _free_sriov(site, server)
    return (0 if ports is None else max(0, len(coming) - len(gone) - ports),
            0 if percent is None else max(0, sum(coming) - sum(gone) - percent))


@dataclass(frozen=True, slots=True)
class Claim:
    """What a plan says of something, and what its servers and moves make of it."""

    what: str
    said: object
    worked: object
    subject: str = "plan"

    def findings(self) -> list[Finding]:
        """The breach, when they differ."""
        return [] if self.said == self.worked else [broken(
            "plan.figures", self.subject, f"{self.what}: the plan says {_shown(self.said)}; its servers and moves make "
            f"{_shown(self.worked)}")]


def near(what: str, said: float | None, worked: float, slack: float = 0.0011, subject: str = "plan") -> Claim:
    """A claim of a figure that is rounded, by no more than ``slack``; from 1 on also by a ten-thousandth of it."""
    same = said is not None and abs(said - worked) <= max(slack, 1e-4 * abs(worked) if slack >= 1 else slack)
    return Claim(what, worked if same else said, worked, subject)


def _shown(value: object) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)[:200]


def server_states(site: Site, where: Mapping[str, Sequence[str]]) -> tuple[ServerState, ...]:
    """What every server holds when these LPARs hold these servers."""
    holders = inverted(((name, s) for name, servers in where.items() for s in dict.fromkeys(servers)), site.servers)
    return tuple(server_state(site, server, holders[server]) for server in site.servers)


def server_state(site: Site, server: str, names: Collection[str]) -> ServerState:
    """What a server holds with these LPARs."""
    holding, limit = site.holding(server, names), site.limit(server)
    return ServerState(server, len(names), holding.units, limit.units, holding.memory_mib, limit.memory_mib)


def after_work(plan: Plan, site: Site, judge: Judge) -> Judge:
    """The rules in the world of the way home: every server at the level that the question states for then."""
    stated = plan.goal.firmware_after
    if not stated:
        return judge
    servers = [replace(s, firmware=stated[s.name]) if s.name in stated else s for s in site.estate.servers]
    return Judge(Site(site.estate.replace(servers=tuple(servers)), site.home, site.usage, plan.goal,
                      assume_nothing=site.assume_nothing))
