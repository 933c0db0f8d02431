"""Arguments of the Python interface: each is taken or refused by its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import wraps
from inspect import signature
from numbers import Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from planner.errors import UsageError
from planner.estate.energy import Tariff
from planner.estate.model import Estate
from planner.jobs.peak_hours import UsageSpec
from planner.plan.choices import By, Measure
from planner.plan.plan import Plan, Window

P = ParamSpec("P")
R = TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function with its arguments looked at first; raises UsageError that names the one that is wrong."""
    known = signature(function)

    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = known.bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{function.__name__}(): {error}") from None
        for name, value in bound.arguments.items():
            bound.arguments[name] = _TAKEN[name](name, value)
        return function(*bound.args, **bound.kwargs)

    return asked


def _wrong(name: str, value: object, wanted: str) -> UsageError:
    return UsageError(f"{name}: {repr(value)[:60]} is not {wanted}")


def names(name: str, value: object) -> tuple[str, ...]:
    """One name, or any collections of names, in order."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Iterable):
        raise _wrong(name, value, "a name or several")
    return tuple(one for each in value for one in names(name, each))


def paths(name: str, value: object) -> tuple[str | Path, ...]:
    if isinstance(value, str | Path):
        return (value,)
    if not isinstance(value, Iterable):
        raise _wrong(name, value, "a path or several")
    return tuple(one for each in value for one in paths(name, each))


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real | Decimal) or not math.isfinite(value) or value < 0:
        raise _wrong(name, value, "a number from 0 on")
    return float(value)


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(name, value, "a whole number from 1 on")
    return value


def _few(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 4:
        raise _wrong(name, value, "a whole number from 0 to 4")
    return value


def _yes_no(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "True or False")
    return value


def _of(*kinds: type, wanted: str) -> Callable[[str, object], Any]:
    """What is of one of these types."""
    def take(name: str, value: object) -> Any:
        if not isinstance(value, kinds):
            raise _wrong(name, value, wanted)
        return value
    return take


def _word(of: type[By] | type[Measure], *, none: bool = False) -> Callable[[str, object], Any]:
    """One of a few words."""
    def take(name: str, value: object) -> Any:
        if none and value is None:
            return None
        if value not in list(of):
            raise _wrong(name, value, f"one of {', '.join(of)}")
        return value
    return take


def _levels(name: str, value: object) -> Mapping[str, str] | None:
    if value is not None and not (isinstance(value, Mapping) and all(
            isinstance(word, str) for item in value.items() for word in item)):
        raise _wrong(name, value, "a mapping of servers to firmware levels")
    return value


_NONE = type(None)
_TEXT = _of(str, wanted="text")
_WINDOW = _of(str, Window, _NONE, wanted="text like '2026-12-05 22:00/04:00' or a Window")
_TAKEN: dict[str, Callable[[str, object], Any]] = {
    "plan": _of(Plan, wanted="a Plan"), "home": _of(Plan, _NONE, wanted="a Plan"),
    "begun": _of(Plan, _NONE, wanted="a Plan"),
    "estate": _of(Estate, wanted="an Estate (of load_estate)"),
    "since": _of(Estate, _NONE, wanted="an Estate (of load_estate)"),
    **dict.fromkeys(("servers", "leave", "critical", "keep", "off", "not_targets"), names),
    **dict.fromkeys(("sources", "policies", "files"), paths),
    **dict.fromkeys(("come_back", "n_plus_1", "curve", "assume_nothing", "inactive", "weekend", "on", "every",
                     "remedies", "another_estate"), _yes_no),
    **dict.fromkeys(("cores", "memory_gib", "time_limit", "gap", "hours"), _number),
    **dict.fromkeys(("server", "when", "zone", "name", "scheduler"), _TEXT), **dict.fromkeys(("sets", "count"), _count),
    "alternatives": _few,
    "budget": lambda name, value: value if value is None else int(_number(name, value)),
    "work": _of(str, _NONE, wanted="text like 60m"),
    **dict.fromkeys(("window", "back_window"), _WINDOW),
    "now": _of(str, _NONE, wanted="text like '2026-12-05 23:40'"),
    "usage": _of(UsageSpec, _NONE, wanted="a UsageSpec"), "tariff": _of(Tariff, _NONE, wanted="a Tariff"),
    **dict.fromkeys(("catalogue", "mapping", "parameters", "prices"), _of(str, Path, _NONE, wanted="a path")),
    "file": _of(str, Path, wanted="a path"), "firmware_after": _levels,
    "by": _word(By, none=True), "measure": _word(Measure),
}
"""Argument → how it is taken: each stands for one thing in all questions."""
