"""Quick ways of reading and hashing saved estates give what the plain ways give."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest
from estates import BASE, policy, stating
from estates_random import random_estate
from pydantic import TypeAdapter, ValidationError
from scale_estates import ring

from planner.errors import InputError
from planner.estate import saved
from planner.estate.assemble import Loaded
from planner.estate.load import checked, load
from planner.estate.model import CLASSES, Estate, Parameter, Server
from planner.findings import Source
from planner.formats import registry, saved_estate

ODD = Estate(servers=(Server('a\x01\x7f\n"\\ü\u2028/', 0, -5, enterprise=False),),
             parameters=(Parameter("x", 1e22), Parameter("y", 0.1), Parameter("z", 45.0)))
ESTATES = {"empty": Estate(), "base": BASE, "odd": ODD, "ring": ring(20, 60, 1)} | {
    f"random {n}": random_estate(n) for n in range(8)}


@pytest.mark.parametrize("name", ESTATES)
def test_digest_is_that_of_the_plain_text(name: str) -> None:
    text = json.dumps(saved.estate_json(ESTATES[name]), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert saved.digest(ESTATES[name]) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", ESTATES)
def test_one_pass_reads_what_step_by_step_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Loaded(ESTATES[name], {"servers/A/": Source("a.xlsx", cell="Servers!A2")})
    text = saved.dump(loaded)
    quick = saved.parse(text, "e.json")
    monkeypatch.setattr(saved_estate, "_read_whole", lambda _: None)
    assert quick == saved.parse(text, "e.json")
    assert quick.estate == ESTATES[name] and quick.findings == ()


@pytest.mark.parametrize(("old", "new"), [
    ('"version": 1', '"version": "1"'), ('"version": 1', '"version": null'),
    ('"lpars": [', '"lpars": [7, '), ('"A"', '3'), ('"format"', '"Format"')])
def test_what_is_not_in_order_is_told_step_by_step(old: str, new: str) -> None:
    text = saved.dump(Loaded(BASE)).replace(old, new, 1)
    assert saved_estate._read_whole(text) is None
    assert saved.parse(text, "e.json").findings


PLAIN = TypeAdapter(Estate)


def _accepted(text: str) -> tuple[bool, bool]:
    """Whether one pass takes an estate, and whether pydantic does."""
    try:
        PLAIN.validate_json(text)
        fits = True
    except ValidationError:
        fits = False
    whole = f'{{"format": "planner-estate", "version": 1, "estate": {text}}}'
    return saved_estate._read_whole(whole) is not None, fits


def test_one_pass_takes_what_pydantic_takes_and_nothing_else() -> None:
    """Every field of every kind with values of every type, left out, and with a stranger beside it."""
    values = (None, 1, -1, 1.5, 1.0, True, "x", "1", [], ["x"], [1], [None], {}, 10**30)
    for kind, cls in CLASSES.items():
        least = {f.name: 1 if f.type in ("int", "float") else "x" for f in fields(cls) if f.default is MISSING}
        trials = [least | {f.name: v} for f in fields(cls) for v in values] + [least | {"stranger": 1}]
        trials += [{k: v for k, v in least.items() if k != name} for name in least]
        for row in trials:
            one, other = _accepted(json.dumps({kind: [row]}))
            assert one == other, (kind, row)
        assert _accepted(json.dumps({kind: [least]})) == (True, True)
        assert _accepted(json.dumps({kind: least})) == (False, False)
    assert _accepted("[]") == _accepted('{"stranger": []}') == _accepted("null") == (False, False)


def test_unknown_names_are_told_once_a_row() -> None:
    lost = BASE.replace(disks=tuple(replace(d, vios="gone") if d.lpar == "a1" else d for d in BASE.disks),
                        lpars=tuple(replace(p, server="nowhere") if p.name == "c1" else p for p in BASE.lpars))
    found = [(f.rule, f.subject, f.message) for f in checked(Loaded(lost)).findings if f.rule == "input.unknown-name"]
    assert found == [("input.unknown-name", "c1", "'nowhere' is not in sheet Servers"),
                     ("input.unknown-name", "a1", "'gone' is not in sheet VIOS; a1 is not planned")]


def test_plain_words_of_a_policy_name_one_thing_and_patterns_many() -> None:
    def refused(value: str) -> list[str]:
        found = checked(Loaded(stating(BASE, policy("keep-apart", "g", value)))).findings
        return [f.message for f in found if f.rule == "input.bad-policy"]

    assert refused("a1; b1") == [] and refused("a*") == [] and refused("[ab]1") == [] and refused("?1") == []
    assert "'A1' matches no LPAR" in refused("A1; b1")[0]


def test_an_estate_larger_than_any_other_document_is_read_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.MOST_DOCUMENT == 128 << 20 and registry.MOST_SAVED == 1 << 30
    monkeypatch.setattr(registry, "MOST_DOCUMENT", 1 << 20)
    text = saved.dump(Loaded(BASE))
    (tmp_path / "other.json").write_text(" " * (2 << 20) + text)
    with pytest.raises(InputError):
        load([tmp_path / "other.json"])
    (tmp_path / "e.json").write_text(text[:-2] + " " * (2 << 20) + "}\n")
    assert load([tmp_path / "e.json"]).estate == BASE


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = saved.dump(Loaded(BASE))
    (tmp_path / "e.json").write_text(text)
    monkeypatch.setattr(saved, "MOST_SAVED", len(text.encode()))
    assert saved.dump(Loaded(BASE)) == text and load([tmp_path / "e.json"]).estate == BASE
    monkeypatch.setattr(saved, "MOST_SAVED", len(text.encode()) - 1)
    with pytest.raises(InputError, match="larger"):
        saved.dump(Loaded(BASE))
