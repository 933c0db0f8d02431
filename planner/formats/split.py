"""Several hosts' or commands' outputs in one text, taken apart; line numbers stay those of the whole text.

What separates them: the markers of ``planner collect`` (where they stand, nothing else separates), headers of
``dshbak`` (``HOST: name`` and dashes; ``HOSTS ----``, names, dashes; dashes, names, dashes) and of loops
(``== name ==``), prompts with a command behind them, commands without a prompt, what a ``for`` loop printed for each
name that it echoes, ``host: `` before every line (``dsh`` without ``dshbak``), and the first lines of listings that
follow one another without anything between them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

MARKER = "### planner-collect"

_MOST_HOSTS = 1000
_MOST_PADDED = 2_000_000  # lines, over all hosts whose lines are interleaved


@dataclass(frozen=True, slots=True)
class Section:
    """One command's output on one host, or on several that printed the same.

    ``command`` is what ran there, without ``ssh``, ``dsh``, ``ioscli`` around it; it stands above ``first_line``.
    ``note`` says what could not be taken apart.
    """

    text: str
    first_line: int = 1
    hosts: tuple[str, ...] = ()
    command: str = ""
    marked: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command line taken apart: on which hosts what ran. ``hosts`` is empty where it ran is not said."""

    command: str
    hosts: tuple[str, ...] = ()
    remote: bool = False


@dataclass(frozen=True, slots=True)
class _Break:
    """A line, or the lines of a header, at which another section begins."""

    start: int
    end: int
    kind: str  # marker, header, prompt, bare, echo, login, boundary, fence, turn
    hosts: tuple[str, ...] = ()
    typed: str = ""


# --- commands ---------------------------------------------------------------------------------------------------------

_HMC_PROGRAMS = r"(?:lssyscfg|lshwres|lslparmigr|lslparutil|migrlpar|lslic|lsmemopt|lsnportlogin|lstskey)[ \t]+-"
_END = r"(?=[ \t]*['\"]?[ \t]*(?:$|\|))"
_ASKS_NAME = r"(?:hostname(?:[ \t]+-s)?|uname[ \t]+-n)"
_LISTINGS = (
    rf"(?:{_HMC_PROGRAMS}|(?:lsmap|entstat|lsdev|lsattr|lscfg|prtconf|lsmcode|cluster|lssp)[ \t]+-"
    rf"|lparstat(?:(?=[ \t]+[-0-9])|{_END})|lspv(?:(?=[ \t]+(?:-|hdisk))|{_END})"
    rf"|(?:ioslevel|prtconf|lsconf|{_ASKS_NAME}){_END}|cat[ \t]+/proc/(?:ppc64|powerpc)/lparcfg)"
)
_WRAPPERS = r"(?:(?:sudo|time|ioscli|/usr/ios/cli/ioscli)[ \t]+|/usr/(?:s?bin|hmcrbin|ios/cli)/)"
_REMOTE = r"(?:p?dsh|ssh|viosvrcmd)[ \t]+[^\s|][^\n]*?"
_KNOWN = rf"(?:{_WRAPPERS}{{0,3}}{_LISTINGS}|{_REMOTE}{_LISTINGS})"
_WRAPPER = re.compile(_WRAPPERS)
_HOST = r"[A-Za-z0-9_](?:[\w.-]{0,80}\w)?"
_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|(\S+)")
_DSHBAK = re.compile(r"[ \t]*\|[ \t]*(?:\S{0,80}/)?dshbak(?:[ \t]+-\w+)*[ \t]*$")
_SSH_VALUES = frozenset("bcDEeFIiJLlmOopQRSWw")
_DSH_VALUES = frozenset("wngNftlorRxX")
_LONGEST_COMMAND = 4000


