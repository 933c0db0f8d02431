"""Lines of terminals and names in lost encodings make no partitions and no rows of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from estates_random import random_estate
from site_writer import Wiring, hmc_outputs

from planner.estate.load import load
from planner.formats import hmc_cli
from planner.formats.base import clean

SITE = random_estate(5, 7, 2)
ROW = "name=d\u00f6blin,lpar_id=11,lpar_env=aixlinux,state=Running,os_version=AIX 7.2,rmc_state=active"


def console(text: str = "") -> str:
    return "".join(f"hscroot@hmc1:~> {x.command}\n{x.text}" for x in hmc_outputs(Wiring(SITE))) + text


@pytest.mark.parametrize("lost", ["utf-8 read as latin-1", "cp850", "?", "\ufffd", "o\u0308"])
def test_one_id_on_one_server_is_one_lpar_in_any_encoding(tmp_path: Path, lost: str) -> None:
    system = SITE.servers[0].name
    listing = f"hscroot@hmc1:~> lssyscfg -r lpar -m {system}\n{ROW.replace('11', '99')}\n"
    other = {"utf-8 read as latin-1": listing.encode().decode("latin-1").encode(), "cp850": listing.encode("cp850")}
    (tmp_path / "a.txt").write_text(console(listing))
    (tmp_path / "b.txt").write_bytes(other.get(lost) or listing.replace("\u00f6", lost).encode())
    loaded = load([tmp_path])
    assert [p.name for p in loaded.estate.lpars if p.lpar_id == 99] == ["d\u00f6blin"]
    assert len([f for f in loaded.findings if "two encodings" in f.message]) == 1
    assert not [f for f in loaded.findings if f.rule == "estate.duplicate-id"]


def test_a_listing_with_semicolons_is_one_finding_and_no_lpar(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(console())
    (tmp_path / "b.txt").write_text("".join(
        f"hscroot@hmc2:~> lssyscfg -r lpar -m S{n}\n{ROW.replace(',', ';')}\n" for n in range(3)))
    loaded = load([tmp_path])
    assert len(loaded.estate.lpars) == len(SITE.lpars)
    assert [f.rule for f in loaded.findings if f.subject == "b.txt"] == ["input.unknown-text"]


@pytest.mark.parametrize("line", ["bash: lslic: command not found", "-bash: /usr/hmcrbin/x: Permission denied",
                                  "rksh: lsfoo:  not found."])
def test_a_message_of_the_shell_gets_no_advice_on_headers(line: str) -> None:
    (said,) = hmc_cli.read(f"lslic -t sys\n{line}\n", "hmc.txt").findings
    assert said.rule == "input.error-text" and "--header" not in said.fix


def test_titles_and_backspaces_of_a_terminal_are_applied() -> None:
    assert clean("\x1b]0;hmc:~\x07$ lsx\b \bmap -al\bll\n\x1b]2;t\x1b\\two") == "$ lsmap -all\ntwo"
