"""Texts that hold several outputs: whose each one is, and that its lines keep their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.formats import registry, split
from planner.formats.base import Reading

FIXTURES = Path(__file__).parents[1] / "fixtures"
SEED = FIXTURES.parents[2] / "shared" / "seeds" / "lpm-at-australia-post.txt"

LSPV_A = """NAME             PVID                                 VG               STATUS
hdisk0           00f6aaaa33334441                     rootvg           active
hdisk1           00f6aaaa33334442                     None
"""
LSPV_B = LSPV_A.replace("aaaa", "bbbb")
LPARSTAT = (FIXTURES / "lparstat_i" / "aix_24_shared.txt").read_text()
LSMAP = (FIXTURES / "vios" / "lsmap_all.txt").read_text()
NET = (FIXTURES / "vios" / "lsmap_net.txt").read_text()
ENTSTAT = (FIXTURES / "vios" / "entstat_sea.txt").read_text()
ATTR = (FIXTURES / "vios" / "hdisk_attr.txt").read_text()


def read(text: str) -> list[Reading]:
    return registry.read_document(text.encode(), "all.txt")


def told(readings: list[Reading]) -> list[tuple[str, str, str, int]]:
    return [(r.kind, r.host, r.command, len(r.records)) for r in readings]


def lines_hold(text: str, readings: list[Reading]) -> bool:
    """Whether each disk's record stands on the line that names it, and of the right host's block."""
    lines = text.split("\n")
    return all(r.fields["name"] in lines[r.source.line - 1] and r.fields["pvid"] in lines[r.source.line - 1]
               for one in readings if one.kind == "vios-lspv" for r in one.records)


HEADERS = {
    "csm": "HOST: vio1\n-----\n{a}\nHOST: vio2\n-----\n{b}",
    "aix": "HOSTS ------------------------\nvio1\n------------------------------\n{a}\n"
           "HOSTS ------------------------\nvio2\n------------------------------\n{b}",
    "one line": "HOSTS ---- vio1\n{a}\nHOSTS ---- vio2\n-----\n{b}",
    "pdsh": "----------------\nvio1\n----------------\n{a}----------------\nvio2\n----------------\n{b}",
    "loop": "== vio1 ==\n{a}\n=== vio2\n{b}",
    "stars": "*** vio1 ***\n{a}\n--- vio2 ---\n{b}",
    "arrows": ">>> vio1\n{a}\n>>> vio2\n{b}",
}


@pytest.mark.parametrize("layout", HEADERS)
def test_headers_name_the_hosts(layout):
    text = HEADERS[layout].format(a=LSPV_A, b=LSPV_B)
    readings = read(text)
    assert told(readings) == [("vios-lspv", "vio1", "", 2), ("vios-lspv", "vio2", "", 2)]
    assert lines_hold(text, readings)
    assert not any(r.findings for r in readings)


def test_one_output_of_several_hosts_is_read_for_each():
    readings = read("HOSTS ---------\nvio1, vio2\nvio3\n---------\n2.2.1.4\n----\nvio[08-10]\n----\n2.2.1.5\n")
    assert [(r.host, r.records[0].fields["level"]) for r in readings] == [
        ("vio1", "2.2.1.4"), ("vio2", "2.2.1.4"), ("vio3", "2.2.1.4"),
        ("vio08", "2.2.1.5"), ("vio09", "2.2.1.5"), ("vio10", "2.2.1.5")]


def test_the_command_above_the_headers_is_that_of_each_host():
    text = f"me@nim1 /home/me $ dsh -wvio1,vio2 ioscli lspv | dshbak\nHOST: vio1\n-----\n{LSPV_A}"
    readings = read(text)
    assert told(readings) == [("vios-lspv", "vio1", "lspv", 2)]
    assert lines_hold(text, readings)


@pytest.mark.skipif(not SEED.is_file(), reason="the talk is not here")
def test_the_capture_of_the_talk():
    readings = read("\n".join(SEED.read_text().split("\n")[209:225]))
    assert told(readings) == [("vios-lspv", "bvio82", "lspv", 4), ("vios-lspv", "bvio83", "lspv", 4)]


def prefixed(host, text):
    return [f"{host}: {line}" for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("interleaved", [False, True])
def test_prefixes_of_dsh_are_taken_off(interleaved):
    a, b = prefixed("vio1.site.example", LSPV_A), prefixed("vio2", LSPV_B)
    lines = [one for pair in zip(a, b, strict=True) for one in pair] if interleaved else a + b
    text = "$ dsh -w vio1,vio2 ioscli lspv\n" + "\n".join(lines) + "\n"
    readings = read(text)
    assert told(readings) == [("vios-lspv", "vio1.site.example", "lspv", 2), ("vios-lspv", "vio2", "lspv", 2)]
    assert lines_hold(text, readings)


@pytest.mark.parametrize("name", ["lparstat_i/aix_24_shared.txt", "lparstat_interval/aix_shared_app.txt",
                                  "hmc/lssyscfg_lpar.txt", "vios/lsmap_npiv.txt", "lparcfg/linux_shared.txt"])
def test_prefixes_before_other_listings(name):
    text = (FIXTURES / name).read_text()
    kind = read(text)[0].kind
    both = "\n".join(prefixed("a", text) + prefixed("b", text))
    assert [(r.kind, r.host) for r in read(both)] == [(kind, "a"), (kind, "b")]


def test_prefixes_before_one_line_of_each_host():
    assert [(r.host, r.kind) for r in read("vio1: 2.2.1.4\nvio2: 2.2.1.5\n")] == [
        ("vio1", "vios-ioslevel"), ("vio2", "vios-ioslevel")]


def test_keys_with_colons_are_no_hosts():
    assert len(read("name: web\nsize: 3\nname: db\n")) == 1
    assert [r.host for r in read(ENTSTAT)] == [""]


def test_too_many_interleaved_lines_are_refused(monkeypatch):
    monkeypatch.setattr(split, "_MOST_PADDED", 1)
    lines = [one for pair in zip(prefixed("a", LSPV_A), prefixed("b", LSPV_B), strict=True) for one in pair]
    (reading,) = read("\n".join(lines))
    assert reading.findings[0].rule == "input.interleaved"


PROMPTS = {
    "padmin@vio1:/home/padmin $ lspv": ("vio1", "lspv"),
    "padmin@vio1 $ ioscli lspv": ("vio1", "lspv"),
    "root@vio1 / # lspv": ("vio1", "lspv"),
    "[padmin@vio1 ~]$ lspv": ("vio1", "lspv"),
    "[root@vio1 /home/padmin]# lspv -size": ("vio1", "lspv -size"),
    "vio1:/home/padmin> lspv": ("vio1", "lspv"),
    "vio1 $ ioscli lspv": ("vio1", "lspv"),
    "vio1# lspv": ("vio1", "lspv"),
    "$ lspv": ("", "lspv"),
    "# lspv | grep hdisk": ("", "lspv | grep hdisk"),
    "+ ssh padmin@vio1 ioscli lspv": ("vio1", "lspv"),
    "ssh -l padmin -o BatchMode=yes vio1 'ioscli lspv'": ("vio1", "lspv"),
    "me@nim1:~$ ssh padmin@vio1 lspv": ("vio1", "lspv"),
    'hscroot@hmc1:~> viosvrcmd -m sys1 -p vio1 -c "lspv"': ("vio1", "lspv"),
    "lspv": ("", "lspv"),
}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prompts_and_commands(prompt):
    text = f"{prompt}\n{LSPV_A}"
    readings = read(text)
    assert told(readings) == [("vios-lspv", *PROMPTS[prompt], 2)]
    assert lines_hold(text, readings)
    assert not readings[0].findings


def test_a_terminal_session():
    text = (
        "login as: padmin\npadmin@vio7's password:\nLast login: Tue Mar  3 10:00:00 2026 on ssh from 192.0.2.7\n"
        f"$ ioslevel\n2.2.1.4\n$ lsmap -all\n{LSMAP}$ lsmap -all -net\n{NET}$ lsmap -all -npiv\n$ date\nTue Mar  3\n"
        "$ lsdev -dev hdisk4 -attr\n" + ATTR + "$ exit\n"
    )
    readings = read(text)
    assert [(r.kind, r.host, r.command) for r in readings] == [
        ("vios-ioslevel", "vio7", "ioslevel"), ("vios-lsmap", "vio7", "lsmap -all"),
        ("vios-lsmap-net", "vio7", "lsmap -all -net"), ("vios-lsmap", "vio7", "lsmap -all -npiv"),
        ("unrecognised", "vio7", "date"), ("vios-hdisk-attr", "vio7", "lsdev -dev hdisk4 -attr")]
    assert readings[3].findings[0].rule == "input.empty-output"
    assert "'date'" in readings[4].findings[0].message
    assert readings[5].records[0].fields["device"] == "hdisk4"
    line = readings[5].records[0].lines["reserve_policy"]
    assert text.split("\n")[line - 1].startswith("reserve_policy")


def test_an_hmc_session_keeps_the_system_of_each_command():
    row = "lpar_name=web,lpar_id=4,slot_num=2,state=1,is_required=1,is_trunk=0,ieee_virtual_eth=0,port_vlan_id=40,"\
          "addl_vlan_ids=none,mac_addr=FACC157C3E02"
    command = "lshwres -r virtualio --rsubtype eth --level lpar -m"
    text = "\n".join(f"hscroot@hmc1:~> {command} {name}\n{row}" for name in ("sys1", "sys2"))
    first, second = read(text)
    assert [r.host for r in (first, second)] == ["hmc1", "hmc1"]
    assert [r.records[0].fields["managed_system"] for r in (first, second)] == ["sys1", "sys2"]
    assert [r.records[0].source.line for r in (first, second)] == [2, 4]


def test_markers_of_planner_collect():
    text = (
        "### planner-collect host=hmc1 kind=hmc command=lshwres -r mem -m 'sys one' --level sys\n"
        "configurable_sys_mem=65536,curr_avail_sys_mem=1024,mem_region_size=256,sys_firmware_mem=2048\n"
        "### planner-collect host=vio1 kind=vios command=lsdev -dev hdisk4 -attr\n" + ATTR +
        "### planner-collect host=vio1 kind=vios command=lspv\n" + LSPV_A +
        "### planner-collect host=web kind=lpar command=lparstat -i\n" + LPARSTAT
    )
    readings = read(text)
    assert [(r.kind, r.host) for r in readings] == [
        ("hmc-cli", "hmc1"), ("vios-hdisk-attr", "vio1"), ("vios-lspv", "vio1"), ("lparstat-i", "web")]
    assert readings[0].records[0].fields["managed_system"] == "sys one"
    assert readings[1].records[0].fields["device"] == "hdisk4"
    assert lines_hold(text, readings)
    assert text.split("\n")[readings[3].records[0].lines["partition_name"] - 1].startswith("Partition Name")


def test_markers_behind_prefixes():
    text = "\n".join(prefixed("nim", "### planner-collect host=vio1 kind=vios command=lspv\n" + LSPV_A))
    assert told(read(text)) == [("vios-lspv", "vio1", "lspv", 2)]


def test_listings_that_follow_one_another_without_anything_between():
    other = LPARSTAT.replace("Partition Number", "Partition Number", 1)
    readings = read(LPARSTAT + other)
    assert [r.kind for r in readings] == ["lparstat-i", "lparstat-i"]
    assert readings[1].records[0].source.line == LPARSTAT.count("\n") + 1
    text = "2.2.1.4\n" + LSMAP + NET + LSPV_A + "hdisk4:\n" + ATTR + ENTSTAT
    readings = read(text)
    assert [r.kind for r in readings] == [
        "vios-ioslevel", "vios-lsmap", "vios-lsmap-net", "vios-lspv", "vios-hdisk-attr", "vios-entstat"]
    assert readings[4].records[0].fields["device"] == "hdisk4"
    assert lines_hold(text, readings)


def test_names_alone_above_listings_are_hosts():
    text = f"vio1\n{LSPV_A}vio2.site.example:\n\n{LSPV_B}web\n{LPARSTAT}db\n{LPARSTAT}"
    readings = read(text)
    assert [(r.kind, r.host) for r in readings] == [
        ("vios-lspv", "vio1"), ("vios-lspv", "vio2.site.example"), ("lparstat-i", "web"), ("lparstat-i", "db")]
    assert lines_hold(text, readings)
    assert not any("vio" in f.message or "db" in f.message for r in readings for f in r.findings)
    assert [(r.host, r.kind, len(r.records)) for r in read("vio1\n2.2.1.4\nvio2\n2.2.1.5\n")] == [
        ("vio1", "vios-ioslevel", 1), ("vio2", "vios-ioslevel", 1)]


def test_a_key_without_a_value_above_a_header_is_no_host():
    block = LSMAP.rstrip("\n") + "\nPhysloc\n\n"
    assert {(r.kind, r.host) for r in read(block + LSMAP)} == {("vios-lsmap", "")}


def test_a_capture_pasted_into_a_page():
    page = f"# How we did it\n\nSome words.\n\n```\nvio1 $ ioscli lspv\n{LSPV_A}```\n\nMore words.\n"
    readings = read(page)
    assert [(r.kind, r.host, len(r.records)) for r in readings] == [
        ("unrecognised", "vio1", 0), ("vios-lspv", "vio1", 2), ("unrecognised", "vio1", 0)]
    assert not readings[1].findings


@pytest.mark.parametrize(("line", "command", "hosts"), [
    ("ssh -p 22 -i key padmin@vio1 \"ioscli lsmap -all\"", "lsmap -all", ("vio1",)),
    ("ssh vio1", "", ("vio1",)),
    ("dsh -n vio1 'ioscli lspv -size'", "lspv -size", ("vio1",)),
    ("pdsh -w vio[1-3] ioscli lspv | /usr/bin/dshbak -c", "lspv", ("vio1", "vio2", "vio3")),
    ("sudo /usr/ios/cli/ioscli lspv", "lspv", ()),
    ("/usr/bin/lparstat -i", "lparstat -i", ()),
    ("ssh -", "", ()), ("dsh", "", ()), ("", "", ()), ("viosvrcmd -m x", "", ()),
])
def test_commands_are_unwrapped(line, command, hosts):
    found = split.typed(line)
    assert (found.command, found.hosts) == (command, hosts)


@pytest.mark.parametrize("text", ["vio[3-1]", "vio[1-99999999]", "vio[x]", "a b!", "-x"])
def test_what_is_no_list_of_hosts(text):
    assert split.hosts_of(text) == ()


@pytest.mark.parametrize("prompt", [
    "[padmin@vios1]$ ", "[padmin@vios1 ~]$ ", "padmin@vios1:/home/padmin$ ", "root@vios1:/# ", "root@vios1:/home # ",
    "vios1:/home/padmin $ ", "[vios1:/home/padmin]$ ", "vios1:padmin:/home/padmin$ ", "{vios1:root}/ # ",
    "[root@vios1] / # ", "vios1> ", "vios1 # ", "$ hostname\nvios1\n$ ", "# uname -n\nvios1\n# "])
def test_prompts_tell_whose_output_it_is(prompt: str) -> None:
    readings = read(f"vios1 login: padmin\n{prompt}ioslevel\n3.1.4.10 IJ45637m1a\n")
    assert [(r.host, len(r.records)) for r in readings if r.records] == [("vios1", 1)]
    assert not [f for r in readings for f in r.findings]


ASK = "`lssyscfg -r sys -F name`"
COUNTED = "lpar_name=a,lpar_id=1,curr_procs=1,run_procs=1\n"


@pytest.mark.parametrize(("loop", "printed", "firmware"), [
    ('echo "=== $ms"; lslic -m $ms -t sys -F ecnumber,activated_level', "=== {}\n01VL950,{}\n", True),
    ("echo $ms; lslic -m ${ms} -t sys -F ecnumber:activated_level --header",
     "{}\necnumber:activated_level\n01VL950:{}\n", True),
    ('echo -n "$ms,";lslic -m $ms -t sys -Fcurr_ecnumber_primary:activated_level', "{},01VL950:{}\n", True),
    ("lslic -m $ms -t sys; echo -- $ms", "activated_level={1},ecnumber=01VL950\n-- {0}\n", False),
    ("echo $ms; lslic -m $ms -t sys -F activated_level", "{}\n{}\n", False),
    ('echo "== $ms"x; lslic -m $ms -t sys', "== {}x\nactivated_level={},ecnumber=01VL950\n", False),
])
def test_what_a_loop_prints_for_each_name_is_of_that_name(loop: str, printed: str, firmware: bool) -> None:
    """Rows below ``=== name`` were text of no known kind, and those below a name alone were rows of nobody's."""
    text = f"hscroot@hmc1:~> for ms in {ASK}; do {loop}; done\n" + printed.format("Tanne", 99) + printed.format(
        "Buche", 100) + "hscroot@hmc1:~> lshwres -r proc -m Eiche --level lpar\n" + COUNTED
    records = [r for one in read(text) for r in one.records]
    levels = {r.fields.get("managed_system"): r.fields.get("activated_level") for r in records if "lslic" in r.kind}
    assert (levels == {"Tanne": "99", "Buche": "100"}) == firmware, levels
    assert firmware or {"Tanne", "Buche"}.isdisjoint(levels)
    assert [r.fields["managed_system"] for r in records if "proc" in r.kind] == ["Eiche"]


