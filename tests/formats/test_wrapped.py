"""Listings that a terminal wrapped are put together again, and nothing that was not wrapped is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from estates_random import random_estate
from growth import linear
from site_writer import Wiring, hmc_outputs

from planner.formats import registry, wrapped

SITE = random_estate(5, 7, 2)
FIXTURES = Path(__file__).parents[1] / "fixtures"


def typed(outputs: list[tuple[str, str]]) -> str:
    return "".join(f"hscroot@hmc1:~> {command}\n{text}" for command, text in outputs)


def wrap(text: str, width: int, *, trim: bool = False) -> str:
    """As a terminal shows it; ``trim``: as it is copied, without blanks at the ends of lines."""
    lines = [line[at:at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width)]
    return "\n".join(line.rstrip() if trim else line for line in lines)


LISTED = typed([(x.command, x.text) for x in hmc_outputs(Wiring(SITE))])
NAMES = "name,lpar_id,lpar_env,state,resource_config,os_version,logical_serial_num,default_profile,curr_profile,rmc_state"
ROWS = typed([
    ("lssyscfg -r lpar -m S -F --header", NAMES + "\n" + "".join(
        f"partition{n:03d}-of-the-site,{n + 3},aixlinux,Running,1,AIX 7.2 7200-05-03-2136,78AAAA{n},normal profile of it,"
        f"normal profile of it,active\n" for n in range(9))),
    (f"lssyscfg -r lpar -m Server-9117-MMA-SN10AAAAA -F {NAMES}", "".join(
        f"other{n:03d}-of-the-site,{n + 30},aixlinux,Running,1,AIX 7.2 7200-05-03-2136,78AAAA{n},normal profile of it,"
        f"normal,active\n" for n in range(9)))])


def records(text: str) -> list[tuple[str, dict[str, object], int | None]]:
    return [(r.kind, r.fields, None) for reading in registry.read_document(text.encode(), "x.txt")
            for r in reading.records]


@pytest.mark.parametrize("trim", [False, True])
@pytest.mark.parametrize("width", [60, 72, 79, 80, 100, 132])
@pytest.mark.parametrize("text", [LISTED, ROWS], ids=["listed", "rows"])
def test_what_a_terminal_wrapped_is_read_as_if_it_had_not(text: str, width: int, trim: bool) -> None:
    """Each wrapped record told three findings and lost its last attribute; 24 of 30 lines were left out."""
    shown = wrap(text, width, trim=trim)
    assert shown != text and records(shown) == records(text)
    told = [f for r in registry.read_document(shown.encode(), "x.txt") for f in r.findings]
    assert [f.rule for f in told if f.rule != "input.empty-output" and "found nothing to list" not in f.message] == ["input.wrapped"]
    assert f"a terminal of {width} columns wrapped its lines" in told[0].message


def test_every_attribute_that_a_listing_prints_is_known_to_be_one() -> None:
    """One that was not known (``allowed_os_mac_addrs`` of eth) left every wrapped record of the listing apart."""
    text = typed([("lshwres -r virtualio --rsubtype eth --level lpar -m S", "".join(
        f"lpar_name=part{n},lpar_id={n},slot_num=2,state=1,is_required=0,is_trunk=0,ieee_virtual_eth=0,port_vlan_id=6,"
        f"vswitch=ETHERNET0,addl_vlan_ids=none,mac_addr=FA0000000{n}02,allowed_os_mac_addrs=all,qos_priority=none\n"
        for n in (3, 4)))])
    assert records(wrap(text, 80)) == records(text) and len(records(text)) == 2


def test_lines_keep_their_numbers() -> None:
    shown = wrap(ROWS, 80)
    whole, joined, width = wrapped.rejoined(shown)
    assert width == 80 and joined and whole.count("\n") == shown.count("\n")
    for number, line in enumerate(whole.split("\n")):
        assert not line or shown.split("\n")[number] == line[:80].rstrip() or shown.split("\n")[number] == line[:80]


@pytest.mark.parametrize("path", sorted(p for p in FIXTURES.rglob("*") if p.is_file() and p.suffix in (".txt", ".csv", "")),
                         ids=lambda p: p.name)
def test_what_no_terminal_wrapped_is_left_as_it_is(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    assert wrapped.rejoined(text) == (text, 0, 0)


def test_rows_as_wide_as_the_widest_are_not_taken_for_one() -> None:
    for text in (LISTED, ROWS):
        for most in range(60, 200, 7):
            short = "\n".join(line for line in text.split("\n") if len(line) <= most)
            assert wrapped.rejoined(short) == (short, 0, 0)


@pytest.mark.parametrize("line", ["a=b,", "name=a,", "name,state,lpar_id,", "x,y,", '"name=', "hmc:~> lssyscfg -F a,"])
def test_no_text_takes_long(line: str) -> None:
    wide = (line * 100)[:80]
    assert linear(wrapped.rejoined, "hmc:~> lssyscfg -r lpar -F name,state,lpar_id\n" + f"{wide}\n" * 5000)


@pytest.mark.parametrize("below", [
    "name lpar_env state\nalder aixlinux Running\n", "16\n", "none\n", "alder\nelm\n", "No results were found.\n",
    "name=alder,lpar_id=3\n", "alder,3,aixlinux\n", "vhost0 U9117\n"])
def test_a_command_that_is_the_longest_line_has_its_output_below_it(below: str) -> None:
    """A header between blanks below the longest line became columns of the command, and its rows LPARs."""
    for command in ("lssyscfg -r lpar -m Server-9117-MMA-SN10AAAAA -F name,lpar_env,state",
                    "lssyscfg -r lpar -m Server-9117-MMA-SN10AAAAA -F --header",
                    "lssyscfg -r lpar -m Server-9117-MMA --filter \"lpar_names=O'Brien\" -F name,lpar_env,state",
                    "lslparmigr -r sys -m Server-9117-MMA-SN10AAAAA --filter lpar_names=alder -F num_active_lpars"):
        text = f"hscroot@hmc1.example.com:~> {command}\n{below}"
        assert wrapped.rejoined(text) == (text, 0, 0)


def test_what_is_not_certain_is_left_as_it_is() -> None:
    row = "name=alder,lpar_id=3,lpar_env=aixlinux,state=Running,colour=" + "g" * 40
    for text in (f"{row}\nreen\n", f"{row[:80]}\n{row[80:]},name=twice\n", f"{'x' * 80}\n{'y' * 30}\n"):
        assert wrapped.rejoined(text) == (text, 0, 0)
