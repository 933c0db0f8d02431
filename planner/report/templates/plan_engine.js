"use strict";
/* The evening as pure functions of the plan's data, the record (docs/resume.md) and a moment; nothing here touches the
   page. Moments are milliseconds since 1970, times of the plan seconds from its start. */
const Engine = (() => {
  const NEXT = { "": ["started", "arrived", "failed"], started: ["arrived", "failed"], failed: ["stopped", "arrived"],
    stopped: ["recovered", "arrived"], recovered: ["started", "arrived", "failed"], arrived: [] };
  const WORK = { "": ["started"], started: ["over"], over: [] };
  const FLYING = ["started", "failed", "stopped"];
  const RECOVER_S = 180, LEAST_S = 30, TICKED_S = 30, TENTH = 1.2816;

  // ---- the plan ------------------------------------------------------------------------------------------------------

  /* What the plan's moves are to each other: `cards` (what one person at one terminal does, each way: a lane, or the
     moves of all waves that stand at the same place), `needs` (move → those that must have arrived), `heirs`. */
  function model(P) {
    const moves = new Map(P.moves.map(m => [m.n, m])), needs = new Map(P.moves.map(m => [m.n, []]));
    const cards = [], chains = new Map(), last = new Map();
    const card = (k, leg) => ((cards[k] ||= { out: [], back: [] })[leg]);
    if (P.in_lanes) for (const lane of P.lanes) card(lane.lane - 1, lane.leg).push(...lane.moves);
    for (const leg of ["out", "back"]) {
      const waves = new Map();
      for (const m of P.moves) if (m.leg === leg) waves.set(m.wave, [...(waves.get(m.wave) || []), m.n]);
      const order = [...waves.keys()].sort((a, b) => a - b);
      if (!P.in_lanes) order.forEach((w, i) => waves.get(w).forEach((n, k) => {
        card(k, leg).push(n);
        if (i) needs.get(n).push(...waves.get(order[i - 1]).map(p => ({ n: p, why: "" })));
      }));
    }
    for (const c of cards) for (const leg of ["out", "back"]) if (P.in_lanes) c[leg].forEach((n, i) => {
      needs.get(n).push(...moves.get(n).waits.map(w => ({ n: w.move, why: w.why })));
      if (i && !needs.get(n).some(x => x.n === c[leg][i - 1])) needs.get(n).push({ n: c[leg][i - 1], why: "" });
    });
    for (const m of P.moves) {
      const before = last.get(m.lpar);
      if (before && !needs.get(m.n).some(x => x.n === before)) needs.get(m.n).push({ n: before, why: "" });
      chains.set(m.lpar, [...(chains.get(m.lpar) || []), m.n]);
      last.set(m.lpar, m.n);
    }
    const heirs = new Map(P.moves.map(m => [m.n, []]));
    for (const [n, those] of needs) for (const x of those) heirs.get(x.n).push(n);
    const names = new Map(Object.entries(P.lpars).map(([name, l]) => [l.typed, name]));
    const legs = ["out", "back"].map(leg => [leg, P.moves.filter(m => m.leg === leg).map(m => m.n)]);
    return { P, moves, needs, heirs, cards, chains, names, legs: new Map(legs), spread: spread(P) };
  }
  const spread = P => Math.hypot(P.pace.sigma, P.pace.common_sigma);
  /* Start and end of a move as planned: in a middling night, checks and all, where nights were drawn. */
  const planned = m => (m.range && m.range.middle) || [m.start_s, m.start_s + m.duration_s];
  const wanted = m => m.commands.state;
  const took = (M, m) => (m.range && m.range.took) || [Math.exp(-TENTH * M.spread) * m.duration_s, Math.exp(TENTH * M.spread) * m.duration_s];

  /* All of its leg that a move which does not arrive holds up, sooner or later. */
  function heldUp(M, n) {
    const leg = M.moves.get(n).leg, found = new Set(), left = [n];
    while (left.length) for (const h of M.heirs.get(left.pop())) {
      if (!found.has(h) && M.moves.get(h).leg === leg) { found.add(h); left.push(h); }
    }
    return [...found].sort((a, b) => a - b);
  }

  // ---- the record ----------------------------------------------------------------------------------------------------

  const fresh = P => ({ format: "planner-record", version: 1, plan_sha256: P.plan, moves: [], work: [], checks: [] });
  const eventsOf = (R, n) => (R.moves.find(m => m.number === n) || { events: [] }).events;
  const lastOf = events => events.length ? events[events.length - 1].event : "";
  /* When a move (0: the work) was ticked last, in milliseconds: what comes after that is not before it, even where the clock has been
     set back since. */
  const lastAt = (R, n) => Math.max(-Infinity, ...(n ? eventsOf(R, n) : R.work).map(e => Date.parse(e.at)));

  /* Move → its state, and when it came to it. `begun`: its last start; `first`: its first; `over`: when it arrived. */
  function states(M, R) {
    const out = new Map([...M.moves.keys()].map(n => [n, { state: "", events: [], begun: null, first: null, over: null }]));
    for (const row of R.moves) {
      const s = out.get(row.number);
      s.events = row.events;
      for (const e of row.events) {
        const t = Date.parse(e.at);
        s.state = e.event;
        s.since = t;
        if (e.event === "started") { s.begun = t; s.first ??= t; }
        if (e.event === "arrived") s.over = t;
      }
    }
    return out;
  }
  const workOf = R => ({ state: lastOf(R.work), begun: R.work[0] && Date.parse(R.work[0].at),
    over: R.work[1] && Date.parse(R.work[1].at) });

  /* The record with one more event of a move (n 0: of the work), or null where that cannot be. */
  function tick(M, R, n, event, at, who = "", note = "") {
    const one = { event, at, who, note }, early = Date.parse(at) < lastAt(R, n);
    if (!n) return WORK[lastOf(R.work)].includes(event) && !early ? { ...R, work: [...R.work, one] } : null;
    const events = eventsOf(R, n), m = M.moves.get(n), chain = M.chains.get(m.lpar);
    const before = chain[chain.indexOf(n) - 1], after = chain[chain.indexOf(n) + 1];
    if (!NEXT[lastOf(events)].includes(event) || (before && lastOf(eventsOf(R, before)) !== "arrived")) return null;
    if ((after && eventsOf(R, after).length) || early) return null;
    const row = { number: n, lpar: m.lpar, leg: m.leg, source: m.from, target: m.to, source_mover: m.movers[0] || "",
      target_mover: m.movers[1] || "", events: [...events, one] };
    return { ...R, moves: [...R.moves.filter(x => x.number !== n), row].sort((a, b) => a.number - b.number) };
  }
  /* The record without the last event of a move (0: of the work); null where another move of its LPAR stands on it. */
  function untick(M, R, n) {
    if (!n) return R.work.length ? { ...R, work: R.work.slice(0, -1) } : null;
    const events = eventsOf(R, n).slice(0, -1), chain = M.chains.get(M.moves.get(n).lpar), after = chain[chain.indexOf(n) + 1];
    if (!eventsOf(R, n).length || (after && eventsOf(R, after).length)) return null;
    return { ...R, moves: R.moves.flatMap(m => m.number !== n ? [m] : events.length ? [{ ...m, events }] : []) };
  }
  /* Everything that was ticked, the newest first: {n, event, at, who, note, last: whether it can be undone}. */
  function log(M, R) {
    const begun = new Set(R.moves.filter(m => m.events.length).map(m => m.number));
    const next = n => { const chain = M.chains.get(M.moves.get(n).lpar); return chain[chain.indexOf(n) + 1]; };
    const rows = R.moves.flatMap(m => m.events.map((e, i) => ({ n: m.number, lpar: m.lpar, i, ...e, last: i === m.events.length - 1 && !begun.has(next(m.number)) })));
    rows.push(...R.work.map((e, i) => ({ n: 0, lpar: "", i, ...e, last: i === R.work.length - 1 })));
    return rows.map((r, k) => [r, k]).sort(([a, i], [b, j]) => Date.parse(b.at) - Date.parse(a.at) || j - i).map(([r]) => r);
  }
  /* A text as a record of this plan. Throws an Error that says what is wrong with it. */
  function parsed(M, text) {
    let R;
    try { R = JSON.parse(text); } catch (e) { throw new Error("it is no JSON: " + e.message); }
    if (!R || R.format !== "planner-record" || R.version !== 1) throw new Error("it is no record of an evening");
    if (R.plan_sha256 !== M.P.plan) throw new Error("it is of another plan (" + String(R.plan_sha256).slice(0, 12) + "…)");
    for (const name of ["moves", "work", "checks"]) if (!Array.isArray(R[name])) throw new Error("its " + name + " are no list");
    let made = fresh(M.P);
    const seen = new Set();
    const add = (n, e, where) => {
      const fine = e && [e.at, e.who, e.note].every(x => typeof x === "string") && /([+-]\d\d:\d\d|Z)$/.test(e.at) && Date.parse(e.at);
      made = fine ? tick(M, made, n, e.event, e.at, e.who, e.note) : null;
      if (!made) throw new Error(where + ": " + String(e && e.event).slice(0, 40) + " cannot be there");
    };
    const rows = R.moves.map((row, k) => {
      const m = M.moves.get(row && row.number);
      if (!m || seen.has(m.n) || ["lpar", "leg"].some(f => m[f] !== row[f]) || m.from !== row.source || m.to !== row.target || !Array.isArray(row.events)) {
        throw new Error(`moves[${k}]: the plan has no such move`);
      }
      seen.add(m.n);
      return [M.chains.get(m.lpar).indexOf(m.n), k, row];
    });
    for (const [, k, row] of rows.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
      row.events.forEach((e, i) => add(row.number, e, `moves[${k}].events[${i}]`));
    }
    R.work.forEach((e, i) => add(0, e, `work[${i}]`));
    const checks = R.checks.map((c, k) => {
      if (!c || !["check", "lpar", "at", "who", "note"].every(f => typeof c[f] === "string") || !Date.parse(c.at)) throw new Error(`checks[${k}] is none`);
      return { check: c.check, lpar: c.lpar, at: c.at, who: c.who, note: c.note };
    });
    return { ...made, checks };
  }
  /* Two records of one evening as one. Where both tell of a move the one that tells more of it counts, of two that tell as
     much the first; `added`: events and checks that the first did not have; `lost`: those of the second that do not go with it. */
  function merged(M, R, other) {
    let out = { ...R, checks: [...R.checks] }, added = 0, lost = 0;
    const count = r => r.moves.reduce((sum, m) => sum + m.events.length, 0) + r.work.length + r.checks.length;
    for (const row of [...other.moves].sort((a, b) => a.number - b.number)) {
      const have = eventsOf(out, row.number);
      const same = have.every((e, i) => i >= row.events.length || e.event === row.events[i].event);
      if (row.events.length > have.length) {
        let next = { ...out, moves: out.moves.filter(m => m.number !== row.number) };
        for (const e of row.events) next = next && tick(M, next, row.number, e.event, e.at, e.who, e.note);
        if (next) { out = next; if (!same) lost += have.length; } else lost += row.events.length;
      } else if (!same) lost += row.events.length;
    }
    if (other.work.length > out.work.length) out.work = other.work;
    for (const c of other.checks) if (!out.checks.some(x => x.check === c.check && x.lpar === c.lpar)) out.checks.push(c);
    added = count(out) - count(R);
    return { record: out, added, lost };
  }

  // ---- what may be done now --------------------------------------------------------------------------------------------

  /* When the plan's second 0 was, or is: its window; without one, what was ticked first counts as begun as planned. */
  function zero(M, R, now) {
    const clock = M.P.clock;
    if (clock) return clock.epoch_s == null ? new Date(clock.local + ":00").getTime() : 1000 * clock.epoch_s;
    const first = R.moves.flatMap(m => m.events.map(e => Date.parse(e.at) - 1000 * planned(M.moves.get(m.number))[0]));
    return first.length ? Math.min(...first) : now;
  }
  /* What a move that is not begun still waits for, as {kind, …}: `move` (n, why, state), `work`, `before` (s), `window`
     (s: it has not begun), `late` (s: later it must not start). None: it may start. */
  function gates(M, S, R, n, s) {
    const m = M.moves.get(n), P = M.P, window = P.window_s[m.leg], out = [];
    for (const x of M.needs.get(n)) if (S.get(x.n).state !== "arrived") out.push({ kind: "move", n: x.n, why: x.why, state: S.get(x.n).state });
    if (m.leg === "back" && P.work && workOf(R).state !== "over") out.push({ kind: "work" });
    const from = Math.max(window ? window[0] : -Infinity, m.leg === "back" && P.back_from_s != null ? P.back_from_s : -Infinity);
    if (s < from) out.push({ kind: "window", s: from });
    if (m.not_before_s != null && s < m.not_before_s) out.push({ kind: "before", s: m.not_before_s });
    if (m.not_after_s != null && s > m.not_after_s) out.push({ kind: "late", s: m.not_after_s });
    return out;
  }
  /* The move that each card is at: the first of its way out that has not arrived, then of its way back; null: none left. */
  function at(M, S, card) {
    const n = [...card.out, ...card.back].find(x => S.get(x).state !== "arrived");
    return n === undefined ? null : n;
  }
  /* The way that is under way: out, work, back, or over. */
  function phase(M, S, R) {
    const of = leg => M.legs.get(leg), done = leg => of(leg).every(n => S.get(n).state === "arrived"), work = workOf(R).state;
    if (of("back").some(n => S.get(n).events.length)) return done("back") ? "over" : "back";
    if (!of("back").length) return done("out") ? "over" : "out";
    return !M.P.work || work === "over" ? "back" : work || done("out") ? "work" : "out";
  }
  /* When a move that is under way should be over at the latest, and when it is to be stopped, in seconds from its start. */
  function limits(M, m) {
    const [low, high, stop] = m.minutes.map(x => 60 * x);
    return { low, high, stop };
  }
  /* What needs hands now, worst first: {rank, kind, n, card, …}. Kinds: stop, recover, hangs, decide (the way back must begin, s),
     late, look, go, behind (9 in 10 nights like this are over at s, after the window; left: who is left first), start, work. */
  function hands(M, S, R, now, F) {
    const z = zero(M, R, now), s = (now - z) / 1000, out = [], P = M.P, stage = phase(M, S, R);
    M.cards.forEach((card, k) => {
      const n = at(M, S, card);
      if (n === null) return;
      const m = M.moves.get(n), st = S.get(n), flown = st.begun == null ? 0 : (now - st.begun) / 1000, limit = limits(M, m);
      const told = (rank, kind, more) => out.push({ rank, kind, n, card: k, ...more });
      if (st.state === "failed") told(0, "stop", { since: st.since });
      else if (st.state === "stopped") told(1, "recover", { since: st.since });
      else if (st.state === "started" && flown > limit.stop) told(2, "hangs", { flown });
      else if (st.state === "started" && flown > limit.high) told(4, "look", { flown });
      else if (st.state !== "started") {
        const shut = gates(M, S, R, n, s);
        if (shut.length && shut.every(g => g.kind === "late")) told(3, "late", { at: shut[0].s });
        if (!shut.length) told(5, "start", { since: opened(M, S, R, n, z), latest: m.range && m.range.latest_s });
      }
    });
    const begun = R.moves.length + R.work.length > 0;
    if (F && F.home != null && (stage === "out" || stage === "work") && s > F.home - 600) out.push({ rank: 2.5, kind: "decide", n: 0, s: F.home });
    if (stage === "work" && !workOf(R).state) out.push({ rank: 6, kind: "work", n: 0 });
    const last = F && (F.legs.back && P.back_from_s == null ? "back" : "out"), limit = last && P.window_s[last];
    if (stage === "out" && begun && limit && F.legs[last][2] > limit[1]) {
      const left = (P.decisions.left_first || []).filter(l => !S.get(M.chains.get(l)[0]).events.length);
      out.push({ rank: 4.5, kind: "behind", n: 0, s: F.legs[last][2], left });
    }
    const opens = P.window_s.out || P.window_s.back;
    if (!begun && (!opens || s > opens[0] - 3600)) out.push({ rank: 4.5, kind: "go", n: 0, s: P.decisions.go_by_s });
    return out.sort((a, b) => a.rank - b.rank || (a.latest ?? 1e12) - (b.latest ?? 1e12) || a.n - b.n);
  }
  /* Since when a move may start (ms): the last of what it waited for. */
  function opened(M, S, R, n, z) {
    const m = M.moves.get(n), w = M.P.window_s[m.leg];
    const from = [...M.needs.get(n).map(x => S.get(x.n).over || 0), m.leg === "back" && M.P.work ? workOf(R).over || 0 : 0,
      w ? z + 1000 * w[0] : z, m.not_before_s != null ? z + 1000 * m.not_before_s : 0, S.get(n).since || 0];
    return Math.max(...from);
  }

  // ---- how it goes on --------------------------------------------------------------------------------------------------

  function random(seed) {
    let a = seed;
    return () => {
      a = a + 0x6D2B79F5 | 0;
      let t = Math.imul(a ^ a >>> 15, 1 | a);
      t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
      return ((t ^ t >>> 14) >>> 0) / 4294967296;
    };
  }
  /* The standard normal: share below x (Abramowitz and Stegun 7.1.26), and its inverse (Acklam). */
  function below(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
    const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x / 2);
    return x < 0 ? (1 - y) / 2 : (1 + y) / 2;
  }
  function normal(p) {
    const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
    const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
    const c = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
    const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
    const at = (k, x) => k.reduce((sum, one) => sum * x + one, 0), q = Math.min(Math.max(p, 1e-9), 1 - 1e-9);
    if (q < 0.02425) { const r = Math.sqrt(-2 * Math.log(q)); return at(c, r) / (at(d, r) * r + 1); }
    if (q > 1 - 0.02425) { const r = Math.sqrt(-2 * Math.log(1 - q)); return -at(c, r) / (at(d, r) * r + 1); }
    const r = (q - 0.5) * (q - 0.5);
    return at(a, r) * (q - 0.5) / (at(b, r) * r + 1);
  }
  const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];

  /* How much slower than planned tonight is (a logarithm: mean, σ), by the moves that arrived without having failed: what the nights
     have in common is drawn from N(0, common_sigma²), each move differs by N(0, sigma²) from that, and people tick it TICKED_S late or
     early. `seen`: moves that count; `unlikely`: those that took less than half of their P10, which is how late ticks look. */
  function tonight(M, S) {
    const { sigma, common_sigma: common } = M.P.pace, seen = [];
    let unlikely = 0;
    for (const [n, s] of S) {
      const m = M.moves.get(n), clean = s.state === "arrived" && s.begun != null && s.events.every(e => e.event === "started" || e.event === "arrived");
      const real = (s.over - s.begun) / 1000;
      if (!clean || !(m.duration_s > 0)) continue;
      if (real > 0 && real >= took(M, m)[0] / 2) seen.push([Math.log(real / m.duration_s), 1 / (sigma ** 2 + (TICKED_S / real) ** 2)]); else unlikely++;
    }
    if (!(common > 0)) return { mean: 0, sigma: 0, seen: seen.length, unlikely };
    const precision = seen.reduce((sum, [, weight]) => sum + weight, 1 / common ** 2);
    return { mean: seen.reduce((sum, [off, weight]) => sum + off * weight, 0) / precision, sigma: Math.sqrt(1 / precision), seen: seen.length, unlikely };
  }

  /* Numbers in the order of their keys. */
  function queue() {
    const keys = [], values = [];
    const swap = (i, j) => { [keys[i], keys[j]] = [keys[j], keys[i]]; [values[i], values[j]] = [values[j], values[i]]; };
    return {
      get size() { return keys.length; },
      push(key, value) {
        let i = keys.push(key) - 1;
        values.push(value);
        for (let up; i && keys[i] < keys[up = (i - 1) >> 1]; i = up) swap(i, up);
      },
      pop() {
        const top = [keys[0], values[0]], last = keys.length - 1;
        swap(0, last);
        keys.pop();
        values.pop();
        for (let i = 0, k; (k = 2 * i + 1) < last; i = k) {
          if (k + 1 < last && keys[k + 1] < keys[k]) k++;
          if (keys[i] <= keys[k]) break;
          swap(i, k);
        }
        return top;
      } };
  }
  /* What every course of what is left begins with, at second `s` of the plan. */
  function standing(M, S, R, z, s) {
    const P = M.P, all = P.moves, index = new Map(all.map((m, i) => [m.n, i])), st = all.map(m => S.get(m.n));
    const back = all.map(m => m.leg === "back" ? 1 : 0), arrived = st.map(x => x.state === "arrived");
    const from = all.map(m => Math.max(P.window_s[m.leg] ? P.window_s[m.leg][0] : -Infinity, m.not_before_s ?? -Infinity, m.leg === "back" ? P.back_from_s ?? -Infinity : -Infinity));
    return { P, s, st, back, arrived, from, begun: st.map(x => x.events.length > 0), end: st.map(x => arrivedAt(x, z)), work: workOf(R), z,
      heirs: all.map(m => M.heirs.get(m.n).map(h => index.get(h))),
      left: all.map((m, i) => M.needs.get(m.n).filter(x => S.get(x.n).state !== "arrived").length + (back[i] && P.work ? 1 : 0)),
      toGo: all.filter((m, i) => !back[i] && !arrived[i]).length, start: st.map(x => x.state === "started" ? (x.begun - z) / 1000 : NaN) };
  }
  const arrivedAt = (st, z) => st.state === "arrived" ? (st.over - z) / 1000 : NaN;
  /* One course of what is left, in the order of time, as the plan's nights are played: people check before and after each move, then
     the gap. `take`: seconds of each move, of one under way from now on. `over`: when each way is; `opened`: when the way back may begin. */
  function course(F, take) {
    const { P, s, heirs, back } = F, left = [...F.left], start = [...F.start], end = [...F.end], over = [-Infinity, -Infinity], due = queue();
    const free = Array(Math.round(P.pace.people) || 0).fill(s), size = back.length, WORK_OVER = 3 * size, work = F.work;
    let toGo = F.toGo, opened = s;
    const busy = (t, seconds) => {
      if (!free.length || !seconds) return t;
      let k = 0;
      for (let i = 1; i < free.length; i++) if (free[i] < free[k]) k = i;
      return free[k] = Math.max(t, free[k]) + seconds;
    };
    const open = (i, t) => { if (!left[i] && !F.begun[i]) due.push(Math.max(t, F.from[i]), i); };
    const planned = P.work ? Math.max(0, P.work.to_s - P.work.from_s) : 0;
    const workOver = () => due.push(Math.max(s, work.state === "over" ? (work.over - F.z) / 1000 : planned + (work.state ? (work.begun - F.z) / 1000 : Math.max(s, over[0]))), WORK_OVER);
    for (let i = 0; i < size; i++) {
      if (F.arrived[i]) over[back[i]] = Math.max(over[back[i]], end[i]);
      else if (F.begun[i]) { if (Number.isNaN(start[i])) start[i] = s; due.push(s + take[i], 2 * size + i); } else open(i, s);
    }
    if (P.work && (!toGo || work.state)) workOver();
    while (due.size) {
      const [t, what] = due.pop(), i = what % size;
      if (what === WORK_OVER) {
        opened = t;
        for (let b = 0; b < size; b++) if (back[b]) { left[b]--; open(b, t); }
      }
      else if (what < size) due.push(busy(t, P.pace.check_before_s), size + i);
      else if (what < 2 * size) { start[i] = t; due.push(t + take[i], 2 * size + i); } else {
        end[i] = t;
        const checked = busy(t, P.pace.check_after_s);
        over[back[i]] = Math.max(over[back[i]], free.length ? checked : t);
        for (const h of heirs[i]) { left[h]--; open(h, t + P.pace.gap_s); }
        if (!back[i] && !--toGo && P.work && !work.state) workOver();
      }
    }
    return { start, end, over, opened };
  }

  /* The rest of the evening in many draws, seeded: alike for the same record at the same moment. Times are seconds of the plan:
     `legs` (when each way is over), `moves` (start, and end as P10, P50, P90), `tonight`, `home` (the way back must begin by then).
     Stops often, so that a page stays awake. */
  function* forecasting(M, R, now, most = 300) {
    const S = states(M, R), z = zero(M, R, now), s = (now - z) / 1000, P = M.P, night = tonight(M, S), next = random(20261205), all = P.moves;
    const F = standing(M, S, R, z, s), rest = all.map((m, i) => i).filter(i => !F.arrived[i]), backs = all.map((m, i) => i).filter(i => F.back[i]);
    const count = Math.max(40, Math.min(most, Math.floor(8000 / Math.max(1, rest.length)))), take = Array(all.length).fill(0);
    const over = [[], []], span = [], starts = rest.map(() => []), ends = rest.map(() => []);
    for (let k = 0; k < count; k++) {
      const common = night.mean + night.sigma * normal(next());
      for (const i of rest) take[i] = seconds(F.st[i], all[i], common, next, now, P.pace);
      const c = course(F, take);
      rest.forEach((i, j) => { starts[j].push(c.start[i]); ends[j].push(c.end[i]); });
      for (const b of [0, 1]) if (c.over[b] > -Infinity) over[b].push(c.over[b]);
      if (backs.length) span.push(c.over[1] - Math.max(c.opened, Math.min(...backs.map(i => F.from[i]))));
      yield;
    }
    const three = list => { const sorted = list.filter(x => !Number.isNaN(x)).sort((a, b) => a - b); return sorted.length ? [0.1, 0.5, 0.9].map(q => quantile(sorted, q)) : null; };
    const moves = new Map();
    for (let j = 0; j < rest.length; j++) {
      moves.set(all[rest[j]].n, { start: three(starts[j]), end: three(ends[j]) });
      if (j % 50 === 0) yield;
    }
    const limit = P.window_s.back && P.window_s.back[1], planned = P.decisions.no_return_s;
    const home = limit == null || !backs.length || backs.some(i => F.begun[i]) ? null
      : Math.min(planned ?? Infinity, limit - quantile(span.sort((a, b) => a - b), P.decisions.confidence || 0.9));
    return { legs: { out: three(over[0]), back: three(over[1]) }, moves, tonight: night, count, home, z, s };
  }
  function forecast(M, R, now, most) {
    const run = forecasting(M, R, now, most);
    for (;;) { const one = run.next(); if (one.done) return one.value; }
  }
  /* Seconds that a move still takes, drawn; of one under way given that it has not arrived yet. */
  function seconds(st, m, common, next, now, pace) {
    const u = next(), spoilt = next() < pace.failed_share ? next() * m.duration_s + RECOVER_S : 0;
    const whole = p => m.duration_s * Math.exp(common + pace.sigma * normal(p));
    if (st.state === "started") {
      const flown = (now - st.begun) / 1000;
      if (!(m.duration_s > 0) || !(pace.sigma > 0)) return Math.max(LEAST_S, whole(0.5) - flown);
      const done = flown > 0 ? below((Math.log(flown / m.duration_s) - common) / pace.sigma) : 0;
      return Math.max(LEAST_S, whole(done + (1 - done) * u) - flown);
    }
    if (st.state === "failed" || st.state === "stopped") return Math.max(60, RECOVER_S - (now - st.since) / 1000) + whole(u);
    return whole(u) + spoilt;
  }

  /* When all is whole if nothing more is begun but what must be: {s, landing: numbers under way, begin: numbers that must be begun
     yet}. Known of states in which the moves 1 to n of the way out have arrived; null on the way back, and where the plan says none. */
  function safeStop(M, S, F) {
    const out = M.legs.get("out"), safe = M.P.decisions.safe_after;
    const used = out.filter(n => S.get(n).events.length);
    const landing = used.filter(n => S.get(n).state !== "arrived");
    if (!used.length) return { s: F.s, landing, begin: [] };
    if (!safe) return null;
    const until = safe.find(n => n >= Math.max(...used));
    if (until === undefined) return null;
    const begin = out.filter(n => n <= until && !S.get(n).events.length);
    const ends = [...landing, ...begin].map(n => ((F.moves.get(n) || {}).end || [F.s, F.s, F.s])[1]);
    return { s: Math.max(F.s, ...ends), landing, begin };
  }

  // ---- what a console says -----------------------------------------------------------------------------------------------

  const STATE = /^(running|not activated|not available|open firmware|starting|shutting down|error|hardware discovery|suspended|suspending|resuming|migrating - running|migrating - not activated|migrating-running|migrating-not activated)$/i;
  const MIGRATION = /^(not migrating|invalid|unknown|migration .+|.*migrating.*)$/i;
  function cells(line) {
    const out = [];
    let cell = "", quoted = false;
    for (let i = 0; i < line.length; i++) {
      const c = line[i];
      if (c === '"' && quoted && line[i + 1] === '"') { cell += c; i++; }
      else if (c === '"') quoted = !quoted;
      else if (c === "," && !quoted) { out.push(cell); cell = ""; } else cell += c;
    }
    return [...out, cell].map(x => x.trim());
  }
  /* The word after an option of a command, unquoted. */
  function option(line, name) {
    const found = line.match(new RegExp("\\s" + name + "[\\s=]+(?:'([^']*)'|\"([^\"]*)\"|(\\S+))"));
    return found ? found[1] ?? found[2] ?? found[3] : null;
  }
  /* What was pasted, as {facts: server → {rows: name → state, moving: name → migration state, listed, only}, runs: rows of a lane
     script's log, odd: lines not understood}. `server`: where a line without a server before it belongs. A server is named by the command above (`-m`), by the
     loop that the page gives (`# SERVER`), or by the person. */
  function read(M, text, server = "") {
    const known = new Set(M.P.servers.map(x => x.name)), facts = new Map(), odd = [], runs = [];
    let now = server, filter = null, columns = null;
    const of = name => facts.get(name) || facts.set(name, { rows: new Map(), moving: new Map(), listed: false, only: null }).get(name);
    for (const raw of String(text).replace(/\r\n?/g, "\n").split("\n")) {
      const line = raw.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").trim();
      if (!line || /^(logout|exit)$/.test(line) || /^(\w+,)*(state|migration_state)(,\w+)*$/.test(line)) continue;
      if (/^lpar,source,target,start,end,result\b/i.test(line)) { columns = true; continue; }
      const run = columns && /^[^=]*,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,/.test(line) ? cells(line) : null;
      if (run) { runs.push({ lpar: run[0], from: run[1], to: run[2], start: run[3], end: run[4], result: run[5] }); continue; }
      const command = line.match(/(?:^|[>$#%]\s*|;\s*)(lssyscfg|lslparmigr)\s.*/);
      const marked = line.match(/^#+\s*(.+?)\s*$/);
      if (/^(?:.*[>$#%]\s+)?for\s.*\bdo\b/.test(line)) continue;
      if (command) {
        now = option(command[0], "-m") || now || server;
        const names = option(command[0], "--filter");
        filter = names && /lpar_names/.test(command[0]) ? names.replace(/^"?lpar_names=/, "").replace(/"$/, "").split(",") : null;
        if (!known.has(now)) { odd.push(line); continue; }
        continue;
      }
      if (marked) { if (known.has(marked[1])) { now = marked[1]; filter = null; } else odd.push(line); continue; }
      const row = /^No results were found/i.test(line) ? {} : rowOf(line);
      if (!row || !known.has(now)) { odd.push(line); continue; }
      const f = of(now);
      if (row.state || !row.name) {  // a command alone lists nothing: what it said may have been cut
        f.only = !filter || (f.listed && !f.only) ? null : [...(f.only || []), ...filter];
        f.listed = true;
      }
      if (row.state) f.rows.set(row.name, row.state.toLowerCase().replace(/migrating-/, "migrating - "));
      if (row.migration) f.moving.set(row.name, row.migration.toLowerCase());
    }
    return { facts, runs, odd };
  }
  /* One line of a listing: {name, state} or {name, migration}; null where it is none. */
  function rowOf(line) {
    let parts = cells(line);
    if (STATE.test(parts[0]) || MIGRATION.test(parts[0])) parts = [parts[1], parts[0], ...parts.slice(2)];
    const pairs = new Map(parts.map(p => p.match(/^"?(\w+)=(.*)$/)).filter(Boolean).map(p => [p[1], p[2]]));
    const name = pairs.get("name") || pairs.get("lpar_name");
    if (name && (pairs.has("state") || pairs.has("migration_state"))) return { name, state: pairs.get("state"), migration: pairs.get("migration_state") };
    if (parts.length < 2 || !parts[0]) return null;
    const state = parts.slice(1).find(p => STATE.test(p)), migration = parts.slice(1).find(p => MIGRATION.test(p) && !STATE.test(p));
    return state || migration ? { name: parts[0], state, migration: state ? undefined : migration } : null;
  }
  /* What of these facts can be ticked: {ticks: [{n, event}], said: texts}. Arrived: in its state on the target, not listed on the
     source. Nothing is concluded from what nobody listed. */
  function observed(M, R, facts, s) {
    const ticks = [], said = [];
    let others = 0, same = 0;
    for (const f of facts.values()) for (const name of new Set([...f.rows.keys(), ...f.moving.keys()])) if (!M.names.has(name)) others++;
    const look = (server, name) => {
      const f = facts.get(server);
      if (!f) return undefined;
      if (f.rows.has(name)) return f.rows.get(name);
      return f.listed && (!f.only || f.only.includes(name)) ? null : undefined;
    };
    for (const [lpar, chain] of M.chains) {
      const S = states(M, R), n = chain.find(x => S.get(x).state !== "arrived"), typed = M.P.lpars[lpar].typed;
      if (n === undefined) { const m = M.moves.get(chain[chain.length - 1]); if (look(m.to, typed) !== undefined) same++; continue; }
      const m = M.moves.get(n), st = S.get(n).state, here = look(m.from, typed), there = look(m.to, typed), good = wanted(m).toLowerCase();
      const migration = (facts.get(m.from) && facts.get(m.from).moving.get(typed)) || "", flying = /^migrating/.test(here || "") || /^migrating/.test(there || "") ||
        (migration && !/not migrating|invalid|unknown|fail/.test(migration));
      if (here === undefined && there === undefined && !migration) continue;
      const later = chain.indexOf(n) > 0, name = lpar + ": ";
      if (/fail/.test(migration)) {
        if (["", "started", "recovered"].includes(st)) ticks.push({ n, event: "failed" }); else same++;
      } else if (there === good && here === null) {
        const early = later && !st && gates(M, S, R, n, s).some(g => g.kind === "move" || g.kind === "work");
        if (early) said.push(name + `runs on ${m.to} and is not on ${m.from}, but its way there has not begun: is this an older listing? Not ticked`);
        else ticks.push({ n, event: "arrived" });
      } else if (flying) {
        if (st === "" || st === "recovered") ticks.push({ n, event: "started" });
        else { same++; if (st !== "started") said.push(name + "still in migration on the console"); }
      } else if (there && here) said.push(name + `listed on ${m.from} (${here}) and on ${m.to} (${there}), and in no migration: look at it now`);
      else if (there === good) said.push(name + `${wanted(m)} on ${m.to}; paste the listing of ${m.from} too: arrived is only who is gone from there`);
      else if (there) said.push(name + `${there} on ${m.to}, it should be ${wanted(m)}: not ticked`);
      else if (here === good && there === null && (st === "failed" || st === "stopped")) {
        if (st === "failed") ticks.push({ n, event: "stopped" });
        ticks.push({ n, event: "recovered" });
      } else if (here && st === "started") said.push(name + `ticked as started, and the console has it ${here} on ${m.from}, not migrating: has it failed? Not ticked`);
      else if (here === null && there === null) said.push(name + `neither on ${m.from} nor on ${m.to}: look for it`);
      else same++;
    }
    return { ticks, said, others, same };
  }

  /* What the log of a lane's script tells that is not ticked: {ticks: [{n, event, local}], said}; times as that clock has them. */
  function logged(M, R, runs) {
    const ticks = [], said = [], S = states(M, R), have = new Map([...S].map(([n, st]) => [n, st.state]));
    for (const run of [...runs].sort((a, b) => a.start < b.start ? -1 : a.start > b.start ? 1 : 0)) {
      const lpar = M.P.lpars[run.lpar] ? run.lpar : M.names.get(run.lpar), n = (M.chains.get(lpar) || []).find(k => M.moves.get(k).from === run.from && M.moves.get(k).to === run.to);
      if (n === undefined) { said.push(`${run.lpar} from ${run.from} to ${run.to}: the plan has no such move`); continue; }
      const end = run.result === "ok" ? "arrived" : "failed", st = have.get(n);
      if (st === "arrived" || (st === end && end === "failed")) continue;
      if (st === "" || st === "recovered") ticks.push({ n, event: "started", local: run.start });
      ticks.push({ n, event: end, local: run.end < run.start ? run.start : run.end });
      have.set(n, end);
    }
    return { ticks, said };
  }

  // ---- afterwards ----------------------------------------------------------------------------------------------------------

  /* One row a move that was begun or has arrived: {n, seconds (from its first start to its arrival), ratio to the plan, inside its range,
     range: that range as ratios, failures, who}. */
  function results(M, R) {
    return [...states(M, R)].filter(([, s]) => s.events.length).map(([n, s]) => {
      const m = M.moves.get(n), seconds = s.over != null && s.first != null ? (s.over - s.first) / 1000 : null;
      const range = took(M, m).map(x => m.duration_s > 0 ? x / m.duration_s : 1);
      const ratio = seconds != null && m.duration_s > 0 ? seconds / m.duration_s : null;
      return { n, m, state: s.state, first: s.first, over: s.over, seconds, ratio, range,
        inside: ratio == null ? null : ratio >= range[0] && ratio <= range[1],
        failures: s.events.filter(e => e.event === "failed").length, who: [...new Set(s.events.map(e => e.who).filter(Boolean))],
        notes: s.events.map(e => e.note).filter(Boolean) };
    });
  }

  return { model, heldUp, fresh, states, workOf, lastAt, tick, untick, log, parsed, merged, zero, gates, at, phase, limits, hands, opened,
    forecast, forecasting, tonight, planned, safeStop, read, observed, logged, results, took, normal, below, quantile };
})();
