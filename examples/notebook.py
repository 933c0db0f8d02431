"""Makes a notebook with its outputs of a Python file with cells (# %%): python examples/notebook.py [FILE.py…]

Without Jupyter: cells run one after the other in one name space, from the root of the project; what a cell prints and
what its last expression shows are its outputs.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOTEBOOKS = (HERE / "month_end.py",)


def cells(source: str) -> list[tuple[str, str]]:
    """(markdown or code, text) of each cell."""
    found = []
    for part in source.split("# %%")[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
            found.append(("markdown", text))
        else:
            found.append(("code", body.strip()))
    return found


def run(code: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs of a cell."""
    tree, printed, value = ast.parse(code), io.StringIO(), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())})
    if value is not None:
        data = {"text/plain": lines(value.to_string() if hasattr(value, "to_string") else repr(value))}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = lines(value._repr_html_())
        outputs.append({"data": data, "metadata": {}, "output_type": "display_data"})
    return outputs


def lines(text: str) -> list[str]:
    """Text as a notebook has it."""
    return text.splitlines(keepends=True)


def notebook(source: str) -> str:
    """The notebook, run: the same text for the same source, estate and versions."""
    names: dict[str, Any] = {}
    made = []
    for number, (kind, text) in enumerate(cells(source), 1):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines(text)}
        if kind == "code":
            cell |= {"execution_count": number, "outputs": run(text, names)}
        made.append(cell)
    return json.dumps({"cells": made, "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    os.chdir(HERE.parent)
    for file in [Path(a) for a in sys.argv[1:]] or NOTEBOOKS:
        file.with_suffix(".ipynb").write_text(notebook(file.read_text(encoding="utf-8")), encoding="utf-8")
