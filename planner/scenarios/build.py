"""From an estate and a scenario to the estate on arrival: the new servers wired up, policies and ceilings stated.

Sizes are those of today: LPM carries entitlement, virtual processors and memory over as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from planner.errors import InputError
from planner.estate.catalogue import Catalogue, ServerModel
from planner.estate.model import Bridge, Estate, Port, ProcessorPool, Server, Vios, Zoning
from planner.estate.policy_file import with_policies
from planner.findings import Finding, Severity, Source
from planner.scenarios.model import ALL, NewServer, Scenario, ServerClock
from planner.scenarios.sizing import unselected
from planner.units import UNITS_PER_CORE, show_gib, some

_LEAST_FIRMWARE_MIB = 1024


@dataclass(frozen=True, slots=True)
class Built:
    """The estate on arrival; ``retired``: servers that are emptied; ``kept``: those in use in the end."""

    estate: Estate
    retired: tuple[str, ...]
    kept: tuple[str, ...]
    assumptions: tuple[str, ...]


def build(estate: Estate, scenario: Scenario, catalogue: Catalogue) -> Built:
    """The estate on arrival; raises InputError with everything that the estate or the catalogue does not have."""
    wrong = list(problems(estate, scenario, catalogue))
    if wrong:
        raise InputError(wrong)
    retired = _retired(estate, scenario)
    assumed: list[str] = []
    out = estate
    for new in scenario.add:
        model = catalogue.find(new.model)
        assert model is not None  # told by problems
        out = _added(out, estate, new, model, assumed)
    out = with_policies(out, scenario.policies)
    kept = tuple(s.name for s in out.servers if s.name not in retired)
    return Built(out, retired, kept, tuple(assumed))


def _retired(estate: Estate, scenario: Scenario) -> tuple[str, ...]:
    return tuple(s.name for s in estate.servers if any(fnmatchcase(s.name, w) for w in scenario.retire))


def _problem(scenario: Scenario, path: str, message: str, fix: str) -> Finding:
    where = Source(scenario.file, scenario.lines.get(path))
    return Finding("input.bad-scenario", Severity.ERROR, scenario.file, f"{path}: {message}", fix, where)


def problems(estate: Estate, scenario: Scenario, catalogue: Catalogue) -> Iterator[Finding]:
    """Everything in a scenario that the estate or the catalogue does not have."""
    names = [s.name for s in estate.servers]
    for number, word in enumerate(scenario.retire):
        yield from _unmatched(scenario, f"retire[{number}]", word, names)
    for number, clock in enumerate(scenario.clocks):
        yield from _unmatched(scenario, f"clock[{number}].server", clock.servers, names)
        yield from _unknown_clock(estate, scenario, f"clock[{number}].ghz", clock, catalogue)
    for number, word in unselected(scenario, estate.lpars):
        yield _problem(scenario, f"growth[{number}].lpars", f"{word!r} selects no LPAR",
                       "a name, a wildcard, env:production or software:SAP")
    taken = {*names, *(v.name for v in estate.vioses), *(p.name for p in estate.lpars)}
    for number, new in enumerate(scenario.add):
        yield from _wrong_server(scenario, f"add[{number}]", new, catalogue, names, taken)
        taken |= {new.name}
    if names and not scenario.add and len(_retired(estate, scenario)) == len(names):
        yield _problem(scenario, "retire", "no server is left", "keep or add one")


def _unmatched(scenario: Scenario, path: str, word: str, names: Sequence[str]) -> Iterator[Finding]:
    if not any(fnmatchcase(n, word) for n in names):
        yield _problem(scenario, path, f"{word!r} matches no server", f"one of: {some(names)}")


def _unknown_clock(estate: Estate, scenario: Scenario, path: str, clock: ServerClock, catalogue: Catalogue
                   ) -> Iterator[Finding]:
    for s in estate.servers:
        model = catalogue.find(s.model)
        if fnmatchcase(s.name, clock.servers) and model and model.with_clock(clock.ghz) is None:
            yield _problem(scenario, path, f"{s.name} is a {s.model}, of which the catalogue has no {clock.ghz} GHz",
                           f"one of: {_clocks(model)}")


def _clocks(model: ServerModel) -> str:
    return ", ".join(p.ghz for p in model.processors)


def _wrong_server(scenario: Scenario, path: str, new: NewServer, catalogue: Catalogue, names: Sequence[str],
                  taken: set[str]) -> Iterator[Finding]:
    clash = sorted({new.name, *_vios_names(new)} & taken)
    if clash:
        yield _problem(scenario, f"{path}.name", f"{clash[0]!r} is taken", "choose another name")
    if new.wired_like != ALL and new.wired_like not in names:
        yield _problem(scenario, f"{path}.wired_like", f"no server {new.wired_like!r}",
                       f"{ALL!r} or one of: {', '.join(names[:12])}")
    if new.idle_watts is not None and new.max_watts is not None and new.idle_watts > new.max_watts:
        yield _problem(scenario, f"{path}.idle_watts", f"{new.idle_watts} W idle, {new.max_watts} W at most",
                       "correct one of the two")
    model = catalogue.find(new.model)
    if model is None:
        yield _problem(scenario, f"{path}.model", f"{new.model!r} is not in the catalogue",
                       f"one of: {', '.join(sorted(catalogue.models))}; or give --catalogue FILE")
        return
    yield from _beyond_model(scenario, path, new, model)


def _beyond_model(scenario: Scenario, path: str, new: NewServer, model: ServerModel) -> Iterator[Finding]:
    processor = model.with_clock(new.ghz) if new.ghz else None
    if new.ghz and processor is None:
        yield _problem(scenario, f"{path}.ghz", f"{new.model} has no {new.ghz} GHz", f"one of: {_clocks(model)}")
    most = processor.most_cores if processor else max(p.most_cores for p in model.processors)
    if new.cores > most:
        yield _problem(scenario, f"{path}.cores", f"{new.cores} cores; {new.model}"
                       f"{f' at {new.ghz} GHz' if processor else ''} has at most {most}",
                       "lower it or take another model")
    if model.max_memory_mib is not None and new.memory_mib > model.max_memory_mib:
        yield _problem(scenario, f"{path}.memory_gib", f"{show_gib(new.memory_mib)} GiB; {new.model} has at most "
                       f"{show_gib(model.max_memory_mib)}", "lower it or take another model")
    if new.lmb_mib is not None and model.lmb_mib and new.lmb_mib not in model.lmb_mib:
        yield _problem(scenario, f"{path}.lmb_mib", f"{new.lmb_mib} MiB; {new.model} offers "
                       f"{', '.join(map(str, model.lmb_mib))}", "choose one of these")


def _vios_names(new: NewServer) -> list[str]:
    return [f"{new.name}-vios{n}" for n in range(1, new.vioses + 1)]


def _added(out: Estate, old: Estate, new: NewServer, model: ServerModel, assumed: list[str]) -> Estate:
    like = [s for s in old.servers if new.wired_like in (ALL, s.name)]
    server = _server(new, model, like, assumed)
    theirs = [v for v in old.vioses if v.server in {s.name for s in like}]
    vioses = tuple(_vios(new, name, number, theirs, assumed if number == 1 else [])
                   for number, name in enumerate(_vios_names(new), 1))
    seen = {v.name for v in theirs}
    bridges = _bridges(old, like, vioses)
    luns = sorted({z.lun for z in old.zonings if z.vios in seen})
    fabrics = sorted({p.fabric for p in old.ports if p.vios in seen})
    whose = "every server" if new.wired_like == ALL else new.wired_like
    count = len({b.vlan for b in bridges})
    assumed.append(f"{new.name}: its VIOSes bridge {count} VLANs, each over as many of them as there, and each sees "
                   f"{len(luns)} LUNs (no_reserve) and {len(fabrics)} fabrics, those of {whose}: "
                   "cable and zone it so before the first move.")
    return out.replace(
        servers=(*out.servers, server), vioses=(*out.vioses, *vioses),
        pools=(*out.pools, ProcessorPool(new.name, 0, "DefaultPool")),
        bridges=(*out.bridges, *bridges),
        zonings=(*out.zonings, *(Zoning(lun, v.name, "", "no_reserve") for v in vioses for lun in luns)),
        ports=(*out.ports, *(Port(v.name, f"fcs{n}", f) for v in vioses for n, f in enumerate(fabrics))))


def _bridges(old: Estate, like: Sequence[Server], vioses: Sequence[Vios]) -> tuple[Bridge, ...]:
    """Each VLAN over as many VIOSes as on the server of today where most bridge it, at the same places in their order:
    over more of them the way back would lose redundancy."""
    places: dict[tuple[int, str], list[int]] = {}
    for server in like:
        order = [v.name for v in old.vioses if v.server == server.name]
        here: dict[tuple[int, str], set[int]] = {}
        for b in old.bridges:
            if b.vios in order:
                here.setdefault((b.vlan, b.vswitch), set()).add(order.index(b.vios))
        for vlan, ordinals in sorted(here.items()):
            if len(ordinals) > len(places.get(vlan, ())):
                places[vlan] = sorted(ordinals)
    return tuple(Bridge(vioses[at % len(vioses)].name, "ent6", vlan, vswitch)
                 for (vlan, vswitch), ordinals in sorted(places.items())
                 for at in sorted({n % len(vioses) for n in ordinals}))


def _server(new: NewServer, model: ServerModel, like: Sequence[Server], assumed: list[str]) -> Server:
    processor = model.with_clock(new.ghz) if new.ghz else None
    lmb, firmware = _lmb(new, model, like, assumed), _hypervisor(new, assumed)
    if not new.firmware:
        assumed.append(f"{new.name}: firmware level not stated, so the firmware matrix is not checked.")
    return Server(
        new.name, configurable_units=UNITS_PER_CORE * new.cores, configurable_memory_mib=new.memory_mib,
        model=new.model, generation=(processor.generation if processor else "") or model.generation,
        console=new.console or next((s.console for s in like if s.console), ""),
        site=new.site or next((s.site for s in like if s.site), ""), firmware_memory_mib=firmware, lmb_mib=lmb,
        firmware=new.firmware, enterprise=True, modes=model.modes,
        max_migrations=new.max_migrations, idle_watts=new.idle_watts, max_watts=new.max_watts,
        note=f"added by the scenario, {new.ghz or 'unstated'} GHz")


def _lmb(new: NewServer, model: ServerModel, like: Sequence[Server], assumed: list[str]) -> int | None:
    """The logical memory block in MiB: as stated, else as today where the model offers that."""
    if new.lmb_mib is not None:
        return new.lmb_mib
    lmb = next((s.lmb_mib for s in like if s.lmb_mib and (not model.lmb_mib or s.lmb_mib in model.lmb_mib)), None)
    if lmb:
        assumed.append(f"{new.name}: LMB {lmb} MiB, as on the servers of today: set it before the first LPAR is "
                       "there, another size needs a restart of the server.")
    return lmb


def _hypervisor(new: NewServer, assumed: list[str]) -> int:
    """MiB that the hypervisor takes."""
    if new.firmware_memory_mib is not None:
        return new.firmware_memory_mib
    firmware = max(_LEAST_FIRMWARE_MIB, new.memory_mib // 64)
    assumed.append(f"{new.name}: {show_gib(firmware)} GiB of memory for the hypervisor (1/64, at least 1 GiB).")
    return firmware


def _vios(new: NewServer, name: str, number: int, theirs: Sequence[Vios], assumed: list[str]) -> Vios:
    link = new.vios_link_mbit
    if link is None:
        link = max((v.link_mbit or 1000 for v in theirs), default=1000)
        assumed.append(f"{new.name}: mover links of {link} Mbit/s, as the fastest of today.")
    level = new.vios_level or max((v.level for v in theirs), default="")
    count = max(2, -(-new.vios_units // UNITS_PER_CORE))
    return Vios(name, new.name, entitlement_units=new.vios_units, memory_mib=new.vios_memory_mib, lpar_id=number,
                level=level, rmc_active=True, msp=True, virtual_processors=count, sharing="uncapped",
                max_memory_mib=new.vios_memory_mib, link_mbit=link, note="of the scenario")

