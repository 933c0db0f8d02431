"""What a type-model says of a server: generation, rPerf at each number of active cores, watts, memory, LMB sizes.

The facts stand in ``catalogue.toml`` beside this module, with their sources; :mod:`planner.estate.catalogue_file`
reads a person's own. Compatibility modes: IBM "Processor compatibility mode definitions" (POWER8 information
p8hc3_pcmdefs) and, from POWER9 on, the later editions of that page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from planner.estate.model import GENERATIONS

FILE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True, slots=True)
class Rating:
    """rPerf per active core. ``listed_cores``: the listed size that it is taken from; ``assumed``: what was assumed
    to get it, ``""`` when nothing was."""

    per_core: Fraction
    ghz: str
    listed_cores: int
    listed_rperf: Fraction
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Processor:
    """One processor option of a model: its clock (as text, GHz) and rPerf of the whole server by active cores."""

    ghz: str
    rperf: tuple[tuple[int, Fraction], ...]
    generation: str = ""

    @property
    def most_cores(self) -> int:
        """The largest size listed."""
        return self.rperf[-1][0]

    def listed(self, cores: int) -> tuple[int, Fraction]:
        """The next listed size not below ``cores``, or the largest."""
        return next((r for r in self.rperf if r[0] >= cores), self.rperf[-1])


@dataclass(frozen=True, slots=True)
class ModelWatts:
    """Watts of one drawer (book, blade) of so many cores, idle and at most."""

    cores: int
    idle: int
    maximum: int
    source: str = ""
    confidence: str = "L"


@dataclass(frozen=True, slots=True)
class ServerModel:
    """One type-model. Memory in MiB; ``modes`` of (): those of its generation."""

    type_model: str
    name: str
    generation: str
    processors: tuple[Processor, ...]
    max_memory_mib: int | None = None
    lmb_mib: tuple[int, ...] = ()
    modes: tuple[str, ...] = ()
    watts: ModelWatts | None = None
    source: str = ""
    confidence: str = "L"

    def with_clock(self, ghz: str) -> Processor | None:
        """The processor of this clock, or None."""
        return next((p for p in self.processors if Decimal(p.ghz) == Decimal(ghz)), None)

    def largest(self) -> Processor:
        """The processor whose clock is taken when nobody states one and cores do not tell: the first listed."""
        return self.processors[0]

    def rating(self, cores: int, ghz: str = "") -> Rating:
        """rPerf per core with so many active cores: the per-core value of the next bigger listed size.

        Source: nigelargriffiths/rperf v41, which interpolates linearly downward from the next bigger size. Without a
        clock: the first processor that is listed with so many cores, and said so.
        """
        stated = self.with_clock(ghz) if ghz else None
        chosen = stated or next((p for p in self.processors if p.most_cores >= cores), None) or max(
            self.processors, key=lambda p: p.most_cores)
        size, total = chosen.listed(cores)
        assumed = []
        if stated is None and len(self.processors) > 1:
            assumed.append(f"clock not stated: {chosen.ghz} GHz taken")
        if size < cores:
            assumed.append(f"{cores} cores are more than the largest size listed ({size}): its value per core taken")
        return Rating(total / size, chosen.ghz, size, total, "; ".join(assumed))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Models by type-model, and the watts per core that are assumed where no model states any.

    ``generations``: of type-models of which nothing else is known.
    """

    models: Mapping[str, ServerModel]
    idle_share: Fraction = Fraction(65, 100)
    watts_per_core: Mapping[str, int] = field(default_factory=dict)
    generations: Mapping[str, str] = field(default_factory=dict)

    def find(self, model: str) -> ServerModel | None:
        """A model by its type-model, however it is written."""
        return self.models.get(model.strip().upper())

    def with_models(self, models: Iterable[ServerModel]) -> Catalogue:
        """This catalogue with more models; one of the same type-model replaces its own."""
        return Catalogue({**self.models, **{m.type_model: m for m in models}}, self.idle_share, self.watts_per_core,
                         self.generations)


def _processor(row: Mapping[str, Any]) -> Processor:
    sizes = sorted((int(cores), Fraction(str(total))) for cores, total in row["rperf"].items())
    return Processor(str(row["ghz"]), tuple(sizes), row.get("generation", ""))


