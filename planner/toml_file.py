"""TOML files that people write: their document, and the line on which a key stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from planner.errors import InputError
from planner.files import read_text
from planner.findings import Finding, Severity, Source

if TYPE_CHECKING:
    from pydantic import BaseModel

Place = Sequence[str | int]
M = TypeVar("M", bound="BaseModel")
_MOST_PARTS, _KEY = 500, re.compile(r"""[\w\s."'\[\]-]*\Z""")


def read_toml(path: Path, rule: str, help_: str, number: Callable[[str], Any] = Decimal) -> tuple[str, dict[str, Any]]:
    """The text of a file and its document; raises InputError."""
    try:
        text = read_text(path)
    except OSError as error:
        raise _wrong(path.name, rule, f"cannot be read: {error.strerror or error}", "check the path") from None
    except UnicodeDecodeError as error:
        raise _wrong(path.name, rule, f"not a TOML file: not UTF-8 text: {error.reason}", help_) from None
    return text, parsed(text, path.name, rule, help_, number)


def validated(path: Path, model: type[M], rule: str, help_: str) -> tuple[str, M]:
    """The text of a file and its document, which keeps to a model; raises InputError with every problem."""
    from pydantic import ValidationError  # start-up: few give a file

    text, document = read_toml(path, rule, help_, float)
    try:
        return text, model.model_validate(document)
    except ValidationError as error:
        raise InputError(Finding(
            rule, Severity.ERROR, path.name, f"{'.'.join(map(str, e['loc']))}: {e['msg']}", help_,
            Source(path.name, line_of(text, e["loc"]))) for e in error.errors()) from None


def parsed(text: str, file: str, rule: str, help_: str, number: Callable[[str], Any] = Decimal) -> dict[str, Any]:
    """The document of a text, its decimals as ``number`` makes them; raises InputError that names the line."""
    deep = "not a TOML file: lists or tables stand too deep in each other"
    for number_of, row in enumerate(text.splitlines(), 1):
        # tomllib needs memory by the square of the parts of a key
        if row.count(".") > _MOST_PARTS and _KEY.match(row.partition("=")[0]):
            raise _wrong(file, rule, deep, help_, number_of)
    try:
        return tomllib.loads(text, parse_float=number)
    except RecursionError:
        raise _wrong(file, rule, deep, help_) from None
    except ValueError as error:  # a TOMLDecodeError, or a number of thousands of digits
        match = re.search(r"at line ([0-9]{1,9})", str(error))
        line = int(match[1]) if match else text.count("\n") + 1 if "end of document" in str(error) else None
        raise _wrong(file, rule, f"not a TOML file: {str(error)[:200]}", help_, line) from None


def _wrong(file: str, rule: str, message: str, fix: str, line: int | None = None) -> InputError:
    return InputError([Finding(rule, Severity.ERROR, file, message, fix, Source(file, line))])


def line_of(text: str, path: Place) -> int | None:
    """The line of a key in a TOML text, as people write it: ``("add", 1, "cores")`` → its line."""
    lines = text.splitlines()
    first, last = 0, len(lines)
    head = None
    names = list(path)
    if len(names) > 1 and isinstance(names[0], str):
        count = names[1] if isinstance(names[1], int) else 0
        heads = [n for n, row in enumerate(lines) if re.match(rf"^\s*\[\[?\s*{re.escape(names[0])}\s*\]\]?", row)]
        if count < len(heads):
            first = heads[count]
            head = first + 1
            following = [n for n, row in enumerate(lines) if n > first and re.match(r"^\s*\[", row)]
            last = following[0] if following else len(lines)
            names = names[2:] if isinstance(names[1], int) else names[1:]
            if not names:
                return head
    key = next((n for n in names if isinstance(n, str)), "")
    for number in range(first, last):
        if re.match(rf"^\s*\"?{re.escape(key)}\"?\s*[=.]", lines[number]) or (
                re.match(rf"^\s*\[\[?\s*{re.escape(key)}\s*\]\]?", lines[number])):
            return number + 1
    return head
