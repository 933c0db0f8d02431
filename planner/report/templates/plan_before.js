"use strict";
/* Before: the night, the lanes, the moves, the reach of an LPAR, a conflict. Drawn anew for each width, and for paper. */
(() => {
const PAPER = 1040;
let printing = false;
const widthOf = el => printing ? PAPER : Math.max(260, el.clientWidth);
const narrow = () => !printing && innerWidth <= 640;
const pen = document.createElement("canvas").getContext("2d");
const FONT = getComputedStyle(document.body).fontFamily;
const wide = (text, size, weight) => { pen.font = `${weight || 400} ${size || 11.5}px ${FONT}`; return pen.measureText(text).width; };
const r1 = x => Math.round(10 * x) / 10;
const picture = (el, w, h, inner, extra) => {
  el.innerHTML = `<svg viewBox="0 0 ${r1(w)} ${r1(h)}" width="${r1(w)}" height="${r1(h)}" ${extra || 'aria-hidden="true"'}>${inner}</svg>`;
  return el.firstChild;
};
const words = (x, y, text, cls, anchor) => `<text x="${r1(x)}" y="${r1(y)}" class="${cls || ""}" text-anchor="${anchor || "start"}">${esc(text)}</text>`;
const box = (x, y, w, h, cls) => `<rect x="${r1(x)}" y="${r1(y)}" width="${r1(Math.max(w, 0.5))}" height="${r1(Math.max(h, 0.5))}" class="${cls}"/>`;
const line = (x1, y1, x2, y2, cls) => `<path d="M${r1(x1)} ${r1(y1)}L${r1(x2)} ${r1(y2)}" class="${cls}"/>`;
/* A whisker along one axis: from, to, and where it lies on the other. */
const whisker = (a, b, o, upright) => { const [p, q, y] = [a, b, o].map(r1);
  return `<path class="whisker" d="${upright ? `M${y} ${p}V${q}M${y - 3} ${p}h6M${y - 3} ${q}h6` : `M${p} ${y}H${q}M${p} ${y - 3}v6M${q} ${y - 3}v6`}"/>`; };

const COMMON = (() => {  /* what all LPARs' names begin with; left out where there is little room */
  const names = Object.keys(P.lpars);
  if (names.length < 3) return "";
  let n = 0;
  while (names.every(x => x.length > n + 1 && x[n] === names[0][n])) n++;
  const common = names[0].slice(0, n).replace(/[0-9]+$/, "");
  return common.length >= 3 ? common : "";
})();
const nameIn = (name, room) => { name = plain(name);
  if (wide(name) <= room) return name;
  const less = name.startsWith(COMMON) ? name.slice(COMMON.length) : name;
  return wide(less) <= room ? less : ""; };

const overBy = s => 60 * Math.ceil(s / 60), atMost = s => 60 * Math.floor(s / 60);
const spanMiddle = m => m.range ? m.range.middle : [m.start_s, m.start_s + m.duration_s];
const lateEnd = m => m.range ? m.range.end[1] : m.start_s + m.duration_s;
/* "25–42". */
const minutesOf = m => m.minutes[0] === m.minutes[1] ? `${m.minutes[1]}` : `${m.minutes[0]}–${m.minutes[1]}`;
const gibOf = x => x >= 10 ? Math.round(x) : r1(x);
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800];
/* The round times of an axis: [seconds of the plan, its label], with enough room for each. */
function ticks(from, to, length, room) {
  if (!P.clock) room = Math.max(room, wide("+22 h 22 min") + 16);
  const step = STEPS.find(s => s / (to - from) * length >= room) || STEPS[STEPS.length - 1];
  const clock = clockOf(from), day = clock && clock.getUTCHours() * 3600 + clock.getUTCMinutes() * 60 + clock.getUTCSeconds();
  const out = [];
  for (let s = clock ? from + (step - day % step) % step : Math.ceil(from / step) * step; s <= to; s += step) out.push([s, at(s)]);
  return out;
}

/* ", Tue 2027-01-05": where the ways are on different days. */
const dateOf = s => { const then = P.back_from_s == null ? null : clockOf(s); return then ? `, ${DAYS[then.getUTCDay()]} ${then.toISOString().slice(0, 10)}` : ""; };

/* ---- the night ---------------------------------------------------------------------------------------------------- */
function strips() {
  const D = P.decisions, parts = [];
  for (const leg of ["out", "back"]) {
    const moves = P.moves.filter(m => m.leg === leg);
    if (!moves.length) continue;
    const start = Math.min(...moves.map(m => m.start_s)), end = Math.max(...moves.map(m => m.start_s + m.duration_s));
    parts.push({ leg, start, half: D[leg] ? overBy(D[leg][0]) : end, most: D[leg] ? overBy(D[leg][1]) : end });
  }
  const apart = P.back_from_s != null && parts.length > 1;
  const whole = legs => {
    const window = P.window_s[legs[legs.length - 1].leg];
    const begin = !apart && legs[0].leg === "out" ? Math.min(0, legs[0].start) : Math.min(window ? window[0] : Infinity, legs[0].start);
    return { legs, from: begin, end: window ? window[1] : null, to: Math.max(window ? window[1] : 0, ...legs.map(x => x.most)) };
  };
  return apart ? parts.map(x => whole([x])) : parts.length ? [whole(parts)] : [];
}
function night(el) {
  const W = widthOf(el), pad = 24, high = printing ? 22 : narrow() ? 34 : 30, rows = strips();
  let inner = '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V6" class="hatch"/></pattern></defs>', y = 0, said = [];
  for (const s of rows) {
    const X = t => pad + (t - s.from) / (s.to - s.from || 1) * (W - 2 * pad), top = y + (rows.length > 1 ? 44 : 30), last = s.legs[s.legs.length - 1];
    const segment = (a, b, text, cls) => { const w = X(b) - X(a); let t = [text, text.split(" ").pop()].find(one => wide(one, 13, 600) + 8 <= w) || "";
      return box(X(a), top, w, high, cls) + (t ? words(X(a) + w / 2, top + high / 2 + 4.5, t, "big on-" + cls, "middle") : ""); };
    if (rows.length > 1) inner += words(pad, y + 14, `way ${last.leg}${dateOf(s.from)}`, "axis");
    for (const [t, text] of ticks(s.from, s.to, W - 2 * pad, 64)) inner += line(X(t), top + high, X(t), top + high + 5, "grid") + (X(t) + wide(text, 12) / 2 < W ? words(X(t), top + high + 32, text, "axis", "middle") : "");
    if (s.end != null) inner += box(X(s.from), top, X(s.end) - X(s.from), high, "spare");
    const home = last.leg === "back", no = home ? P.decisions.no_return_s : P.decisions.turn_s == null ? null : atMost(P.decisions.turn_s);
    if (no != null && s.end != null && no < s.end) inner += box(X(no), top, X(s.end) - X(no), high, "late");
    let free = s.from;
    s.legs.forEach((leg, n) => {
      const before = s.legs[n - 1], begin = before ? Math.min(leg.half, before.half + (P.work ? P.work.to_s - P.work.from_s : 0)) : leg.start;
      if (before && P.work) inner += segment(before.half, begin, P.work.words.length > 18 ? "between" : P.work.words, "work");
      inner += segment(begin, leg.half, "way " + leg.leg, "way");
      if (leg.most > leg.half) inner += whisker(X(leg.half), X(leg.most), top + high + 12);
      free = leg.half;
      said.push(`Way ${leg.leg} over by ${dayAt(leg.half)}${P.decisions[leg.leg] ? ` in half of the nights, by ${dayAt(leg.most)} in 9 of 10` : ", as predicted"}.`);
    });
    if (no != null) {
      const label = (home ? `${narrow() ? "" : "the "}way back must begin by ` : "turn round by ") + at(no), half = wide(label, 12.5, 600) / 2, clear = Math.max(X(no), X(free));
      inner += line(X(no), top - 6, X(no), top + high, "no-return") + words(Math.min(Math.max(X(no), half + 2), W - half - 2), top - 11, label, "no-return-label", "middle");
      if (s.end != null && home && wide("too late to begin it", 13) + 10 < X(s.end) - clear - wide("over 00:00–00:00", 13, 600)) inner += words((clear + X(s.end)) / 2, top + high / 2 + 4.5, "too late to begin it", "big hushed", "middle");
      said.push(`Point of no return ${dayAt(no)}.`);
    }
    const over = `over ${at(last.half)}–${at(last.most)}`, edge = no != null && s.end != null && no > free ? Math.min(no, s.end) : s.end;
    if (edge != null && wide(over, 13, 600) + 12 < X(edge) - X(free) && !(no < free)) inner += words(X(free) + 8, top + high / 2 + 4.5, last.most > last.half ? over : `over ${at(last.half)}`, "big");
    if (s.end != null && s.to > s.end) inner += line(X(s.end), top - 6, X(s.end), top + high + 6, "no-return") + words(Math.max(X(s.end) - 4, wide("window ends", 12.5, 600) + 2), top - 11, "window ends", "no-return-label", "end");
    y = top + high + 40;
  }
  $("#night-hint").textContent = P.decisions.nights ? "In half of the nights. Under the bars: to when it is over in 9 nights of 10." : "As predicted.";
  picture(el, W, y, inner, `role="img" aria-label="${esc(said.join(" "))}"`);
}

/* ---- the lanes ---------------------------------------------------------------------------------------------------- */
const STAYS = new Map(P.moves.filter(m => m.leg === "out").map(m => [m.lpar, m.to]));
const RANKED = (() => { const n = new Map(); for (const s of STAYS.values()) n.set(s, (n.get(s) || 0) + 1);
  return [...n].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(x => x[0]); })();
const shade = m => (STAYS.get(m.lpar) || m.to) === RANKED[0] ? "deep" : "light";
const isRoom = wait => /^(memory|processor|network\.vnic|storage\.npiv)/.test(wait.rule);
/* Rows of a leg: its lanes; of waves the places within them. */
function rowsOf(leg) {
  if (P.in_lanes) return P.lanes.filter(x => x.leg === leg).map(x => ({ name: `Lane ${x.lane}`, moves: x.moves.map(n => MOVES.get(n)) }));
  const rows = [], place = new Map();
  for (const m of P.moves.filter(x => x.leg === leg)) { const n = place.get(m.wave) || 0; place.set(m.wave, n + 1);
    (rows[n] = rows[n] || { name: "", moves: [] }).moves.push(m); }
  return rows;
}
/* The name of a bar that is too short for it, over the bar, where the next one leaves room. */
function above(m, next, a, y, T, edge) {
  const room = Math.min(next ? T(spanMiddle(next)[0]) : Infinity, edge) - a - 4, less = m.lpar.startsWith(COMMON) ? m.lpar.slice(COMMON.length) : m.lpar;
  const name = [m.lpar, less].map(plain).find(x => wide(x) < room);
  return name ? words(a, y - 3, name, "") : "";
}
/* The same upright: the name along the bar. */
function aside(m, x, a, b) {
  const less = m.lpar.startsWith(COMMON) ? m.lpar.slice(COMMON.length) : m.lpar, name = [m.lpar, less].map(plain).find(t => wide(t) + 10 < b - a);
  return name ? `<text class="in" transform="translate(${r1(x - 4)} ${r1(a + 6)})rotate(90)">${esc(name)}</text>` : "";
}
function legPicture(leg, W) {
  const rows = rowsOf(leg), upright = narrow() && rows.length <= 7, many = rows.length > 24;
  const tall = Math.max(300, Math.min(1400, 74 * Math.max(...rows.map(r => r.moves.length))));
  const moves = rows.flatMap(r => r.moves), from = Math.min(...moves.map(m => spanMiddle(m)[0]));
  const to = Math.max(...moves.map(lateEnd), ...moves.map(m => spanMiddle(m)[1]));
  const head = upright ? 10 + Math.max(32, ...ticks(from, to, tall, 46).map(x => wide(x[1], 12))) : 62;
  const pitch = upright ? (W - head) / rows.length : many ? 22 : 46, begin = many ? 24 : 34, thick = upright ? Math.min(pitch - 14, 62) : many ? 15 : 22;
  const length = upright ? tall : W - head - 16, T = t => (upright ? 26 : head) + (t - from) / (to - from || 1) * length;
  const R = n => upright ? head + n * pitch : begin + n * pitch, depth = begin + rows.length * pitch;
  let grid = "", bars = "", lines = "", place = new Map();
  for (const [t, text] of ticks(from, to, length, upright ? 46 : 70)) grid += upright
    ? line(head - 4, T(t), W, T(t), "grid") + words(0, T(t) + 4, text, "axis") : line(T(t), 18, T(t), depth, "grid") + (T(t) + wide(text, 12) / 2 < W ? words(T(t), 12, text, "axis", "middle") : "");
  rows.forEach((row, n) => {
    if (row.name) grid += upright ? words(R(n), 12, "L" + row.name.slice(5), "lane") : words(0, R(n) + thick / 2 + 4, row.name, "lane");
    row.moves.forEach((m, k) => {
      const [s, e] = spanMiddle(m), a = T(s), b = Math.max(T(e), a + 2), room = (upright ? thick : b - a) - 8;
      place.set(m.n, { a, b, r: R(n), n });
      const name = upright && b - a < 14 ? "" : nameIn(m.lpar, room), more = `${gibOf(P.lpars[m.lpar].gib)} GiB · ${minutesOf(m)} min`;
      const fits = !upright && name && wide(name) + wide(more) + 26 < b - a, tall = upright && name && b - a > 44 && wide(minutesOf(m) + " min") < room;
      bars += `<g class="move ${shade(m)}" data-n="${m.n}"><title>${esc(saidOf(m))}</title>`
        + (upright ? box(R(n), a, thick, b - a, "bar-of") : box(a, R(n), b - a, thick, "bar-of"))
        + (upright && !name ? aside(m, R(n) + thick / 2, a, b) : "") + (name ? upright ? words(R(n) + 4, a + 13, name, "in") : words(a + 5, R(n) + thick / 2 + 4, name, "in") : "")
        + (!upright && !many && !name ? above(m, row.moves[k + 1], a, R(n), T, W) : "")
        + (fits ? words(b - 5, R(n) + thick / 2 + 4, more, "in", "end") : tall ? words(R(n) + 4, a + 28, minutesOf(m) + " min", "in") : "");
      if (m.range && !many) { const late = T(lateEnd(m)), early = m.range.end[0] == null ? T(e) : T(m.range.end[0]), track = 5 + k % 2 * 5;
        if (late > early + 2) bars += upright ? whisker(early, late, R(n) + thick + 3 + k % 2 * 4, true) : whisker(early, late, R(n) + thick + track); }
      bars += "</g>";
    });
  });
  for (const m of moves) for (const w of m.waits) {
    const p = place.get(w.move), q = place.get(m.n);
    if (!p || !q) continue;
    const cls = `wait${isRoom(w) ? " room" : ""}`, down = q.r >= p.r, y1 = down ? p.r + thick : p.r, y2 = down ? q.r : q.r + thick;
    lines += upright ? `<path class="${cls}" data-from="${w.move}" data-to="${m.n}" d="M${r1(p.r + thick / 2)} ${r1(p.b)}C${r1(p.r + thick / 2)} ${r1(p.b + 14)} ${r1(q.r + thick / 2)} ${r1(q.a - 14)} ${r1(q.r + thick / 2)} ${r1(q.a)}"/>`
      : `<path class="${cls}" data-from="${w.move}" data-to="${m.n}" d="M${r1(p.b)} ${r1(p.n === q.n ? p.r + thick / 2 : y1)}C${r1(p.b + 14)} ${r1(p.n === q.n ? p.r + thick / 2 : (y1 + y2) / 2)} ${r1(q.a - 14)} ${r1(p.n === q.n ? q.r + thick / 2 : (y1 + y2) / 2)} ${r1(q.a + 1)} ${r1(p.n === q.n ? q.r + thick / 2 : y2)}"/>`;
  }
  let clear = 0;
  if (!P.in_lanes && !upright) for (const n of new Set(moves.map(m => m.wave))) {
    const x = T(Math.min(...moves.filter(m => m.wave === n).map(m => m.start_s))), text = `wave ${n}`, past = x + 8 + wide(text, 12);
    grid += line(x, begin - 4, x, depth + 4, "wave");
    if (x >= clear && past < W) { grid += words(x + 3, depth + 6, text, "axis"); clear = past; }
  }
  return { svg: grid + lines + bars, w: W, h: upright ? 26 + length + 12 : depth + (P.in_lanes ? 0 : 12) };
}
/* A move in a sentence: for the title of its bar and for the line below the picture. */
function saidOf(m) {
  const [s, e] = spanMiddle(m), lane = m.lane ? `lane ${m.lane}` : `wave ${m.wave}`;
  const range = m.range ? `about ${dayAt(s)} to ${dayAt(e)}, over by ${dayAt(overBy(lateEnd(m)))} in 9 nights of 10` : `about ${dayAt(s)} to ${dayAt(e)}`;
  const waits = m.waits.map(w => `${MOVES.get(w.move).lpar} ${w.until === "arrived" ? "has arrived" : "is over"}${w.why ? ": " + w.why : ""}`);
  return `${m.n}. ${m.lpar}, ${lane}, ${short(m.from)} to ${short(m.to)}, ${range}. ${m.inactive ? "Inactive. " : ""}` + (waits.length ? `Waits until ${waits.join("; ")}.` : "Waits for no other lane.");
}
function lanes(el) {
  const W = widthOf(el);
  el.innerHTML = "";
  for (const leg of ["out", "back"]) {
    const moves = P.moves.filter(m => m.leg === leg);
    if (!moves.length) continue;
    const rows = rowsOf(leg).length, groups = P.in_lanes ? `${rows} lane${rows === 1 ? "" : "s"}` : `${new Set(moves.map(m => m.wave)).size} waves`;
    el.append(make("h3", {}, `Way ${leg}: ${moves.length} move${moves.length === 1 ? "" : "s"}, ${groups}${dateOf(moves[0].start_s)}`));
    const holder = el.appendChild(make("div", {})), drawn = legPicture(leg, W);
    choosing(picture(holder, drawn.w, drawn.h, drawn.svg,
      `role="application" tabindex="0" aria-label="Moves ${leg}, ${groups}: arrow keys go from move to move"`), moves);
  }
}
/* Pointing at a move, or arrow keys, lift it and what it waits for. */
function choosing(svg, moves) {
  const told = $("#lanes-chosen"), first = told.textContent;
  let now = -1;
  const show = n => {
    svg.classList.toggle("picked", n != null);
    for (const g of $$(".on", svg)) g.classList.remove("on");
    if (n == null) { told.textContent = first; return; }
    for (const p of $$(`.wait[data-to="${n}"], .wait[data-from="${n}"]`, svg)) { p.classList.add("on");
      const other = p.dataset.to === String(n) ? p.dataset.from : p.dataset.to; $(`.move[data-n="${other}"]`, svg).classList.add("on"); }
    $(`.move[data-n="${n}"]`, svg).classList.add("on");
    told.textContent = plain(saidOf(MOVES.get(n)));
  };
  svg.addEventListener("pointerover", e => { const g = e.target.closest(".move"); if (g) show(+g.dataset.n); });
  svg.addEventListener("pointerleave", () => { if (document.activeElement !== svg) show(null); });
  svg.addEventListener("keydown", e => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    now = (now + step + moves.length) % moves.length;
    show(moves[now].n);
  });
  svg.addEventListener("blur", () => { now = -1; show(null); });
}
function legend() {
  const swatch = (cls, text) => { const li = make("li", {}); li.innerHTML = `<svg width="26" height="12" aria-hidden="true">${cls}</svg>`; li.append(plain(text)); return li; };
  const where = P.work ? `is on ${short(RANKED[0])} during the ${P.work.words.length > 18 ? "time between" : P.work.words}` : `goes to ${short(RANKED[0] || "")}`;
  const items = RANKED.length ? [swatch('<rect class="k-deep" width="26" height="12"/>', where)] : [];
  if (RANKED.length > 1) items.push(swatch('<rect class="k-light" width="26" height="12"/>', RANKED.length === 2 ? `on ${short(RANKED[1])}` : "on another server"));
  if (P.moves.some(m => m.range)) items.push(swatch('<path class="whisker" d="M2 6H24M2 2v8M24 2v8"/>', "over by then in 9 nights of 10"));
  if (P.moves.some(m => m.waits.length)) items.push(swatch('<path class="wait" d="M0 6H26"/>', "waits for another move"));
  if (P.moves.some(m => m.waits.some(isRoom))) items.push(swatch('<path class="wait room" d="M0 6H26"/>', "waits for room"));
  $("#lanes-legend").replaceChildren(...items);
  if (COMMON) $("#lanes-legend").append(make("li", {}, `Short bars: names without “${COMMON}”`));
}

