"""A file of parameters of the cost model (TOML), as ``planner calibrate`` writes it: rows that replace an estate's own.

::

    [[parameter]]
    name = "rate_mb_s"
    for = "link 10000"
    value = 702.5
    low = 655.1
    high = 753.4
    moves = 31
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from planner.estate.assemble import Loaded, fact_name
from planner.estate.load import checked
from planner.estate.model import Parameter
from planner.findings import Source
from planner.toml_file import line_of, validated

_RULE, _HELP = "input.bad-parameter-file", "see docs/calibrate.md"


def read_parameters(path: Path) -> list[tuple[Parameter, Source]]:
    """The rows of a file, each with its place; raises InputError with every problem."""
    from pydantic import BaseModel, ConfigDict, Field  # start-up: few have a file of parameters

    class ParameterRow(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        name: str
        subject: str = Field(default="", alias="for")
        value: float = Field(allow_inf_nan=False)
        low: float | None = Field(default=None, allow_inf_nan=False)
        high: float | None = Field(default=None, allow_inf_nan=False)
        moves: int | None = Field(default=None, ge=1)
        note: str = ""

    class ParameterDocument(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        parameter: list[ParameterRow] = []

    text, document = validated(path, ParameterDocument, _RULE, _HELP)
    return [(Parameter(r.name, r.value, r.note, r.subject, r.low, r.high, r.moves),
             Source(path.name, line_of(text, ("parameter", n, "name")))) for n, r in enumerate(document.parameter)]


def parameters_text(rows: Iterable[Parameter], heading: Iterable[str]) -> str:
    """A file of these rows below a heading of comments."""
    import tomli_w  # start-up: for those who calibrate alone

    entries = [{k: v for k, v in (("name", r.name), ("for", r.subject), ("value", r.value), ("low", r.low),
                                  ("high", r.high), ("moves", r.moves), ("note", r.note)) if v not in ("", None)}
               for r in rows]
    blocks = [*(f"# {line}".rstrip() for line in heading), "",
              *("[[parameter]]\n" + tomli_w.dumps(entry) for entry in entries)]
    return "\n".join(blocks)


def with_parameters(loaded: Loaded, path: Path) -> Loaded:
    """The estate with the rows of a file in place of its own of the same name; raises InputError."""
    placed = read_parameters(path)
    new = {(row.name, row.subject) for row, _ in placed}
    kept = tuple(row for row in loaded.estate.parameters if (row.name, row.subject) not in new)
    loaded.estate = loaded.estate.replace(parameters=(*kept, *(row for row, _ in placed)))
    places = {fact_name("parameters", (row.name, row.subject), ""): place for row, place in placed}
    loaded.provenance = places | {fact: place for fact, place in loaded.provenance.items()
                                  if not fact.startswith(tuple(places))}
    return checked(loaded)
