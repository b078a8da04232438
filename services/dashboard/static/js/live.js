// Keeps pages live: an event of the stream fetches the page again and replaces its `data-live` regions by id. Focus, open
// details, dialogs and forms are preserved. While the stream is unavailable, the page polls and shows a banner.

import { localise } from "./times.js";

const LEAST_MS = 1000;
const JITTER_MS = 250;
const POLL_MS = 10000;
const SILENT_MS = 40000; // the stream sends a heartbeat every 15 s
const RETRY_MS = 3000;

const main = document.querySelector("[data-live-page]");
const banner = document.getElementById("banner");
const announcer = document.getElementById("announcer");
const away = { stream: false, database: false, updates: false };
let source = null;
let heard = Date.now();
let last = 0;
let due = null;
let isFetching = false;
let wanted = false;
const shown = new WeakMap();

function show(change) {
  Object.assign(away, change);
  const which = away.stream ? "streamAway" : away.database ? "databaseAway" : away.updates ? "updatesAway" : null;
  const text = which ? banner.dataset[which] : "";
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !which;
}

/** Requests a refresh, at most once a second and with a random delay, so that viewers do not refresh simultaneously. */
function want() {
  wanted = true;
  if (due || isFetching) return;
  const wait = Math.max(0, last + LEAST_MS - Date.now()) + Math.random() * JITTER_MS;
  due = setTimeout(refresh, wait);
}

async function refresh() {
  due = null;
  wanted = false;
  isFetching = true;
  try {
    await fetchPage();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // fetch rejects with a TypeError when the server does not answer
    show({ stream: true });
  } finally {
    isFetching = false;
    last = Date.now();
    if (wanted) want();
  }
}

async function fetchPage() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store" });
  if (answer.redirected && new URL(answer.url).pathname !== location.pathname) return location.assign(answer.url);
  show({ database: answer.status === 503 });
  if (!answer.ok) return undefined;
  if (main.hasAttribute("data-reloads")) return location.reload();
  return swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

function swap(fresh) {
  const focused = document.activeElement?.id;
  for (const region of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(region.id);
    if (newer) replace(region, newer);
  }
  localise(document);
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("live:swapped"));
}

/** Returns a region's HTML without the tokens, which differ in every response. */
function bare(region) {
  return region.innerHTML.replace(/(name="csrf_token" value=")[^"]*/g, "$1");
}

function replace(region, newer) {
  const text = bare(newer);
  if (shown.get(region) === text) return;
  shown.set(region, text);
  const open = [...region.querySelectorAll("details[open][id]")].map((details) => details.id);
  region.replaceChildren(...[...newer.childNodes].map((node) => document.importNode(node, true)));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}

/** Announces new critical alerts to screen readers; other events do not interrupt them. */
function announce(alert) {
  const isNew = alert.transition === "OPENED" || alert.transition === "ESCALATED";
  if (alert.level !== "CRITICAL" || !isNew) return;
  announcer.textContent = alert[`message_${document.documentElement.lang}`] || alert.message_en || alert.subject;
}

function listen() {
  source?.close();
  source = new EventSource("/api/stream");
  source.onopen = () => {
    heard = Date.now();
    show({ stream: false });
    want(); // the data may have changed between loading the page and opening the stream
  };
  source.onerror = () => show({ stream: true });
  hear("change", () => want());
  hear("alert", (alert) => { announce(alert); want(); });
  hear("state", (state) => {
    const isBack = away.database && state.database;
    show({ database: !state.database, updates: !state.stream });
    if (isBack || main.hasAttribute("data-reloads")) want();
  });
}

function hear(name, act) {
  source.addEventListener(name, (event) => {
    heard = Date.now();
    act(event.data ? JSON.parse(event.data) : null);
  });
}

if (main && document.querySelector("[data-live], [data-reloads]")) {
  for (const region of document.querySelectorAll("[data-live]")) shown.set(region, bare(region));
  listen();
  setInterval(() => {
    if (source.readyState === EventSource.CLOSED) listen();
  }, RETRY_MS);
  setInterval(() => {
    if (away.stream || away.database || main.hasAttribute("data-reloads") || Date.now() - heard > SILENT_MS) want();
  }, POLL_MS);
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); want(); } });
}
