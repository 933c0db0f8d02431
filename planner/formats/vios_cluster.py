"""``cluster -list``, ``cluster -status`` and ``lssp -clustername NAME`` of a VIOS: of which cluster it is a node.

Each prints keys (``CLUSTER_NAME: dev``, ``Node MTM: 9105-42A0278AB10``) or, at older levels, a table under a header.
Record ``vios-cluster``: ``cluster``, of the VIOS that printed it; of ``lssp`` only the command line above it names the
cluster. Record ``vios-cluster-node``: ``cluster``, ``node`` (host name), ``node_serial``, ``node_lpar_id`` where they
are stated. How healthy cluster, pool and nodes are is not read. Sources: IBM POWER8 p8hcg cluster, p7hcg lssp; keys and
tables as scripts of sites take them apart.
"""

from __future__ import annotations

import re
from typing import Any

from planner.formats.base import Format, Reading, Record, stated, vios_of
from planner.formats.facts import Intake, ViosRef
from planner.formats.lines import Notes, head, lines, snake
from planner.formats.values import whole

KIND = "vios-cluster"
NODE = "vios-cluster-node"

_NAME = r"[A-Za-z][\w.-]{0,62}"
_KEY = re.compile(r"\s*([A-Za-z][A-Za-z0-9_() ]{1,40}):(?:\s+(\S.*))?")
_ASKED = re.compile(rf".{{0,80}}\blssp\s.{{0,200}}?-clustername\s+({_NAME})\b.*")
_CLUSTERS = re.compile(r"\s*CLUSTER[_ ]NAME\s+(?:CLUSTER[_ ]ID|STATE)\b.*", re.IGNORECASE)
_NODES = re.compile(r"\s*Node[_ ]Name\s+MTM\s+Partition[_ ]Num\b.*", re.IGNORECASE)
_POOLS = re.compile(r"\s*Pool\s+Size\(mb\)\s+Free\(mb\)\s+Total LU Size.*", re.IGNORECASE)
_NODE_ROW = re.compile(r"\s*(\S{1,80})\s+(\w{4}-\S{3,20})\s+(\d{1,5})\b.*")
_MTM = re.compile(r"\w{4}-\w{3}(?:02|\*)?(\w{7})")
_POOL = "POOL_NAME:"
_TABLES = ((_CLUSTERS, "cluster"), (_NODES, "node"), (_POOLS, "pool"))


def recognise(text: str) -> bool:
    """The key or the header of a cluster, of its nodes or of its pool."""
    return any(line.upper().startswith(("CLUSTER_NAME:", "CLUSTER NAME:", _POOL)) or _table(line)
               for line in head(text, 10))


def _table(line: str) -> str:
    return next((name for header, name in _TABLES if header.fullmatch(line)), "")


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The cluster, and its nodes where they are listed; lines that are neither key nor row are findings."""
    notes = Notes(file)
    found: list[Record] = []
    table, own = "", ""
    for number, line in lines(text, first_line):
        asked, key = _ASKED.fullmatch(line), _KEY.fullmatch(line)
        if asked:
            fields: dict[str, Any] = {"cluster": asked[1]}
        elif key:
            node = found[-1].fields if found and found[-1].kind == NODE else {}
            fields = _keyed(snake(key[1]), key[2] or "", own, node, notes, number)
        else:
            table = _table(line) or table
            fields = {} if _table(line) else _row(line, table, own, notes, number)
        own = fields.get("cluster", own)
        if fields:
            found.append(Record(NODE if "node" in fields else KIND, {k: v for k, v in fields.items() if v != ""},
                                notes.source(number)))
    return Reading(KIND, tuple(found), notes.all())


def _row(line: str, table: str, cluster: str, notes: Notes, number: int) -> dict[str, Any]:
    """What a row of a table says; those of a pool say nothing."""
    if table == "cluster":
        return {"cluster": line.split()[0]}
    if table == "node" and (row := _NODE_ROW.fullmatch(line)):
        return {"cluster": cluster, "node": row[1], **_place(row[2]), **_partition(row[3], notes, number)}
    if table != "pool":
        notes.unknown(line, "a key or a row of cluster or lssp", number)
    return {}


def _keyed(key: str, value: str, cluster: str, node: dict[str, Any], notes: Notes, number: int) -> dict[str, Any]:
    """What a key begins: a cluster, a node; those that follow a ``node`` are put to it."""
    if key == "cluster_name" and value:
        return {} if value == cluster else {"cluster": value}
    if key == "node_name" and value:
        return {"cluster": cluster, "node": value}
    if key == "node_mtm" and node:
        node.update(_place(value))
    elif key == "node_partition_num" and node and value:
        node.update(_partition(value, notes, number))
    return {}


def _partition(text: str, notes: Notes, line: int) -> dict[str, Any]:
    return notes.typed({"node_lpar_id": (text, line)}, {"node_lpar_id": whole})[0]


def _place(mtm: str) -> dict[str, str]:
    match = _MTM.fullmatch(mtm)
    return {"node_serial": match[1]} if match else {}


def _take(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    if "cluster" in have:
        intake.of_vioses.append((vios_of(record, reading), {"cluster": (have["cluster"], record.source)},
                                 record.source))


def _take_node(intake: Intake, record: Record, reading: Reading) -> None:
    """A node is the VIOS of that id on the server of that serial number, else the host of that name."""
    have = stated(record)
    if "cluster" in have:
        ref = ViosRef(have["node"], have.get("node_serial", ""), have.get("node_lpar_id"))
        intake.of_vioses.append((ref, {"cluster": (have["cluster"], record.source)}, record.source))


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {}

FORMAT = Format(KIND, recognise, read, {KIND: _take, NODE: _take_node})