@pytest.mark.parametrize("echo", ['echo "== $m =="', "echo $m"])
def test_a_loop_that_runs_several_commands_of_the_hmc_says_of_which_system_each_row_is(echo: str) -> None:
    text = (f"hscroot@hmc1:~> for m in {ASK}; do {echo}; lssyscfg -r lpar -m $m; lshwres -r proc -m $m --level lpar; "
            "lshwres -r virtualio --rsubtype serial -m $m --level lpar; done\n")
    rows = "name=a{0},lpar_id=1,lpar_env=aixlinux,state=Running\n" + COUNTED.replace("=a,", "=a{0},")
    for name in ("Tanne", "Buche"):
        text += echo.removeprefix("echo ").strip('"').replace("$m", name) + "\n" + rows.format(name)
    readings = read(text)
    assert not [f for r in readings for f in r.findings]
    assert [(r.kind, r.fields["managed_system"]) for one in readings for r in one.records] == [
        (kind, name) for name in ("Tanne", "Buche") for kind in ("hmc-lssyscfg-lpar", "hmc-lshwres-proc-lpar")]


def test_a_capture_that_a_mail_quotes_is_read_as_it_was() -> None:
    text = f"padmin@vio1 $ lspv\n{LSPV_A}\npadmin@vio1 $ ioslevel\n3.1.4.10\n"
    quoted = "".join(f"> {line}\n" if line else ">\n" for line in text.splitlines())
    assert told(read(quoted)) == told(read(text)) and lines_hold(quoted, read(quoted))


