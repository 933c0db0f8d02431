"""The lines that a person runs on a console. Names are quoted, none can become a command of its own; where one cannot
be typed, the line is a comment that says so.

Sources, IBM's pages of migrlpar: IVM (POWER6 iphcg: ``--ip`` and ``-u`` in recover too, none of the overrides, movers
and pools), HMC V7 (POWER7 p7edm), V8 (HW4P4 p8edm), V9 (POWER9 p9edm); mappings ``slot/VIOS/id``: pypowervm
tasks/migration; ``vnic_mappings``: migrlpar P9 man page, with the parts as IBM's tests of Linux give them (op-test: one
mapping for each backing device), as they give ``--migsriov 1`` to what has migratable SR-IOV ports (P9 lists 1 and 2,
and no page at hand says more); ``redundant_msps``: POWER8 p8hc3_redunmspmigr; mkauthkeys ``--test``: HMC scripts and
HSCL3653.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.estate import consoles
from planner.estate.consoles import between
from planner.grouping import grouped
from planner.names import attribute, can_be_listed, command, quoted, shown
from planner.plan.plan import Backing, Move
from planner.rules import Site
from planner.rules.capability import MIGRATABLE_SINCE, MIGRATES_SRIOV, lacks_restart
from planner.rules.concurrency import redundant_movers
from planner.rules.site import own_name
from planner.rules.versions import below

VNICS_SINCE = "V8R8.4.0"
"""The HMC level from which vNICs are known (IBM p8ecu_vniconcepts_network)."""
OVERRIDES_SINCE, RESTART_SINCE = "V7R7", "V8"
"""The HMC level whose page of migrlpar lists the overrides, and that of remote restart."""
_PLACEHOLDER = "USER"


@dataclass(frozen=True, slots=True)
class Override:
    """Options with which migrlpar does what its validation would else refuse, and what it would refuse."""

    words: tuple[str, ...]
    message: str
    since: str = OVERRIDES_SINCE


def is_ivm(site: Site, server: str) -> bool:
    """Whether an Integrated Virtualization Manager manages it: its console is one of its own VIOSes."""
    return consoles.is_ivm(site.servers[server], [v.name for v in site.vioses_on(server)])


def consoles_for(site: Site, source: str, target: str) -> tuple[str, str]:
    """The consoles at which a move is ordered and received, alike where one has both servers; ``""``: not stated."""
    return between(site.servers[source], site.servers[target], site.policies.console_links)


def console_level(site: Site, server: str) -> str:
    """The level of the console that manages a server; ``""``: not known."""
    return site.servers[server].console_level


def remote(site: Site, source: str, target: str) -> list[str]:
    """``--ip`` and ``-u`` where another console manages the target."""
    here, there = consoles_for(site, source, target)
    if not here or not there or here == there:
        return []
    return ["--ip", there, "-u", "padmin" if is_ivm(site, target) else _PLACEHOLDER]


def overrides(move: Move, site: Site) -> Iterator[Override]:
    """What the plan goes on in spite of: ignorable VLANs that are not bridged there, paths that a policy waives; and
    SR-IOV ports, which move where they are migratable."""
    reach, policies = site.reach, site.policies
    blind = sorted({vlan for vswitch, vlan in reach.vlans_of(move.lpar)
                    if vlan in policies.ignorable_vlans and not reach.bridging(vswitch, vlan, move.target)})
    if blind:
        yield Override(("--vlanbridge", "2"), f"VLAN {', '.join(map(str, blind))}")
    paths = reach.disk_paths(move.lpar, move.target), reach.fibre_paths(move.lpar, move.target)
    if move.lpar in policies.redundancy_optional and any(p.lost for p in paths):
        yield Override(("--redundantvios", "2", "--mpio", "2"), "lost VIOS redundancy and multipath I/O")
    if site.lpars[move.lpar].simplified_remote_restart and lacks_restart(site.servers[move.target]):
        yield Override(("--requirerr", "2"), "simplified remote restart", RESTART_SINCE)
    if site.lpars[move.lpar].migratable_sriov_ports and not move.inactive:
        yield Override(MIGRATES_SRIOV, "its SR-IOV ports", MIGRATABLE_SINCE)


def _knows(site: Site, move: Move, override: Override) -> bool | None:
    """Whether the source's console knows an override; None: its level is not known."""
    if is_ivm(site, move.source):
        return False
    older = below(console_level(site, move.source), override.since)
    return None if older is None else not older


