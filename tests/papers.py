"""A runbook taken apart again, for tests of it: its sections, its tables, and what people type."""

from __future__ import annotations

import re

Row = dict[str, str]


def sections(text: str) -> dict[str, str]:
    """Heading of the second level → what stands under it."""
    _, *parts = re.split(r"^## ", text, flags=re.M)
    return dict(part.split("\n", 1) for part in parts)


def section(text: str, begin: str) -> str:
    """What stands under the one heading that begins so."""
    (found,) = (body for head, body in sections(text).items() if head.startswith(begin))
    return found


def tables(text: str) -> list[list[Row]]:
    """Each table as its rows by the names of the columns; a bar that was escaped is one again."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.M):
        head, _, *rows = ([c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
                          for line in block.splitlines())
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def moves(text: str) -> list[Row]:
    """The row of each move, of all lanes and waves."""
    return [row for rows in tables(text) for row in rows if "Command" in row]


def numbered(text: str) -> dict[str, Row]:
    """The same of a plan in lanes by the numbers of its moves."""
    return {row["No."]: row for row in moves(text)}


def typed(text: str) -> list[str]:
    """Every command of a block, of a line for one console, or of a move."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.M | re.S)
    lines = re.findall(r"^- On console .*?: (`+) ?(.*?) ?\1$", text, flags=re.M)
    return [*(line for block in blocks for line in block.splitlines()), *(line for _, line in lines), *(
        row["Command"].strip("`").strip() for row in moves(text))]
