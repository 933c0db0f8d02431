"""The price list of changes (TOML): what each kind costs, who makes it, and whether it is to be proposed at all."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.estate.changes import Repair
from planner.findings import Finding, Severity, Source
from planner.toml_file import line_of, read_toml

_RULE, _HELP = "input.bad-prices", "see docs/remedy.md"
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a change of one kind costs (weighted minutes, above 0), and its owner."""

    what: str
    price: int
    owner: str
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class Prices:
    """Kind → its price."""

    of: Mapping[str, Price]

    def cost(self, change: Repair) -> int:
        """What a change costs."""
        return self.of[change.kind].price * change.amount

    def total(self, changes: tuple[Repair, ...]) -> int:
        """What these cost together."""
        return sum(map(self.cost, changes))

    def owner(self, change: Repair) -> str:
        """Who makes a change."""
        return self.of[change.kind].owner

    def allows(self, change: Repair) -> bool:
        """Whether it may be proposed."""
        return self.of[change.kind].allowed


def _packaged() -> Prices:
    document = tomllib.loads(files("planner.estate").joinpath("prices.toml").read_text(encoding="utf-8"))
    return Prices({kind: Price(**row) for kind, row in document.items()})


PRICES = _packaged()


def read_prices(path: Path, base: Prices = PRICES) -> Prices:
    """The list with what a file says of some kinds; raises InputError with every problem of it."""
    text, document = read_toml(path, _RULE, _HELP)
    wrong = [Finding(_RULE, Severity.ERROR, path.name, message, _HELP, Source(path.name, line_of(text, place)))
             for kind, row in document.items() for place, message in _problems(kind, row, base)]
    if wrong:
        raise InputError(wrong)
    return Prices({kind: Price(**{"what": known.what, "price": known.price, "owner": known.owner,
                                  "allowed": known.allowed} | document.get(kind, {}))
                   for kind, known in base.of.items()})


def _problems(kind: str, row: Any, base: Prices) -> list[tuple[tuple[str, ...], str]]:
    if kind not in base.of:
        return [((kind,), f"{kind[:40]}: no kind of change; one of: {', '.join(base.of)}")]
    if not isinstance(row, dict):
        return [((kind,), f"{kind}: not a table such as [{kind}]")]
    wrong: list[tuple[tuple[str, ...], str]] = []
    for name, value in row.items():
        fine = {"price": isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST,
                "owner": isinstance(value, str) and bool(value.strip()), "what": isinstance(value, str),
                "allowed": isinstance(value, bool)}
        if name not in fine:
            wrong.append(((kind, name), f"{kind}.{name[:40]}: one of price, owner, allowed"))
        elif not fine[name]:
            wanted = {"price": f"a whole number from 1 to {_MOST}", "allowed": "true or false"}.get(name, "a text")
            wrong.append(((kind, name), f"{kind}.{name}: not {wanted}"))
    return wrong
