"""What is saved before the moves: profiles, console, VIOSes, and the systems themselves.

Sources: IBM's pages of bkprofdata (HMC: ``-m`` and ``-f``; IVM: ``-o backup``), bkconsdata (``-r nfs -h -l``), viosbr
(``-clustername`` for a shared storage pool), lsnim.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.estate.consoles import consoles_of
from planner.names import command
from planner.plan.plan import Plan
from planner.report.checklists import Item
from planner.report.commands import is_ivm
from planner.report.site_checks import concerned, where
from planner.report.text import md
from planner.rules import Site

_FILE = "before-moves"
_NO_CLUSTER = ("", "none")
"""What a VIOS says that is a node of no shared storage pool."""
_SYSTEMS = (
    (("AIX", ""), "AIX: a mksysb of each, not older than a week, that NIM can restore (on the NIM master)",
     "lsnim -t mksysb -l"),
    (("Linux",), "Linux: the site's backup of each, not older than a week", ""),
    (("IBM i",), "IBM i: the system saved (option 21), not older than a week", "GO SAVE"))
"""Operating systems, what there is of each LPAR of them, and the command that shows it."""


def backups(plan: Plan, site: Site) -> Iterator[Item]:
    """One item a server, console and kind of system."""
    managed = concerned(plan)
    for server in managed:
        typed = (command("bkprofdata", "-o", "backup", "-f", _FILE) if is_ivm(site, server) else
                 command("bkprofdata", "-m", server, "-f", _FILE, "--force"))
        by = ", as padmin" * is_ivm(site, server)
        yield Item(f"Profiles of {md(server)} saved{where(site, server)}{by}", typed)
    hmcs = dict.fromkeys(name for s in managed if not is_ivm(site, s) for name in consoles_of(site.servers[s]))
    if hmcs or not all(is_ivm(site, s) for s in managed):
        yield Item(f"Data of the console saved ({md(', '.join(hmcs)) or 'HMC'}; HOST and DIRECTORY: where to)",
                   "bkconsdata -r nfs -h HOST -l DIRECTORY")
    vioses = [v for s in managed for v in site.vioses_on(s)]
    if vioses:
        yield Item(f"Configuration of each VIOS saved, as padmin: {', '.join(md(v.name) for v in vioses)}",
                   f"viosbr -backup -file {_FILE}")
    for cluster in sorted({v.cluster for v in vioses if v.cluster.casefold() not in _NO_CLUSTER}):
        yield Item(f"Shared storage pool {md(cluster)} saved, on one of its VIOSes, as padmin",
                   command("viosbr", "-backup", "-clustername", cluster, "-file", _FILE))
    systems = {site.lpars[m.lpar].os for m in plan.moves}
    yield from (Item(text, shows) for names, text, shows in _SYSTEMS if systems.intersection(names))
