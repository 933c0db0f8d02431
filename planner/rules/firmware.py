"""Which firmware levels may send to which, as IBM's tables list it, and what a level is needed for.

Sources: IBM firmware support matrices for partition mobility (8231-E2C p7hc3firmwaresupportmatrix; 8286-42A
p8hc3_firmwaresupportmatrix; 9856-42H security-firmware-support-matrix-partition-mobility); eFW3.2 as the lowest level
on POWER6: REDP-4798 p. 142. The first says what is blocked; the later ones only list what is supported.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from planner.estate.changes import set_to
from planner.estate.consoles import is_ivm
from planner.findings import Severity
from planner.names import quoted
from planner.rules.base import MIGRATIONS, Alternatives, Breach, Scope, any_of, rule, two_servers, unknown
from planner.rules.site import Site
from planner.rules.versions import below, firmware_release

_P67 = (350, 710, 720, 730, 740, 760, 763, 770, 773, 780)
#: Rows of the POWER6/POWER7 matrix: from → targets that are blocked.
_BLOCKED = {
    340: {730, 740, 760, 763, 770, 773, 780}, 710: {760, 763, 770, 773, 780}, 720: {770, 773, 780},
    760: {710}, 763: {710}, 770: {710, 720}, 773: {710, 720}, 780: {710, 720},
}
_P9, _P10 = (910, 930, 940, 950), (1010, 1020, 1030, 1040, 1050)
_NEWER = {
    **{release: {*_P9, *_P10} for release in (*_P9, *_P10)},
    1060: {*_P9, *_P10, 1060}, 1061: {*_P9, *_P10, 1060, 1061}, 1110: {*_P9, *_P10, 1060, 1061, 1110},
}
"""Rows of the Power11 edition: release → releases that it is listed to send to."""
_WITHOUT_ROW = 850


def firmware_mobile(source: str, target: str) -> bool | None:
    """Whether a partition may move between two firmware levels; None when the published matrices do not say."""
    a, b = firmware_release(source), firmware_release(target)
    if a is None or b is None:
        return None
    if a[0] < 320 or b[0] < 320:
        return False
    if a[0] == b[0]:
        return True
    if a[0] < 800 and b[0] < 800:
        return _power6_7(a, b)
    if a[0] < 900 and b[0] < 900:
        return _power8(a, b)
    return True if b[0] in _NEWER.get(a[0], ()) else None


_LISTED = (("AM", _P67[1:]), ("FW", (*range(810, 870, 10), *_P9, *_P10, 1060, 1110)))


def in_between(a: str, b: str) -> list[str]:
    """The releases of IBM's matrices that go with both of two levels, either way."""
    return [name for name in (f"{prefix}{n}" for prefix, releases in _LISTED for n in releases)
            if goes_with(name, a, b)]


def goes_with(level: str, *others: str) -> bool:
    """Whether a partition may move between a level and each of others, either way."""
    return all(firmware_mobile(*pair) for other in others for pair in ((level, other), (other, level)))


Release = tuple[int, int | None]


def _column(release: int) -> int | None:
    """The matrix column: 350 stands for every later POWER6 level."""
    if 350 <= release < 700:
        return 350
    return release if release in _P67 else None


def _power6_7(a: Release, b: Release) -> bool | None:
    if a[0] < 700 and b[0] < 700:
        return True
    if a[0] < 350:
        if a[0] < 340 or (a[0] == 340 and (a[1] is None or a[1] < 39)):
            return None
        column = _column(b[0])
        return None if column is None else column not in _BLOCKED[340]
    if b[0] < 350:
        return None
    row, column = _column(a[0]), _column(b[0])
    return None if row is None or column is None else column not in _BLOCKED.get(row, set())


def _power8(a: Release, b: Release) -> bool | None:
    for release, _ in (a, b):
        if not (810 <= release <= 860 or 730 <= release <= 783 or 350 <= release < 700):
            return None
    if a[0] == _WITHOUT_ROW:
        return None
    if {a[0], b[0]} == {760, 840}:
        pack = dict((a, b))[840]
        return None if pack is None else pack >= 113
    return True


