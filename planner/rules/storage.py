"""Rules on storage: whole LUNs, seen without reservation by the target's VIOSes, over as many paths as before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product

from planner.estate.changes import DropRow, PutRow, Repair, SetTo
from planner.estate.model import TABLE, Disk, Zoning
from planner.findings import Severity
from planner.names import commands_on, lpar_filter, quoted
from planner.reach import PR_SHARED, PathGroup
from planner.rules.base import (
    ANYHOW,
    MIGRATIONS,
    UNTIL_WORK,
    Alternatives,
    Breach,
    Scope,
    any_of,
    fewer_paths,
    rule,
    unknown,
    untold,
)
from planner.rules.capability import console_needed, vios_needed
from planner.rules.npiv import connected
from planner.rules.site import Site, own_name, storage_shape
from planner.rules.versions import below
from planner.units import some

_KINDS = {"lv": "a logical volume", "file": "a file", "ssp": "a shared storage pool"}


def _place(d: Disk) -> str:
    """Where a disk hangs: ``slot 38, vhost3/vtscsi7``."""
    return ", ".join(x for x in (f"slot {d.slot}", "/".join(x for x in (d.vhost, d.vtd) if x)) if x)


def _to_luns(site: Site, lpar: str) -> Iterator[Alternatives]:
    small = [d for d in site.reach.disks_of(lpar) if d.backing in ("lv", "file")]
    edits = [SetTo("disks", TABLE["disks"].key_of(d), "backing", "lun") for d in small]
    seen = [PutRow("zonings", Zoning(lun, v.name, "", "no_reserve"))
            for lun in dict.fromkeys(d.lun for d in small) for v in site.estate.vioses]
    yield any_of(Repair("to-lun", lpar, f"move the data of {some(dict.fromkeys(d.lun for d in small))} of {lpar} to "
                        "SAN LUNs that every VIOS sees, and unmap the old ones", (*edits, *seen),
                        (f"on {lpar}: extendvg, migratepv -l or mirrorvg to the new disks; reducevg",)))


@rule("storage.whole-lun", "Every virtual disk is a whole LUN, none a logical volume or a file of a VIOS.",
      Scope.LPAR, binds=UNTIL_WORK | MIGRATIONS, source="seed; IBM nas8N1011014",
      lifts=_to_luns,
      reads="disks.backing")
def whole_lun(site: Site, lpar: str) -> Iterator[Breach]:
    for d in site.reach.disks_of(lpar):
        if d.backing in ("lv", "file"):
            yield Breach(f"disk {d.lun} ({_place(d)}) on {d.vios} is {_KINDS[d.backing]}",
                         "move its data to a SAN LUN (migratepv) and unmap it")


@rule("storage.path-known", "The VIOS behind each storage adapter of the LPAR, what hangs on it, and its WWPNs, are "
      "known.",
      Scope.LPAR, binds=ANYHOW, source="a path of which nothing is known cannot be looked for on another server",
      reads="disks.vios fibres.vios")
def path_known(site: Site, lpar: str) -> Iterator[Breach]:
    disks = site.reach.disks_of(lpar)
    paths = {(d.slot, d.vios) for d in disks} | {
        (f.slot, f.vios) for f in site.reach.fibres_of(lpar)}
    for slot, vios in sorted(paths):
        if vios not in site.vioses:
            yield untold(f"slot {slot} leads to {vios}, which no listing names as a VIOS",
                         "give the listing that names it, add it in sheet VIOS, or remove the adapter")
    for d in disks:
        if d.backing == "unknown":
            yield unknown(f"what hangs on its slot {d.slot}, which {d.vios} serves, is unknown",
                          f"on {d.vios}: lsmap -all")
    if not paths and not site.lpars[lpar].physical_adapters:
        yield unknown("no listing states its disks", f"lshwres -r virtualio --rsubtype scsi --level lpar -m "
                      f"{quoted(site.lpars[lpar].server)} (and fc); on each VIOS there: lsmap -all; lsmap -all -npiv")
    for f in site.reach.fibres_of(lpar):
        if not (f.wwpn1 and f.wwpn2):
            yield untold(f"the WWPNs of its Fibre Channel adapter in slot {f.slot} are unknown",
                         "give lshwres -r virtualio --rsubtype fc, or add them in sheet NPIV")


_OPTICAL = "3.1.3"


def _no_optical(site: Site, lpar: str, *pair: str) -> Iterator[Alternatives]:
    rows = [d for d in site.reach.disks_of(lpar) if d.backing == "optical"]
    names = [(d.vios, d.vtd or d.lun) for d in rows]
    yield any_of(Repair("optical", lpar, f"unload and remove virtual optical {some(n for _, n in names)} of {lpar}",
                        tuple(DropRow("disks", TABLE["disks"].key_of(d)) for d in rows),
                        tuple(f"on {vios}: unloadopt -vtd {name}; rmvdev -vtd {name}" for vios, name in names)))


@rule("storage.no-optical", "No virtual optical device is attached, unless VIOS (3.1.3) and console (V10R1) are new "
      "enough.", Scope.LPAR, binds=MIGRATIONS,
      source="aix-skills 2020-04 IBM System p LPM; IBM Power E1080 technical overview (VIOS 3.1.3, HMC V10R1)",
      lifts=_no_optical,
      reads="disks.backing vioses.level")
def no_optical(site: Site, lpar: str) -> Iterator[Breach]:
    for d in site.reach.disks_of(lpar):
        if d.backing != "optical":
            continue
        name = d.vtd or d.lun
        what, fix = f"virtual optical {name} ({_place(d)})", f"on {d.vios}: unloadopt -vtd {name}; rmvdev -vtd {name}"
        level = site.vioses[d.vios].level if d.vios in site.vioses else ""
        if not level or below(level, _OPTICAL):
            yield Breach(f"{what} on {d.vios} is attached", fix)
            continue
        yield Breach(f"{what} on {d.vios} is attached: it moves with VIOS {_OPTICAL} and console V10R1", fix,
                     Severity.INFO)
        yield from console_needed(site, site.lpars[lpar].server, "V10R1", what)


@rule("storage.optical-there", "A virtual optical device finds VIOSes on the target that let it move.", Scope.MOVE,
      binds=MIGRATIONS,
      shape=lambda site, lpar: any(d.backing == "optical" for d in site.reach.disks_of(lpar)),
      source="IBM Power E1080 technical overview (VIOS 3.1.3, HMC V10R1)",
      lifts=_no_optical,
      reads="disks.backing vioses.level")
def optical_there(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    d = next((d for d in site.reach.disks_of(lpar) if d.backing == "optical"), None)
    for vios in site.vioses_on(target) if d else ():
        yield from vios_needed(site, vios.name, _OPTICAL, f"virtual optical {d.vtd or d.lun}" if d else "",
                               "unload and remove the virtual optical device before the move")


_RESERVES = ("", "no_reserve", PR_SHARED)
_PR_LEVEL = "2.1.2.0"


def _unreserved(lun: str, vios: str, policy: str = "no_reserve") -> Repair:
    return Repair("no-reserve", vios, f"set LUN {lun} on {vios} to {policy}",
                  (SetTo("zonings", (lun, vios), "reserve_policy", policy),),
                  (f"on {vios}: chdev -dev hdiskN -attr reserve_policy={policy} (-perm where it is mapped)",))


def _free_here(site: Site, lpar: str) -> Iterator[Alternatives]:
    for lun, vios in dict.fromkeys((d.lun, d.vios) for d in site.reach.disks_of(lpar) if d.backing == "lun"):
        if site.reach.reserve_policies(lun, site.lpars[lpar].server).get(vios) not in (None, *_RESERVES):
            yield any_of(_unreserved(lun, vios))


@rule("storage.reserve-here", "The source VIOSes hold the LPAR's LUNs with no_reserve, or PR_shared where their level "
      "knows it.", Scope.LPAR, binds=MIGRATIONS,
      source="IBM nas8N1011014; seed; IBM 8231-E2C iphb1setnoreserve (PR_shared)",
      lifts=_free_here,
      reads="zonings.reserve_policy")
def reserve_here(site: Site, lpar: str) -> Iterator[Breach]:
    told, silent = set(), set()
    for d in site.reach.disks_of(lpar):
        policy = site.reach.reserve_policies(d.lun, site.lpars[lpar].server).get(d.vios)
        if d.backing != "lun" or (d.lun, d.vios) in told:
            continue
        told.add((d.lun, d.vios))
        if policy not in (None, *_RESERVES):
            yield Breach(f"LUN {d.lun} has reserve_policy {policy} on {d.vios}",
                         f"on {d.vios}: chdev -dev hdiskN -attr reserve_policy=no_reserve -perm (it is mapped: this "
                         "takes effect when it is configured again)")
        elif policy == PR_SHARED:
            yield from vios_needed(site, d.vios, _PR_LEVEL, "reserve_policy PR_shared", f"update {d.vios}")
        elif policy == "":
            silent.add(d.vios)
    if silent:
        yield _reserve_unknown(silent)


def _reserve_unknown(vioses: Collection[str]) -> Breach:
    names = ", ".join(sorted(vioses))
    return unknown(f"the reserve policy of its LUNs on {names} is unknown",
                   f"on {names}: lsdev -dev hdiskN -attr reserve_policy")


@rule("storage.reserve-there", "The target VIOSes hold the LPAR's LUNs with the same reserve policy as the source's.",
      Scope.MOVE, binds=MIGRATIONS,
      shape=storage_shape, source="IBM 8231-E2C iphb1setnoreserve (the same on both; PR_shared)",
      reads="zonings.reserve_policy")
def reserve_there(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    silent = set()
    luns = sorted({d.lun for d in site.reach.disks_of(lpar) if d.backing == "lun"})
    mapped = {v for _, v in site.reach.disk_paths(lpar, target).mapping}
    for lun in luns:
        here = set(site.reach.reserve_policies(lun, source).values()) - {""}
        there = {v: p for v, p in site.reach.reserve_policies(lun, target).items() if v in mapped}
        silent |= {v for v, p in there.items() if not p}
        for vios in [v for v, p in there.items() if p == PR_SHARED]:
            yield from vios_needed(site, vios, _PR_LEVEL, "reserve_policy PR_shared", f"update {vios}")
        if PR_SHARED in here | set(there.values()) and len(here | {p for p in there.values() if p}) > 1:
            yield Breach(f"LUN {lun} has reserve_policy {', '.join(sorted(here))} on {source}, "
                         f"{', '.join(sorted(set(there.values())))} on {target}", "set the same policy on both sides")
    if silent:
        yield _reserve_unknown(silent)


def _both_zoned(site: Site, lpar: str) -> Iterator[Alternatives]:
    lacking = [f for f in site.reach.fibres_of(lpar) if f.both_zoned is False]
    yield any_of(Repair("wwpn", lpar, f"zone {some(f.wwpn2 for f in lacking)} of {lpar} like the first of each pair",
                        tuple(SetTo("fibres", (lpar, f.slot), "both_zoned", True) for f in lacking)))


@rule("storage.wwpn-pair", "Both WWPNs of every virtual Fibre Channel adapter are zoned to the same storage.",
      Scope.LPAR, source="IBM support hscla319-during-lpm-validation-aix-npiv-client; p8edm chnportlogin",
      lifts=_both_zoned,
      reads="fibres.both_zoned")
def wwpn_pair(site: Site, lpar: str) -> Iterator[Breach]:
    fibres = site.reach.fibres_of(lpar)
    own = own_name(site, lpar)
    server, name = quoted(site.lpars[lpar].server), quoted(own)
    for f in fibres:
        if f.both_zoned is False:
            yield Breach(f"the second WWPN {f.wwpn2} (slot {f.slot}) is not zoned like {f.wwpn1}",
                         "zone both WWPNs of the pair to the same storage ports")
    slots = ", ".join(str(f.slot) for f in fibres if f.both_zoned is None)
    if slots:
        yield unknown(f"whether the second WWPN of each Fibre Channel adapter (slot {slots}) is zoned, to the same "
                      "target ports, is unknown", commands_on(own, (
                          f"chnportlogin -o login -m {server} -p {name}; lsnportlogin -m {server} {lpar_filter(own)}; "
                          f"chnportlogin -o logout -m {server} -p {name}"))
                      + "; state it in sheet NPIV, Both zoned")


@rule("storage.cluster", "A disk in a shared storage pool stays within its cluster.", Scope.MOVE, binds=ANYHOW,
      shape=storage_shape, source="IBM shared storage pools: a logical unit is seen by the nodes of its cluster")
def cluster(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    serving = sorted({d.vios for d in site.reach.disks_of(lpar) if d.backing == "ssp" and d.vios in site.vioses})
    for vios in serving:
        own = site.vioses[vios].cluster
        there = {v.cluster for v in site.vioses_on(target)}
        if own and own in there:
            continue
        if own and "" not in there:
            yield Breach(f"{vios} serves it a disk of cluster {own}, of which no VIOS of {target} is a node",
                         f"cluster -addnode -clustername {own}, or move its data to a SAN LUN")
        else:
            yield unknown(f"{vios} serves it a disk of a shared storage pool; whether a VIOS of {target} is a node of "
                          "that cluster is unknown", f"on {vios} and the VIOSes of {target}: cluster -list; "
                          "cluster -status -clustername NAME; lssp -clustername NAME; without one: none in sheet VIOS")


_DEFAULT_VTD = re.compile(r"v(?:tscsi|topt|target)?[0-9]+")


@rule("storage.device-names", "Names that people gave to virtual target devices, and slots of server adapters, may "
      "change.", Scope.LPAR, binds=MIGRATIONS, severity=Severity.INFO,
      source="seed, Known Problems (VIOS of 2009); IBM POWER6 partition mobility process (kept where possible)")
def device_names(site: Site, lpar: str) -> Iterator[Breach]:
    own = sorted({d.vtd for d in site.reach.disks_of(lpar) if d.vtd and not _DEFAULT_VTD.fullmatch(d.vtd)})
    if own:
        vios = site.reach.disks_of(lpar)[0].vios
        yield Breach(f"its virtual target devices have names of their own ({some(own, 6)}), "
                     "which may be lost, and server adapter slots may change",
                     f"note them before: on {vios} and the others: lsmap -all; rename after: chdev -dev OLD -newname")


def _unlisted(site: Site, target: str, what: str) -> Breach | None:
    """Where no listing shows the disks of some VIOSes there, nothing is claimed of what they see."""
    names = ", ".join(v.name for v in site.vioses_on(target) if v.name not in site.reach.listing)
    if not site.vioses_on(target):
        return untold(f"{what} is unknown: no VIOS of {target} was exported", f"lssyscfg -r lpar -m {quoted(target)}; "
                      "on each VIOS there: lspv; lsdev -dev hdiskN -attr; load them with the rest")
    return untold(f"{what} is unknown: neither lspv nor lsdev of {names} was read",
                  f"on {names}: lspv; lsdev -dev hdiskN -attr; load them with the rest") if names else None


_MAPS = 300
"""Ways to serve the adapters of a group on a target that are looked at."""


def _served(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    """Of each group of adapters a way to serve it on the target: what has to be zoned or connected for it, and fewer
    paths accepted where two adapters come to one VIOS."""
    alike, here = site.reach.alike[lpar], [v.name for v in site.vioses_on(target)]
    for group in (*alike.scsi, *alike.fibre):
        ways = []
        for way in islice(product(here, repeat=len(group.slots)), _MAPS):
            needed = _way(site, lpar, source, group, dict(zip(group.slots, way, strict=True)))
            fewer = len(set(way)) < len(way) and lpar not in site.policies.redundancy_optional
            if needed is not None:
                ways.append(frozenset((*needed, fewer_paths(lpar))) if fewer else needed)
        least = [w for w in dict.fromkeys(ways) if not any(other < w for other in ways)]
        if frozenset() not in least:
            yield [tuple(sorted(w, key=lambda c: (c.kind, c.words))) for w in least]


def _way(site: Site, lpar: str, source: str, group: PathGroup, over: Mapping[str, str]) -> frozenset[Repair] | None:
    """What has to be done so that each VIOS of the source is stood for by one of the target; None where that cannot
    be."""
    needed: set[Repair] = set()
    for vios, instead in over.items():
        lacking = [thing for thing in sorted(group.carries[vios])
                   if not site.reach.serves(instead, thing, group.ports.get(vios, {}).get(thing, 0))]
        blind: list[str] = []
        for thing in lacking:
            if thing[0] == "fabric":
                needed.add(connected(site, instead, thing[1]))
                continue
            luns = [d for d in site.reach.disks_of(lpar) if site.reach.lun_nodes.get(d.lun) == thing]
            if any(d.backing != "lun" for d in luns):
                return None
            for lun in dict.fromkeys(d.lun for d in luns):
                held = site.reach.reserve_policies(lun, site.vioses[instead].server).get(instead)
                if held is None:
                    blind.append(lun)
                else:
                    needed.add(_unreserved(lun, instead, _policy_at(site, lun, source)))
        if blind:
            needed.add(_zoned(site, lpar, source, sorted(set(blind)), instead))
    return frozenset(needed)


def _policy_at(site: Site, lun: str, server: str) -> str:
    """The reserve policy under which a LUN is to be seen elsewhere: that of where it is, which both must have."""
    return PR_SHARED if PR_SHARED in site.reach.reserve_policies(lun, server).values() else "no_reserve"


def _zoned(site: Site, lpar: str, source: str, luns: list[str], vios: str) -> Repair:
    rows = [Zoning(lun, vios, "", _policy_at(site, lun, source)) for lun in luns]
    what = f"LUN {luns[0]}" if len(luns) == 1 else f"{len(luns)} LUNs"
    rest = f": {', '.join(luns)}" if len(luns) > 1 else ""
    policies = dict.fromkeys(r.reserve_policy for r in rows)
    return Repair("zone", lpar, f"zone {what} of {lpar} to {vios}{rest}", tuple(PutRow("zonings", r) for r in rows),
                  (f"on {vios}: cfgdev; lspv -u",
                   *(f"on {vios}: chdev -dev hdiskN -attr reserve_policy={p}" for p in policies)),
                  alike=(lpar, site.vioses[vios].server))


@rule("storage.lun-seen", "Every LUN of the LPAR is seen by a VIOS of the target with no_reserve, those of one "
      "adapter by one VIOS.", Scope.MOVE, binds=ANYHOW, shape=storage_shape, source="IBM nas8N1011014; seed",
      lifts=_served,
      reads="disks.lun zonings.reserve_policy")
def lun_seen(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    paths = site.reach.disk_paths(lpar, target)
    blind = []
    for lun in paths.unseen:
        reserves = {v: p for v, p in site.reach.reserve_policies(lun, target).items() if p not in _RESERVES}
        if reserves:
            where = ", ".join(f"{p} on {v}" for v, p in reserves.items())
            yield Breach(f"LUN {lun} is reserved on {target}: {where}",
                         "there: chdev -dev hdiskN -attr reserve_policy=no_reserve (-perm where it is mapped)")
        else:
            blind.append(lun)
    if blind:
        what = f"LUN {blind[0]} is" if len(blind) == 1 else f"{len(blind)} LUNs are"
        rest = f" ({', '.join(blind)})" if len(blind) > 1 else ""
        yield _unlisted(site, target, f"whether {what} seen by a VIOS of {target}{rest}") or Breach(
            f"{what} not seen by any VIOS of {target}{rest}", f"zone to the VIOSes of {target}")
    for vios in paths.split:
        yield Breach(f"the LUNs that {vios} serves are seen on {target} by no single VIOS",
                     "zone them all to one VIOS there")


@rule("storage.redundancy", "Disks over k VIOSes on the source find k different VIOSes on the target.", Scope.MOVE,
      binds=MIGRATIONS,
      shape=storage_shape,
      source="IBM p8hc3_hmcvios (redundancy must mostly be kept); seed (slot 38 to hvio1, 48 to hvio2)",
      lifts=_served,
      reads="disks.vios zonings.reserve_policy fibres.vios policies.redundancy")
def redundancy(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    optional = Severity.WARNING if lpar in site.policies.redundancy_optional else None
    for paths, what in ((site.reach.disk_paths(lpar, target), "disks"),
                        (site.reach.fibre_paths(lpar, target), "Fibre Channel adapters")):
        if paths.reached and paths.lost:
            breach = Breach(f"{what}: {paths.lost} path(s) over a VIOS of their own would be lost on {target}",
                            "zone the LUNs to a second VIOS there, or state the policy redundancy if-possible")
            if what == "disks":
                breach = _unlisted(site, target, f"whether a second VIOS of {target} sees its LUNs") or breach
            yield replace(breach, severity=optional)


@rule("storage.fabric", "Every virtual Fibre Channel adapter finds a port with NPIV on its fabric on the target, which "
      "has a virtual port for each were the target empty of other LPARs.",
      Scope.MOVE, binds=ANYHOW, shape=storage_shape,
      source="IBM p8hc3_hmcvios (no FC adapters … npiv_dest_adapter rc=83); HSCLA319",
      lifts=_served,
      reads="fibres.fabric ports.free_ports")
def fabric(site: Site, lpar: str, _source: str, target: str) -> Iterator[Breach]:
    paths = site.reach.fibre_paths(lpar, target)
    if paths.unseen and not any(v.name in site.reach.ported for v in site.vioses_on(target)):
        why = "no listing shows a port of it" if site.vioses_on(target) else "no VIOS of it was exported"
        yield untold(f"whether a VIOS of {target} has a free NPIV port on fabric {', '.join(paths.unseen)} is unknown: "
                     f"{why}", f"on each VIOS of {target}: lsnports; lsmap -all -npiv")
        return
    for name in paths.unseen:
        yield Breach(f"no VIOS of {target} has a free NPIV port on fabric {name}", "connect or free a port there")
    for vios in paths.split:
        wanted = Counter(f.fabric for f in site.reach.fibres_of(lpar) if f.vios == vios)
        room = {v: {x: site.reach.port_room.get((v.name, x), 0) for x in wanted} for v in site.vioses_on(target)}
        enough = [", ".join(f"{v.name} has {n} on {x}" for x, n in there.items() if n < wanted[x])
                  for v, there in room.items() if all(there.values())]
        if enough:
            needed = " and ".join(f"{n} on {x}" for x, n in wanted.items())
            yield Breach(f"its Fibre Channel adapters over {vios} need virtual ports of one VIOS, {needed}; on "
                         f"{target} {'; '.join(enough)}", "free ports there (lsnports: aports), or add a port")
        else:
            yield Breach(f"the fabrics that {vios} serves are seen on {target} by no single VIOS",
                         "connect one VIOS there to all of them")
