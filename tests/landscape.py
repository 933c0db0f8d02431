"""The landscape sample and its generated usage (``data/build_usage.py``), for tests of several rooms."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import dump

DATA = Path(__file__).parents[1] / "data"


def _module(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
        assert spec and spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


build_usage = _module("build_usage")


@cache
def landscape() -> Estate:
    """The estate of ``data/landscape``, from its tables."""
    estate: Estate = _module("build_samples").landscape()
    return estate


def saved_landscape(directory: Path) -> Path:
    """It as a saved estate, which is read in a fraction of the time of its exports."""
    (directory / "landscape.json").write_text(dump(Loaded(landscape())))
    return directory / "landscape.json"