def typed(line: str) -> Typed:
    """What ran where: ``ssh padmin@bvio82 ioscli lspv`` → ``lspv`` on bvio82. A pipe behind the command is kept."""
    command = line.strip()[:_LONGEST_COMMAND]
    hosts: tuple[str, ...] = ()
    remote = False
    for _ in range(4):
        wrapper = _WRAPPER.match(command)
        if wrapper:
            command = command[wrapper.end():]
            continue
        inner = _remote(command)
        if inner is None:
            break
        hosts, command, remote = inner.hosts or hosts, inner.command, True
    return Typed(command.strip(), hosts, remote)


def _remote(command: str) -> Typed | None:
    program = command.split(None, 1)[0].rpartition("/")[2] if command.strip() else ""
    if program == "ssh":
        return _ssh(command)
    if program in ("dsh", "pdsh"):
        return _dsh(_DSHBAK.sub("", command))
    if program == "vios":
        return _lpar_tool(command)
    return _viosvrcmd(command) if program == "viosvrcmd" else None


def _words(command: str) -> list[tuple[str, int]]:
    """The words, quotes taken off, and where each one begins; the first is left out."""
    return [(m[1] or m[2] or m[3] or "", m.start()) for m in _WORD.finditer(command)][1:]


def _rest(command: str, at: int) -> str:
    rest = command[at:].strip()
    whole = _WORD.fullmatch(rest)
    return rest if whole is None or whole[3] else (whole[1] or whole[2] or "")


def _ssh(command: str) -> Typed:
    words = _words(command)
    skip = False
    for number, (word, _) in enumerate(words):
        if skip or word.startswith("-"):
            skip = not skip and len(word) == 2 and word[1] in _SSH_VALUES
            continue
        host = word.rpartition("@")[2]
        hosts = (host,) if re.fullmatch(_HOST, host) else ()
        return Typed(_rest(command, words[number + 1][1]) if number + 1 < len(words) else "", hosts, True)
    return Typed("", (), True)


def _dsh(command: str) -> Typed:
    hosts: tuple[str, ...] = ()
    words = _words(command)
    option = ""
    for word, at in words:
        if option:
            hosts, option = (hosts_of(word) if option in "wn" else hosts), ""
        elif word.startswith("-") and len(word) > 1:
            if word[1] in "wn" and len(word) > 2:
                hosts = hosts_of(word[2:])
            elif len(word) == 2 and word[1] in _DSH_VALUES:
                option = word[1]
        else:
            return Typed(_rest(command, at), hosts, True)
    return Typed("", hosts, True)


def _lpar_tool(command: str) -> Typed:
    """``vios lsnports vio1``, with options before or after the name of the VIOS."""
    words = [word for word, _ in _words(command)]
    names = [word for word in words[1:] if not word.startswith("-")]
    hosts = (names[0],) if len(names) == 1 and re.fullmatch(_HOST, names[0]) else ()
    return Typed(" ".join(word for word in words if word not in hosts), hosts, True)


def _viosvrcmd(command: str) -> Typed:
    options = dict(pairwise(word for word, _ in _words(command)))
    hosts = (options["-p"],) if re.fullmatch(_HOST, options.get("-p", "")) else ()
    return Typed(options.get("-c", ""), hosts, True)


def hosts_of(text: str) -> tuple[str, ...]:
    """``a, b`` and ``bvio[82-83]`` as names; nothing when a part is no name of a host."""
    names: list[str] = []
    within = r"(?![^\[\]]*\])" if "[" in text else ""
    for part in re.split(rf"[\s,]+{within}", text.strip().strip(",")):
        names += _expanded(part)
        if not part or len(names) > _MOST_HOSTS:
            return ()
    return tuple(dict.fromkeys(names)) if all(re.fullmatch(_HOST, name) for name in names) else ()


def _expanded(part: str) -> list[str]:
    match = re.fullmatch(r"([\w.-]{0,80})\[([0-9,-]{1,400})\]([\w.-]{0,80})", part)
    if match is None:
        return [part]
    names: list[str] = []
    for piece in match[2].split(","):
        first, dash, last = piece.partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal()) or not 0 <= int(last) - int(first) < _MOST_HOSTS:
            return [""]
        names += [f"{match[1]}{n:0{len(first)}d}{match[3]}" for n in range(int(first), int(last) + 1)]
        if len(names) > _MOST_HOSTS:
            return names
    return names


