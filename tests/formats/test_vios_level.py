"""``ioslevel``."""

from __future__ import annotations

from typing import Any

import pytest

from planner.formats.vios_level import read, recognise


@pytest.mark.parametrize(("text", "expected"), [
    ("2.2.1.4\n", {"level": "2.2.1.4", "version": (2, 2, 1, 4)}),
    ("2.1.3.0-FP-23", {"level": "2.1.3.0-FP-23", "version": (2, 1, 3, 0), "fix_pack": "FP-23"}),
    ("1.5.2.1-FP-11.1\r\n", {"level": "1.5.2.1-FP-11.1", "version": (1, 5, 2, 1), "fix_pack": "FP-11.1"}),
    ("\n 3.1.4.10 \n\n", {"level": "3.1.4.10", "version": (3, 1, 4, 10)}),
])
def test_levels(text: str, expected: dict[str, Any]) -> None:
    result = read(text, "x")
    assert [record.fields for record in result.records] == [expected]
    assert result.findings == ()
    assert recognise(text)


@pytest.mark.parametrize("text", ["", "7.2.0.0", "2.2.1", "2.2.1.4\n2.2.1.4", "2.2.1.4 or later", "7100-05-09-2037"])
def test_what_is_not_a_level(text: str) -> None:
    assert not recognise(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("", [("input.truncated", 1)]), ("$ ioslevel\n2.2.1.4", [("input.unknown-text", 1)]),
    ("2.2.1.4\n3.1.0.0\nkoniec", [("input.duplicate-key", 2), ("input.unknown-text", 3)]),
    ("0516-010 : no", [("input.error-text", 1), ("input.truncated", 1)]),
])
def test_findings(text: str, expected: list[tuple[str, int]]) -> None:
    assert [(f.rule, f.source.line) for f in read(text, "x").findings if f.source] == expected
