"""The HMC's performance data: what JSON of metrics says, whole and damaged, and what a history keeps of it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from estates_random import estates
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from usage_writer import pcm_cycles, pcm_metrics, pcm_part, pcm_site, pcm_system, write

from planner.estate.model import Estate
from planner.findings import Severity
from planner.formats import registry
from planner.formats.base import Reading
from planner.formats.pcm import KIND, read, recognise
from planner.formats.samples import Context, Count, Extract, Kind, Sample
from planner.history.sources import extract, read_sources

NOON_S = 1_768_042_800  # 2026-01-10 11:00 UTC
AT = ("2026-01-10T12:00:00+0100", "2026-01-10T12:00:30+0100", "2026-01-10T12:02:00+0100")


def found(document: Any, tmp_path: Path, context: Context | None = None) -> Extract:
    path = write(tmp_path, "m.json", json.dumps(document))
    return extract(next(read_sources([path])), context or Context())


def told(reading: Reading) -> list[tuple[str, str]]:
    return [(str(f.severity), f.rule) for f in reading.findings]


def test_physc_is_capped_and_uncapped_and_a_gap_stays_one(tmp_path: Path) -> None:
    samples = [(at, {"lparsUtil": [pcm_part("oak01", 0.321, 0.075, 0.2)]}) for at in AT]
    assert found(pcm_metrics(samples), tmp_path).samples == [
        Sample(Kind.LPAR, "oak01", "harbour", NOON_S + after, 30, 396, 100, 8192, 8192) for after in (0, 30, 120)]


def test_of_a_dedicated_partition_what_is_neither_idle_nor_donated(tmp_path: Path) -> None:
    part = pcm_part("oak02", 4, 0, 2.6, mode="share_idle_procs")
    assert found(pcm_metrics([(AT[0], {"lparsUtil": [part]})]), tmp_path).samples[0].physc == 2600


def test_a_vios_that_stands_in_firmware_has_no_load(tmp_path: Path) -> None:
    part = pcm_part("vio2", 0, 0, 1, mode="keep_idle_procs", state="Open Firmware")
    result = found(pcm_metrics([(AT[0], {"viosUtil": [part]})]), tmp_path)
    assert result.samples == [Sample(Kind.LPAR, "vio2", "harbour", NOON_S, 30, None, 100, 512, 4096)]
    assert [f.rule for f in result.findings] == ["input.missing-value"]


def test_nulls_are_no_figures(tmp_path: Path) -> None:
    part = pcm_part("oak01", None, 0.075, 0.2)
    part["memory"] = {}
    part["processor"]["entitledProcUnits"] = [None]
    result = found(pcm_metrics([(AT[0], {"lparsUtil": [part]})]), tmp_path)
    assert result.samples == []
    assert (result.findings[0].severity, result.findings[0].rule) == (Severity.INFO, "input.missing-value")


def test_the_server_and_its_pools(tmp_path: Path) -> None:
    result = found(pcm_metrics([(AT[0], pcm_system())]), tmp_path)
    assert sorted(result.samples, key=lambda s: (s.kind, s.name)) == [
        Sample(Kind.POOL, "DefaultPool", "harbour", NOON_S, 30, 2250, 900),
        Sample(Kind.POOL, "licences", "harbour", NOON_S, 30, 500),
        Sample(Kind.POOL, "physical pool", "harbour", NOON_S, 30, 2750),
        Sample(Kind.SERVER, "harbour", "harbour", NOON_S, 30, 3125, 1400, 393216, 524288)]


def test_the_average_of_what_is_aggregated(tmp_path: Path) -> None:
    part = pcm_part("oak01", 0.5, 0.1, 0.6)
    for block in (part["processor"], part["memory"]):
        block.update({name: [9, value[0], 0] for name, value in block.items() if isinstance(value, list)})
    document = pcm_metrics([(AT[0], {"lparsUtil": [part]})], frequency=900, order=("MAX", "AVG", "MIN"))
    assert found(document, tmp_path).samples == [
        Sample(Kind.LPAR, "oak01", "harbour", NOON_S, 900, 600, 100, 8192, 8192)]


def test_a_partial_sample_is_kept_and_told_once() -> None:
    document = pcm_metrics([(at, {"lparsUtil": [pcm_part("oak01", 1, 0, 1)]}) for at in AT], status=2)
    result = read(json.dumps(document), "m.json")
    assert len(result.records) == 3
    assert [f.message for f in result.findings] == ["partial in 3 samples: vio2 is not running"]
    assert told(result) == [("info", "input.partial")]


def test_cycles_of_the_long_term_monitor(tmp_path: Path) -> None:
    result = found(pcm_cycles(AT[0], 8.06e14, [("oak01", 3_000, 500)]), tmp_path)
    assert result.counts == [
        Count(Kind.LPAR, "oak01", "harbour", NOON_S, 806_000_000_000_000, 3_500, None, 8192, 8192),
        Count(Kind.POOL, "DefaultPool", "harbour", NOON_S, 806_000_000_000_000, 12_345)]


def test_a_server_without_a_name_is_known_by_its_serial_number(tmp_path: Path) -> None:
    document = pcm_metrics([(AT[0], {"lparsUtil": [pcm_part("oak01", 1, 0, 1)]})])
    del document["systemUtil"]["utilInfo"]["name"]
    assert found(document, tmp_path, Context(servers={"06AAAB1": "pier"})).samples[0].server == "pier"
    assert found(document, tmp_path).samples[0].server == "serial 06AAAB1"


def test_a_feed_says_that_the_figures_stand_elsewhere() -> None:
    text = ('<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">ProcessedMetrics</title><entry>'
            '<link type="application/json" href="https://hmc1/rest/api/pcm/ProcessedMetrics/a.json"/></entry></feed>')
    (reading,) = registry.read_text_document(text, "feed.xml")
    assert (reading.kind, told(reading)) == (KIND, [("info", "input.not-read")])
    assert "links 1 files" in reading.findings[0].message


def test_a_recorded_answer_has_a_frame() -> None:
    document = json.dumps(pcm_metrics([(AT[0], pcm_system())]))
    text = f"# recorded\n#\nINFO{{\n{{'status': 200}}\nEND OF SECTION}}\n\nBODY{{\n\n{document}\n\nEND OF SECTION}}\n"
    (reading,) = registry.read_text_document(text, "m.txt")
    assert (reading.kind, len(reading.records)) == (KIND, 4)


@pytest.mark.parametrize("text", [
    '{"lparUtil": [{"id": "3", "name": "oak01", "memory": {"pctRealMemFree": 61}}]}', '{"energyUtil": {}}'])
def test_what_no_plan_needs_is_told(text: str) -> None:
    assert recognise(text)
    assert told(read(text, "m.json")) == [("info", "input.not-read")]


def test_a_file_that_breaks_off_is_no_error() -> None:
    text = json.dumps(pcm_metrics([(AT[0], pcm_system())]))
    assert told(read(text[:-20], "m.json")) == [("warning", "input.truncated")]
    assert told(read('{"systemUtil": ' + "[" * 100_000, "m.json")) == [("warning", "input.truncated")]


def test_what_cannot_be_is_counted() -> None:
    document = pcm_metrics([(at, {"lparsUtil": [pcm_part("oak01", "1e999", -1, 1)]}) for at in AT])
    document["systemUtil"]["utilSamples"][2]["sampleInfo"]["timeStamp"] = "yesterday"
    result = read(json.dumps(document), "m.json")
    assert told(result) == [("warning", "input.bad-value")] * 3
    assert sum(f.message.endswith("(2 times)") for f in result.findings) == 2


@settings(max_examples=6, deadline=None)
@given(estates(), st.integers(0, 999))
def test_a_site_written_as_the_console_does_is_the_same_usage(estate: Estate, seed: int) -> None:
    files, expected = pcm_site(estate, seed)
    with TemporaryDirectory() as made:
        for name, document in files.items():
            write(Path(made), name, json.dumps(document))
        read_back = [one for document in read_sources([Path(made)]) for one in extract(document, Context()).samples]
    assert sorted(read_back, key=str) == sorted(expected, key=str)


PIECES = st.sampled_from(["{", "[", "]", "}", ",", "null", "1e999", "NaN", '"', ":", "-", "[]", "{}", "\ud800", "9" * 40])


@settings(max_examples=portion(300), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), max_size=4))
def test_mutations_never_raise(edits: list[tuple[float, int, str]]) -> None:
    text = json.dumps(pcm_metrics([(AT[0], pcm_system() | {"lparsUtil": [pcm_part("oak01", 1, 0, 1)]})]))
    for place, cut, new in edits:
        start = int(place * len(text))
        text = text[:start] + new + text[start + cut:]
    recognise(text)
    reading = read(text, "mutated")
    out = Extract("mutated", Context())
    form = registry.by_kind(KIND)
    assert form and form.samples
    form.samples(out, reading)
