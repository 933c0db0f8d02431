"""``playbook.yml``: the lanes of a plan for the Ansible collection ``ibm.power_hmc``.

Sources: ibm.github.io/ansible-power-hmc/modules/powervm_lpar_migration and hmc_command; IBM/ansible-power-hmc,
plugins/modules/powervm_lpar_migration.py, plugins/module_utils/hmc_resource.py (``migratePartitions`` sets names into
the command as they are) and hmc_cli_client.py (the command goes to ``ssh`` between single quotes, as it is). So the
module has what moves by its names alone; other lines go through ``hmc_command``, their words in double quotes, and
none of them may hold a single quote.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from planner.names import can_be_typed, command, shown
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.html import templates
from planner.report.sessions import Sessions
from planner.report.text import headline
from planner.report.turns import about_span
from planner.rules import Site
from planner.rules.site import own_name
from planner.units import many

ARGUMENTS = ("hmc_host", "hmc_auth", "src_system", "dest_system", "vm_names", "vm_ids", "all_vms", "remote_ip",
             "remote_username", "remote_passwd", "wait", "shared_proc_pool", "action")
"""What powervm_lpar_migration takes, as it is published."""
_WIDEST = 100
_PLAIN = re.compile(r"[A-Za-z0-9_.+@%/:][A-Za-z0-9_.+@%/:-]*")
_ACTIONS = {"validate": "v", "migrate": "m", "recover": "r", "stop": "s"}


def playbook(plan: Plan, site: Site) -> str:
    """The text of playbook.yml."""
    sessions = Sessions(plan, site)
    lanes = [_lane(sessions, leg, lane, moves) for leg in (OUT, BACK) for lane, moves in sessions.plan.lanes(leg)]
    utc = "utc=true" if plan.window and plan.window.zone else ""
    return templates(html=False, quoted=_quoted, folded=_folded).get_template("playbook.yml.j2").render(
        title=shown(headline(plan)), lanes=lanes, auth='"{{ hmc_login }}"',
        login="{username: \"{{ hmc_user | default('hscroot') }}\", password: \"{{ hmc_password | default('') }}\"}",
        now=f"now({utc}).strftime('%Y%m%d%H%M%S')")


def _lane(sessions: Sessions, leg: str, lane: int, moves: tuple[Move, ...]) -> dict[str, Any]:
    return {
        "tag": f"lane_{lane}{'_back' * (leg == BACK)}", "moves": [_move(sessions, m) for m in moves],
        "title": f"Way {leg}, lane {lane}: {many(len(moves), 'move')}, about {about_span(sessions.plan, moves)}"}


def _told(sessions: Sessions, m: Move) -> dict[str, Any]:
    """What is known of a move wherever it is spoken of."""
    own, good = own_name(sessions.site, m.lpar), "Not Activated" if m.inactive else "Running"
    here, there = sessions.ends[m.number]
    return {
        "number": m.number, "lane": m.lane, "shown": _title(own), "good": good, "row": _row(good, own),
        "cell": _row(own), "by_hand": _by_hand(sessions, m), "console": _host(sessions, here),
        "target_console": _host(sessions, there)}


def _move(sessions: Sessions, m: Move) -> dict[str, Any]:
    told = _told(sessions, m)
    own, (here, there) = own_name(sessions.site, m.lpar), sessions.ends[m.number]
    plain = here == there and all(map(_PLAIN.fullmatch, (own, m.source, m.target)))
    as_named = command("migrlpar", "-o", "m", "-m", m.source, "-t", m.target, "-p", own)
    only_names = plain and sessions.order(m, "m") == as_named
    return told | {
        "lpar": own, "source": m.source, "target": m.target, "shown_source": _title(m.source),
        "shown_target": _title(m.target), "source_query": _query(m.source), "target_query": _query(m.target),
        "lines": {action: _remote(sessions.order(m, key)) for action, key in _ACTIONS.items()},
        "module": {"validate": only_names, "migrate": only_names, "recover": plain},
        "waits": [_wait(sessions, sessions.turns.numbered[n]) for n in m.waits_for],
        "not_before": sessions.moment(m.not_before_ms), "latest": sessions.moment(m.latest_ms)}


def _wait(sessions: Sessions, m: Move) -> dict[str, Any]:
    """What is asked of a move that is waited for; not of the target, where its LPAR goes on from there."""
    return _told(sessions, m) | {"query": _query(m.source),
                                 "target_query": "" if sessions.later(m) else _query(m.target)}


def _by_hand(sessions: Sessions, m: Move) -> str:
    """What a person is told of a move that the collection cannot make, or cannot look at; ``""``: it can."""
    order, ivm = sessions.order(m, "m"), not sessions.ivms.isdisjoint(sessions.ends[m.number])
    if not ivm and not order.startswith("#") and not any("'" in word for word in shlex.split(order)):
        return ""
    why = "an IVM, which the collection does not know" if ivm else "a name in its command that cannot be handed on"
    return (f"Move {m.number}, {_title(m.lpar)} from {_title(m.source)} to {_title(m.target)}: {why}. Make it by "
            "lane-N.sh or in the console's windows; Enter when it has arrived")


def _host(sessions: Sessions, console: str) -> str:
    """The address of a console, as the plan has it unless a variable says otherwise."""
    variable = sessions.variables[console].lower()
    known = console and can_be_typed(console) and not set(console) & set("{}'\\")
    return _quoted("{{ " + variable + (f" | default('{console}')" if known else "") + " }}")


def _query(server: str) -> str:
    return _remote(command("lssyscfg", "-r", "lpar", "-m", server, "-F", "state,name"))


def _remote(line: str) -> str:
    """A command whose words stand in double quotes where they need any."""
    return " ".join(word if _PLAIN.fullmatch(word.lstrip("-")) or word in ("state,name",) else
                    '"' + re.sub(r'(["$`\\])', r"\\\1", word) + '"' for word in shlex.split(line))


def _row(*cells: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def _title(name: str) -> str:
    """A name within a title, which Ansible takes for a template."""
    return re.sub(r"\{(?=[{%#])", "{ ", shown(name))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _folded(line: str) -> Iterator[str]:
    """The lines of a folded block that stands for this one: broken between words, which begin with no blank."""
    row = ""
    for word in re.findall(r'(?:"(?:\\.|[^"\\])*"|\S)+', line):
        if row and len(row) + len(word) >= _WIDEST:
            yield row
            row = word
        else:
            row = f"{row} {word}".strip() if not row else f"{row} {word}"
    yield row
