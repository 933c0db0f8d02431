"use strict";
/* During and After: draws what the engine says of the record, and ticks. The record is kept in this browser. */
const Cockpit = document.getElementById("k-cards") && (() => {
  const M = Engine.model(P), KEY = "planner-record-" + P.plan, FORECAST_MS = 20000, GUARD_MS = 600;
  const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", ...(P.clock && P.clock.zone ? { timeZone: P.clock.zone } : {}) });
  const SEEN = "seen on the console", AUTOMATIC = [SEEN, "log of the lane's script"];
  const WORD = { started: "started", arrived: "arrived", failed: "failed or hangs", stopped: "stopped", recovered: "recovered" };
  let R = Engine.fresh(P), S = Engine.states(M, R), F = null, base = null, pending = 0, turn = 0, drawing = 0;
  const drawn = new Map(), ticked = new Map();
  const now = () => Date.now();
  const s = () => (now() - Engine.zero(M, R, now())) / 1000;
  const name = n => M.moves.get(n).lpar;
  const lane = k => P.in_lanes ? `Lane ${k + 1}` : `Terminal ${k + 1}`;
  const wayOf = leg => leg === "out" ? "way out" : "way back";
  const list = (names, most = 6) => names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
  /* A time of the plan as a clock: the plan's own, or where it has no window this computer's; with the day where that is not near. */
  function when(x, seconds) {
    const far = Math.abs(x - s()) > 64800, t = new Date(Engine.zero(M, R, now()) + 1000 * x);
    const day = far ? DAY.format(t) + " " : "";
    return day + (P.clock ? at(x, seconds) : `${two(t.getHours())}:${two(t.getMinutes())}${seconds ? ":" + two(t.getSeconds()) : ""}`);
  }
  const whenMs = (ms, seconds) => when((ms - Engine.zero(M, R, now())) / 1000, seconds);
  function iso(ms) {
    const zoned = P.clock && P.clock.zone, z = Engine.zero(M, R, now());
    const offset = zoned ? Math.round((clockOf(Math.floor((ms - z) / 1000)).getTime() - 1000 * Math.floor((ms - z) / 1000) - z) / 60000) : -new Date(ms).getTimezoneOffset();
    const wall = new Date(ms + 60000 * offset).toISOString().slice(0, 19);
    return wall + (offset < 0 ? "-" : "+") + two(Math.floor(Math.abs(offset) / 60)) + ":" + two(Math.abs(offset) % 60);
  }
  /* A local time "2026-12-05 22:03:10" of the plan's clock, in milliseconds. */
  function msOf(local) {
    let ms = Date.parse(local.replace(" ", "T") + "Z");
    const wall = ms;
    for (let i = 0; i < 2; i++) ms = wall - (Date.parse(iso(ms).slice(0, 19) + "Z") - ms);
    return ms;
  }
  const clock = x => { const t = Math.max(0, Math.round(x)); return `${Math.floor(t / 3600)}:${two(Math.floor(t / 60) % 60)}:${two(t % 60)}`; };
  const capital = text => text[0].toUpperCase() + text.slice(1);
  const chip = (kind, text) => `<span class="chip ${kind}">${esc(text)}</span>`;
  const say = text => { $("#k-said").textContent = plain(text); };

  // ---- the record: kept, changed, exported ------------------------------------------------------------------------------

  function kept() {
    try {
      const text = localStorage.getItem(KEY);
      if (text) R = Engine.parsed(M, text);
      $("#k-who").value = localStorage.getItem("planner-who") || "";
    } catch (error) { warn(`What this browser had kept cannot be read (${error.message}): import your last export.`); }
  }
  function keep() {
    try { localStorage.setItem(KEY, JSON.stringify(R)); } catch (error) { warn("This browser keeps nothing: export the record before you close the page."); }
  }
  function warn(text) { $("#k-kept").textContent = plain(text); $("#k-kept").hidden = false; say(text); }
  function change(next, text) {
    const before = may();
    R = next;
    S = Engine.states(M, R);
    keep();
    render();
    const more = may().filter(n => !before.includes(n));
    say(text + (more.length ? `. May start now: ${list(more.map(name))}` : ""));
    clearTimeout(pending);
    pending = setTimeout(() => { course(); forecast(); }, 30);
  }
  const may = () => Engine.hands(M, S, R, now(), null).filter(h => h.kind === "start").map(h => h.n);
  function tick(n, event) {
    const at = Math.max(now(), Engine.lastAt(R, n)), next = Engine.tick(M, R, n, event, iso(at), $("#k-who").value.trim());
    if (!next) return say("That cannot be ticked now");
    change(next, n ? `${name(n)} ${WORD[event]} ${whenMs(at)}` : `${P.work.words} ${event} ${whenMs(at)}`);
  }
  function undo(n) {
    const row = Engine.log(M, R).find(r => r.n === n && r.last), next = row && Engine.untick(M, R, n);
    if (next) change(next, `Taken back: ${n ? name(n) : P.work.words} ${row.event}`);
  }
  function save(text, file, type) {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: file });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`${file} is downloaded`);
  }
  const stamp = () => iso(now()).slice(0, 16).replace(/[-:]/g, "").replace("T", "-");
  const exported = () => save(JSON.stringify(R, null, 1) + "\n", `evening-${stamp()}.json`, "application/json");
  async function imported(file) {
    try {
      const m = Engine.merged(M, R, Engine.parsed(M, await file.text()));
      change(m.record, `${file.name}: ${m.added} ${m.added === 1 ? "entry" : "entries"} more` + (m.lost ? `; ${m.lost} told otherwise there or here, and left out` : ""));
    } catch (error) { warn(`${file.name}: ${error.message}. Nothing was changed.`); }
  }

  // ---- the row above: clock, arrived, end, no return, safe stop -----------------------------------------------------------

  /* One figure: what it is, in few words for a phone, the figure, what more is to be said of it; `told`: attributes of the figure. */
  function cell(label, brief, value, more = "", told = "") {
    return `<div class="cell"><span class="more">${esc(label)}</span><span class="brief">${esc(brief)}</span><strong ${told}>${value}</strong>${more ? `<span class="more">${more}</span>` : ""}</div>`;
  }
  function progress(done, all) {
    return `<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="p-rest" width="100" height="6"/><rect class="p-done" width="${(100 * done / Math.max(1, all)).toFixed(1)}" height="6"/></svg>`;
  }
  function strip() {
    const stage = Engine.phase(M, S, R), leg = stage === "back" || (stage === "over" && M.legs.get("back").length) ? "back" : "out";
    const all = M.legs.get(leg), done = all.filter(n => S.get(n).state === "arrived").length;
    const cells = [cell("Now", "now", "", esc(DAY.format(now())), 'id="k-now"'),
      cell(`Arrived, ${wayOf(leg)}`, "arrived", `${done} of ${all.length}`, progress(done, all.length))];
    if (F) cells.push(endCell(stage === "work" ? "back" : leg, stage), returnCell(stage), stopCell(stage));
    $("#k-strip").innerHTML = cells.join("");
    second();
  }
  /* When a way is over as planned: in the middle of the plan's nights, or of draws of an untouched evening; null: not known yet. */
  const middle = leg => P.decisions[leg] ? P.decisions[leg][0] : base && base[leg] ? base[leg][1] : null;
  function endCell(leg, stage) {
    const f = F.legs[leg], plan = middle(leg), slip = 60 * (Math.round(f[1] / 60) - Math.round(plan / 60)), limit = P.window_s[leg];
    const late = limit && f[2] > limit[1], word = stage === "over" ? "Over since" : leg === "out" ? "Way out over" : "Everybody home";
    if (stage === "over") return cell(word, "over", esc(when(f[1])), `plan ${esc(when(plan))}`);
    const sign = Math.abs(slip) < 60 ? "" : ` <span class="chip ${late ? "bad" : slip > 300 ? "warn" : ""}">${slip > 0 ? "+" : "−"}${esc(spanOf(slip))}</span>`;
    const more = late && f[1] > limit[1] ? `<span class="alarm">after the window, ${esc(when(limit[1]))}</span>` : `8 in 10: ${esc(when(f[0]))}–${esc(when(f[2]))}; plan ${esc(when(plan))}`;
    return cell(word, leg === "out" ? "out over" : "home", esc(when(f[1])) + sign, more);
  }
  function returnCell(stage) {
    const limit = P.window_s.back || P.window_s.out, b = F.legs.back;
    if (F.home != null && (stage === "out" || stage === "work")) {
      return cell(`No return after ${when(F.home)}`, "no return in", "", `all home ${esc(when(b[1]))}, 9 in 10 by ${esc(when(b[2]))}`, until(F.home, 1800));
    }
    if (limit && stage !== "over") return cell(`Window ends ${when(limit[1])}`, "window ends in", "", "", until(limit[1], 900));
    if (stage === "over") return "";
    const first = Math.min(...[...S.values()].map(x => x.first ?? Infinity));
    return first === Infinity ? "" : cell(`Begun ${whenMs(first)}`, "for", "", "", `data-since="${first}"`);
  }
  const until = (x, near) => `data-until="${x}"${x - s() < near ? ' class="alarm"' : ""}`;
  function stopCell(stage) {
    if (stage === "over") return "";
    const stop = stage === "out" ? Engine.safeStop(M, S, F) : null, flying = [...S].filter(([, x]) => x.state === "started").map(([n]) => n);
    if (stop && !stop.begin.length) return cell("If we stop now", "stop", esc(when(stop.s)), stop.landing.length ? `all whole: ${stop.landing.length} land first` : "all whole as it is");
    if (stage === "work") return cell("If we stop now", "stop", "as it is", "all stay where they run");
    if (stop) return cell("Next safe stop", "safe stop", esc(when(stop.s)), `needs ${esc(list(stop.begin.map(name), 3))} too`);
    const s2 = Math.max(F.s, ...flying.map(n => ((F.moves.get(n) || {}).end || [0, F.s])[1]));
    return cell("If we stop now", "stop", esc(when(s2)), flying.length ? `${flying.length} land first` : stage === "back" ? "who is home is home" : "nothing is under way");
  }
  /* What goes on from second to second. */
  function second() {
    const t = s(), node = $("#k-now");
    if (!node) return;
    const text = when(t, true);
    node.innerHTML = `${esc(text.slice(0, -3))}<span class="seconds">${esc(text.slice(-3))}</span>`;
    for (const x of $$("[data-until]")) { const left = +x.dataset.until - t; x.textContent = left < 0 ? "−" + clock(-left) : left > 172800 ? `${Math.floor(left / 86400)} days` : clock(left); }
    for (const x of $$("[data-since]")) x.textContent = clock((now() - +x.dataset.since) / 1000);
    for (const x of $$("[data-flown]")) {
      const st = S.get(+x.dataset.flown), m = M.moves.get(+x.dataset.flown), flown = Math.max(0, (now() - st.begun) / 1000), limit = Engine.limits(M, m);
      x.firstChild.textContent = spanOf(flown);
      const bar = $(".p-flown", x.parentNode);
      if (bar) bar.setAttribute("width", Math.min(100, 100 * flown / limit.stop).toFixed(1));
    }
  }

  // ---- orders, and a card for each lane ------------------------------------------------------------------------------------

  function order(h) {
    const n = h.n, where = n ? lane(h.card) : "", link = n ? ` <a href="#k-card-${h.card + 1}">to ${P.in_lanes ? "lane" : "terminal"} ${h.card + 1}</a>` : "";
    const row = (kind, word, text, more = "") => `<li>${chip(kind, word)} <b>${esc(text)}</b> ${esc(more)}${link}</li>`;
    if (h.kind === "stop") return row("bad", "✕ first", `${where}: stop ${name(n)}, then recover it`, `failed ${whenMs(h.since)}${holds(n)}`);
    if (h.kind === "recover") return row("bad", "✕ first", `${where}: recover ${name(n)}`, `stopped ${whenMs(h.since)}${holds(n)}`);
    if (h.kind === "hangs") return row("bad", "✕ hangs", `${where}: ${name(n)} takes ${spanOf(h.flown)}: look, stop it if no byte moves`, `99 in 100 are over by now`);
    if (h.kind === "look") return row("warn", "? look", `${where}: has ${name(n)} arrived?`, `under way for ${spanOf(h.flown)}; 9 in 10 are over by now`);
    if (h.kind === "late") return row("warn", "! late", `${where}: ${name(n)} must not start any more`, `not after ${when(h.at)}; planner resume plans the rest`);
    if (h.kind === "start") {
      const waited = (now() - h.since) / 1000;
      return row("good", "▶ go", `${where}: start ${name(n)}`, `may start${waited > 60 ? ` since ${whenMs(h.since)} (${spanOf(waited)})` : " now"}; planned ${when(Engine.planned(M.moves.get(n))[0])}${h.latest != null ? `, at the latest ${when(h.latest)}` : ""}`);
    }
    if (h.kind === "decide") return row("bad", "! decide", h.s < s() ? "The way back fits no more" : `The way back must begin by ${when(h.s)}`, h.s < s() ? "all can stay where they are, running; home another night: planner resume --back" : `in ${spanOf(h.s - s())}: end ${P.work.words}, or decide that all stay where they are`);
    if (h.kind === "behind") return row("warn", "! late", `9 in 10 nights like this end at ${when(h.s)}, after the window`, h.left.length ? `left where they are first: ${list(h.left)}` : "planner resume --back plans the way home from any state");
    if (h.kind === "work") return row("good", "▶ go", `Begin ${P.work.words}`, M.legs.get("out").every(x => S.get(x).state === "arrived") ? "all have arrived" : "");
    return row("", "? go", "Go, or no-go", (h.s != null ? `the first move begins by ${when(h.s)}, or not this night; ` : "") + "then start the first moves");
  }
  const holds = n => { const held = Engine.heldUp(M, n); return held.length ? `; holds up ${list(held.map(name), 4)}` : ""; };
  function hands() {
    const all = Engine.hands(M, S, R, now(), F), lines = all.slice(0, 12).map(order);
    if (all.length > 12) lines.push(`<li class="dim">and ${all.length - 12} more, on their cards</li>`);
    const flying = [...S.values()].filter(x => x.state === "started").length, stage = Engine.phase(M, S, R);
    put("hands", $("#k-hands"), lines.join(""));
    const needed = all.filter(h => h.kind !== "behind").length;
    $("#h-hands").textContent = needed ? `${needed} ${needed === 1 ? "thing needs" : "things need"} hands now` : stage === "over" ? "All is done" : flying ? `Nothing needs hands: ${flying} under way` : next();
    return all;
  }
  /* When something may start that only the clock holds back. */
  function next() {
    const t = s(), times = [...M.cards.keys()].map(k => Engine.at(M, S, M.cards[k])).filter(n => n !== null).map(n => Engine.gates(M, S, R, n, t))
      .filter(g => g.length && g.every(x => x.s != null && x.s > t)).map(g => Math.max(...g.map(x => x.s)));
    return times.length ? `Nothing needs hands before ${when(Math.min(...times))}` : "Nothing needs hands now";
  }
  const copy = (text, label, line) => `<div class="cmd${line ? " line" : ""}"><pre tabindex="0" role="group" aria-label="${esc(label)}"><code>${esc(text)}</code></pre><button type="button" data-copy aria-label="Copy: ${esc(label)}">Copy</button></div>`;
  const button = (n, event, kind, text, more = "") => `<button type="button" class="tick ${kind}" data-n="${n}" data-tick="${event}"${more}>${esc(text)}</button>`;
  const quiet = (n, event, text) => `<button type="button" class="quiet" data-n="${n}" data-tick="${event}">${esc(text)}</button>`;
  const remark = m => m.commands.remark ? `<p class="dim">${esc(m.commands.remark)}</p>` : "";
  const on = (m, end = 0) => m.consoles[end] ? ` <span class="dim">on ${esc(m.consoles[end])}</span>` : "";
  function needs(gate, m) {
    if (gate.kind === "move") return `${name(gate.n) === m.lpar ? "its own move before" : name(gate.n)} ${["failed", "stopped", "recovered"].includes(gate.state) ? `(${WORD[gate.state]}) ` : gate.state ? "(under way) " : ""}has arrived${gate.why ? `: ${gate.why}` : ""}`;
    if (gate.kind === "work") return `${P.work.words} is over`;
    if (gate.kind === "late") return `nothing: it must not start after ${when(gate.s)}`;
    return `it is ${when(gate.s)}${gate.kind === "window" ? ": its window begins" : ""}`;
  }
  function facts(m) {
    const l = P.lpars[m.lpar], runs = (l.runs || []).slice(0, 3).join(", ");
    return `<p class="who">${esc(m.lpar)}</p><p class="dim">${esc(short(m.from))} → ${esc(short(m.to))} · ${esc(l.gib.toLocaleString("en", { maximumFractionDigits: 1 }))} GiB${m.parking ? " · parks there" : ""}${m.inactive ? " · not activated" : ""}${runs ? "<br>" + esc(runs) : ""}${l.owner ? "<br>ask " + esc(l.owner) : ""}${m.movers[0] ? `<br>movers ${esc(m.movers[0])} → ${esc(m.movers[1])}` : ""}</p>`;
  }
  const range = m => m.minutes[0] === m.minutes[1] ? `${m.minutes[1]} min` : `${m.minutes[0]}–${m.minutes[1]} min`;
  function cardOf(k) {
    const card = M.cards[k], n = Engine.at(M, S, card), all = [...card.out, ...card.back];
    if (n === null) return { kind: "done", head: "", badge: chip("good", `✓ done ${whenMs(Math.max(...all.map(x => S.get(x).over)))}`), body: `<p class="who">All ${all.length} arrived</p><p>This terminal is free: take the checks of those that arrived.</p>${undoable(card, n)}` };
    const m = M.moves.get(n), leg = card[m.leg], head = `${leg.indexOf(n) + 1} of ${leg.length}${m.leg === "back" ? " back" : ""}${P.in_lanes ? "" : `, wave ${m.wave}`}`, st = S.get(n), then = undoable(card, n) + following(card, n);
    if (st.state === "started") return { kind: "flying", head, badge: chip("", "▶ under way"), body: facts(m) + flying(m, st) + then };
    if (st.state === "failed" || st.state === "stopped") return { kind: "failed", head, badge: chip("bad", `✕ ${st.state}`), body: facts(m) + failed(m, st) + then };
    const shut = Engine.gates(M, S, R, n, s());
    if (!shut.length) return { kind: "start", head, badge: chip("good", "▶ may start"), body: facts(m) + startable(m) + then };
    const first = m.leg === "back" && !card.back.some(x => S.get(x).events.length) && card.out.length;
    return { kind: "wait", head, badge: chip("", first ? "✓ way out done" : "… waits"), body: facts(m) + waiting(m, shut) + then };
  }
  function flying(m, st) {
    const limit = Engine.limits(M, m), begun = (st.begun - Engine.zero(M, R, now())) / 1000, end = F && F.moves.get(m.n) && F.moves.get(m.n).end;
    const x = v => (100 * v / limit.stop).toFixed(1);
    return `<p class="much" data-flown="${m.n}"><b></b> of ${esc(range(m))}${end ? `, lands ${esc(when(end[1]))}` : ""}</p>
<svg class="meter" viewBox="0 0 100 9" preserveAspectRatio="none" aria-hidden="true"><rect class="p-rest" width="100" height="9"/><rect class="p-band" x="${x(limit.low)}" width="${x(limit.high - limit.low)}" height="9"/><rect class="p-flown" y="2" width="0" height="5"/><rect class="p-stop" x="98.5" width="1.5" height="9"/></svg>
<p class="dim">Grey: expected landing. Red: stop it at ${esc(spanOf(limit.stop))} (${esc(when(begun + limit.stop))}).</p>
<h4>Arrived when this says ${esc(m.commands.state)}, and it is gone from ${esc(short(m.from))}${on(m, 1)}</h4>${copy(m.commands.arrived, `has ${m.lpar} arrived`)}<div class="gap"></div>${button(m.n, "arrived", "arrived", "✓ Arrived")}${button(m.n, "failed", "no", "✕ Failed or hangs")}`;
  }
  function failed(m, st) {
    const held = Engine.heldUp(M, m.n), stop = st.state === "failed";
    return `<h4>1 Stop${on(m)}</h4>${copy(m.commands.stop, `stop ${m.lpar}`)}${stop ? button(m.n, "stopped", "act", "Stopped") : `<p>✓ stopped ${esc(whenMs(st.since))}</p>`}
<h4>2 Recover${on(m)}</h4>${stop ? '<p class="dim">after step 1</p>' : copy(m.commands.recover, `recover ${m.lpar}`) + `<p>Then it runs on one server alone: see both.</p>${copy(m.commands.gone, `is ${m.lpar} on ${short(m.from)}`, true)}${copy(m.commands.arrived, `is ${m.lpar} on ${short(m.to)}`, true)}`}
${button(m.n, "recovered", stop ? "no" : "act", `Recovered: runs on ${short(m.from)}`, stop ? " disabled" : "")}${quiet(m.n, "arrived", `It has arrived on ${short(m.to)} after all`)}
<p>${held.length ? `<b>Holds up</b> ${esc(list(held.map(name), 8))}. ` : ""}All else goes on.</p>`;
  }
  function startable(m) {
    const latest = m.range && m.range.latest_s != null ? ` At the latest ${when(m.range.latest_s)}.` : "", again = S.get(m.n).state === "recovered";
    return `<p>${again ? `Recovered ${esc(whenMs(S.get(m.n).since))}: may be tried again. ` : ""}Planned ${esc(when(Engine.planned(m)[0]))}, takes ${esc(range(m))}.${esc(latest)}</p>${remark(m)}
<h4>1 Validate, read what it says${on(m)}</h4>${copy(m.commands.validate, `validate ${m.lpar}`, true)}<h4>2 Move</h4>${copy(m.commands.move, `move ${m.lpar}`)}<div class="gap"></div>${button(m.n, "started", "go", "▶ Started")}`;
  }
  function waiting(m, shut) {
    const expected = F && F.moves.get(m.n) && F.moves.get(m.n).start, rows = shut.slice(0, 5).map(g => `<li>${esc(needs(g, m))}</li>`).join("");
    return `<p class="much">Starts when</p><ul class="waits-on">${rows}${shut.length > 5 ? `<li>and ${shut.length - 5} more</li>` : ""}</ul><p class="dim">Planned ${esc(when(Engine.planned(m)[0]))}${expected ? `, now expected about ${esc(when(expected[1]))}` : ""}${m.range && m.range.latest_s != null ? `, at the latest ${esc(when(m.range.latest_s))}` : ""}; takes ${esc(range(m))}.</p>
<details><summary>Its commands, and if it was started all the same</summary>${copy(m.commands.validate, `validate ${m.lpar}`, true)}${copy(m.commands.move, `move ${m.lpar}`)}${quiet(m.n, "started", "It was started all the same")}${quiet(m.n, "arrived", "It has arrived")}</details>`;
  }
  /* The last tick of a card: of the move that it is at, or of the one before that. */
  function undoable(card, n) {
    const all = [...card.out, ...card.back], k = n === null ? all.length : all.indexOf(n), own = n !== null && S.get(n).events.length ? n : all[k - 1];
    if (own === undefined || Engine.untick(M, R, own) === null) return "";
    const st = S.get(own);
    return `<p><button type="button" class="quiet" data-undo="${own}">Undo: ${own === n ? "" : esc(name(own)) + " "}${esc(st.state)} ${esc(whenMs(st.since))}</button></p>`;
  }
  function following(card, n) {
    const leg = card[M.moves.get(n).leg], after = leg[leg.indexOf(n) + 1];
    if (after === undefined) return `<p class="then dim">Then: ${M.moves.get(n).leg === "out" && card.back.length ? `the way back, <b>${esc(name(card.back[0]))}</b>` : "nothing more here"}</p>`;
    const waits = Engine.gates(M, S, R, after, Infinity).filter(g => g.kind === "move" && g.n !== n).map(g => name(g.n));
    return `<p class="then">Then: <b>${esc(name(after))}</b>${waits.length ? `, when ${esc(list(waits, 3))} ${waits.length > 1 ? "have" : "has"} arrived` : ""}</p>`;
  }
  /* Markup that has changed is put in its place; what had the focus in it keeps it. */
  function put(key, node, html) {
    if (drawn.get(key) === html) return false;
    drawn.set(key, html);
    const focus = node.contains(document.activeElement) && document.activeElement !== node ? document.activeElement : null;
    const open = $$("details", node).map(d => d.open);
    node.innerHTML = html;
    $$("details", node).forEach((d, i) => { d.open = open[i] || false; });
    if (focus) ($$(focus.tagName.toLowerCase(), node).find(x => x.dataset.tick === focus.dataset.tick && x.dataset.lpar === focus.dataset.lpar && x.textContent.replace("✓ ", "") === focus.textContent.replace("✓ ", "")) || $(".tick:not(:disabled)", node) || node).focus({ preventScroll: true });
    return true;
  }
  function cards(all) {
    const rank = new Map();
    all.forEach((h, i) => { if (h.n && !rank.has(h.card)) rank.set(h.card, i); });
    M.cards.forEach((card, k) => {
      const node = $(`#k-card-${k + 1}`), c = cardOf(k), urgent = all.find(h => h.n && h.card === k);
      node.className = `lane-card is-${urgent && (urgent.kind === "hangs" || urgent.kind === "look") ? urgent.kind : c.kind}`;
      node.style.setProperty("--k", rank.has(k) ? rank.get(k) - 1000 : { flying: 1, wait: 2, done: 3 }[c.kind] || 0);
      put(`card-${k}`, node, `<h3 id="k-head-${k + 1}"><span>${lane(k)} <small>${esc(c.head)}</small></span>${c.badge}</h3>${c.body}`);
    });
  }
  function work() {
    const node = $("#k-work"), stage = Engine.phase(M, S, R), w = Engine.workOf(R);
    if (!P.work || (stage !== "work" && !w.state)) return put("work", node, "");
    const span = P.work.to_s - P.work.from_s, z = Engine.zero(M, R, now()), out = M.legs.get("out").filter(n => S.get(n).state !== "arrived");
    let body;
    if (!w.state) body = `<p class="much">${out.length ? `<b>Not all have arrived</b>: ${esc(list(out.map(name)))}. Go, or no-go?` : "All have arrived. Go, or no-go? Then begin."}</p><p>Planned ${esc(spanOf(span))}${F && F.home != null ? `; over by ${esc(when(F.home))}, or the way back does not fit` : ""}.</p>${button(0, "started", "go", `▶ Begin ${P.work.words}`)}`;
    else if (w.state === "started") body = `<p class="much"><b data-since="${w.begun}"></b> of ${esc(spanOf(span))}, planned to be over ${esc(when((w.begun - z) / 1000 + span))}</p><p>${F && F.home != null ? `Over by <b>${esc(when(F.home))}</b>, or the way back does not fit. ` : ""}Over when the servers are up again, their VIOSes and movers too.</p>${button(0, "over", "arrived", `✓ ${capital(P.work.words)} is over`)}`;
    else body = `<p>From ${esc(whenMs(w.begun))} to ${esc(whenMs(w.over))}, planned ${esc(spanOf(span))}.</p>`;
    const undoing = R.work.length && stage !== "over" && !M.legs.get("back").some(n => S.get(n).events.length) ? '<p><button type="button" class="quiet" data-undo="0">Undo</button></p>' : "";
    put("work", node, `<section class="card lane-card ${w.state === "over" ? "is-done" : "is-start"}" id="k-work-card" tabindex="-1"><h2>Between the ways: ${esc(P.work.words)}</h2>${body}${undoing}</section>`);
  }

  // ---- the course as a picture -----------------------------------------------------------------------------------------------

  const paper = document.createElement("canvas").getContext("2d"), WIDE = new Map(), LEAST_LABEL = 12;  // pixels: less holds no letter
  const common = (() => { const names = Object.keys(P.lpars); let i = 0; if (names.length < 2) return 0; while (i < names[0].length && names.every(x => x[i] === names[0][i])) i++; return i; })();
  paper.font = '11.5px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  const wide = text => WIDE.get(text) ?? WIDE.set(text, paper.measureText(text).width * 1.06 + 8).get(text);
  const label = (lpar, room) => room > LEAST_LABEL && [lpar, lpar.slice(common)].find(t => t && wide(t) < room) || "";
  /* What is drawn of a move: since when, and to when it is expected or was under way, in seconds of the plan. */
  function spanNow(n, z) {
    const m = M.moves.get(n), st = S.get(n), f = F.moves.get(n);
    const a = st.begun != null ? (st.begun - z) / 1000 : st.over != null ? (st.over - z) / 1000 : f && f.start ? f.start[1] : Engine.planned(m)[0];
    return [a, Math.max(a, st.over != null ? (st.over - z) / 1000 : f && f.end ? f.end[1] : a + m.duration_s)];
  }
  /* The way that is drawn, its rows and its scale, which changes by steps alone: a tick draws its own row anew. */
  function scene(leg, width) {
    const z = Engine.zero(M, R, now()), all = M.legs.get(leg), spans = new Map(all.map(n => [n, spanNow(n, z)]));
    const rows = M.cards.map((c, k) => [k, c[leg]]).filter(([, ns]) => ns.length), tall = rows.length > 20 ? 18 : 38;
    let from = Infinity, to = -Infinity;
    for (const n of all) { const [pa, pb] = Engine.planned(M.moves.get(n)), [a, b] = spans.get(n), f = F.moves.get(n); from = Math.min(from, a, pa); to = Math.max(to, b, pb, f && f.end ? f.end[2] : b); }
    const by = [3600, 1800, 900, 300, 60, 15].find(v => 30 * v < to - from) || 5;
    from = by * Math.floor(from / by); to = by * Math.ceil(to / by);
    const left = width < 500 ? 26 : 78, scale = (width - left - 8) / Math.max(60, to - from);
    return { all, spans, rows, tall, bar: tall > 20 ? 18 : 10, from, to, z, width, left, scale, high: 22 + rows.length * tall, x: v => +(left + (v - from) * scale).toFixed(1) };
  }
  function gridOf({ from, to, z, scale, x, width, high }, t) {
    const half = when(from).length > 5 || when(to).length > 5 ? 50 : 18;  // of a label: with its day where that is not tonight
    const step = [300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].find(v => v * scale > 2 * half + 28) || 172800, out = [];
    for (let v = Math.ceil((from + z / 1000) / step) * step - z / 1000; v <= to; v += step) out.push(`<path class="grid" d="M${x(v)} 18V${high}"/>${Math.abs(v - t) * scale > 60 && x(v) >= half && x(v) <= width - half ? `<text class="axis" x="${x(v)}" y="12" text-anchor="middle">${esc(when(v))}</text>` : ""}`);
    return out.join("");
  }
  function rowOf(v, i, k, ns) {
    const top = 22 + i * v.tall, out = [`<text class="lane" x="0" y="${top + 17}">${v.left < 50 ? k + 1 : esc(lane(k))}</text>`];
    let plan = "", whiskers = "";
    ns.forEach((n, j) => {
      const m = M.moves.get(n), st = S.get(n), [a, b] = v.spans.get(n), w = Math.max(2, (b - a) * v.scale), f = F.moves.get(n);
      const kind = st.state === "arrived" ? "done" : st.state === "started" ? "fly" : ["failed", "stopped"].includes(st.state) ? "fail" : "come";
      plan += `M${v.x(Engine.planned(m)[0])} ${top + 1}H${v.x(Engine.planned(m)[1])}`;
      out.push(`<rect class="b-${kind}" data-bar="${n}" rx="2" x="${v.x(a)}" y="${top + 4}" width="${w.toFixed(1)}" height="${v.bar}"/>`);
      const text = v.bar > 12 && label(m.lpar, w);
      if (text) out.push(`<text class="${kind === "done" ? "b-done-text" : ""}" x="${v.x(a) + 4}" y="${top + 17}">${kind === "fail" ? "✕ " : ""}${esc(text)}</text>`);
      if (v.bar > 12 && f && f.end && kind !== "done") { const at = top + v.bar + 8 + (j % 2) * 5; whiskers += `M${v.x(f.end[0])} ${at}H${v.x(f.end[2])}M${v.x(f.end[0])} ${at - 2}v4M${v.x(f.end[2])} ${at - 2}v4`; }
    });
    return `<path class="b-plan" d="${plan}"/>${out.join("")}<path class="whisker" d="${whiskers}"/>`;
  }
  function waitsOf(v) {
    const y = new Map(v.rows.flatMap(([, ns], i) => ns.map(n => [n, 26 + i * v.tall + v.bar / 2]))), out = [];
    if (P.in_lanes && v.all.length <= 80) for (const n of v.all) if (!S.get(n).events.length) for (const g of M.needs.get(n)) {
      if (S.get(g.n).state !== "arrived" && y.has(g.n) && y.get(g.n) !== y.get(n)) { const a = v.x(v.spans.get(g.n)[1]), b = v.x(v.spans.get(n)[0]); out.push(`<path class="wait" d="M${a} ${y.get(g.n)}C${a + 14} ${y.get(g.n)} ${b - 14} ${y.get(n)} ${b} ${y.get(n)}"/>`); }
    }
    return out.join("");
  }
  /* Groups one over another: the grid, the rows, the waits, now. */
  function* partsOf(v, t) {
    yield gridOf(v, t);
    for (const [i, [k, ns]] of v.rows.entries()) yield rowOf(v, i, k, ns);
    yield waitsOf(v);
    yield t < v.from || t > v.to ? "" : `<path class="now" d="M${v.x(t)} 16V${v.high}"/><text class="now-text" x="${Math.min(Math.max(v.x(t), 40), v.width - 40)}" y="12" text-anchor="middle">now ${esc(when(t))}</text>`;
  }
  /* Each group is drawn where it has changed, in slices. */
  function course() {
    const node = $("#k-course"), width = node.clientWidth, t = s(), stage = Engine.phase(M, S, R), leg = M.legs.get("back").length && (stage === "back" || stage === "over") ? "back" : "out";
    $("#h-course").textContent = leg === "out" ? "Way out, live" : "Way back, live";
    if (!width || !F) return;
    const v = scene(leg, width), size = `viewBox="0 0 ${width} ${v.high}" width="${width}" height="${v.high}"`;
    if (put("course", node, `<svg ${size} role="img">${"<g></g>".repeat(v.rows.length + 3)}</svg>`)) for (const key of [...drawn.keys()]) if (key.startsWith("course-")) drawn.delete(key);
    const svg = node.firstChild, groups = svg.children;
    svg.setAttribute("aria-label", `${wayOf(leg)}: ${v.all.filter(n => S.get(n).state === "arrived").length} of ${v.all.length} arrived`);
    const mine = ++drawing, draw = function* () { let i = 0; for (const html of partsOf(v, t)) { yield put(`course-${i}`, groups[i], html); i++; } };
    sliced(draw(), () => mine !== drawing);
    const night = F.tonight, many = n => `${n} ${n === 1 ? "move" : "moves"}`, off = Math.round(100 * (Math.exp(night.mean) - 1));
    $("#k-how").textContent = `Expected: the middle of ${F.count} draws of what is left, each with the waits, the people and the checks of the plan; 8 in 10 lie within the range. ` + (night.seen
      ? `${many(night.seen)} so far: the night counts as ${Math.abs(off) < 1 ? "fast as planned" : `${Math.abs(off)} % ${off > 0 ? "slower" : "faster"} than planned`}, and so does the rest.` : night.unlikely ? "" : "No move has arrived yet: the spread is the plan's.")
      + (night.unlikely ? ` ${many(night.unlikely)} arrived sooner after the start than a move can, by the ticks: nothing is concluded from that.` : "");
  }
  /* What a bar is, said when the pointer comes to it. */
  function titled(bar) {
    const n = +bar.dataset.bar, [a, b] = spanNow(n, Engine.zero(M, R, now())), title = document.createElementNS(bar.namespaceURI, "title");
    title.textContent = plain(`${name(n)}: ${when(a)}–${when(b)}, ${S.get(n).state || "to come"}`);
    bar.replaceChildren(title);
  }

  // ---- console, log --------------------------------------------------------------------------------------------------------------

  /* One line for each console: it lists all servers of the plan, each under its name. */
  function listing() {
    const used = new Set(P.moves.flatMap(m => [m.from, m.to])), by = new Map();
    for (const x of P.servers) if (used.has(x.name)) by.set(x.console, [...(by.get(x.console) || []), x]);
    const word = text => /^[\w.,:+@%/-]+$/.test(text) ? text : "'" + text.replace(/'/g, "'\\''") + "'";
    $("#k-listing").innerHTML = [...by].map(([where, servers]) => (where ? `<p class="dim small">On ${esc(where)}:</p>` : "") + copy(
      `for s in ${servers.map(x => word(x.name)).join(" ")}; do echo "# $s"; lssyscfg -r lpar -m "$s" -F name,state; lslparmigr -r lpar -m "$s" -F name,migration_state; done`, `listing of ${where || "all servers"}`)).join("");
    $("#k-server").append(...P.servers.filter(x => used.has(x.name)).map(x => make("option", { value: x.name }, x.name)));
  }
  /* Reads a text of the console, ticks what it shows, and returns what it says of it. */
  function paste(text, server) {
    const { facts, runs, odd } = Engine.read(M, text, server), said = [], done = Engine.logged(M, R, runs);
    let made = R;
    const ticks = (list, note) => {
      for (const t of list) {
        const at = t.local ? msOf(t.local) : Math.max(now(), Engine.lastAt(made, t.n));
        const next = Engine.tick(M, made, t.n, t.event, iso(at), $("#k-who").value.trim(), note);
        if (next) { made = next; said.push(`${name(t.n)}: ${t.event}`); } else said.push(`${name(t.n)}: ${t.event} does not go with what is ticked`);
      }
    };
    ticks(done.ticks, "log of the lane's script");
    const seen = Engine.observed(M, made, facts, s());
    ticks(seen.ticks, SEEN);
    said.push(...done.said, ...seen.said);
    if (seen.same) said.push(`${seen.same} as ticked already, or not begun`);
    if (seen.others) said.push(`${seen.others} LPARs that the plan does not move`);
    if (!facts.size && !runs.length && odd.length) said.push("No server is named: choose it above, or paste the command's line too");
    if (odd.length) said.push(`Not understood: ${odd.slice(0, 5).map(x => `“${x.slice(0, 80)}”`).join(", ")}${odd.length > 5 ? ` and ${odd.length - 5} lines more` : ""}`);
    if (!said.length) said.push("Nothing in it");
    $("#k-read-said").replaceChildren(...said.map(x => make("li", {}, x)));
    if (made !== R) change(made, said.join(". ")); else say(said.join(". "));
  }
  function log() {
    const rows = Engine.log(M, R), shown = rows.slice(0, 60);
    $("#k-log-hint").textContent = rows.length ? `${rows.length} ticks, kept in this browser.` : "Nothing is ticked yet. It is kept in this browser.";
    $("#k-undo").disabled = !rows.some(r => r.last);
    put("log", $("#k-log"), shown.map(r => `<li><span>${esc(whenMs(Date.parse(r.at), true))}</span><span>${esc(r.n ? `${r.lpar} ${WORD[r.event]}` : `${P.work.words} ${r.event}`)}</span><span class="by">${esc(r.who)}</span><input class="note-of" aria-label="Note to ${esc(r.lpar || P.work.words)} ${esc(r.event)}" placeholder="note" maxlength="500" value="${esc(r.note)}" data-note="${r.n}" data-i="${r.i}">${r.last ? `<button type="button" class="quiet" data-undo="${r.n}" aria-label="Undo: ${esc(r.lpar || P.work.words)} ${esc(r.event)}">Undo</button>` : "<span></span>"}</li>`).join(""));
  }
  function noted(input) {
    const n = +input.dataset.note, i = +input.dataset.i, events = e => e.map((x, k) => k === i ? { ...x, note: input.value } : x);
    R = n ? { ...R, moves: R.moves.map(m => m.number === n ? { ...m, events: events(m.events) } : m) } : { ...R, work: events(R.work) };
    S = Engine.states(M, R);
    keep();
    after();
  }

  // ---- after -------------------------------------------------------------------------------------------------------------------------

  const crew = () => [...new Set([...R.moves.flatMap(m => m.events), ...R.work, ...R.checks].map(e => e.who).filter(Boolean))].sort();
  function after() {
    if ($("#after").hidden) return;
    const rows = Engine.results(M, R), done = rows.filter(r => r.seconds != null), inside = done.filter(r => r.inside).length, failures = rows.filter(r => r.failures);
    const arrived = rows.filter(r => r.state === "arrived"), z = Engine.zero(M, R, now()), last = leg => Math.max(...arrived.filter(r => r.m.leg === leg).map(r => r.over));
    const all = P.moves.length, planned = leg => { const x = middle(leg); return x === null ? "" : `planned ${esc(when(x))}`; }, leg = M.legs.get("back").length ? "back" : "out";
    const over = arrived.length === all, out = M.legs.get("out").length && M.legs.get("out").every(n => S.get(n).state === "arrived");
    $("#a-strip").innerHTML = [cell(over ? "Over" : "Not over", "over", over ? esc(whenMs(last(leg))) : "–", planned(leg)),
      cell("Moves", "moves", `${arrived.length} of ${all}`, failures.length ? `failed once or more: ${esc(list(failures.map(r => r.m.lpar), 3))}` : "none failed"),
      leg === "back" && M.legs.get("out").length ? cell("Way out over", "out over", out ? esc(whenMs(last("out"))) : "–", planned("out")) : "",
      cell("Inside the range", "in range", `${inside} of ${done.length}`, `${Math.round(0.8 * done.length)} expected: 8 in 10`), cell("Crew", "crew", esc(crew().join(" · ")) || "–")].join("");
    $("#a-moves").innerHTML = ["out", "back"].map(l => [l, rows.filter(r => r.m.leg === l)]).filter(([, rs]) => rs.length).map(([l, rs]) => `<div><h3>${l === "out" ? "Way out" : "Way back"}</h3><table class="rows real"><thead><tr><th>LPAR</th><th>Real</th><th class="n">Min</th><th><svg class="ratio" viewBox="0 0 230 18" role="img" aria-label="half, as planned, double"><text x="43" y="13" text-anchor="middle">half</text><text x="115" y="13" text-anchor="middle">as planned</text><text x="187" y="13" text-anchor="middle">double</text></svg></th></tr></thead><tbody>${rs.sort((a, b) => (a.first ?? a.over ?? 0) - (b.first ?? b.over ?? 0)).map(row).join("")}</tbody></table></div>`).join("") || '<p class="dim">Nothing was ticked yet.</p>';
    $("#a-notes").textContent = rows.filter(r => r.failures || r.notes.some(x => !AUTOMATIC.includes(x))).map(r => `${r.failures ? "* " : ""}${plain(r.m.lpar)}: ${r.failures ? story(r) : ""}${r.notes.filter(x => !AUTOMATIC.includes(x)).map(plain).join("; ")}`).join(". ");
    checks();
  }
  const story = r => S.get(r.n).events.map(e => `${e.event} ${whenMs(Date.parse(e.at))}`).join(", ") + "; minutes from the first start to the arrival. ";
  function row(r) {
    const x = q => 115 + 72 * Math.max(-1.5, Math.min(1.5, Math.log2(q)));
    const picture = r.ratio == null ? "" : `<svg class="ratio" viewBox="0 0 230 18" role="img" aria-label="${esc(`${r.ratio.toFixed(2)} of the plan, ${r.inside ? "inside" : "outside"} its range`)}"><path class="r-mark" d="M43 2V16M187 2V16"/><rect class="r-band" x="${x(r.range[0]).toFixed(1)}" y="5" width="${(x(r.range[1]) - x(r.range[0])).toFixed(1)}" height="8"/><path class="r-one" d="M115 2V16"/><circle class="${r.inside ? "r-in" : "r-out"}" cx="${x(r.ratio).toFixed(1)}" cy="9" r="4.5"/></svg>`;
    return `<tr><td data-label="LPAR"><b>${esc(r.m.lpar)}</b>${r.failures ? " *" : ""}</td><td data-label="Real">${r.first ? esc(whenMs(r.first)) : "?"}–${r.over ? esc(whenMs(r.over)) : esc(r.state)}</td><td class="n" data-label="Min">${r.seconds == null ? "–" : (r.seconds / 60).toFixed(1)}</td><td data-label="Of the plan">${picture}</td></tr>`;
  }
  /* Whether an LPAR stands where its last move takes it. */
  const settled = lpar => M.chains.get(lpar).every(n => S.get(n).state === "arrived");
  function checks() {
    const signed = new Map(R.checks.map(c => [c.check + "\n" + c.lpar, c]));
    const node = $("#a-checks");
    if (node.children.length !== P.checks.length) node.replaceChildren(...P.checks.map(() => make("div")));
    P.checks.forEach((c, i) => {
      const done = c.lpars.filter(l => signed.has(c.check + "\n" + l)), is = new Set(done), by = [...new Set(done.map(l => signed.get(c.check + "\n" + l).who).filter(Boolean))], left = c.lpars.filter(l => !is.has(l) && settled(l));
      put(`check-${i}`, node.children[i], `<details class="check"><summary><span><b>${esc(c.list)}:</b> ${esc(c.check)}</span><span>${chip(done.length === c.lpars.length ? "good" : "", `${done.length} of ${c.lpars.length}`)}</span><span class="dim">${esc(by.join(", "))}</span></summary>${c.command ? copy(c.command, c.check, true) : ""}
<div class="signs">${left.length > 1 ? `<button type="button" data-check="${i}">All ${left.length} that have arrived</button>` : ""}${c.lpars.map((l, k) => `<button type="button" data-check="${i}" data-lpar="${k}" aria-pressed="${is.has(l)}"${settled(l) ? "" : " disabled"}>${is.has(l) ? "✓ " : ""}${esc(l)}</button>`).join("")}</div></details>`);
    });
    if (!P.checks.length) node.textContent = "No checks are known for these LPARs.";
  }
  /* Signs a check for an LPAR (its place in the list), or takes that back; without one for all that have arrived. */
  function sign(c, place) {
    const lpar = place === undefined ? place : c.lpars[+place], has = l => R.checks.some(x => x.check === c.check && x.lpar === l), t = iso(now()), who = $("#k-who").value.trim();
    const add = (lpar === undefined ? c.lpars.filter(l => settled(l) && !has(l)) : has(lpar) ? [] : [lpar]).map(l => ({ check: c.check, lpar: l, at: t, who, note: "" }));
    R = { ...R, checks: add.length ? [...R.checks, ...add] : R.checks.filter(x => !(x.check === c.check && x.lpar === lpar)) };
    keep();
    after();
    say(add.length ? `Signed for ${list(add.map(x => x.lpar))}` : `Taken back for ${lpar}`);
  }
  /* A text in a table of Markdown. */
  const md = text => plain(text).replace(/[\\`*_[\]<>|#]/g, "\\$&");
  function ticket() {
    const rows = Engine.results(M, R), done = rows.filter(r => r.seconds != null), z = Engine.zero(M, R, now()), moved = rows.filter(r => r.state === "arrived").length;
    const stampOf = e => e ? e.at.slice(0, 16).replace("T", " ") : "–", first = r => r.m && S.get(r.n).events.find(e => e.event === "started"), end = r => S.get(r.n).events.find(e => e.event === "arrived");
    const times = [...R.moves.flatMap(m => m.events), ...R.work].map(e => e.at).sort((a, b) => Date.parse(a) - Date.parse(b)), w = R.work;
    return [`# ${md(P.title)}`, "", `- plan ${P.plan}`, `- from ${times.length ? times[0].slice(0, 16).replace("T", " ") : "–"} to ${times.length ? times[times.length - 1].slice(0, 16).replace("T", " ") : "–"}`,
      `- ${moved} of ${P.moves.length} moves arrived; ${done.filter(r => r.inside).length} of ${done.length} inside the planned range (8 in 10 are expected)`,
      ...(w.length ? [`- ${md(P.work.words)}: ${stampOf(w[0])} to ${stampOf(w[1])}`] : []), `- crew: ${crew().map(md).join(", ") || "not written down"}`, "",
      "| move | way | LPAR | from | to | started | arrived | minutes | planned | by | remarks |", "|---:|---|---|---|---|---|---|---:|---|---|---|",
      ...rows.map(r => `| ${r.n} | ${r.m.leg} | ${md(r.m.lpar)} | ${md(r.m.from)} | ${md(r.m.to)} | ${stampOf(first(r))} | ${end(r) ? stampOf(end(r)) : md(r.state)} | ${r.seconds == null ? "–" : (r.seconds / 60).toFixed(1)} | ${range(r.m)} | ${r.who.map(md).join(", ")} | ${md([r.failures ? `failed ${r.failures} ×` : "", ...r.notes].filter(Boolean).join("; "))} |`),
      ...P.moves.filter(m => !S.get(m.n).events.length).map(m => `| ${m.n} | ${m.leg} | ${md(m.lpar)} | ${md(m.from)} | ${md(m.to)} | not begun | – | – | ${range(m)} | | |`),
      "", "## Checks", "", ...P.checks.map(c => { const own = R.checks.filter(x => x.check === c.check), left = c.lpars.filter(l => !own.some(x => x.lpar === l)); return `- ${md(c.list)}: ${md(c.check)}: ${own.length} of ${c.lpars.length}${own.length ? ` (${[...new Set(own.map(x => x.who || "?"))].map(md).join(", ")})` : ""}${left.length && own.length ? `; left: ${left.map(md).join(", ")}` : ""}`; }), ""].join("\n");
  }

  // ---- together -------------------------------------------------------------------------------------------------------------------------

  function render() {
    if (!$("#during").hidden) { const all = hands(); strip(); work(); cards(all); log(); second(); }
    after();
  }
  /* Runs in slices what stops often, so that a click is not kept waiting; null where it is `off` meanwhile. */
  async function sliced(started, off) {
    for (let t = performance.now(); ;) {
      const one = started.next();
      if (one.done) return one.value;
      if (performance.now() - t > 12) { await new Promise(go => setTimeout(go)); if (off()) return null; t = performance.now(); }
    }
  }
  /* The forecast anew; what comes meanwhile begins it again. */
  async function forecast() {
    const mine = ++turn, run = started => sliced(started, () => mine !== turn);
    if ([...M.legs].some(([leg, all]) => all.length && !P.decisions[leg])) base ||= ((await run(Engine.forecasting(M, Engine.fresh(P), P.clock ? Engine.zero(M, R, now()) : 0))) || {}).legs;
    const found = mine === turn && await run(Engine.forecasting(M, R, now()));
    if (!found || mine !== turn) return;
    F = found;
    render();
    course();
  }
  /* Nothing is worked out before During or After is first looked at. */
  function seen() {
    if ($("#during").hidden && $("#after").hidden) return;
    render();
    if (F) return course();
    forecast();
  }
  function start() {
    kept();
    S = Engine.states(M, R);
    $("#k-cards").replaceChildren(...M.cards.map((c, k) => make("article", { class: "lane-card", id: `k-card-${k + 1}`, tabindex: "-1", "aria-labelledby": `k-head-${k + 1}` })));
    listing();
    seen();
    setInterval(() => { if (!$("#during").hidden) second(); }, 1000);
    setInterval(() => { if (F && !document.hidden) forecast(); }, FORECAST_MS);
  }
  document.addEventListener("click", event => {
    const b = event.target.closest("button");
    if (!b) return;
    if (b.dataset.tick) {
      const card = b.closest(".lane-card").id;
      if (performance.now() - (ticked.get(card) ?? -GUARD_MS) < GUARD_MS) return;
      ticked.set(card, performance.now());
      tick(+b.dataset.n, b.dataset.tick);
    } else if (b.dataset.undo) undo(+b.dataset.undo);
    else if (b.dataset.check) sign(P.checks[+b.dataset.check], b.dataset.lpar);
    else if ("export" in b.dataset) exported();
    else if ("copy" in b.dataset) {
      const code = $("code", b.parentNode);
      const shown = ok => { b.textContent = ok ? "Copied" : "Selected: Ctrl-C"; say(b.textContent); setTimeout(() => { b.textContent = "Copy"; }, 1500); };
      const select = () => { getSelection().selectAllChildren(code); shown(false); };
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(() => shown(true), select); else select();
    } else if (b.id === "k-read") paste($("#k-text").value, $("#k-server").value);
    else if (b.id === "k-undo") { const top = Engine.log(M, R).find(r => r.last); if (top) undo(top.n); }
    else if (b.id === "a-ticket") save(ticket(), `change-${stamp()}.md`, "text/markdown");
  });
  document.addEventListener("change", event => {
    const t = event.target;
    if (t.id === "k-import" && t.files[0]) { imported(t.files[0]); t.value = ""; }
    else if (t.id === "k-who") { try { localStorage.setItem("planner-who", t.value.trim()); } catch (error) { /* warned of already */ } }
    else if (t.dataset && t.dataset.note !== undefined) noted(t);
  });
  addEventListener("storage", event => { if (event.key === KEY && event.newValue) { try { R = Engine.parsed(M, event.newValue); S = Engine.states(M, R); forecast(); } catch (error) { warn(error.message); } } });
  document.addEventListener("view", () => { if ($("#k-card-1")) seen(); });
  $("#k-course").addEventListener("pointerover", event => { if (F && event.target.dataset.bar) titled(event.target); });
  let sized = 0;
  addEventListener("resize", () => { clearTimeout(sized); sized = setTimeout(course, 150); });
  addEventListener("DOMContentLoaded", start);
  return { record: () => R, ticket };
})();