/* ---- the moves ---------------------------------------------------------------------------------------------------- */
const runsOf = m => { const p = P.lpars[m.lpar]; return p.runs.length ? p.runs.join(", ") : p.environment || p.os || ""; };
/* A reason as the table has it: without ids of rules, long lists in brackets, and the server said twice. */
const brief = text => text.replace(/ \([a-z]+\.[a-z-]+\)/g, "").replace(/ \([^()]{50,}\)/g, "").replace(/(^|; )(\S+): \2 /g, "$1$2 ");
const whyOf = m => {
  if (!m.why) return ["", ""];
  const capital = text => text[0].toUpperCase() + text.slice(1), cut = m.why.there.indexOf(": ");
  const [there, because] = cut < 0 ? [m.why.there, ""] : [m.why.there.slice(0, cut), m.why.there.slice(cut + 2)];
  const rest = [because, ...m.why.instead.filter(x => !m.why.there.includes(x))].filter(Boolean).map(brief).join("; ");
  if (P.freed.includes(m.from) && m.leg === "out") return [capital(there), rest];
  return [capital(m.why.made), m.leg === "back" && m.why.there === "its home" ? "" : capital(there) + (rest ? ": " + rest : "")];
};
const shortened = (() => { const names = P.servers.filter(s => s.short !== s.name).map(s => s.name).sort((a, b) => b.length - a.length);
  return text => names.reduce((t, name) => t.split(name).join(short(name)), text); })();
