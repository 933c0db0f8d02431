"""What one change in a module can be: the mutants of a source file.

The operators are mutmut's (``mutmut.mutation.mutators``) and a few that arithmetic needs. Left alone: types and their
aliases, assertions (for mypy alone; ``strict`` of ``zip`` is one), docstrings, sentences that people read, imports, and
the decorator ``@dataclass``.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider
from mutmut.mutation import mutators

ROOT = Path(__file__).parents[1]
_AROUND = 28
"""Characters that a mutant's name shows at both sides of what differs."""
_OTHER = {"min": "max", "max": "min", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil"}
_GENERIC = {"Callable", "Collection", "Iterable", "Iterator", "Mapping", "Sequence", "dict", "frozenset", "list", "set",
            "tuple"}
_OPTIONAL_LAST = {"get", "pop", "next", "getattr", "min", "max", "sum", "range"}


def twice(node: cst.Float) -> Iterator[cst.BaseExpression]:
    """``1e6`` → ``2000000.0``: one more, as mutmut has it, is nothing beside what is measured."""
    if node.evaluated_value:
        yield node.with_changes(value=repr(2 * node.evaluated_value))


def one_less(node: cst.Integer) -> Iterator[cst.BaseExpression]:
    """``2`` → ``1``; mutmut adds one alone."""
    if node.evaluated_value:
        yield node.with_changes(value=str(node.evaluated_value - 1))


def other_of_two(node: cst.Call) -> Iterator[cst.Call]:
    """min ↔ max, any ↔ all, ceil ↔ floor, as functions and as ``math.…``."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    if isinstance(name, cst.Name) and name.value in _OTHER:
        yield node.with_deep_changes(name, value=_OTHER[name.value])


def filter_dropped(node: cst.CompFor) -> Iterator[cst.CompFor]:
    """``for x in y if z`` → ``for x in y``."""
    if node.ifs:
        yield node.with_changes(ifs=node.ifs[1:])


def call_dropped(node: cst.Expr) -> Iterator[cst.BaseSmallStatement]:
    """A call whose result nobody takes is left out."""
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def _string(node: cst.BaseString) -> Iterable[cst.BaseString]:
    """A word that the program goes by; what has a space in it is for people, whose words are no behaviour."""
    if isinstance(node, cst.SimpleString) and " " not in node.value and len(node.raw_value) > 1:
        yield from list(mutators.operator_string(node))[:1]


def _strict(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "strict"


def _argument(node: cst.Call) -> Iterable[cst.Call]:
    """An argument left out that may be: a named or starred one, the last of ``get``, ``min``, … Others fail at once."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    optional = isinstance(name, cst.Name) and name.value in _OPTIONAL_LAST
    for i, argument in enumerate(node.args):
        if len(node.args) > 1 and not _strict(argument) and (
                argument.keyword or argument.star or (optional and i == len(node.args) - 1)):
            yield node.with_changes(args=[*node.args[:i], *node.args[i + 1:]])


def _number(node: cst.BaseNumber) -> Iterable[cst.BaseExpression]:
    return twice(node) if isinstance(node, cst.Float) else mutators.operator_number(node)


_INSTEAD = {mutators.operator_number: _number, mutators.operator_string: _string,
            mutators.operator_arg_removal: _argument}
OPERATORS: mutators.OPERATORS_TYPE = (
    *((kind, _INSTEAD.get(operator, operator)) for kind, operator in mutators.mutation_operators),
    (cst.Integer, one_less), (cst.Call, other_of_two), (cst.CompFor, filter_dropped), (cst.Expr, call_dropped))


@dataclass(frozen=True, eq=False)
class Mutant:
    """One change: ``name`` says module, function, and what becomes what; ``lines`` those of its statement."""

    name: str
    file: str
    lines: range
    source: str = field(repr=False)
    """The module with the change."""


def shortened(before: str, after: str) -> tuple[str, str]:
    """Both texts on one line, cut where they are long before or after what differs."""
    one, two = (" ".join(text.split()) for text in (before, after))
    same = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    ends = next((i for i, (a, b) in enumerate(zip(one[same:][::-1], two[same:][::-1], strict=False)) if a != b),
                min(len(one), len(two)) - same)
    start = max(0, same - _AROUND)

    def cut(text: str) -> str:
        stop = min(len(text), len(text) - ends + _AROUND)
        return f"{'…' if start else ''}{text[start:stop]}{'…' if stop < len(text) else ''}" or " "

    return cut(one), cut(two)


def _turned_by_others(test: cst.BaseExpression) -> bool:
    """Whether the operators make the opposite of it: ``==`` → ``!=``, ``not x`` → ``x``."""
    if isinstance(test, cst.Comparison):
        return len(test.comparisons) == 1 and isinstance(
            test.comparisons[0].operator, cst.Is | cst.IsNot | cst.In | cst.NotIn | cst.Equal | cst.NotEqual)
    return isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not)


