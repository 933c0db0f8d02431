"""The lines that a person runs on the console. Names are quoted: none can become a command of its own."""

from __future__ import annotations

import shlex

from planner.plan.plan import Move
from planner.rules import Site


def _attribute(name: str, value: str) -> str:
    """One attribute=value; the HMC wants the whole field quoted when its value holds a comma."""
    text = f"{name}={value}".replace('"', '""')
    return f'"{text}"' if "," in value or '"' in value else text


def input_data(move: Move, site: Site, own_id: int | None) -> str:
    """The ``-i`` data of migrlpar: adapter maps, movers, pool, and the new id where it changes."""
    def mapping(pairs: tuple[tuple[int, str], ...]) -> str:
        out = []
        for slot, vios in pairs:
            number = site.vioses[vios].lpar_id if vios in site.vioses else None
            out.append(f"{slot}/{vios}/{'' if number is None else number}")
        return ",".join(out)

    fields = []
    if move.disks:
        fields.append(_attribute("virtual_scsi_mappings", mapping(move.disks)))
    if move.fibres:
        fields.append(_attribute("virtual_fc_mappings", mapping(move.fibres)))
    if move.source_msp and move.target_msp:
        fields += [_attribute("source_msp_name", move.source_msp), _attribute("dest_msp_name", move.target_msp)]
    if move.pool_id is not None:
        fields.append(_attribute("shared_proc_pool_id", str(move.pool_id)))
    if move.target_id is not None and move.target_id != own_id:
        fields.append(_attribute("dest_lpar_id", str(move.target_id)))
    return ",".join(fields)


def migrlpar(move: Move, site: Site, operation: str, own_id: int | None = None) -> str:
    """A migrlpar line: ``v`` validates, ``m`` moves, ``s`` stops, ``r`` recovers."""
    parts = ["migrlpar", "-o", operation, "-m", move.source]
    if operation in ("v", "m"):
        parts += ["-t", move.target]
    parts += ["-p", move.lpar]
    if operation in ("v", "m"):
        here, there = site.servers[move.source].console, site.servers[move.target].console
        if here and there and here != there:
            parts += ["--ip", there, "-u", "USER"]
        data = input_data(move, site, own_id)
        if data:
            parts += ["-i", data]
    return " ".join(p if p == "USER" else shlex.quote(_one_line(p)) for p in parts)


def quoted(name: str) -> str:
    """A name as one word of a shell command on one line."""
    return shlex.quote(_one_line(name))


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def state_query(move: Move) -> str:
    """How to see that an LPAR has arrived and runs."""
    chosen = quoted(_attribute("lpar_names", move.lpar))
    return f"lssyscfg -r lpar -m {quoted(move.target)} -F name,lpar_id,state,rmc_state --filter {chosen}"