const waitsOf = m => m.waits.map(w => MOVES.get(w.move).lpar).join(", ");
const ownerOf = m => P.lpars[m.lpar].owner, OWNED = P.moves.some(ownerOf);
const COLUMNS = [
  ["LPAR", m => m.lpar, ""], ["Runs", runsOf, "runs"], ...(OWNED ? [["Owner", ownerOf, ""]] : []), ["GiB", m => P.lpars[m.lpar].gib, "n"],
  ["From → to", m => `${short(m.from)} → ${short(m.to)}`, "fix-w"],
  [P.in_lanes ? "Lane" : "Wave", m => (m.leg === "back" ? 1e5 : 0) + (m.lane || m.wave) + m.n / 1e6, "fix-w"],
  ["Starts", m => spanMiddle(m)[0], "fix-w"], ["Minutes", m => m.duration_s, "n"], ["Still, s", m => m.still_s, "n"],
  ["Why", m => whyOf(m)[0], "why"], ["Waits for", m => m.waits.length, ""]];
const FIRST = 100;  /* rows that are shown before somebody asks for all */
let sorted = [COLUMNS.findIndex(c => c[0] === "Starts"), 1], all = false;
function rowOf(m) {
  const [bold, rest] = whyOf(m).map(shortened), waits = waitsOf(m);
  const cells = [`<i class="dot ${shade(m)}"></i><b>${esc(m.lpar)}</b>${m.parking ? " (parking)" : ""}`, esc(runsOf(m)), ...(OWNED ? [esc(ownerOf(m))] : []), esc(gibOf(P.lpars[m.lpar].gib)),
    `${esc(short(m.from))} → ${esc(short(m.to))}`, `<span class="phone">${P.in_lanes ? "lane" : "wave"} </span>${m.lane || m.wave}${m.leg === "back" ? " back" : ""}`, esc(dayAt(spanMiddle(m)[0])), esc(minutesOf(m)),
    m.inactive ? "inactive" : r1(m.still_s).toFixed(1), `<b>${esc(bold)}</b>${rest ? ` <span class="dim">${esc(rest)}</span>` : ""}`,
    m.waits.some(isRoom) ? `<span class="tag t-room">room</span> ${esc(waits)}` : esc(waits || "–")];
  return `<tr id="m${m.n}">${cells.map((c, i) => `<td data-label="${COLUMNS[i][0]}" class="${COLUMNS[i][2]}">${c}</td>`).join(" ")}</tr>`;
}
function moves() {
  const leg = printing ? "" : $("#f-way").value, text = printing ? "" : $("#f-text").value.trim().toLowerCase(), server = printing ? "" : $("#f-server").value, owner = printing || !OWNED ? "" : $("#f-owner").value;
  const [column, way] = sorted, key = COLUMNS[column][1];
  const shown = P.moves.filter(m => (!leg || m.leg === leg) && (!server || m.from === server || m.to === server) && (!owner || ownerOf(m) === owner)
    && (!text || `${m.lpar} ${runsOf(m)} ${ownerOf(m)} ${P.lpars[m.lpar].environment}`.toLowerCase().includes(text)));
  shown.sort((a, b) => { const x = key(a), y = key(b); return (x < y ? -1 : x > y ? 1 : a.n - b.n) * way; });
  const rows = printing || all ? shown : shown.slice(0, FIRST);
  $("#moves-table tbody").innerHTML = rows.map(rowOf).join("");
  $("#f-count").textContent = `${shown.length} of ${P.moves.length} moves`;
  $("#f-all").hidden = rows.length === shown.length;
  $("#f-all").textContent = `Show the other ${shown.length - rows.length}`;
  $$("#moves-table th").forEach((th, i) => th.setAttribute("aria-sort", i === column ? way > 0 ? "ascending" : "descending" : "none"));
}
function movesOnce() {
  $("#moves-table thead tr").append(...COLUMNS.map(([name, , cls], i) => {
    const button = make("button", { type: "button" }, name), th = make("th", { scope: "col", class: cls, "data-head": name }, button);
    button.addEventListener("click", () => { sorted = [i, sorted[0] === i ? -sorted[1] : 1]; moves(); });
    return th;
  }));
  $("#moves-hint").textContent = `${P.moves.some(m => m.range) ? "Starts are those of a middling night." : "Starts are predicted."} `
    + "Minutes: in 8 nights of 10. Still: seconds in which the LPAR stands still.";
  for (const s of [...new Set(P.moves.flatMap(m => [m.from, m.to]))].sort()) $("#f-server").append(make("option", { value: s }, short(s)));
  if (OWNED) for (const o of [...new Set(P.moves.map(ownerOf).filter(Boolean))].sort()) $("#f-owner").append(make("option", { value: o }, o));
  $("#f-all").addEventListener("click", () => { all = true; moves(); });
  $("#moves-filters").addEventListener("input", moves);
  $("#moves-filters").addEventListener("submit", e => e.preventDefault());
}

