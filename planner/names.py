"""Names that people type beside names that an estate has: which is meant, and which is nearest.

What is in a name that nobody sees or can type (control, bidirectional and zero-width characters, blanks that are none)
is shown as what it is; no command is made of such a name.

One name may be written in several ways: an accent composed (NFC) or apart (NFD, as file names of macOS), or in the
bytes of a terminal or of an export that is not UTF-8 (Latin-1, code page 850).
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from itertools import pairwise

from planner.errors import UsageError
from planner.units import some

_OLD = ("cp1252", "latin-1", "cp850")
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
                        "\U000e0100-\U000e01ef]")
"""What Python calls printable and no font draws (Unicode: Default_Ignorable_Code_Point; the empty Braille cell)."""


def can_be_typed(name: str) -> bool:
    """Whether all of it can be seen and typed."""
    return name.isprintable() and (name.isascii() or not _INVISIBLE.search(name))


def shown(text: str, keep: str = "") -> str:
    """A text with each character that cannot be seen as what it is, ``a\\u202eb``; but for these that are kept."""
    if can_be_typed(text):
        return text
    return "".join(c if c in keep or can_be_typed(c) else c.encode("unicode_escape").decode() for c in text)


def quoted(name: str) -> str:
    """A name as one word of a shell command on one line; :func:`command` refuses what cannot be typed."""
    return shlex.quote(shown(name))


def can_be_listed(name: str) -> bool:
    """Whether it can be typed where several names stand, with commas between them: ``-p`` of migrlpar, a filter."""
    return "," not in name and can_be_typed(name)


def command(*words: str) -> str:
    """A shell command; a comment that refuses it where a word of it cannot be typed, a name with a comma in migrlpar's
    list of LPARs included."""
    listed = [n for option, n in pairwise(words) if option == "-p" and words[0] == "migrlpar"]
    if bad := [w for w in words if not (can_be_listed(w) if w in listed else can_be_typed(w))]:
        return (f"# {words[0]}: by hand in the windows of the console, or by its id: "
                f"{', '.join(map(shown, bad))} cannot be typed")
    return " ".join(map(shlex.quote, words))


def attribute(name: str, value: str) -> str:
    """One attribute=value; the HMC wants the whole field quoted when its value holds a comma or a quote."""
    text = f"{name}={value}".replace('"', '""')
    return f'"{text}"' if "," in value or '"' in value else text


def commands_on(lpar: str, row: str) -> str:
    """A row of shell commands with an LPAR where the console reads a list of names (``-p``, ``lpar_names``); a comment
    that refuses all of them where its name cannot stand in one."""
    if can_be_listed(lpar):
        return row
    return (f"# {row.split()[0]}: by hand in the windows of the console, or by its id: {shown(lpar)} cannot be typed "
            "in a list of names")


def lpar_filter(lpar: str) -> str:
    """The words of a command that keep it to one LPAR, for :func:`commands_on`."""
    field = quoted(attribute("lpar_names", lpar)) if '"' in lpar else f"lpar_names={quoted(lpar)}"
    return f"--filter {field}"


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
