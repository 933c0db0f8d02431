"""Ansible's JSON of the collections power_hmc, power_vios and power_aix: facts in the words of other exports.

Each part that is known becomes the capture that it was made from, which is read like any: ``system_info`` and
``partition_info`` are objects of the HMC's ``quick`` interface, ``vios_info`` is a row of ``lssyscfg -r lpar``,
``mappings`` are rows of ``lsmap -fmt``, ``lpar`` is ``lparstat -i``. They are found however deep they stand (below the
host's name, below ``ansible_facts``). Record ``ansible``: ``captures``, the texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from planner.findings import Finding, Severity, Source
from planner.formats.base import Format, Reading, Record

KIND = "ansible"

_PARTS = ("system_info", "partition_info", "vios_info", "mappings", "lpar", "mpio_facts")
_DEEPEST = 6
#: ``lpar`` → the keys of ``lparstat -i``, with the unit that it prints.
_LPARSTAT = {
    "nodename": "Node Name", "lpar_name": "Partition Name", "lpar_number": "Partition Number", "lpar_type": "Type",
    "lpar_mode": "Mode", "entitled_capacity": "Entitled Capacity", "group_id": "Partition Group-ID",
    "pool_id": "Shared Pool ID", "online_vcpus": "Online Virtual CPUs", "max_vcpus": "Maximum Virtual CPUs",
    "min_vcpus": "Minimum Virtual CPUs", "online_memory": "Online Memory", "max_memory": "Maximum Memory",
    "min_memory": "Minimum Memory", "variable_weight": "Variable Capacity Weight",
    "minimum_capacity": "Minimum Capacity", "maximum_capacity": "Maximum Capacity",
}
_VTD = ("status", "lun", "backing", "bdphysloc", "mirrored")
_ROWS = {
    "npiv": ("physloc", "clntid", "clntname", "clntos", "status", "fc", "fcphysloc", "ports", "flags", "vfcclient",
             "vfcclientdrc"),
    "net": ("physloc", "sea", "backing", "status", "bdphysloc"),
}


def recognise(text: str) -> bool:
    """JSON with one of the parts."""
    return text.lstrip()[:1] == "{" and any(f'"{part}"' in text for part in _PARTS) and any(
        word in text for word in ('"changed"', '"ansible_facts"', '"failed"'))


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """The captures inside; what is not known is named."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        finding = Finding("input.truncated", Severity.WARNING, file, "JSON of Ansible that cannot be read",
                          "run the playbook again", Source(file, first_line))
        return Reading(KIND, (), (finding,))
    parts = list(_found(document, 0))
    captures = tuple(capture for name, value in parts for capture in _captures(name, value))
    where = Source(file, first_line)
    if captures:
        return Reading(KIND, (Record(KIND, {"captures": captures}, where),))
    names = ", ".join(sorted({name for name, _ in parts}))
    unneeded = Finding("input.not-needed", Severity.INFO, file, f"facts of Ansible that no plan needs: {names}",
                       "nothing to do", where)
    return Reading(KIND, (), (unneeded,))


def _found(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Every part, in the order of the document."""
    if isinstance(value, list) and depth < _DEEPEST:
        for one in value:
            yield from _found(one, depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for name, one in value.items():
            if name in _PARTS and isinstance(one, dict):
                yield name, one
            else:
                yield from _found(one, depth + 1)


def _captures(name: str, value: dict[str, Any]) -> Iterator[str]:
    if name in ("system_info", "partition_info"):
        yield json.dumps(value)
    elif name == "vios_info":
        yield ",".join(_attribute(key, one) for key, one in value.items()) + "\n"
    elif name == "lpar":
        yield "".join(f"{label} : {_shown(key, value[key])}\n" for key, label in _LPARSTAT.items() if key in value)
    elif name == "mappings":
        yield from _mappings(value)


def _attribute(key: str, value: Any) -> str:
    text = f"{key}={value}"
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _shown(key: str, value: Any) -> str:
    if key.endswith("_memory") and isinstance(value, int | float):
        return f"{value:.0f} MB"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _mappings(value: dict[str, Any]) -> Iterator[str]:
    """Rows of ``lsmap -fmt``; client ids are hexadecimal for disks, decimal for NPIV, as the command prints them."""
    lines = []
    for name, host in _items(value.get("vscsi")):
        client = host.get("clientid")
        row = [name, str(host.get("physloc", "")), f"0x{client:08x}" if isinstance(client, int) else "0x00000000"]
        for vtd, device in _items(host.get("vtds")):
            row += [vtd, *(_cell(device.get(key)) for key in _VTD)]
        lines.append("%".join(row if len(row) > 3 else [*row, *(" ",) * 6]))
    yield "".join(f"{line}\n" for line in lines)
    for kind, keys in _ROWS.items():
        rows = ["%".join((name, *(f"{one.get(key):x}" if key == "flags" and isinstance(one.get(key), int)
                                  else _cell(one.get(key)) for key in keys))) for name, one in _items(value.get(kind))]
        yield "".join(f"{row}\n" for row in rows)


def _items(value: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(str(k), v) for k, v in value.items() if isinstance(v, dict)] if isinstance(value, dict) else []


def _cell(value: Any) -> str:
    return " " if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def _inside(reading: Reading) -> Iterable[str]:
    return (text for record in reading.records for text in record.fields["captures"] if text.strip())


FORMAT = Format(KIND, recognise, read, inside=_inside)
