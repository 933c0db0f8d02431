"""What holds for every reader of VIOS listings: who claims what, nothing raises, real listings are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from growth import linear
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portion import portion
from test_registry import kind_of

from planner.findings import errors
from planner.formats import registry
from planner.formats.base import decode

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "vios"
SAMPLES = ROOT.parent / "shared" / "samples"
TEXTS = {path.name: decode(path.read_bytes(), path.name)[0] for path in sorted(FIXTURES.glob("*.txt"))}
KIND_OF = {name: kind_of(FIXTURES / name) for name in TEXTS}
FORMATS = [form for kind in dict.fromkeys(KIND_OF.values()) if (form := registry.by_kind(kind))]
SAMPLE_KINDS = {
    "chef_lspv_free.txt": "vios-lspv", "entstat_sea_01.txt": "vios-entstat",
    "poweradm_lsmap_npiv_vfchost3.txt": "vios-lsmap-npiv", "poweradm_lsmap_vhost6_no_vtd.txt": "vios-lsmap",
}


def claimed(text: str) -> list[str]:
    return [form.kind for form in FORMATS if form.recognise(text)]


@pytest.mark.parametrize("name", TEXTS)
def test_each_listing_is_claimed_by_its_reader_alone(name: str) -> None:
    assert claimed(TEXTS[name]) == [KIND_OF[name]]
    assert claimed("padmin@vio1 $\n" + TEXTS[name]) == [KIND_OF[name]]


@pytest.mark.parametrize("text", [
    "", "\n", "hello", "HSCL8018 The managed system was not found.", "No results were found.",
    "name=web01,lpar_id=3,state=Running", "web01:aixlinux:Running", "Node Name : web01\nPartition Name : web01",
    "Status  Available", "Name          Physloc   ClntID ClntName       ClntOS", "ZZZZ,T0001,10:00:00",
])
def test_other_text_is_claimed_by_none(text: str) -> None:
    assert claimed(text) == []


def test_a_lone_message_of_lspv_is_claimed_so_that_it_is_reported() -> None:
    assert claimed("0516-304 : Unable to find device id hdisk9 in the Device Configuration Database.") == ["vios-lspv"]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
def test_real_listings_are_read_without_errors() -> None:
    found = {}
    for path in sorted(SAMPLES.rglob("*.txt")):
        text, _ = decode(path.read_bytes(), path.name)
        for form in FORMATS:
            if form.recognise(text):
                found[path.name] = form.kind
                result = form.read(text, path.name)
                assert result.records
                assert errors(result.findings) == ()
    assert found == {name: kind for name, kind in SAMPLE_KINDS.items() if list(SAMPLES.rglob(name))}


PIECES = st.one_of(
    st.sampled_from(["\n", "\t", "  ", ":", "0x", "-", "N/A", "None", "inf", "0", "9" * 40]),
    st.sampled_from(["\x00", "\u2028", "\x1b[m", "é", "²", "٣"]),
    st.text(max_size=12),
    st.sampled_from([line for text in TEXTS.values() for line in text.splitlines(keepends=True)]),
)
CUTS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 60), PIECES), max_size=6)


@settings(max_examples=portion(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(TEXTS)), cuts=CUTS)
def test_no_text_raises_and_every_finding_has_its_place(name: str, cuts: list[tuple[int, int, str]]) -> None:
    text = TEXTS[name]
    for place, length, piece in cuts:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + length:]
    for form in FORMATS:
        form.recognise(text)
        result = form.read(text, name, 5)
        assert all(f.source and f.source.line and f.source.line >= 5 and f.fix for f in result.findings)
        assert {record.kind for record in result.records} <= {form.kind, *form.facts}


LONG = 100_000


@pytest.mark.parametrize("text", [
    "a" * LONG, "a" + " " * LONG, "a " * LONG, ":" * LONG, "vhost0:U:" + " :" * LONG, "VTD" + " " * LONG + "x",
    "hdisk1:a:" + "b" * LONG + ":", "PHYSICAL VOLUME: " * 5000, "vfchost0 U1 1\n" + "FC name: " * 5000,
    "ETHERNET STATISTICS (ent1) :\n" * 5000, "vhost0 U1 0x1\n" + "VTD x\n" * 5000, "9" * LONG + " megabytes",
])
def test_hostile_text_takes_no_time(text: str) -> None:
    assert all(linear(lambda read, form=form: (form.recognise(read), form.read(read, "x")), text) for form in FORMATS)