# --- what separates ---------------------------------------------------------------------------------------------------

_M = re.MULTILINE
_MARKED = re.compile(rf"^{MARKER}\b([^\n]*)$", _M)
_MARK = re.compile(r"\s*(?:host=(\S{1,120}))?\s*(?:kind=(\w+))?\s*(?:command=(.*))?")
_AT_HOST = re.compile(
    rf"^\[?[\w.-]{{1,64}}@({_HOST})(?:(?::|[ ]|:[ ]|\][ ])[~/][^\s>$#]{{0,200}})?\]?[ ]?[>$#](?:[ \t]*|$)([^\n]*)$", _M)
_PATH = re.compile(rf"^[\[{{{{(]?({_HOST}):(?:[\w.-]{{1,64}}:|[\w.-]{{1,64}}[\]}}}})][ ]?)?[~/][^\s>$#:]{{0,200}}"
                   r"[ ]?[>$#](?=\s|\w)[ \t]*([^\n]*)$", _M)
_NAMED = re.compile(rf"^({_HOST})[ ]?[$#>][ ]+({_KNOWN}[^\n]*)$", _M)
_BARE = re.compile(rf"^(?:[#>][ ]+({_KNOWN}[^\n]*)|\$(?:[ ]+([^\n]*))?)$", _M)
_ECHO = re.compile(rf"^(?:\+{{1,3}}[ ]+)?({_KNOWN}[^\n]*)$", _M)
_LOGIN = re.compile(rf"^\(?[\w.-]{{1,64}}@({_HOST})(?:'s password:|\)[ ]Password:)[^\n]*$", _M)
_HOST_LINE = re.compile(r"^HOST:[ \t]+([^\n]{1,1000})\n-{2,}[ \t]*$", _M)
_HOSTS_BLOCK = re.compile(
    r"^HOSTS?[ \t]+-{2,}[ \t]*"
    r"(?:(\w[^\n]{0,1000})$(?:\n-{4,}[ \t]*$)?|\n((?:\w[^\n]{0,1000}\n){1,40})-{4,}[ \t]*$)", _M)
_RULED = re.compile(  # looks ahead, for the dashes behind one name may be those before another
    r"^(?=-{4,}[ \t]*\n([A-Za-z_][\w.\[\]-]{0,119}(?:,[ \t]?[\w.\[\]-]{1,120}){0,999})[ \t]*\n(-{4,})[ \t]*$)", _M)
_LOOP = re.compile(
    rf"^(?:(={{2,}}|>{{2,}})[ \t]+(?:HOST:?[ \t]+)?({_HOST}):?(?:[ \t]+[=<]{{2,}})?"
    rf"|(?:-{{2,}}|\*{{2,}}|\#{{2,}})[ \t]+(?:HOST:?[ \t]+)?({_HOST}):?[ \t]+(?:-{{2,}}|\*{{2,}}|\#{{2,}}))[ \t]*$",
    _M | re.IGNORECASE)
_FILE_HEAD = re.compile(r"^==> [^\n]{1,400} <==$", _M)
_FENCE = re.compile(r"^```[^\n`]{0,30}$", _M)  # a capture pasted into a Markdown page
_TITLED = re.compile(r"^[#=*-]{2,}[ ]*[Cc]ommand[ ]*:[ ]*([^\n]{1,400}?)[ ]*[#=*-]{2,}$", _M)
_BESIDE = re.compile(r"([^\n|]{2,200}?)\| \|([^\n]*)")  # the command beside each line that it printed
_CURSOR = " \t█"


def _marks(text: str) -> list[_Break]:
    breaks = []
    for match in _MARKED.finditer(text):
        mark = _MARK.fullmatch(match[1])
        hosts, command = ((mark[1],) if mark and mark[1] else (), mark[3] or "" if mark else "")
        breaks.append(_Break(match.start(), match.end(), "marker", hosts, command.strip()))
    return breaks