def remark(move: Move, site: Site) -> str:
    """Comments to stand above a move's command: which of its options the console may not have; ``""``: none."""
    said = []
    for (since, known), wanted in grouped(((o.since, _knows(site, move, o)), o) for o in overrides(move, site)).items():
        names = ", ".join(word for o in wanted for word in o.words if word.startswith("--"))
        if known is None:
            said.append(f"# {names}: from HMC {since} on, else leave it out")
        elif not known:
            messages = "; ".join(o.message for o in wanted)
            said.append(f"# this console has no {names}: expect the message about {messages}")
    return "\n".join(said)


def _redundant_movers(move: Move, site: Site) -> str:
    """``redundant_msps`` for two pairs of movers with known addresses, at levels that have them; else ``""``."""
    sides = [redundant_movers(site, server) for server in (move.source, move.target)]
    firsts = (move.source_msp, move.target_msp)
    if any(len(side) < 2 or first not in [v.name for v in side] for side, first in zip(sides, firsts, strict=True)):
        return ""
    ordered = [sorted(side, key=lambda v: v.name not in firsts)[:2] for side in sides]
    return ",".join("/".join(("1", *(x for v in pair for x in (v.name, str(v.lpar_id), v.mover_address))))
                    for pair in zip(*ordered, strict=True))


def _movers(move: Move, site: Site) -> Iterator[str]:
    """The pair of movers, with their addresses where these are known."""
    if not (move.source_msp and move.target_msp):
        return
    pairs = _redundant_movers(move, site)
    if pairs:
        yield attribute("redundant_msps", pairs)
        return
    for side, name in (("source", move.source_msp), ("dest", move.target_msp)):
        yield attribute(f"{side}_msp_name", name)
        if name in site.vioses and site.vioses[name].mover_address:
            yield attribute(f"{side}_msp_ipaddr", site.vioses[name].mover_address)


def _port_number(site: Site, server: str, port: str) -> str:
    """``adapter/port`` as the console numbers an SR-IOV port; ``""``: not known."""
    row = next((p for p in site.sriov.get(server, ()) if p.port == port), None)
    number = row.number if row and row.number else port
    return number if re.fullmatch(r"[0-9]+/[0-9]+", number) else ""


def _vnic_mapping(move: Move, site: Site, b: Backing) -> str:
    """``slot/ded/VIOS/id/adapter/port/capacity/adapter/port``, of the target, then of the source; ``""``: not all of it
    is known."""
    ends = [_port_number(site, server, port) for server, port in ((move.target, b.port), (move.source, b.source_port))]
    vios = site.vioses.get(b.vios)
    known = all(ends) and vios is not None and vios.lpar_id is not None and b.percent is not None
    return f"{b.slot}/ded/{b.vios}/{vios.lpar_id}/{ends[0]}/{b.percent}/{ends[1]}" if known and vios else ""


def _vnic_mappings(move: Move, site: Site) -> list[str]:
    """The mappings of its vNICs, on a console that may have them, where all are known: else the console chooses."""
    mapped = [_vnic_mapping(move, site, b) for b in move.vnics]
    older = below(console_level(site, move.source), VNICS_SINCE)
    every = len(mapped) == len(site.vnics.get(move.lpar, ())) and all(mapped)
    return mapped if every and not older and not is_ivm(site, move.source) and not is_ivm(site, move.target) else []


