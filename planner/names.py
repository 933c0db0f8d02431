"""Names that people type beside names that an estate has: which is meant, and which is nearest.

One name may be written in several ways: an accent composed (NFC) or apart (NFD, as file names of macOS), or in the
bytes of a terminal or of an export that is not UTF-8 (Latin-1, code page 850).
"""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from planner.errors import UsageError
from planner.units import some

_OLD = ("cp1252", "latin-1", "cp850")


def quoted(name: str) -> str:
    """A name as one word of a shell command on one line."""
    return shlex.quote(name if name.isprintable() else "".join(c if c.isprintable() else "?" for c in name))


def composed(name: str) -> str:
    """A name with each accent in one character with its letter (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def spelt(name: str, known: Iterable[str]) -> str:
    """The one of these names that is this name in another encoding; the name itself where none or more than one is."""
    names = list(known)
    if name in names or (name.isascii() and all(map(str.isascii, names))):
        return name
    meant = set(_typed(name))
    alike = [one for one in names if composed(one) in meant] or [
        one for one in names if not meant.isdisjoint(_stored(one))]
    return alike[0] if len(alike) == 1 else name


def unknown(what: str, names: Iterable[str], known: Iterable[str], where: str = "") -> str:
    """What is to be said of names that are no ``what`` of the estate, or of ``where``: which they may be, and which
    there are."""
    wanted, there = list(names), list(known)
    folded = {composed(one).casefold(): one for one in there}
    near = list(dict.fromkeys(folded[hit] for one in wanted for hit in get_close_matches(
        composed(one).casefold(), folded, 2, 0.75)))
    meant = f": is it {' or '.join(map(repr, near))}?" if near else ";"
    place, it = (f" in {where}", "it") if where else ("", "the estate")
    return f"no {what} {', '.join(map(repr, wanted))}{place}{meant} {it} has: {some(there) or 'none'}"


def named(what: str, name: str, known: Collection[str], where: str = "") -> str:
    """The name as it is known. Raises UsageError for one that is not."""
    spelling = spelt(name, known)
    if spelling not in known:
        raise UsageError(unknown(what, [name], known, where))
    return spelling


def _typed(name: str) -> Iterator[str]:
    """What was meant by what was typed: where its bytes were not UTF-8, what they are in older encodings."""
    yield composed(name)
    if any("\udc80" <= char <= "\udcff" for char in name):
        yield from _decoded(name.encode(errors="surrogateescape"))


def _stored(name: str) -> Iterator[str]:
    """What an export meant whose encoding was lost: its bytes were read as Latin-1."""
    try:
        raw = name.encode("latin-1")
    except UnicodeError:
        return
    yield from _decoded(raw, "utf-8", *_OLD)


def _decoded(raw: bytes, *encodings: str) -> Iterator[str]:
    for encoding in encodings or _OLD:
        try:
            yield composed(raw.decode(encoding))
        except UnicodeError:
            continue