def _breaks(text: str) -> list[_Break]:
    """Headers, prompts and echoes in the order of the text; where two claim a line the more telling one has it."""
    breaks: dict[int, _Break] = {}
    for one in (*_headers(text), *_prompts(text)):
        breaks.setdefault(one.start, one)
    for one in _turns(text, [breaks[start] for start in sorted(breaks)]):
        breaks[one.start] = one
    apart: list[_Break] = []
    for start in sorted(breaks):  # but for those inside another: a name between the dashes of a header
        if not apart or start >= apart[-1].end:
            apart.append(breaks[start])
    return apart


def _headers(text: str) -> Iterator[_Break]:
    if "HOST" in text or "--" in text or "\n=" in text or text[:1] in "=>*#":
        for header in (_HOST_LINE, _HOSTS_BLOCK, _RULED):
            for m in header.finditer(text):
                if hosts := hosts_of(next((g for g in m.groups() if g), "")):
                    yield _Break(m.start(), m.end(2) if header is _RULED else m.end(), "header", hosts, "")
    for kind, line, sign in (("boundary", _FILE_HEAD, "==> "), ("fence", _FENCE, "```")):
        if sign in text:
            yield from (_Break(m.start(), m.end(), kind, (), "") for m in line.finditer(text))
    if any(sign in text for sign in ("==", ">>", "--", "**", "##")):
        yield from (_Break(m.start(), m.end(), "header", (m[2] or m[3],), "") for m in _LOOP.finditer(text))


def _prompts(text: str) -> Iterator[_Break]:
    if any(sign in text for sign in "$#>"):
        for prompt in (_AT_HOST, _PATH, _NAMED):
            yield from (_Break(m.start(), m.end(), "prompt", (m[1],), _typed(m[2])) for m in prompt.finditer(text))
        yield from (_Break(m.start(), m.end(), "bare", (), _typed(m[1] or m[2] or "")) for m in _BARE.finditer(text))
    if "ommand" in text:
        yield from (_Break(m.start(), m.end(), "bare", (), _typed(m[1])) for m in _TITLED.finditer(text))
    if "assword:" in text:
        yield from (_Break(m.start(), m.end(), "login", (m[1],), "") for m in _LOGIN.finditer(text))
    yield from (_Break(m.start(), m.end(), "echo", (), _typed(m[1])) for m in _ECHO.finditer(text))


_FOR = re.compile(r"for[ \t]+(\w{1,40})[ \t]+in[ \t][^\n]*?;[ \t]*do[ \t]+([^\n]*)")
_DONE, _LONGEST_LOOP = re.compile(r";[ \t]*done\b"), 12
_STEP = re.compile(r"(?:[^;\"'\n]|\"[^\"\n]*\"|'[^'\n]*')+")
_SAYS = re.compile(r"(?:echo|print)[ \t]+(?:-(n)[ \t]+)?(.*)")
_ONE_COLUMN = re.compile(r"[ \t]-F[ \t]*['\"]?\w+['\"]?(?:[ \t]|$)")


def _turns(text: str, breaks: list[_Break]) -> Iterator[_Break]:
    """Loops that were typed over several lines, whole, and where each prints the next name: what it runs, with that
    name in it."""
    typed_at = [one for one in breaks if one.kind not in ("header", "echo")]
    for number, one in enumerate(typed_at, 1):
        command, end = _whole_loop(text, one) if one.typed.startswith("for ") else ("", one.end)
        loop = _FOR.match(command)
        if loop is None:
            continue
        if end > one.end:
            yield replace(one, end=end, typed=command)
        after = (other.start for other in typed_at[number:number + _LONGEST_LOOP])
        until = next((start for start in after if start >= end), len(text))
        says, runs = _steps_of(loop[1], loop[2])
        for match in says.finditer(text, min(end + 1, len(text)), until) if says else ():
            stop = match.end() if text[match.end():match.end() + 1] in ("\n", "") else match.end() - 1
            yield _Break(match.start(), stop, "turn", (), match[1].join(_variable(loop[1]).split(runs)))


