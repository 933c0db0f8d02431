"""Methods whose answers never change: worked out once for each question."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


class _Remembered:
    def __init__(self, method: Callable[..., Any]) -> None:
        self.method, self.name, self.__doc__ = method, method.__name__, method.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self.method
        # From now on the object's own attribute, which is found first.
        answer = owner.__dict__[self.name] = cache(partial(self.method, owner))
        return answer


def remembered(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A method that remembers its answers for as long as its object lives; its arguments must be hashable."""
    return cast(Any, _Remembered(method))  # type: ignore[no-any-return]
