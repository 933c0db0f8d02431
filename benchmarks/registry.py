"""What `make bench` runs: the benchmarks of this directory, each with its arguments for the page, for a long run, and
for its smallest size (a test)."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import phases


@dataclass(frozen=True, slots=True)
class Entry:
    """One benchmark: a module of this directory with a ``main``, and what it is given."""

    name: str
    about: str
    module: str
    page: str | None
    """Arguments of the page; None: for long runs alone."""
    long: str
    tiny: str | None = None
    """Of the smallest size; None where the smallest costs seconds, since it starts commands or searches."""

    def command(self, arguments: str) -> str:
        """What repeats it, from the root of the repository."""
        return f"python benchmarks/{self.module}.py {arguments}".rstrip()

    def loaded(self) -> ModuleType:
        """The module, by its file: a name of this directory may be one of tests/ too."""
        if (name := f"benchmarks_{self.module}") not in sys.modules:
            spec = spec_from_file_location(name, Path(__file__).with_name(f"{self.module}.py"))
            assert spec and spec.loader
            sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        return sys.modules[name]

    def here(self, arguments: str) -> str:
        """What it prints when it runs in this process."""
        out = io.StringIO()
        with _arguments(self.module, arguments), contextlib.redirect_stdout(out):
            self.loaded().main()
        return out.getvalue()


@contextlib.contextmanager
def _arguments(module: str, arguments: str) -> Iterator[None]:
    before, sys.argv = sys.argv, [module, *shlex.split(arguments)]
    try:
        yield
    finally:
        sys.argv = before


_COSTLY = ("504", "100-1000-consolidate", "ring-100")
"""Questions for long runs."""

PHASES = tuple(Entry(name, "phases of one question", "phases", None if any(part in name for part in _COSTLY) else name,
                     name, name if name == "modern-consolidate" else None) for name in phases.QUESTIONS)

TEXTS = (
    Entry("read-speed", "many files, one large archive", "read_speed", "--files 2000 --megabytes 20", ""),
    Entry("hsqueeze-consolidate", "fewest servers, beside Ganeti's hsqueeze", "hsqueeze", "--cases 1", ""),
    Entry("history", "a usage history filled and asked", "history", "20 3", "80 24"),
    Entry("capacity", "the managers' workbook", "capacity", "--months 3 --step 3600", ""),
    Entry("whole-consolidate", "blocks, ring, open: gaps, beside the same model given whole to HiGHS and CP-SAT",
          "consolidate_scale", "--only shapes --servers 60 --each 6 --time-limit 5", "--only shapes --servers 100"),
    Entry("peers-evacuate", "2 servers freed, as whole processes, beside hbal and proxlb-solver", "evacuate_scale",
          "--only peers --runs 1 --servers 20", "--only peers"),
    Entry("engines", "HiGHS beside CP-SAT on our own programs", "engines", "--servers 12 --limit 5", ""),
    Entry("lanes", "plans in lanes beside waves, bound and optimum", "lanes", "--plans 2", ""),
    Entry("growth-evacuate", "time against LPARs", "evacuate_scale", "--only growth --grow 48", "--only growth"),
    Entry("readiness", "every server asked at once, beside each alone", "readiness",
          "--servers 24 --lpars 240 --asked 1", ""),
    Entry("whole-process", "commands from start to end, beside a bare interpreter", "whole_process", "1", "5"),
    Entry("resume", "going on from half-way", "resume", "--most 3 --effort 0.01", "--most 200"),
    Entry("n-plus-1-consolidate", "any one server may fail", "consolidate_scale",
          "--only n-plus-1 --servers 24 --time-limit 10", "--only n-plus-1"),
    Entry("pages", "plan.html in Chromium: load, and each kind of click", "pages", "", ""),
    Entry("campaign", "servers one after the other over windows", "campaign", None, ""),
)