def model_of(row: Mapping[str, Any]) -> ServerModel:
    """A model from a row of the file that is known to be sound."""
    gib = row.get("max_memory_gib")
    watts = row.get("watts")
    return ServerModel(
        row["type_model"].strip().upper(), name=row.get("name", ""), generation=row["generation"],
        processors=tuple(_processor(p) for p in row["processor"]),
        max_memory_mib=None if gib is None else int(gib) * 1024, lmb_mib=tuple(sorted(row.get("lmb_mib", ()))),
        modes=tuple(row.get("modes", ())), watts=None if watts is None else ModelWatts(**watts),
        source=row.get("source", ""), confidence=row.get("confidence", "L"))


def _packaged() -> Catalogue:
    document = tomllib.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    defaults = document["defaults"]
    models = [model_of(row) for row in document["model"]]
    return Catalogue({m.type_model: m for m in models}, Fraction(str(defaults["idle_share"])),
                     dict(defaults["max_watts_per_core"]), document["generations"])


CATALOGUE = _packaged()


def _two_decimals(value: Fraction) -> float:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _per_core(model: ServerModel) -> float:
    first = model.largest()
    cores, total = first.rperf[-1]
    return _two_decimals(total / cores)


#: type-model → (generation, rPerf per core in the largest listed size of its first processor)
MODELS: dict[str, tuple[str, float]] = {
    name: (model.generation, _per_core(model)) for name, model in CATALOGUE.models.items()}

MODES: dict[str, tuple[str, ...]] = {
    "POWER6": ("POWER6", "POWER6 enhanced"),
    "POWER6+": ("POWER6", "POWER6+", "POWER6+ enhanced"),
    "POWER7": ("POWER6", "POWER6+", "POWER7"),
    "POWER7+": ("POWER6", "POWER6+", "POWER7"),
    "POWER8": ("POWER6", "POWER6+", "POWER7", "POWER8"),
    "POWER9": ("POWER7", "POWER8", "POWER9_base", "POWER9"),
    "POWER10": ("POWER8", "POWER9_base", "POWER9", "POWER10"),
    "POWER11": ("POWER9_base", "POWER9", "POWER10", "POWER11"),
}


def older(generation: str, than: str) -> bool:
    """Whether a generation is known and older than another."""
    return generation in GENERATIONS and GENERATIONS.index(generation) < GENERATIONS.index(than)


def generation_of(model: str) -> str:
    """The generation of a type-model, or ``""`` when it is not in the catalogue."""
    stated = model.strip().upper()
    return MODELS[stated][0] if stated in MODELS else CATALOGUE.generations.get(stated, "")


_FIRMWARE = re.compile(r"(?:01)?[A-Z]{2}([0-9]{3,4})(?:[_.].*)?")


def judged_generation(modes: Iterable[str], firmware: str) -> str:
    """The generation of a server whose model is unknown: of its newest processor mode, else of its firmware's release.

    POWER7+ has the modes of POWER7, and counts as that.
    """
    bases = [base for mode in modes if (base := mode.split()[0].split("_")[0]) in GENERATIONS]
    release = _FIRMWARE.fullmatch(firmware)
    if bases:
        return max(bases, key=GENERATIONS.index)
    return f"POWER{min(11, max(6, int(release[1]) // 100))}" if release and int(release[1]) >= 700 else ""


def rperf_per_core(model: str) -> float | None:
    """rPerf per core of a type-model, or None when it is not in the catalogue."""
    entry = MODELS.get(model.strip().upper())
    return entry[1] if entry else None


def least_rperf_per_core(generation: str) -> float | None:
    """The least rPerf per core that the catalogue has of a generation, from POWER7 on; of one of which it has none that
    of the newest before it. None: not known."""
    if generation not in GENERATIONS or older(generation, "POWER7"):
        return None
    for known in reversed(GENERATIONS[GENERATIONS.index("POWER7"):GENERATIONS.index(generation) + 1]):
        if rated := [rperf for of, rperf, *_ in MODELS.values() if of == known and rperf]:
            return min(rated)
    return None


def min_units_per_vp(generation: str) -> int:
    """Hundredths of a core that each virtual processor needs: 10 up to POWER7, 5 from POWER7+ on.

    Source: Power 570 redpaper p. 79, PS700 redpaper p. 86, Power 750/760 redpaper p. 124. An unknown generation
    gets the stricter value.
    """
    late = generation in GENERATIONS and GENERATIONS.index(generation) >= GENERATIONS.index("POWER7+")
    return 5 if late else 10