def _one_level(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    """One of the two has the level of the other; of a server whose level after the work is stated that stands."""
    stated = site.goal.firmware_after if site.goal else {}
    yield any_of(*(set_to("firmware", "servers", a, "firmware", site.servers[b].firmware,
                          words=f"update the firmware of {a} to {site.servers[b].firmware}")
                   for a, b in ((source, target), (target, source)) if a not in stated))


@rule("server.firmware", "No matrix of IBM's blocks a move between the two firmware levels; a pair that none lists is "
      "to be looked up.", Scope.MOVE, binds=MIGRATIONS, shape=two_servers,
      source="IBM firmware support matrices for partition mobility, POWER6/7, POWER8, Power11 editions",
      lifts=_one_level,
      reads="source.firmware target.firmware")
def firmware(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    a, b = site.servers[source].firmware, site.servers[target].firmware
    for name, stated in ((source, a), (target, b)):
        if not stated:
            yield unknown(f"the firmware level of {name} is unknown",
                          f"lslic -m {quoted(name)} -t sys -F ecnumber,activated_level")
    if not a or not b:
        return
    allowed = firmware_mobile(a, b)
    if allowed is False:
        yield Breach(f"firmware {a} on {source} cannot send to {b} on {target}", "update the firmware of one of them")
    elif allowed is None:
        yield Breach(f"firmware {a} ({source}) to {b} ({target}) is in no matrix known here",
                     "look it up in IBM's firmware support matrix", Severity.WARNING)


_CONSOLES = {340: "V7R3.4", 730: "V7R7.3", 760: "V7R7.6", 860: "V8R8.6", 1020: "V10R1M1020", 1110: "V11R1M1110"}
"""Firmware release → the least console level that its release note wants (Minimum HMC Code Level); a release between
two of them wants at least that of the one before."""


CONSOLE = "on the console: lshmc -V"


@cache
def least_console(firmware: str) -> str:
    """The least console level that the release note of a firmware level wants; empty where none is known."""
    release = firmware_release(firmware)
    return _CONSOLES.get(max((r for r in _CONSOLES if release and r <= release[0]), default=0), "")


@rule("server.console-firmware", "The console has the level that the release note of a server's firmware wants: it is "
      "known; that for the firmware after the work is looked up.", Scope.MOVE, severity=Severity.WARNING,
      binds=MIGRATIONS, shape=two_servers, encoding="adds risk_warning_s to the move's cost",
      source="Minimum HMC Code Level in IBM's release notes 01AM730_114, 01AH760_078, 01SV860_056, 01ML1020_085, node "
      "7240037 (FW1110); HMC V7R3.4 help, determining code levels (EL340). That a move needs it was not seen stated")
def console_firmware(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    after = site.goal.firmware_after if site.goal else {}
    silent: dict[str, str] = {}
    for name in (source, target):
        row = site.servers[name]
        release, wanted = firmware_release(row.firmware), least_console(row.firmware)
        if release is None or is_ivm(row, [v.name for v in site.vioses_on(name)]):
            continue
        low = below(row.console_level, wanted) if wanted else False
        if low:
            yield Breach(f"firmware {row.firmware} of {name} wants console level {wanted} at least; its "
                         f"console has {row.console_level}", "look it up in the release note of the firmware "
                         "(Minimum HMC Code Level), and update the console first")
        elif after.get(name) == row.firmware and (not row.console_level or release[0] not in _CONSOLES):
            level = row.console_level or "its level is unknown"
            yield unknown(f"whether the console of {name} ({level}) manages {row.firmware}, its firmware after the "
                          "work, is unknown", f"{CONSOLE}; look up Minimum HMC Code Level in the release note of the "
                          "firmware")
        elif low is None:
            silent[name] = f"{row.firmware} wants {wanted}"
    if silent:
        yield unknown(f"the console level of {' and '.join(silent)} is unknown; firmware "
                      f"{' and '.join(dict.fromkeys(silent.values()))} at least", CONSOLE)
