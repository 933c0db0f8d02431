"""TOML files of people: whoever reads one, what is wrong with it is told with its line, and nothing breaks off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError
from planner.estate.catalogue_file import read_catalogue
from planner.estate.policy_file import read_policy_file
from planner.formats.open import read_mapping
from planner.scenarios.file import read_scenarios
from planner.scenarios.sweep_file import read_sweep
from planner.toml_file import parsed

READERS: tuple[Callable[[Path], Any], ...] = (
    read_policy_file, read_catalogue, read_mapping, lambda path: read_scenarios([path]), read_sweep)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("text", "line"), [
    ("\n\nx = = 1\n", 3), ("x = 1\nx = 2\n", 2), ("x = " + "[" * 5000, None), ("x = " + "9" * 5000, None),
    ('\nx = "', 2), ("\na" + ".a" * 50_000 + " = 1\n", 2), ("[a" + ' . "a"' * 50_000 + "]\n", 1)])
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, read: Callable[[Path], Any], text: str,
                                               line: int | None) -> None:
    """Lists that stand 5,000 deep ended in a RecursionError with most of them, a key of 50,000 parts in no memory."""
    file = tmp_path / "x.toml"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        read(file)
    (told,) = refused.value.findings
    assert "not a TOML file" in told.message and told.source is not None and told.source.line == line


def test_wrong_keys_of_policies_and_models_are_told_with_their_line(tmp_path: Path) -> None:
    policies, models = tmp_path / "p.toml", tmp_path / "m.toml"
    policies.write_text("[[policy]]\nkind = 'pin'\n\n[[policy]]\nkind = 3\nwho = 'x'\n")
    models.write_text("[[model]]\ntype_model = 'x'\ngeneration = 'POWER7'\nspeed = 1\nprocessor = []\n")
    for read, file, lines in ((read_policy_file, policies, [5, 6]), (read_catalogue, models, [4, 5])):
        with pytest.raises(InputError) as refused:
            read(file)
        assert sorted(f.source.line for f in refused.value.findings if f.source) == lines


def test_many_decimals_are_no_key_of_many_parts() -> None:
    assert len(parsed("x = [\n" + "1.5, " * 2000 + "]\n", "x", "r", "h")["x"]) == 2000