/* ---- reach -------------------------------------------------------------------------------------------------------- */
/* A VIOS in the box of its server: without the server's name, where its own begins with that. */
const withoutServer = (vios, server) => [server, short(server)].map(x => vios.startsWith(x) ? vios.slice(x.length).replace(/^[-_. ]+/, "") : "").find(x => x) || vios;
/* Lines of words that fit; a word that does not fit a line is parted behind its points, dashes and strokes. */
function wrapped(text, room, size, most) {
  const out = [""], parted = plain(text).split(" ").map(w => wide(w, size) > room && most > 1 ? w.match(/[^-._/]*[-._/]|[^-._/]+/g) || [w] : [w]);
  for (const [word, gap] of parted.flatMap(pieces => pieces.map((w, i) => [w, i ? "" : " "]))) {
    const longer = out[out.length - 1] ? out[out.length - 1] + gap + word : word;
    if (wide(longer, size) <= room || !out[out.length - 1]) out[out.length - 1] = longer; else out.push(word);
  }
  if (out.length > most) { out.length = most; out[most - 1] += " …"; }
  return out.map(t => { let cut = t; while (cut.length > 3 && wide(cut, size) > room) cut = cut.slice(0, -2); return cut === t ? t : cut + "…"; });
}
function reach(el) {
  const name = $("#r-lpar").value, one = P.reach.lpars[name], W = widthOf(el), slim = narrow();
  const things = [...one.vlans.map(v => ["VLAN " + v, false]), ...(one.luns ? [[`${one.luns} LUN${one.luns === 1 ? "" : "s"}`, true]] : []), ...one.fabrics.map(f => [f, true])];
  const x1 = slim ? 0 : 132, thingW = slim ? 62 : 104, viosX = slim ? 96 : x1 + 300, viosW = slim ? 58 : 92, boxX = viosX - 8, textX = viosX + viosW + 14, room = W - textX - 10;
  let y = 8, boxes = "", edges = "", spots = [];
  for (const a of one.at) {
    const home = a.why === null, refused = !home && a.why.length > 0, goes = a.server === one.to && !home, vioses = P.reach.vioses[a.server];
    const cls = home ? "is-home" : refused ? "is-refused" : goes ? "is-goal" : "is-open";
    const state = home ? "here now" : P.freed.includes(a.server) ? "to be free" : refused ? "refused" : goes ? "goes here" : "may go here";
    const mark = (refused ? "✕ " : goes ? "✓ " : "") + state, after = textX + wide(short(a.server), 14, 600) + 14, below = after + wide(mark, 12, 600) > W - 6;
    const lines = [...(below ? [[mark, "state " + cls]] : []), ...(refused ? a.why.flatMap(n => [...wrapped(P.reach.reasons[n][0], room, 12, slim ? 7 : 3).map(t => [t, "why-not"]),
      ...(P.reach.reasons[n][1] ? wrapped("Would mend it: " + P.reach.reasons[n][1], room, 12, slim ? 7 : 2).map(t => [t, "small"]) : [])])
      : home ? [] : [[things.length ? "All that it uses is there." : "Its networks and disks are not known.", "small"]])];
    const high = Math.max(vioses.length * 26 + 8, 30 + lines.length * 16);
    boxes += `<rect class="server-box ${cls}" x="${boxX}" y="${y}" width="${r1(W - boxX - 2)}" height="${high}" rx="6"/>`
      + words(textX, y + 19, wrapped(short(a.server), room, 14, 1)[0], "server-name") + (below ? "" : words(after, y + 19, mark, "state " + cls));
    lines.forEach(([t, c], i) => { boxes += words(textX, y + 38 + i * 16, t, c); });
    vioses.forEach((v, n) => { const vy = y + 6 + n * 26; boxes += box(viosX, vy, viosW, 21, "vios-box") + words(viosX + viosW / 2, vy + 15, wrapped(withoutServer(v, a.server), viosW - 6, 11.5, 1)[0], "in-box", "middle"); });
    const top = y;
    spots.push({ a, cls, vy: n => top + 6 + n * 26 + 10, none: vioses.length === 0 });
    y += high + 10;
  }
  const gap = Math.max(28, Math.min(40, y / Math.max(things.length, 1))), height = Math.max(y, things.length * gap + 16), first = Math.max(0, (height - things.length * gap) / 2);
  const ty = k => first + k * gap + gap / 2;
  for (const s of spots) things.forEach(([, storage], k) => {
    const carried = s.a.by[k] || [], from = x1 + thingW, to = viosX, bend = (from + to) / 2;
    const path = (v, cls) => `<path class="${cls}" d="M${from} ${r1(ty(k))}C${bend} ${r1(ty(k))} ${bend} ${r1(s.vy(v))} ${to} ${r1(s.vy(v))}"/>`;
    if (carried.length) for (const [v, count] of carried) edges += path(v, storage && one.luns && k === one.vlans.length && count < one.luns ? "edge partly" : s.cls === "is-goal" ? "edge goal" : "edge");
    else if (!s.none && s.a.why !== null) edges += path(0, "edge none");
  });
  let left = "";
  if (!slim) {
    const my = height / 2;
    left = `<rect class="lpar-box" x="0" y="${r1(my - 20)}" width="96" height="40" rx="5"/>` + words(48, my - 3, wrapped(name, 88, 12.5, 1)[0], "lpar-name", "middle") + words(48, my + 13, gibOf(one.gib) + " GiB", "lpar-size", "middle")
      + things.map((t, k) => `<path class="edge" d="M96 ${r1(my)}C114 ${r1(my)} 114 ${r1(ty(k))} ${x1} ${r1(ty(k))}"/>`).join("");
  }
  const boxesLeft = things.map(([t], k) => box(x1, ty(k) - 11, thingW, 22, "thing") + words(x1 + thingW / 2, ty(k) + 4, wrapped(t, thingW - 6, 11.5, 1)[0], "in-box", "middle")).join("");
  picture(el, W, height + 4, boxes + edges + left + boxesLeft, `role="img" aria-label="${esc(reachSaid(name, one))}"`);
  $("#reach-hint").textContent = "Blue: the way it takes. Dashed red: nobody there serves it." + (one.more ? ` ${one.more} servers are not drawn: planner reach ESTATE --lpar ${plain(name)}.` : "")
    + (P.reach.left ? ` ${P.reach.left} LPARs have no picture here.` : "");
}
const reachSaid = (name, one) => `${name}: ` + one.at.map(a => `${short(a.server)} ${a.why === null ? "has it now" : a.why.length ? "refused: " + a.why.map(n => P.reach.reasons[n][0]).join("; ") : a.server === one.to ? "is its target" : "may take it"}`).join(". ");
function reachOnce() {
  const names = Object.keys(P.reach.lpars);
  if (!names.length) return;
  $("#reach").hidden = false;
  $("#r-lpar").append(...names.map(n => make("option", { value: n }, n)));
  $("#r-lpar").addEventListener("change", () => reach($("#reach-picture")));
}

