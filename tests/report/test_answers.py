"""What check and reach show of an LPAR that may move."""

from dataclasses import replace

from estates import BASE, changed, judged
from rich.console import Console
from scale_estates import blocks, open_estate

from planner.estate.model import Disk, Estate
from planner.report.terminal import check_view, reach_matrix

OPTICAL = BASE.replace(
    servers=tuple(replace(s, firmware="FW1050.20", console_level="V10R3M1060") for s in BASE.servers),
    vioses=tuple(replace(v, level="3.1.4.10") for v in BASE.vioses),
    disks=(*BASE.disks, Disk("a1", 9, "vtopt0", "A-v1", "optical", "vtopt0")))


def shown(of: Estate) -> tuple[str, str]:
    """The views of check and reach as text."""
    site, judge = judged(of)
    out = []
    for view in (check_view(site, judge)[0], reach_matrix(site, judge, ["a1"], ["A", "B", "C"])):
        console = Console(width=600)
        with console.capture() as caught:
            console.print(view)
        out.append(caught.get())
    return out[0], out[1]


def test_what_is_to_be_looked_up_is_no_plain_yes() -> None:
    """FW1050 to FW1060 is in no table of IBM's: the plan said so, check and reach said ready and yes."""
    said = "(firmware FW1050.20 (A) to FW1060.10 (B) is in no matrix known here)"
    old = BASE.replace(servers=tuple(replace(s, firmware="FW1050.20", console_level="V10R3M1060") for s in BASE.servers))
    newer = changed(old, "B", firmware="FW1060.10")
    assert "matrix" not in shown(old)[0] and shown(old)[1].count("yes") == 2 and "warned" not in shown(old)[1]
    check, reach = shown(newer)  # C is as good as ever
    assert said not in check and reach.count("yes, warned") == 1 and reach.count("yes") == 2
    check, reach = shown(changed(newer, "C", firmware="FW1060.10"))
    assert said in check and reach.count("yes, warned") == 2


def test_who_may_go_is_told_with_what_is_said_of_it() -> None:
    """reach said "yes, if" and "yes, warned" and not why; check did not list what is only to be known."""
    site, judge = judged(changed(OPTICAL, "A", firmware="FW1050.20", console_level=""))
    verdict = judge.answer("a1")
    assert {f.rule for f in verdict.notes} == {"storage.no-optical"} and verdict.assumptions
    said = [*judge.readiness("a1"), *(f for s in verdict.targets for f in judge.move("a1", "A", s))]
    for text in shown(site.estate):
        assert all(f.message in text and f.fix in text for f in said)


def test_a_refusal_is_told_with_what_mends_it() -> None:
    check, _ = shown(changed(BASE, "a1", sriov_ports=1))
    assert "sheet LPARs, Migratable SR-IOV ports" in check


def test_who_is_plainly_ready_has_no_more_to_be_told() -> None:
    assert all("\n\n" not in text for text in shown(BASE))


def test_many_servers_are_told_by_answer_and_lpars_alike_together() -> None:
    """100 servers with 1,000 LPARs made 9,161 lines, each yes for itself; those who may go nowhere near are not asked."""
    site, judge = judged(changed(blocks(24, 72, 1), "lp00003", rmc_active=False))
    console = Console(width=400)
    with console.capture() as caught:
        console.print(reach_matrix(site, judge, sorted(site.lpars), list(site.servers), whole=True))
    text = caught.get()
    table = text[:text.find("What is said")] if "What is said" in text else text
    assert sum(line.count("yes") for line in table.splitlines()) < len(site.lpars)
    rows = [line.split() for line in table.splitlines()]
    alone = next(n for n, row in enumerate(rows) if row[:1] == ["lp00003"])
    near = {s for s in site.servers if s in (judge.near("lp00003") or ())} - {site.start["lp00003"]}
    told = {rule: {*" ".join(words).replace(",", "").split()} for rule, *words in (
        rows[alone][2:], next(row for row in rows[alone + 1:] if row)) if rule == "partition.rmc"}
    assert told == {"partition.rmc": near} and "out of reach" in table
    assert all(n in table for n in site.lpars)


def test_of_many_servers_that_an_lpar_may_go_to_some_are_told_and_how_many_there_are() -> None:
    """check listed 99 servers for each of 1,000 LPARs: 13,004 lines."""
    site, judge = judged(open_estate(24, 48, 1))
    told = {}
    for whole in (False, True):
        console = Console(width=600)
        with console.capture() as caught:
            console.print(check_view(site, judge, whole=whole)[0])
        told[whole] = next(line for line in caught.get().splitlines() if "lp00000" in line)
    assert "… (23 in all)" in told[False] and all(s in told[True] for s in site.servers)