def vnic_lines(move: Move, site: Site) -> Iterator[str]:
    """The port behind each vNIC of a move in words; which of them the console has to be told, or chooses."""
    for b in move.vnics:
        number = _port_number(site, move.target, b.port)
        yield (f"vNIC in slot {b.slot}, device {b.device}: {b.vios}, port {b.port}"
               + (f" (adapter/port {number})" if number not in ("", b.port) else "")
               + ("" if b.percent is None else f", {b.percent} %"))
    rows = site.vnics.get(move.lpar, ())
    slotless = (site.lpars[move.lpar].vnic_adapters or 0) - len({v.slot for v in rows})
    if slotless > 0:
        yield (f"{slotless} vNIC(s) of which no listing states the slot: the console chooses the port "
               f"(lshwres -r virtualio --rsubtype vnic --level lpar -m {quoted(move.source)})")
    if len(move.vnics) < len(rows):
        yield (f"{len(rows) - len(move.vnics)} backing device(s) of vNICs without a port that is known to have room: "
               "give them one first, or that vNIC may have no failover there "
               f"(lshwres -r sriov --rsubtype physport --level eth -m {quoted(move.target)})")
    if move.vnics and not _vnic_mappings(move, site):
        yield ("the command does not name these ports, as not all of the mapping is known (ids of VIOSes, "
               f"adapter/port, capacity, every device; consoles from {VNICS_SINCE} on): choose them at the console")


def input_data(move: Move, site: Site, own_id: int | None) -> str:
    """The ``-i`` data of migrlpar: adapter maps, movers, pool, and the new id where it changes."""
    def mapping(rows: Iterable[tuple[int, str, str]]) -> str:
        out = []
        for slot, vios, port in rows:
            number = site.vioses[vios].lpar_id if vios in site.vioses else None
            out.append(f"{slot}/{vios}/{'' if number is None else number}" + (f"//{port}" if port else ""))
        return ",".join(out)

    fields = []
    if mapped := _vnic_mappings(move, site):
        fields.append(attribute("vnic_mappings", ",".join(mapped)))
    if move.disks:
        fields.append(attribute("virtual_scsi_mappings", mapping((slot, vios, "") for slot, vios in move.disks)))
    if move.fibres:
        fields.append(attribute("virtual_fc_mappings", mapping(move.fibres)))
    if not is_ivm(site, move.source) and not is_ivm(site, move.target):
        fields += _movers(move, site)
        if move.pool_id is not None:
            fields.append(attribute("shared_proc_pool_id", str(move.pool_id)))
    if move.target_id is not None and move.target_id != own_id:
        fields.append(attribute("dest_lpar_id", str(move.target_id)))
    return ",".join(fields)


def migrlpar(move: Move, site: Site, operation: str, own_id: int | None = None, name: str = "") -> str:
    """A migrlpar line: ``v`` validates, ``m`` validates and moves, ``s`` stops, ``r`` recovers; with a ``name`` that
    stands for the LPAR's own."""
    parts = ["migrlpar", "-o", operation, "-m", move.source]
    if operation in ("v", "m"):
        parts += ["-t", move.target]
    if operation != "s":
        parts += remote(site, move.source, move.target)
    parts += ["-p", name or own_name(site, move.lpar)]
    if operation in ("v", "m"):
        parts += [word for o in overrides(move, site) if _knows(site, move, o) is not False for word in o.words]
        data = input_data(move, site, own_id)
        if "redundant_msps=" in data:
            parts += ["--redundantmsps", "2"]
        if data:
            parts += ["-i", data]
    return command(*parts)


def mkauthkeys(site: Site, source: str, target: str) -> str:
    """What lets the source's console work on the target's (an HMC tests it first); ``""``: one console has both."""
    ends = remote(site, source, target)
    test = ["--test"] if ends and not is_ivm(site, source) else []
    return command("mkauthkeys", *ends, *test) if ends else ""


def state_query(server: str, lpars: Iterable[str], *, rmc: bool = True) -> str:
    """How to see which of these LPARs a server has, and in which state they are."""
    names = list(lpars)
    query = ["lssyscfg", "-r", "lpar", "-m", server, "-F", "name,lpar_id,state" + (",rmc_state" if rmc else "")]
    if bad := [n for n in names if not can_be_listed(n)]:
        return f"{command(*query)}    # all that it has: {', '.join(map(shown, bad))} cannot be typed"
    return command(*query, "--filter", attribute("lpar_names", ",".join(names)))
