"use strict";
/* What all views share: the data, words for times, the choice of a view. */
const P = JSON.parse(document.getElementById("plan-data").textContent);
const $ = (one, of) => (of || document).querySelector(one);
const $$ = (every, of) => [...(of || document).querySelectorAll(every)];
const MOVES = new Map(P.moves.map(m => [m.n, m]));
const SERVERS = new Map(P.servers.map(s => [s.name, s]));
const short = server => (SERVERS.get(server) || { short: server }).short;

/* A text as it is shown: what nobody sees in a name stands as what it is. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;
const plain = text => String(text).replace(UNSEEN, c => {
  const hex = c.codePointAt(0).toString(16);
  return hex.length <= 2 ? "\\x" + hex.padStart(2, "0") : hex.length <= 4 ? "\\u" + hex.padStart(4, "0") : "\\U" + hex.padStart(8, "0");
});
const esc = text => plain(text).replace(/[&<>"']/g, c => "&#" + c.charCodeAt(0) + ";");
/* An element: tag, attributes (without those that are null), children as texts or elements. */
function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value != null) made.setAttribute(name, value);
  made.append(...children.flat().filter(c => c != null).map(c => c instanceof Node ? c : plain(c)));
  return made;
}

/* Seconds of the plan → Date, as its clock shows them in UTC; without a window null. */
const ZONE = P.clock && P.clock.zone
  ? new Intl.DateTimeFormat("en-GB", { timeZone: P.clock.zone, hourCycle: "h23", year: "numeric", month: "numeric",
    day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }) : null;
const LOCAL = P.clock && Date.parse(P.clock.local + ":00Z");
function clockOf(s) {
  if (!P.clock) return null;
  if (!ZONE) return new Date(LOCAL + 1000 * s);
  const part = Object.fromEntries(ZONE.formatToParts(new Date(1000 * (P.clock.epoch_s + s))).map(x => [x.type, +x.value]));
  return new Date(Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second));
}
const two = n => String(n).padStart(2, "0");
/* "1 h 05 min", "5 min", of less than a minute "40 s". */
function spanOf(s) {
  const whole = Math.round(Math.abs(s) / 60), hours = Math.floor(whole / 60);
  return Math.abs(s) < 60 ? `${Math.round(Math.abs(s))} s` : hours ? `${hours} h ${two(whole % 60)} min` : `${whole} min`;
}
/* "22:05", with seconds "22:05:09"; without a window "+5 min". */
const CLOCKS = new Map();
function at(s, seconds) {
  if (seconds) return clockAt(s, true);
  const minute = Math.round(s / 60);
  if (!P.clock) return clockAt(s);
  if (!CLOCKS.has(minute)) CLOCKS.set(minute, clockAt(60 * minute));
  return CLOCKS.get(minute);
}
function clockAt(s, seconds) {
  const then = clockOf(seconds ? Math.round(s) : 60 * Math.round(s / 60));
  if (!then) return "+" + spanOf(s);
  return `${two(then.getUTCHours())}:${two(then.getUTCMinutes())}${seconds ? ":" + two(then.getUTCSeconds()) : ""}`;
}
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/* "22:05", on another day than the first "Sun 00:05". */
function dayAt(s) {
  const then = clockOf(s), first = clockOf(0);
  return then && then.toISOString().slice(0, 10) !== first.toISOString().slice(0, 10) ? `${DAYS[then.getUTCDay()]} ${at(s)}` : at(s);
}

/* The view that the hash names, or that holds the element which it names. Scripts hear of it by the event "view". */
function showView() {
  const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const view = (wanted && wanted.closest(".view")) || document.getElementById("before");
  for (const one of $$(".view")) one.hidden = one !== view;
  for (const a of $$("header nav a")) {
    if (a.hash === "#" + view.id) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
  }
  if (wanted && wanted !== view) wanted.scrollIntoView(); else scrollTo(0, 0);
  document.dispatchEvent(new CustomEvent("view", { detail: view.id }));
}
addEventListener("hashchange", showView);
addEventListener("DOMContentLoaded", showView);
