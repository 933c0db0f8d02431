"""The page of a campaign: the figures of campaign.json, nothing that runs or loads, no name that becomes markup."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from estates import BASE

from planner import jobs
from planner.estate.assemble import Loaded
from planner.jobs.campaign import campaign
from planner.report.campaign_files import campaign_overview
from planner.report.campaign_json import CampaignDocument, campaign_document
from planner.report.campaign_page import rows
from planner.scenarios.campaign_file import Campaign

NIGHT = {"start": dt.datetime(2026, 12, 5, 22), "end": dt.datetime(2026, 12, 6, 4), "times": 2}
HOSTILE = '<script>alert("x")</script>'


def document(name: str = "Levels") -> CampaignDocument:
    asked = Campaign.model_validate({
        "name": name, "window": [NIGHT], "work": [{"server": s, "firmware": "EM350_149"} for s in "AB"],
        "freeze": [{"first": dt.date(2026, 12, 12), "last": dt.date(2026, 12, 13), "why": "closing"}]})
    return campaign_document(campaign(Loaded(BASE), asked, jobs.Options(20, zone="Europe/Berlin")))


def page(of: CampaignDocument) -> str:
    return campaign_overview(of)["overview.html"].decode()


def test_each_step_has_its_row_and_its_plan() -> None:
    of = document()
    text = page(of)
    assert len(of.steps) == 2 and page(of) == text
    for s in of.steps:
        assert f'href="{s.directory}/plan.html"' in text and f"{s.start:%a %Y-%m-%d %H:%M}" in text
        assert f'<td class="n">{s.moves_out}</td><td class="n">{s.moves_back}</td>' in text
    assert "closing" in text and of.estate_sha256[:12] in text


def test_the_drawing_is_to_scale() -> None:
    of = document()
    used, frozen = rows(of)
    assert frozen.why.endswith("closing") and not frozen.spans and frozen.wide == used.wide
    hour = used.wide / 6
    for span, s in zip(used.spans, of.steps, strict=True):
        begins = (s.start - of.windows[0].start).total_seconds() / 3600
        assert abs(span.x - 190 - begins * hour) < 0.2
        assert abs(span.wide - (s.end - s.start).total_seconds() / 3600 * hour) < 0.2


def test_no_name_becomes_markup_and_nothing_runs_or_loads() -> None:
    of = document(HOSTILE)
    text = page(replace(of, steps=tuple(replace(s, server=HOSTILE, work=HOSTILE) for s in of.steps)))
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert not re.search(r'\s(style|on\w+)=', text) and "http://" not in text and "https://" not in text