def _whole_loop(text: str, one: _Break) -> tuple[str, int]:
    """What was typed up to ``done``, behind ``>`` on further lines or where the terminal wrapped it; where it ends."""
    command, end = one.typed, one.end
    for _ in range(_LONGEST_LOOP):
        if _DONE.search(command) or end >= len(text):
            break
        stop = text.find("\n", end + 1)
        line, end = text[end + 1:stop if stop >= 0 else None], stop if stop >= 0 else len(text)
        more = re.match(r">[ ]*(.*)", line)
        command = f"{command.rstrip(' ;')}; {more[1].strip()}" if more else command + line
    return (re.sub(r"\bdo[ \t]*;", "do", command), end) if _DONE.search(command) else (one.typed, one.end)


def _bare(text: str) -> str:
    return text.replace('"', "")


def _variable(name: str) -> re.Pattern[str]:
    return re.compile(rf"\$(?:{name}\b|\{{{name}\}})")


def _steps_of(variable: str, body: str) -> tuple[re.Pattern[str] | None, str]:
    """How a line looks that names what the loop is at, and what runs for it: one command, or some of the HMC; None:
    nothing tells."""
    steps = [step.strip() for step in _STEP.findall(body)]
    said = [m for step in steps if (m := _SAYS.fullmatch(step)) and len(_variable(variable).split(_bare(m[2]))) == 2]
    runs = [step for step in steps if re.match(_KNOWN, step) and _variable(variable).search(step)]
    of_hmc = all(re.match(_HMC_PROGRAMS, run) for run in runs)
    if len(said) != 1 or not runs or not (of_hmc or len(runs) == 1) or (
            steps.index(said[0].string) > steps.index(runs[0])):
        return None, ""
    before, after = map(re.escape, _variable(variable).split(_bare(said[0][2])))
    goes_on = said[0][1]
    of_columns = of_hmc and not any(map(_ONE_COLUMN.search, runs))
    if not before and not (after if goes_on else of_columns):
        return None, ""  # a name alone on its line may be anything
    end = "" if goes_on else r"[ \t]*$"
    return re.compile(rf"^{before}([^\s,;:|%=\"]{{1,80}}){after}{end}", _M), "; ".join(runs)


def _typed(command: str) -> str:
    return command[:_LONGEST_COMMAND].strip(_CURSOR)


class _Session:
    """Whose output stands where, followed from break to break."""

    def __init__(self) -> None:
        self.login: tuple[str, ...] = ()   # the host at whose prompt commands are typed
        self.header: tuple[str, ...] = ()  # the host that the last header named
        self.command = Typed("")           # the last one typed at a prompt

    def at(self, one: _Break) -> Section:
        """What is known of the section that begins here, but its text."""
        if one.kind == "marker":
            return Section("", hosts=one.hosts, command=typed(one.typed).command, marked=True)
        if one.kind in ("boundary", "fence"):
            self.header = ()
            if one.kind == "fence":
                self.login, self.command = (), Typed("")
            return Section("")
        if one.kind == "header":
            self.header = one.hosts
            goes_on = self.command.remote or self.command.command.startswith("for ")
            return Section("", hosts=one.hosts, command=self.command.command if goes_on else "")
        if one.kind == "login":
            self.login, self.header, self.command = one.hosts, (), Typed("")
            return Section("", hosts=one.hosts)
        return self.typed(one)

    def typed(self, one: _Break) -> Section:
        command = typed(one.typed)
        if one.kind == "prompt":
            self.login, self.header = one.hosts, ()
        elif one.kind == "bare" and self.command.command:
            self.header = ()
        if one.kind != "echo":
            self.command = command
        if command.remote and not command.command and len(command.hosts) == 1:  # ssh without a command: goes there
            self.login, self.header = command.hosts, ()
        named = command.hosts if len(command.hosts) == 1 else ()
        hosts = named if command.remote else self.header or self.login
        return Section("", hosts=hosts, command=command.command)

    def named(self, about: Section, text: str) -> Section:
        """The section with its text; what ``hostname`` printed is the name of the host from there on."""
        name = re.fullmatch(rf"\s*({_HOST})\s*", text) if re.fullmatch(_ASKS_NAME, about.command) else None
        if name is None:
            return replace(about, text=text)
        if not about.hosts:
            self.login = (name[1],)
        return replace(about, text="")


