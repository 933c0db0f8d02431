"""What check and reach show of an LPAR that may move."""

from dataclasses import replace

from estates import BASE, changed, judged
from rich.console import Console

from planner.estate.model import Estate
from planner.report.terminal import check_view, reach_matrix


def shown(of: Estate) -> tuple[str, str]:
    """The views of check and reach as text."""
    site, judge = judged(of)
    out = []
    for view in (check_view(site, judge)[0], reach_matrix(site, judge, ["a1"], ["A", "B", "C"])):
        console = Console(width=300)
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
