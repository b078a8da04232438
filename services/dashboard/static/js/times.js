// Shows times in the viewer's zone and the page's language; the title keeps UTC.

const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
const year = new Intl.DateTimeFormat(language, { year: "numeric", month: "short", day: "numeric" });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "narrow" });
const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];
const RENEW_MS = 5000;

/** Formats a time, with the date unless it is today and the year unless it is the current one. */
export function spelled(at, now = new Date()) {
  if (at.toDateString() === now.toDateString()) return clock.format(at);
  const date = at.getFullYear() === now.getFullYear() ? day : year;
  return `${date.format(at)} ${clock.format(at)}`;
}

function distance(at, now) {
  const seconds = Math.round((at - now) / 1000);
  const [, unit, length] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  return ago.format(Math.trunc(Math.min(seconds, 0) / length), unit);
}

/** Formats every <time> element below a node. */
export function localise(root) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[data-style]")) {
    const at = new Date(element.dateTime);
    const text = element.dataset.style === "ago" ? distance(at, now) : spelled(at, now);
    if (element.textContent !== text) element.textContent = text;
  }
}

// Wait until the other scripts have read the page as it was sent.
document.addEventListener("DOMContentLoaded", () => localise(document));
setInterval(() => localise(document), RENEW_MS);