# --- the sections -----------------------------------------------------------------------------------------------------


def sections(text: str, known: Callable[[str], bool]) -> list[Section]:
    """The sections of a text, those without any text but a command among them. ``known``: whether a reader has it."""
    parts = _beside(text) if _BESIDE.match(text.lstrip()) else _parts(Section(text))
    return [leaf for part in parts for leaf in _leaves(part, known)]


def _beside(text: str) -> Iterator[Section]:
    """The output of each command where every line has the command before it: ``lsmap -all| |vhost0 …``."""
    session, number = _Session(), 1
    for command, lines in groupby(map(_BESIDE.fullmatch, text.split("\n")), lambda match: match[1] if match else ""):
        printed = [match[2] if match else "" for match in lines]
        about = session.at(_Break(0, 0, "bare", (), _typed(command)))
        yield replace(session.named(about, "\n".join(printed)), first_line=number)
        number += len(printed)


def _parts(whole: Section) -> Iterator[Section]:
    text = whole.text
    breaks = _marks(text) if MARKER in text else _breaks(text)
    if not breaks:
        yield whole
        return
    if text[:breaks[0].start].strip():
        yield replace(whole, text=text[:breaks[0].start])
    session = _Session()
    line, counted = whole.first_line, 0
    for one, after in pairwise([*breaks, _Break(len(text), len(text), "")]):
        begin, end = min(one.end + 1, len(text)), after.start
        line += text.count("\n", counted, begin)
        counted = begin
        about = session.at(one)
        if after.kind == "header" and not text[begin:end].strip():
            continue  # the output of this command is that under the headers
        about = session.named(about, text[begin:max(begin, end)])
        yield replace(about, first_line=line, hosts=about.hosts or whole.hosts)


def _leaves(part: Section, known: Callable[[str], bool]) -> Iterator[Section]:
    for section in ([] if part.marked else _unprefixed(part, known)) or [part]:
        for inner in (_parts(section) if section is not part and MARKER in section.text else [section]):
            yield from [inner] if inner.marked else _listings(inner)


_PREFIX = re.compile(rf"({_HOST}):(?: (.*)|$)")


def _unprefixed(part: Section, known: Callable[[str], bool]) -> list[Section]:
    """The lines of each host where all lines are ``host: line``, padded so that line numbers stay true."""
    first = part.text.lstrip().split("\n", 1)[0]
    if not _PREFIX.match(first):
        return []
    per_host: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(part.text.split("\n"), part.first_line):
        if not line.strip():
            continue
        match = _PREFIX.fullmatch(line)
        if match is None or len(per_host) > _MOST_HOSTS:
            return []
        per_host.setdefault(match[1], []).append((number, match[2] or ""))
    padded = sum(lines[-1][0] - lines[0][0] for lines in per_host.values())
    if padded > _MOST_PADDED:
        return [replace(part, note="the lines of too many hosts are interleaved: pass them through dshbak")]
    split = [replace(part, text=_padded(lines), first_line=lines[0][0], hosts=(host,))
             for host, lines in per_host.items()]
    return split if any(MARKER in one.text or known(one.text) for one in split) else []


def _padded(lines: list[tuple[int, str]]) -> str:
    at = lines[0][0]
    out: list[str] = []
    for number, line in lines:
        out += [""] * (number - at)
        out.append(line)
        at = number + 1
    return "\n".join(out)


