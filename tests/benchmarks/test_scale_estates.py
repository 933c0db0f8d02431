"""The large estates of the benchmarks: valid, the same for the same arguments, and shaped as they say."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scale_estates import SHAPES, blocks, open_estate, ring

from planner.estate import saved
from planner.estate.assemble import Loaded
from planner.estate.load import checked
from planner.rules import Judge, Site

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale_estates.py"


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_valid_and_saved_whole(shape: str) -> None:
    estate = SHAPES[shape](24, 240, 3)
    assert checked(Loaded(estate)).findings == ()
    assert len(estate.servers) == 24 and len(estate.lpars) == 240
    assert saved.parse(saved.dump(Loaded(estate)), "x.json").estate == estate


@pytest.mark.parametrize(("shape", "most"), [("blocks", 13), ("ring", 16), ("open", 39)])
def test_reach_is_what_the_shape_says(shape: str, most: int) -> None:
    estate = SHAPES[shape](40, 200, 1)
    judge = Judge(Site(estate))
    counts = [len(judge.targets(p.name)) for p in estate.lpars]
    assert most // 2 < min(counts) and max(counts) == most


def test_ring_is_one_component_and_blocks_are_several() -> None:
    import networkx as nx

    def components(estate: object) -> int:
        judge = Judge(Site(estate))  # type: ignore[arg-type]
        graph = nx.Graph()
        for p in judge.site.estate.lpars:
            graph.add_edges_from((p.server, t) for t in judge.targets(p.name))
        return nx.number_connected_components(graph)

    assert components(ring(30, 150, 1)) == 1
    assert components(blocks(36, 180, 1)) == 3
    assert components(open_estate(8, 40, 1)) == 1


def test_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    digests = set()
    for seed in ("1", "2"):
        file = tmp_path / f"{seed}.json"
        subprocess.run([sys.executable, str(SCRIPT), "ring", "20", "60", "7", str(file)], check=True,
                       env={**os.environ, "PYTHONHASHSEED": seed})
        digests.add(hashlib.sha256(file.read_bytes()).hexdigest())
    assert len(digests) == 1
