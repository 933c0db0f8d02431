"""Rules on storage: whole LUNs, seen without reservation by the target's VIOSes, over as many paths as before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from planner.estate.model import Disk
from planner.findings import Severity
from planner.rules.base import ANYHOW, UNTIL_WORK, Breach, Scope, rule
from planner.rules.site import Site, storage_shape

_KINDS = {"lv": "a logical volume", "file": "a file", "ssp": "a shared storage pool"}


def _place(d: Disk) -> str:
    """Where a disk hangs: ``slot 38, vhost3/vtscsi7``."""
    return ", ".join(x for x in (f"slot {d.slot}", "/".join(x for x in (d.vhost, d.vtd) if x)) if x)


@rule("storage.whole-lun", "Every virtual disk is a whole LUN, none a logical volume or a file of a VIOS.",
      Scope.LPAR, binds=UNTIL_WORK, source="seed; IBM nas8N1011014")
def whole_lun(site: Site, lpar: str) -> Iterator[Breach]:
    for d in site.reach.disks_of(lpar):
        if d.backing in ("lv", "file"):
            yield Breach(f"disk {d.lun} ({_place(d)}) on {d.vios} is {_KINDS[d.backing]}",
                         "move its data to a SAN LUN (migratepv) and unmap it")


@rule("storage.path-known", "The VIOS behind each storage adapter of the LPAR, and the adapter's WWPNs, are known.",
      Scope.LPAR, binds=ANYHOW, source="a path of which nothing is known cannot be looked for on another server")
def path_known(site: Site, lpar: str) -> Iterator[Breach]:
    paths = {(d.slot, d.vios) for d in site.reach.disks_of(lpar)} | {
        (f.slot, f.vios) for f in site.reach.fibres_of(lpar)}
    for slot, vios in sorted(paths):
        if vios not in site.vioses:
            yield Breach(f"slot {slot} leads to {vios}, which no listing names as a VIOS",
                         "give the listing that names it, add it in sheet VIOS, or remove the adapter")
    for f in site.reach.fibres_of(lpar):
        if not (f.wwpn1 and f.wwpn2):
            yield Breach(f"the WWPNs of its Fibre Channel adapter in slot {f.slot} are unknown",
                         "give lshwres -r virtualio --rsubtype fc, or add them in sheet NPIV")


@rule("storage.no-optical", "No virtual optical device is attached.", Scope.LPAR,
      source="aix-skills 2020-04 IBM System p LPM")
def no_optical(site: Site, lpar: str) -> Iterator[Breach]:
    for d in site.reach.disks_of(lpar):
        if d.backing == "optical":
            yield Breach(f"virtual optical {d.vtd or d.lun} ({_place(d)}) on {d.vios} is attached",
                         f"on {d.vios}: unloadopt -vtd {d.vtd or d.lun}; rmvdev -vtd {d.vtd or d.lun}")


@rule("storage.reserve-here", "The source VIOSes hold the LPAR's LUNs with no_reserve.", Scope.LPAR,
      source="IBM nas8N1011014; seed")
def reserve_here(site: Site, lpar: str) -> Iterator[Breach]:
    told = set()
    for d in site.reach.disks_of(lpar):
        policy = site.reach.reserve_policies(d.lun, site.lpars[lpar].server).get(d.vios, "")
        if d.backing == "lun" and policy not in ("", "no_reserve") and (d.lun, d.vios) not in told:
            told.add((d.lun, d.vios))
            yield Breach(f"LUN {d.lun} has reserve_policy {policy} on {d.vios}",
                         f"on {d.vios}: chdev -dev hdiskN -attr reserve_policy=no_reserve -perm (it is mapped: this "
                         "takes effect when it is configured again)")


def _fibre_zoned(site: Site, lpar: str) -> Iterator[Breach]:
    for f in site.reach.fibres_of(lpar):
        if f.both_zoned is False:
            yield Breach(f"the second WWPN {f.wwpn2} (slot {f.slot}) is not zoned like {f.wwpn1}",
                         "zone both WWPNs of the pair to the same storage ports")


rule("storage.wwpn-pair", "Both WWPNs of every virtual Fibre Channel adapter are zoned to the same storage.",
     Scope.LPAR, source="IBM support hscla319-during-lpm-validation-aix-npiv-client")(_fibre_zoned)


@rule("storage.lun-seen", "Every LUN of the LPAR is seen by a VIOS of the target with no_reserve, those of one "
      "adapter by one VIOS.", Scope.MOVE, binds=ANYHOW, shape=storage_shape, source="IBM nas8N1011014; seed")
def lun_seen(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    paths = site.reach.disk_paths(lpar, target)
    blind = []
    for lun in paths.unseen:
        held = {v: p for v, p in site.reach.reserve_policies(lun, target).items() if p not in ("", "no_reserve")}
        if held:
            where = ", ".join(f"{p} on {v}" for v, p in held.items())
            yield Breach(f"LUN {lun} is reserved on {target}: {where}",
                         "there: chdev -dev hdiskN -attr reserve_policy=no_reserve (-perm where it is mapped)")
        else:
            blind.append(lun)
    if blind:
        what = f"LUN {blind[0]} is" if len(blind) == 1 else f"{len(blind)} LUNs are"
        rest = f" ({', '.join(blind)})" if len(blind) > 1 else ""
        yield Breach(f"{what} not seen by any VIOS of {target}{rest}", f"zone to the VIOSes of {target}")
    for vios in paths.split:
        yield Breach(f"the LUNs that {vios} serves are seen on {target} by no single VIOS",
                     "zone them all to one VIOS there")


@rule("storage.redundancy", "Disks over k VIOSes on the source find k different VIOSes on the target.", Scope.MOVE,
      shape=storage_shape,
      source="IBM p8hc3_hmcvios (redundancy must mostly be kept); seed (slot 38 to hvio1, 48 to hvio2)")
def redundancy(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    optional = Severity.WARNING if lpar in site.policies.redundancy_optional else None
    for paths, what in ((site.reach.disk_paths(lpar, target), "disks"),
                        (site.reach.fibre_paths(lpar, target), "Fibre Channel adapters")):
        if paths.reached and paths.lost:
            yield Breach(f"{what}: {paths.lost} path(s) over a VIOS of their own would be lost on {target}",
                         "zone the LUNs to a second VIOS there, or state the policy redundancy if-possible", optional)


@rule("storage.fabric", "Every virtual Fibre Channel adapter finds a port with NPIV on its fabric on the target, which "
      "has a virtual port for each were the target empty of other LPARs.",
      Scope.MOVE, binds=ANYHOW, shape=storage_shape,
      source="IBM p8hc3_hmcvios (no FC adapters … npiv_dest_adapter rc=83); HSCLA319")
def fabric(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    paths = site.reach.fibre_paths(lpar, target)
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