_STARTS = re.compile(
    r"^(?:(?P<lpar>Node[ ]+Name[ ]*:(?![^\n]*\n[ ]*Node[ ]))"  # of lparstat -i, not of cluster -status
    r"|(?P<vscsi>SVSA[ \t]+Physloc[ \t]+Client )|(?P<net>SVEA[ \t]+Physloc\b)"
    r"|(?P<client>Name[ \t]+Physloc[ \t]+ClntID\b)|(?P<pv>NAME[ \t]+PVID[ \t]+VG\b)"
    r"|(?P<size>NAME[ \t]+PVID[ \t]+SIZE\()|(?P<dev>name[ \t]+status[ \t]+description\b)"
    r"|(?P<attr>attribute[ \t]+value[ \t]+description\b)|(?P<ent>ETHERNET STATISTICS \()"
    r"|(?P<interval>System [Cc]onfiguration(?:: |[ ]*$))|(?P<cfg>lparcfg [0-9])"
    r"|(?P<level>[1-4]\.[0-9]\.[0-9]{1,2}\.[0-9]{1,3}(?:[- ][A-Z]{2}[-A-Za-z0-9.]{0,30})?[ \t]*$))", _M)
_ONE_EACH = frozenset({"lpar", "cfg"})  # of these two in a text are of two LPARs
_NAMES_DISK = re.compile(r"(?:\A|(?<=\n))[a-z]{2,20}[0-9]{1,6}:?[ \t]*\n\s*\Z")
_NAMES_HOST = re.compile(rf"(?:\A|(?<=\n))({_HOST}):?[ \t]*\n\s*\Z")
_KEYS_ALONE = frozenset({"Physloc", "LUN", "Mirrored", "Status", "VTD", "SEA", "location"})  # keys without a value
_NEAR = 200


@dataclass(frozen=True, slots=True)
class _Piece:
    """Where a listing's text begins, and where what belongs to it begins: the name of its host above it."""

    boundary: int
    begin: int
    host: str = ""


def _listings(part: Section) -> list[Section]:
    """The section cut where the first line of another listing stands, or a name alone above such a line."""
    starts = [(match.start(), match.lastgroup or "") for match in _STARTS.finditer(part.text)]
    several = len({kind for _, kind in starts}) > 1
    pieces = [_Piece(0, 0)]
    now = ""
    for start, kind in starts:
        named = None if kind == "attr" else _named(_NAMES_HOST, part.text, start)
        if named and named[1] not in _KEYS_ALONE:
            pieces.append(_Piece(named.start(), start, named[1]))
        elif kind == "level" and not several:
            continue
        elif (now and (kind != now or kind in _ONE_EACH)) or kind == "level":
            disk = _named(_NAMES_DISK, part.text, start) if kind == "attr" else None
            at = disk.start() if disk else start
            pieces.append(_Piece(at, at, pieces[-1].host))
        now = kind
        line_end = part.text.find("\n", start)
        if kind == "level" and line_end >= 0:
            pieces.append(_Piece(line_end + 1, line_end + 1, pieces[-1].host))
    return [part] if len(pieces) == 1 else _cut(part, pieces)


def _named(name: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    """The line before ``start``, blank ones aside, where it is such a name and nothing else."""
    near = max(0, start - _NEAR)
    match = name.search(text, near, start)
    return match if match and (near == 0 or match.start() > near) else None


def _cut(part: Section, pieces: list[_Piece]) -> list[Section]:
    """The pieces; the command is that of the first one only."""
    lines = [match.start() for match in re.finditer("\n", part.text)]
    ends = [piece.boundary for piece in pieces[1:]] + [len(part.text)]
    return [
        replace(part, text=part.text[p.begin:end], first_line=part.first_line + bisect_left(lines, p.begin),
                command="" if p.boundary or p.host else part.command, hosts=(p.host,) if p.host else part.hosts)
        for p, end in zip(pieces, ends, strict=True) if part.text[p.begin:end].strip()
    ]