/* ---- a conflict: LPARs, the rules that hold them, the servers that they are kept from ----------------------------- */
function conflict(el) {
  const W = widthOf(el), slim = narrow(), every = [0, 1, 2].map(i => [...new Set(P.conflict.map(x => x[i]))]), most = 16;
  const columns = every.map(c => c.length > most ? [...c.slice(0, most), `… ${c.length - most} more`] : c);
  const shown = (name, i) => plain(name ? short(name) : i ? "anywhere" : "what is asked for"), needed = columns.map((c, i) => 12 + Math.max(...c.map(name => wide(shown(name, i)))));
  const sum = needed[0] + needed[1] + needed[2], even = Math.min(260, (W - 240) / 3), w = needed.map(one => slim ? one * Math.min(1, (W - 36) / sum) : even);
  const gap = (W - w[0] - w[1] - w[2]) / 2, pitch = 30, high = Math.max(...columns.map(c => c.length)) * pitch + 26;
  const X = i => w.slice(0, i).reduce((x, one) => x + one + gap, 0), Y = (i, name) => { let k = columns[i].indexOf(name); if (k < 0) k = columns[i].length - 1; return 26 + (high - 26 - columns[i].length * pitch) / 2 + k * pitch; };
  const heads = ["LPARs", "held by the rule", "kept from"].map((t, i) => words(X(i), 12, t, "axis")).join("");
  const joined = [...new Set(P.conflict.flatMap(([l, r, s]) => [0, 1].map(i => { const a = [l, r, s][i], b = [l, r, s][i + 1], x = X(i) + w[i], y1 = Y(i, a) + 11, x2 = X(i + 1), y2 = Y(i + 1, b) + 11;
    return `<path class="edge none" d="M${r1(x)} ${r1(y1)}C${r1(x + gap / 2)} ${r1(y1)} ${r1(x2 - gap / 2)} ${r1(y2)} ${r1(x2)} ${r1(y2)}"/>`; })))].join("");
  const boxes = columns.map((c, i) => c.map(name => box(X(i), Y(i, name), w[i], 23, i === 1 ? "thing held-by" : "thing") + words(X(i) + w[i] / 2, Y(i, name) + 16, wrapped(shown(name, i), w[i] - 8, 11.5, 1)[0], "in-box", "middle")).join("")).join("");
  picture(el, W, high, heads + joined + boxes, `role="img" aria-label="${esc(P.conflict.slice(0, 12).map(([l, r, s]) => `${l}: ${r}, ${short(s) || "anywhere"}`).join("; "))}"`);
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */
function draw() {
  if (document.getElementById("before").hidden && !printing) return;
  if ($("#night-picture")) { night($("#night-picture")); lanes($("#lanes-picture")); moves(); }
  if (P.conflict.length) conflict($("#conflict-picture"));
  if (!$("#reach").hidden) reach($("#reach-picture"));
}
if ($("#moves-table")) { movesOnce(); legend(); }
reachOnce();
let width = 0;
const again = () => { if (innerWidth !== width) { width = innerWidth; draw(); } };
addEventListener("resize", again);
document.addEventListener("view", e => { if (e.detail === "before") { width = innerWidth; draw(); } });
let shut = [];  // what is folded on the screen is not on paper
const paper = on => {
  printing = on;
  if (on) shut = $$("#before .kind:not([open])");
  for (const d of shut) d.open = on;
  draw();
};
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
})();
