"""Captures in which each line stands beside the command that printed it, and those with titles of commands."""

from __future__ import annotations

from planner.formats import split

BESIDE = """\
uname -n| |tern-v1
lsmap -all| |SVSA            Physloc                      Client Partition ID
lsmap -all| |--------------- ---------------------------- -------------------
lsmap -all| |
lsmap -all| |VTD                   vt_tern
lsmap -npiv -all -fmt :| |vfchost0:U9119.FHA.02CA550-V1-C9:7:tern:AIX:LOGGED_IN:fcs0:x:1:a:fcs0:y
"""


def test_each_command_has_its_lines_its_place_and_its_host() -> None:
    parts = [p for p in split.sections(BESIDE, lambda _: True) if p.text.strip()]
    assert [(p.command, p.first_line, p.hosts) for p in parts] == [
        ("lsmap -all", 2, ("tern-v1",)), ("lsmap -npiv -all -fmt :", 6, ("tern-v1",))]
    assert parts[0].text.split("\n") == [line.partition("| |")[2] for line in BESIDE.split("\n")[1:5]]


def test_a_title_names_the_command_below_it() -> None:
    text = "###command:lshmc -V###\nversion= x\n### command: lssyscfg -r sys ###\nname=A,serial_num=1\n"
    assert [(p.command, p.text.strip()) for p in split.sections(text, lambda _: True)] == [
        ("lshmc -V", "version= x"), ("lssyscfg -r sys", "name=A,serial_num=1")]
