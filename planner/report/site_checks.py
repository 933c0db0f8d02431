"""What a runbook says once of consoles, servers and VIOSes: keys, optimizer, which VLAN by which VIOS, paths, movers.

Sources: seed (VLAN by VIOS, lspath and pcmpath on both sides, vasi0, vasistat, errlog); IBM's VIOS pages of chdev
(``-perm`` for a disk in use), lsdev and errlog; Dynamic Platform Optimizer: POWER8 p8hat_dpoovw (POWER7 FW760 on).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.estate.catalogue import generation_of
from planner.estate.consoles import consoles_of
from planner.estate.model import GENERATIONS
from planner.grouping import inverted
from planner.names import quoted
from planner.plan.plan import Move, Plan
from planner.report.checklists import Item
from planner.report.commands import consoles_for, is_ivm, mkauthkeys
from planner.report.markdown import table
from planner.report.text import md
from planner.rules import Site
from planner.rules.versions import firmware_release


def servers_of(moves: Sequence[Move]) -> list[str]:
    """The servers of these moves, sources first, each once."""
    return list(dict.fromkeys([*(m.source for m in moves), *(m.target for m in moves)]))


def concerned(plan: Plan) -> list[str]:
    """The servers of a plan's moves, and those that it frees."""
    return list(dict.fromkeys([*servers_of(plan.moves), *plan.goal.freed, *plan.off]))


def where(site: Site, server: str) -> str:
    """`` (on console hhmc01)``; nothing where no console is stated."""
    names = " or ".join(map(md, consoles_of(site.servers[server])))
    return f" (on console {names})" if names else ""


def console_items(moves: Sequence[Move], site: Site) -> Iterator[Item]:
    """Keys between consoles, what they reach by RMC, and where the optimizer would block what arrives."""
    told = set()
    for source, target in dict.fromkeys(pair for m in moves for pair in ((m.source, m.target), (m.target, m.source))):
        command = mkauthkeys(site, source, target)
        ends = consoles_for(site, source, target)
        if command and ends not in told:
            told.add(ends)
            again = "" if is_ivm(site, source) else "; where that fails, the same without --test"
            account = "" if is_ivm(site, target) else f"; USER after --ip {md(ends[1])} is an account there"
            yield Item(f"Console {md(ends[0])} may work on {md(ends[1])}{again}{account}", command)
    used = ((console, server) for m in moves for server, console in zip(
        (m.source, m.target), consoles_for(site, m.source, m.target), strict=True))
    for console in dict.fromkeys(console for console, server in used if not is_ivm(site, server)):
        yield Item("VIOSes, and LPARs other than IBM i, are Active with DCaps other than 0x0"
                   + (f" (on console {md(console)})" if console else ""), "lspartition -dlpar")
    for server in dict.fromkeys(m.target for m in moves):
        if _may_optimize(site, server):
            name = quoted(server)
            yield Item(f"No Dynamic Platform Optimizer runs on {md(server)}{where(site, server)}: it blocks what "
                       f"arrives; else wait, or stop it with `optmem -m {name} -o stop`", f"lsmemopt -m {name}")


def _may_optimize(site: Site, server: str) -> bool:
    row = site.servers[server]
    generation, release = generation_of(row.model) or row.generation, firmware_release(row.firmware)
    return row.dpo_running is True or (
        generation in GENERATIONS[GENERATIONS.index("POWER7"):] and (release is None or release >= (760, 0)))


def vios_items(moves: Sequence[Move], site: Site) -> Iterator[Item]:
    """What is looked at on the VIOSes of both sides (as padmin)."""
    names = "; ".join(f"{', '.join(md(v.name) for v in site.vioses_on(s))} ({md(s)})" for s in servers_of(moves))
    movers = sorted({name for m in moves for name in (m.source_msp, m.target_msp) if name})
    yield Item(f"On every VIOS of both sides, as padmin: {names}. All paths enabled, none Failed or Missing", "lspath")
    yield Item("With SDDPCM also this (after oem_setup_env; other drivers have a command of their own)",
               "pcmpath query device")
    yield Item("Disks that are to be seen on both sides say no_reserve; a mapped disk changes with -perm alone, and "
               "that takes effect when it is configured again", "lsdev -dev hdiskN -attr reserve_policy; "
               "chdev -dev hdiskN -attr reserve_policy=no_reserve -perm")
    if any(site.reach.served_by(m.lpar) for m in moves):
        yield Item("Slots of server adapters may change, and names of virtual target devices be lost (both are kept "
                   "where possible): keep what this prints, to compare after the moves", "lsmap -all; lsmap -all -npiv")
    yield Item("Error log read, so that tonight's entries can be told", "errlog")
    if movers:
        yield Item(f"The movers ({', '.join(map(md, movers))}) have their VASI device, Available",
                   "lsdev -type adapter | grep vasi")


def vlan_table(moves: Sequence[Move], site: Site) -> Iterator[str]:
    """Which VLAN goes by which VIOS before and after the moves of each pair of servers."""
    vlans: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for m in moves:
        vlans.setdefault((m.source, m.target), set()).update(site.reach.vlans_of(m.lpar))
    if not any(vlans.values()):
        return
    yield ("Which VLAN goes by which VIOS, to be compared with what the console shows (not bridged: listed as "
           "ignorable):\n")
    yield from table(("from", "before", "to", "after"), [
        (md(source), _by_vios(site, source, sorted(used)), md(target), _by_vios(site, target, sorted(used)))
        for (source, target), used in vlans.items()])


def _by_vios(site: Site, server: str, used: Sequence[tuple[str, int]]) -> str:
    """``40, 41 → hvio1; 42 → hvio2``; VLANs of several virtual switches are written with them."""
    def text(vswitch: str, vlan: int) -> str:
        return str(vlan) if len({name for name, _ in used}) == 1 else f"{vlan} ({md(vswitch)})"

    groups = inverted((text(*one), site.reach.bridging(*one, server)) for one in used)
    return "; ".join(f"{', '.join(vlans)} → {' and '.join(map(md, vioses)) or 'not bridged'}"
                     for vioses, vlans in groups.items())


WHILE_IT_MOVES = (
    Item("How far it is (on the source's mover, as padmin): Bytes Left to Transfer", "vasistat -all vasi0"),
)
AFTER_A_WAVE = (
    Item("On the movers, as padmin: 'Client partition suspend issued', 'Migration completed successfully'", "errlog"),
    Item("On the VIOSes of the target, as padmin: its disks are mapped, all paths enabled", "lsmap -all; lspath"),
)
