"""The page docs/api.md: every name of ``from planner import …``, signatures and docstrings as the code has them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import planner
from planner import api, errors, findings
from planner.estate.energy import Tariff
from planner.jobs import campaign, remedy
from planner.jobs.readiness import figures
from planner.jobs.scenario_result import ScenarioResult
from planner.plan import choices, details, evening, plan
from planner.verify import base

#: What the functions take and give beside the names of the package, in the order in which the page has them.
_OTHERS = (
    plan.Window, Tariff, choices.Measure, choices.By, plan.Move, plan.Wait, plan.Level, plan.ServerState,
    evening.Evening, choices.Status, details.Conflict, findings.Finding, findings.Severity, findings.Source,
    base.Replay, remedy.Remedied, remedy.ChangeSet, campaign.CampaignResult, campaign.CampaignStep, campaign.NotDone,
    ScenarioResult, figures.ReadinessDocument, figures.ServerFree, figures.ServerLost, figures.LparPlaces,
    figures.ViosDown, figures.Blocker, figures.ReadyWord)
_ERRORS = (errors.PlannerError, errors.UsageError, errors.InputError, errors.ReplayError)
_ELSEWHERE = {
    "Estate": "What a row of each collection holds: [estate-workbook.md](estate-workbook.md); inside, cores are whole "
              "hundredths and memory is in MiB.",
    "Plan": "Names and units in plan.json: [plan.schema.json](plan.schema.json)."}


def _prose(of: Any) -> str:
    """A docstring as Markdown."""
    return _marked(inspect.cleandoc(of.__doc__ or ""))


def _marked(text: str) -> str:
    text = re.sub(r":\w+:`~?([\w.]+)`", lambda m: f"`{m[1].removeprefix('planner.')}`", text)
    return text.replace("``", "`")


def _type(of: Any) -> str:
    """A type as a person writes it."""
    origin, inside = get_origin(of), get_args(of)
    if origin in (Union, UnionType):
        return " | ".join(map(_type, inside))
    if origin is Literal:
        return " | ".join(map(repr, inside))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(_type, inside))}]"
    return {NoneType: "None", Ellipsis: "..."}.get(of) or str(getattr(of, "__name__", of))


def _remarks(cls: type) -> dict[str, str]:
    """Field → the text that stands under it in the code, of the class and of those that it is made of."""
    found: dict[str, str] = {}
    for one in reversed([c for c in cls.__mro__ if c.__module__.startswith("planner.")]):
        body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0].body  # type: ignore[attr-defined]
        for line, below in pairwise(body):
            target = getattr(line, "target", None) or next(iter(getattr(line, "targets", ())), None)
            if isinstance(target, ast.Name) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found[target.id] = _marked(" ".join(inspect.cleandoc(str(below.value.value)).split()))
    return found


def _fields(cls: Any) -> Iterator[str]:
    """The lines of a class in code, each with its remark."""
    remarks = _remarks(cls)
    if issubclass(cls, Enum):
        rows = [(one.name, f"{one.name} = {one.value!r}") for one in cls]
    else:
        types = get_type_hints(cls)
        rows = [(f.name, f"{f.name}: {_type(types[f.name])}{_default(f)}") for f in dataclasses.fields(cls)]
    for name, line in rows:
        yield f"    {line}" + (f"  # {remarks[name]}" if name in remarks else "")


def _value(of: Any) -> str:
    return f"{type(of).__name__}.{of.name}" if isinstance(of, Enum) else f"{of!r}"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = sorted(field.default) if isinstance(field.default, frozenset) else field.default
        return f" = {_value(value)}"
    made = field.default_factory
    return "" if made is dataclasses.MISSING else f" = {getattr(made, '__name__', '')}()"


def _parameter(of: inspect.Parameter, known: dict[str, Any]) -> str:
    """``known``: names of the module; what is long is called by the one it has there."""
    stars = {of.VAR_POSITIONAL: "*", of.VAR_KEYWORD: "**"}.get(of.kind, "")  # type: ignore[call-overload]
    kind = "" if of.annotation is of.empty else f": {of.annotation}"
    if of.default is of.empty:
            return f"{stars}{of.name}{kind}"
    long = len(repr(of.default)) >= 60
    value = next(name for name, v in known.items() if v is of.default) if long else _value(of.default)
    return f"{stars}{of.name}{kind} = {value}"


def _call(name: str, of: Any) -> tuple[str, list[str], str]:
    """How it is called: its name, its parameters, what it gives."""
    made, known = inspect.signature(of), inspect.unwrap(of).__globals__
    shown = [p for p in made.parameters.values() if p.name != "self"]
    words = [_parameter(p, known) for p in shown]
    first = next((n for n, p in enumerate(shown) if p.kind is p.KEYWORD_ONLY), None)
    if first is not None and not any(p.kind is p.VAR_POSITIONAL for p in shown):
        words.insert(first, "*")
    return name, words, str(made.return_annotation)


def _one_line(name: str, words: list[str], gives: str) -> str:
    return f"{name}({', '.join(words)}) -> {gives}"


def _lines(name: str, words: list[str], gives: str) -> str:
    """A parameter a line where one line is too long."""
    text = _one_line(name, words, gives)
    return text if len(text) <= 110 else "\n".join([f"{name}(", *(f"    {w}," for w in words), f") -> {gives}"])


def _members(cls: type) -> Iterator[str]:
    """Properties and methods that say what they are for."""
    for one in reversed([c for c in cls.__mro__ if c.__module__.startswith("planner.")]):
        for name, of in vars(one).items():
            inner = getattr(of, "wrapped", of)  # pydantic's computed_field
            if name.startswith("_") or not getattr(inner, "__doc__", None):
                continue
            if isinstance(inner, property):
                yield f"- `{name}`: {' '.join(_prose(inner).split())}"
            elif inspect.isfunction(inner):
                yield f"- `{_one_line(*_call(name, inner))}`: {' '.join(_prose(inner).split())}"


def _class(cls: type) -> list[str]:
    lines = [f"### {cls.__name__}", "", _prose(cls), ""]
    lines += [_ELSEWHERE[cls.__name__], ""] if cls.__name__ in _ELSEWHERE else []
    if dataclasses.is_dataclass(cls) or issubclass(cls, Enum):
        lines += ["```python", f"class {cls.__name__}:", *_fields(cls), "```", ""]
    members = [*_members(cls)]
    return [*lines, *members, *([""] if members else [])]


def api_page() -> str:
    """The whole page."""
    named = {name: getattr(api, name) for name in planner.__all__}
    lines = ["# The Python interface, name by name", "", "Printed from the code by `make docs`. How it is used: "
             "[python.md](python.md).", "", _prose(api), "", "## Functions", ""]
    for name, of in named.items():
        if not isinstance(of, type):
            lines += [f"### {name}", "", "```python", _lines(*_call(name, of)), "```", "", _prose(of), ""]
    lines += ["## What they take and give", ""]
    for cls in (*(of for of in named.values() if isinstance(of, type)), *_OTHERS):
        lines += _class(cls)
    lines += ["## Errors", ""]
    for cls in _ERRORS:
        lines += [f"- `{cls.__module__}.{cls.__name__}` (exit code {cls.exit_code}): {' '.join(_prose(cls).split())}"]
    return "\n".join(lines) + "\n"
