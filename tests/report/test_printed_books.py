"""Every workbook as LibreOffice prints it: nothing runs out of its page, nothing lies over something else."""

import shutil

import pytest
from typer.testing import CliRunner

from planner.cli import app
from tests.printed import TOOLS, cut, overprinted, printed, words

SERVER, WINDOW = "SN8379A80_p595-2", "2026-12-05 22:00/04:00"
ASKED = {
    "evacuation": ("plan.xlsx", "evacuate", "data/landscape", SERVER, "--return", "--window", WINDOW, "--effort", "0.1"),
    "headroom": ("plan.xlsx", "headroom", "data/landscape", SERVER, "--cores", "2", "--memory", "64", "--no-curve"),
    "consolidation": ("plan.xlsx", "consolidate", "data/modern", "--time-limit", "20"),
    "whatif": ("whatif.xlsx", "whatif", "data/landscape", "data/scenarios/power7-770.toml"),
    "campaign": ("campaign.xlsx", "campaign", "data/landscape", "campaign.toml"),
}

CAMPAIGN = f"""name = "Firmware"
[[work]]
server = "{SERVER}"
firmware = "EH350_149"
minutes = 60
[[window]]
start = 2026-12-05 22:00:00
end = 2026-12-06 04:00:00
"""


@pytest.mark.skipif(not TOOLS, reason="LibreOffice and poppler are not installed")
def test_no_text_is_cut_or_overprinted(tmp_path) -> None:
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    books = []
    for name, (file, *asked) in ASKED.items():
        asked = [str(tmp_path / x) if x == "campaign.toml" else x for x in asked]
        done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / name)])
        assert done.exit_code in (0, 3), (name, done.output)
        books.append(shutil.copy(tmp_path / name / file, tmp_path / f"{name}.xlsx"))
    for pdf in printed(books, tmp_path):
        found = words(pdf)
        assert found and not cut(found) and not overprinted(found), pdf