class _Finder(cst.CSTVisitor):
    """Walks a module and keeps each node with what becomes of it."""

    METADATA_DEPENDENCIES = (PositionProvider, WhitespaceInclusivePositionProvider)

    def __init__(self) -> None:
        super().__init__()
        self.path: list[str] = []
        self.statement: list[CodeRange] = []
        self.found: list[tuple[str, range, CodeRange, cst.CSTNode, cst.CSTNode]] = []

    def _skipped(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Decorator):
            called = node.decorator.func if isinstance(node.decorator, cst.Call) else node.decorator
            return isinstance(called, cst.Name) and called.value == "dataclass"
        if isinstance(node, cst.If):
            return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
        if isinstance(node, cst.Assign) and not self.path and isinstance(node.value, cst.Subscript):
            return isinstance(node.value.value, cst.Name) and node.value.value.value in _GENERIC
        return _strict(node) or isinstance(node, cst.Annotation | cst.Assert | cst.Import | cst.ImportFrom) or (
            isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString))

    def _lines(self, node: cst.CSTNode) -> range:
        """Of the statement around it; of a compound one its head alone."""
        own, around = self.get_metadata(PositionProvider, node), self.statement[-1]
        return range(min(own.start.line, around.start.line), max(own.end.line, around.end.line) + 1)

    def _keep(self, name: str, node: cst.CSTNode, changed: Iterable[cst.CSTNode]) -> None:
        where = self.get_metadata(WhitespaceInclusivePositionProvider, node)
        self.found += [(name, self._lines(node), where, node, after) for after in changed]

    def on_visit(self, node: cst.CSTNode) -> bool:
        if self._skipped(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.path.append(node.name.value)
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            where = self.get_metadata(PositionProvider, node)
            head = getattr(node, "body", None)
            stop = self.get_metadata(PositionProvider, head).start if isinstance(head, cst.BaseSuite) else where.end
            self.statement.append(CodeRange(where.start, stop))
        name = ".".join(self.path)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                self._keep(name, node, operator(node))
        if isinstance(node, cst.If | cst.While | cst.CompIf) and not _turned_by_others(node.test):
            inner = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            self._keep(name, node.test, [cst.UnaryOperation(cst.Not(), inner)])
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._skipped(original_node):
            return
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self.path.pop()
        if isinstance(original_node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            self.statement.pop()


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a module, in their order."""
    text = path.read_text("utf-8")
    wrapper, finder = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True), _Finder()
    wrapper.visit(finder)
    module, file, seen = wrapper.module, path.relative_to(ROOT).as_posix(), Counter[str]()
    starts = [0, *itertools.accumulate(len(line) for line in text.splitlines(keepends=True))]
    where, found = re.sub(r"^planner/|\.py$", "", file), []
    for function, lines, span, before, after in finder.found:
        begin, end = (starts[at.line - 1] + at.column for at in (span.start, span.end))
        if isinstance(before, cst.BaseCompoundStatement):  # written at the depth of its block
            changed = module.deep_replace(before, after)
            assert isinstance(changed, cst.Module)
            old, new, source = module.code_for_node(before), module.code_for_node(after), changed.code
        else:
            old, new = text[begin:end], module.code_for_node(after)
            source = text[:begin] + new + text[end:]
        name = "{} {}: `{}` → `{}`".format(where, function or "(module)", *(
            part.replace("`", "'") for part in shortened(old, new)))
        seen[name] += 1
        found.append(Mutant(f"{name} ({seen[name]})" if seen[name] > 1 else name, file, lines, source))
    return found
