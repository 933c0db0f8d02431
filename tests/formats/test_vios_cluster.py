"""``cluster -list``, ``cluster -status`` and ``lssp -clustername``: which VIOSes are nodes of which cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.estate.load import load
from planner.formats import registry, vios_cluster

VIOS = Path(__file__).parents[1] / "fixtures" / "vios"
NODES = [{"cluster": "devpool", "node": "vioa1", "node_serial": "AAA0001", "node_lpar_id": 1},
         {"cluster": "devpool", "node": "viob1", "node_serial": "AAA0002", "node_lpar_id": 1}]
SITE = "".join(
    f"hmc1:~> lssyscfg -r sys -m {s}\nname={s},type_model=9105-42A,serial_num=AAA000{n},state=Operating\n"
    f"hmc1:~> lssyscfg -r lpar -m {s}\n" + "".join(
        f"name=vio{s[-1]}{i},lpar_id={i},lpar_env=vioserver,state=Running\n" for i in (1, 2))
    for n, s in enumerate(("sysa", "sysb"), 1))


def fields(text: str) -> list[dict[str, object]]:
    readings = registry.read_document(text.encode(), "x.txt")
    assert not [f for r in readings for f in r.findings], readings
    return [record.fields for r in readings for record in r.records]


def test_keys_and_tables_are_read_and_lssp_by_its_command_line() -> None:
    own = {"cluster": "devpool"}
    assert fields((VIOS / "cluster_status.txt").read_text()) == [own, own, *NODES, own]


def test_the_verbose_form_names_each_node_with_its_place() -> None:
    assert fields((VIOS / "cluster_verbose.txt").read_text())[1:] == [
        {**NODES[0], "node": "vioa2", "node_lpar_id": 2}, {**NODES[1], "node": "viob2", "node_lpar_id": 2}]


@pytest.mark.parametrize("text", ["CLUSTER_NAME    CLUSTER_ID\ndevpool         5f0a1b2c3d4e11ee\n",
                                  "CLUSTER_NAME:    devpool\nCLUSTER_ID:      5f0a1b2c3d4e11ee\n"])
def test_a_list_alone_is_recognised(text: str) -> None:
    assert fields(text) == [{"cluster": "devpool"}]


def test_a_pool_without_its_command_names_no_cluster() -> None:
    assert fields("POOL_NAME:       devdata\nPOOL_TYPE:       CLPOOL\n") == []


def test_nodes_on_other_servers_get_their_cluster_too(tmp_path: Path) -> None:
    (tmp_path / "hmc.txt").write_text(SITE)
    (tmp_path / "vios.txt").write_text((VIOS / "cluster_status.txt").read_text())
    loaded = load([tmp_path])
    assert {v.name: v.cluster for v in loaded.estate.vioses} == {
        "vioa1": "devpool", "vioa2": "", "viob1": "devpool", "viob2": ""}
    assert not [f for f in loaded.findings if f.rule == "input.unknown-vios"]


@pytest.mark.parametrize("number", ["22222222222", "one", "-1"])
def test_a_partition_number_that_is_none_is_told(number: str) -> None:
    text = f"Cluster Name: c1\nNode Name: v1\n    Node MTM: 9009-42A0278ABCD\n    Node Partition Num: {number}\n"
    reading = vios_cluster.FORMAT.read(text, "f")
    assert all("node_lpar_id" not in record.fields for record in reading.records)
    assert [f.rule for f in reading.findings] == ["input.bad-value"]
