"""The replay looks only where something changed: it finds what looking everywhere at every moment finds."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from estates import exactly, judged, move, plan_of, policy, stating
from scale_estates import blocks

from planner.estate.model import Estate
from planner.plan.choices import BACK
from planner.plan.plan import Move, Plan
from planner.verify import replay
from planner.verify.progress import done_of
from planner.verify.replay import _sane, _Stage


def crowded(seed: int) -> Estate:
    """Servers with hardly any room, groups whose members meet, and two that stand together from the start."""
    of = blocks(5, 30, seed, block=5)
    by_server = {s.name: [p for p in of.lpars if p.server == s.name] for s in of.servers}
    rng = Random(seed)
    rows = [policy("keep-apart", f"g{n}", "; ".join(rng.sample([p.name for p in of.lpars], 3))) for n in range(6)]
    full = tuple(replace(exactly(s, by_server[s.name], 1, 12), name=s.name) for s in of.servers)
    return stating(of.replace(servers=full, policies=()), *rows)


def careless(of: Estate, seed: int) -> Plan:
    """Moves at random times in both legs, many of them impossible."""
    rng, moves = Random(seed), []
    names, servers = [p.name for p in of.lpars], [s.name for s in of.servers]
    for number in range(20):
        name, target = rng.choice(names), rng.choice(servers)
        source = next(p.server for p in of.lpars if p.name == name) if rng.random() < 0.8 else rng.choice(servers)
        if source == target:
            continue
        made = move(of, name, source, target, wave=rng.randint(1, 5), start_ms=rng.randint(0, 9) * 60_000,
                    source_msp=f"{source}-vio1", target_msp=f"{target}-vio1", disks=(), fibres=(),
                    target_id=rng.randint(3, 40), leg="out" if number < 14 else BACK)
        moves.append(made)
    return plan_of(moves, servers[0])


@pytest.mark.parametrize("seed", range(12))
def test_looking_everywhere_finds_no_more(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = crowded(seed)
    plan = careless(of, seed)
    quick = replay(plan, *judged(of))
    check = _Stage.check

    def everywhere(stage: _Stage) -> None:
        stage.touched_servers.update(stage.site.servers)
        stage.touched_lpars.update(stage.where)
        check(stage)

    monkeypatch.setattr(_Stage, "check", everywhere)
    assert quick == replay(plan, *judged(of))
    assert {"memory.capacity", "policy.keep-apart"} <= {f.rule for f in quick.findings} or seed > 3


def plain_sane(moves: list[Move]) -> list[tuple[str, str]]:
    found = []
    for m in moves:
        if m.duration_ms <= 0 or m.start_ms < 0:
            found.append((m.lpar, "times"))
        if any(o.leg == m.leg and o.wave < m.wave and o.start_ms > m.start_ms for o in moves):
            found.append((m.lpar, "order"))
        if len({o.start_ms for o in moves if (o.leg, o.wave) == (m.leg, m.wave)}) > 1:
            found.append((m.lpar, "together"))
    return found


@pytest.mark.parametrize("seed", range(10))
def test_times_of_waves(seed: int) -> None:
    rng = Random(seed)
    of = crowded(seed)
    moves = [replace(m, start_ms=rng.choice((-60_000, 0, 60_000, 120_000)), duration_ms=rng.choice((0, 60_000)))
             for m in careless(of, seed).moves]
    words = {"starts at": "times", "starts before": "order", "do not start": "together"}
    found = [(f.subject, next(v for k, v in words.items() if k in f.message)) for f in _sane(plan_of(moves), judged(of)[0], begun=False)]
    assert sorted(found) == sorted(plain_sane(moves))


def test_how_far_the_work_has_come_is_told_from_thousands_of_moves() -> None:
    """Once quadratic in the moves: a plan of 2,000 took minutes to verify half-way."""
    moves = [Move(f"p{n}", "A", "B", wave=1 + n, start_ms=n * 1000, duration_ms=1000) for n in range(2000)]
    home = {m.lpar: "A" for m in moves}
    standing = {m.lpar: "B" if n < 700 or n == 900 else "A" for n, m in enumerate(moves)}
    done = done_of(plan_of(moves), home, standing)
    assert [m.lpar for m in done] == [*(f"p{n}" for n in range(700)), "p900"]


def test_an_lpar_on_a_server_that_is_not_in_the_estate_does_not_end_the_replay() -> None:
    of = blocks(3, 9, 1)
    strange = of.replace(lpars=tuple(replace(p, server="gone") if p.name == "lp00000" else p for p in of.lpars))
    other = of.lpars[-1]
    played = replay(plan_of([move(of, other.name, other.server, "srv000")], other.server), *judged(strange))
    assert sum(s.lpars for s in played.before) == len(of.lpars) - 1
