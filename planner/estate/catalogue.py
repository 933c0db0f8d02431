"""What a type-model says of a server: processor generation and rPerf per core.

Sources: rPerf from IBM Facts & Features as collected in nigelargriffiths/rperf v41, the largest listed
configuration of the model divided by its cores; see docs/facts.md. Compatibility modes: IBM "Processor
compatibility mode definitions" (POWER8 information p8hc3_pcmdefs) and, from POWER9 on, the later editions of
that page.
"""

from __future__ import annotations

#: type-model → (generation, rPerf per core)
MODELS: dict[str, tuple[str, float]] = {
    "7998-61X": ("POWER6", 7.57),
    "7778-23X": ("POWER6", 9.07),
    "9117-MMA": ("POWER6", 8.40),
    "9119-FHA": ("POWER6", 8.64),
    "8204-E8A": ("POWER6", 9.82),
    "8233-E8B": ("POWER7", 9.79),
    "9117-MMB": ("POWER7", 9.05),
    "9117-MMC": ("POWER7", 9.48),
    "9117-MMD": ("POWER7+", 11.40),
    "9179-MHB": ("POWER7", 10.70),
    "9179-MHC": ("POWER7", 9.24),
    "9179-MHD": ("POWER7+", 12.77),
    "9119-FHB": ("POWER7", 11.40),
    "8406-70Y": ("POWER7", 11.28),
    "8406-71Y": ("POWER7", 9.65),
    "8286-42A": ("POWER8", 17.6),
    "9119-MHE": ("POWER8", 22.4),
    "9009-42A": ("POWER9", 24.3),
    "9080-M9S": ("POWER9", 26.5),
    "9080-HEX": ("POWER10", 33.3),
}

GENERATIONS = ("POWER6", "POWER6+", "POWER7", "POWER7+", "POWER8", "POWER9", "POWER10", "POWER11")

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


def generation_of(model: str) -> str:
    """The generation of a type-model, or ``""`` when it is not in the catalogue."""
    return MODELS.get(model.strip().upper(), ("", 0.0))[0]


def rperf_per_core(model: str) -> float | None:
    """rPerf per core of a type-model, or None when it is not in the catalogue."""
    entry = MODELS.get(model.strip().upper())
    return entry[1] if entry else None


def min_units_per_vp(generation: str) -> int:
    """Hundredths of a core that each virtual processor needs: 10 up to POWER7, 5 from POWER7+ on.

    Source: Power 570 redpaper p. 79, PS700 redpaper p. 86, Power 750/760 redpaper p. 124. An unknown generation
    gets the stricter value.
    """
    late = generation in GENERATIONS and GENERATIONS.index(generation) >= GENERATIONS.index("POWER7+")
    return 5 if late else 10