@pytest.mark.parametrize("typed", [
    'for ms in `lssyscfg -r sys -F name`\n> do\n> echo "=== $ms"\n> lslic -m $ms -t sys -F ecnumber,activated_level\n> done',
    'for ms in `lssyscfg -r sys -F name`; do\n> echo "=== $ms";\n> lslic -m $ms -t sys -F ecnumber,activated_level; done',
    'for ms in `lssyscfg -r sys -F name,state`; do echo "=== $ms"; lslic -m $ms -t sys -F ecnumb\ner,activated_level; done',
])
def test_a_loop_over_several_lines_is_one(typed: str) -> None:
    text = f"hscroot@hmc1:~> {typed}\n=== Tanne\n01VL950,99\n=== Buche\n01VL950,100\nhscroot@hmc1:~> exit\n"
    records = [r for one in read(text) for r in one.records]
    assert [(r.fields["managed_system"], r.fields["activated_level"]) for r in records] == [("Tanne", "99"), ("Buche", "100")]
    assert [text.split("\n")[(r.source.line or 0) - 1] for r in records] == ["01VL950,99", "01VL950,100"]


def test_a_loop_over_vioses_says_whose_each_listing_is() -> None:
    text = ('hscroot@hmc1:~> for v in one two; do echo "--- $v ---"; viosvrcmd -m Tanne -p $v -c "lspv"; done\n'
            f"--- one ---\n{LSPV_A}--- two ---\n{LSPV_B}")
    assert told(read(text)) == [("vios-lspv", "one", "lspv", 2), ("vios-lspv", "two", "lspv", 2)]
    assert lines_hold(text, read(text))
