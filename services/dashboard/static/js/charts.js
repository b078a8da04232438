// Draws a device's last 24 hours: one uPlot panel per measurement over a common time axis, limits as lines, alerts as links.

import { spelled } from "./times.js";

const panels = new Map();
let today = null;
const cursors = uPlot.sync("day");
const dark = matchMedia("(prefers-color-scheme: dark)");
const hour = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MARK_WIDTH = 16;
const OUTERMOST = 1e12; // ticks of an axis that ends at the largest numbers of all would never end
const LEVELS = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "NORMAL"];
const SHAPES = {
  CRITICAL: '<path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z"/><path class="inner" d="M8 4v5M8 11.2v.9"/>',
  HIGH: '<path d="M8 1.2 15.4 14.4H.6z"/><path class="inner" d="M8 6v4M8 11.8v.7"/>',
  MEDIUM: '<path d="M8 .8 15.2 8 8 15.2.8 8z"/><path class="inner" d="M8 4.6v4M8 10.5v.8"/>',
};

const read = () => JSON.parse(document.getElementById("series-data").textContent);
const limits = (name) => today.thresholds[name] ?? [];
const seconds = (iso) => Date.parse(iso) / 1000;
const colour = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();

/** Returns the range of a panel's y axis: 0 to 1 for risk, otherwise the data and the nearest limit with a margin. */
function range(name) {
  if (name === "risk") return () => [0, 1];
  return (_, low, high) => {
    const outer = name === "voltage" ? limits(name) : limits(name).slice(0, 1);
    const lowest = name === "voltage" ? Math.min(low ?? Infinity, ...outer) : name === "temperature" ? low ?? 0 : Math.min(0, low ?? 0);
    const highest = Math.max(high ?? 1, ...outer, 1);
    const [from, to] = [lowest, highest].map((edge) => Math.min(Math.max(edge, -OUTERMOST), OUTERMOST));
    const air = (to - from) * 0.08 || 1;
    return [from && from - air, to + air];
  };
}

function line(context, from, to, stroke, dash) {
  context.save();
  context.strokeStyle = stroke;
  context.lineWidth = devicePixelRatio;
  context.setLineDash(dash.map((length) => length * devicePixelRatio));
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.restore();
}

function drawLimits(plot, name, stroke) {
  const { left, top, width, height } = plot.bbox;
  for (const limit of limits(name)) {
    const y = plot.valToPos(limit, "y", true);
    if (y >= top && y <= top + height) line(plot.ctx, [left, y], [left + width, y], stroke, [4, 4]);
  }
}

function drawAlerts(plot, figure) {
  const { left, top, width, height } = plot.bbox;
  for (const alert of today.alerts) {
    const x = plot.valToPos(seconds(alert.at), "x", true);
    if (x >= left && x <= left + width) line(plot.ctx, [x, top], [x, top + height], colour(figure, `--${alert.level.toLowerCase()}`), [1, 2]);
  }
}

/** Groups alerts that are too close to be distinguished; a group shares a mark, which links to its worst alert. */
function groups(plot) {
  const grouped = [];
  const placed = today.alerts.map((alert) => ({ alert, x: plot.valToPos(seconds(alert.at), "x") }));
  for (const each of placed.filter(({ x }) => x >= 0 && x <= plot.over.clientWidth).sort((one, other) => one.x - other.x)) {
    const last = grouped.at(-1);
    if (last && each.x - last.x < MARK_WIDTH) last.alerts.push(each.alert);
    else grouped.push({ x: each.x, alerts: [each.alert] });
  }
  return grouped;
}

function mark(plot, figure) {
  plot.over.querySelectorAll(".marker").forEach((marker) => marker.remove());
  for (const { x, alerts } of groups(plot)) {
    const worst = alerts.reduce((one, other) => (LEVELS.indexOf(other.level) < LEVELS.indexOf(one.level) ? other : one));
    const marker = document.createElement("a");
    marker.className = `marker level-${worst.level.toLowerCase()}`;
    marker.href = worst.path;
    marker.title = alerts.map((alert) => `${spelled(new Date(alert.at))} ${alert.title}`).join("\n");
    marker.setAttribute("aria-label", `${figure.dataset.marker}: ${marker.title.replaceAll("\n", "; ")}`);
    marker.innerHTML = `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${SHAPES[worst.level] ?? SHAPES.MEDIUM}</svg>`;
    marker.style.left = `${x}px`;
    plot.over.append(marker);
  }
}

function showValue(plot, figure, name) {
  const index = plot.cursor.idx ?? plot.data[1].findLastIndex((value) => value !== null);
  const value = plot.data[1][index];
  const text = value == null ? "–" : `${value.toFixed(figure.dataset.digits)} ${figure.dataset.unit}`.trim();
  figure.querySelector("output").textContent = text;
  const at = plot.cursor.idx == null ? "" : spelled(new Date(plot.data[0][index] * 1000));
  document.querySelector("[data-cursor-time]").textContent = at;
}

function options(figure, name) {
  const stroke = colour(figure, "--series");
  const axis = { stroke: colour(figure, "--quiet"), font: `12px ${colour(figure, "--font")}`, grid: { stroke: colour(figure, "--line"), width: 1 }, ticks: { show: false } };
  const bars = name === "arcs" ? { fill: stroke, paths: uPlot.paths.bars({ size: [0.9, 6, 1] }) } : {};
  const container = figure.querySelector(".plot");
  return {
    width: container.clientWidth, height: container.clientHeight, legend: { show: false }, padding: [12, 12, 0, 0],
    cursor: { sync: { key: cursors.key }, drag: { x: true, y: false }, points: { size: 7 } },
    scales: { y: { range: range(name) } },
    axes: [{ ...axis, size: 28, space: 70, values: (_, ticks) => ticks.map((tick) => hour.format(new Date(tick * 1000))) }, { ...axis, size: 44, space: 34 }],
    series: [{}, { stroke, width: 1.5, points: { show: false }, spanGaps: false, ...bars }],
    hooks: {
      drawAxes: [(plot) => drawLimits(plot, name, colour(figure, "--line-strong")), (plot) => drawAlerts(plot, figure)],
      draw: [(plot) => { if (name === "temperature") mark(plot, figure); }],
      setCursor: [(plot) => showValue(plot, figure, name)],
      setData: [(plot) => showValue(plot, figure, name)],
    },
  };
}

function draw(figure) {
  const name = figure.dataset.series;
  const values = today.series[name] ?? [];
  const data = [today.series.minutes.map(seconds), values];
  const hasValues = values.some((value) => value !== null);
  if (panels.has(name) && hasValues) return renew(panels.get(name), data);
  clear(figure, name);
  if (hasValues) panels.set(name, new uPlot(options(figure, name), data, figure.querySelector(".plot")));
  else figure.querySelector(".plot").textContent = figure.parentElement.dataset.empty;
  return undefined;
}

/** Replaces the data of a panel without resetting its zoom. */
function renew(plot, data) {
  const [times] = plot.data;
  const isZoomed = plot.scales.x.min > times[0] || plot.scales.x.max < times.at(-1);
  plot.setData(data, !isZoomed);
  if (isZoomed) plot.redraw();
}

function clear(figure, name) {
  panels.get(name)?.destroy();
  panels.delete(name);
  figure.querySelector(".plot").replaceChildren();
  figure.querySelector("output").textContent = "";
}

function drawAll() {
  today = read();
  for (const figure of document.querySelectorAll(".chart")) draw(figure);
  document.querySelector(".charts").dataset.drawn = String(panels.size);
}

function recolour() {
  for (const figure of document.querySelectorAll(".chart")) clear(figure, figure.dataset.series);
  drawAll();
}

function fit() {
  for (const plot of panels.values()) {
    const container = plot.root.parentElement;
    plot.setSize({ width: container.clientWidth, height: container.clientHeight });
  }
}

drawAll();
dark.addEventListener("change", recolour);
document.addEventListener("live:swapped", drawAll);
new ResizeObserver(fit).observe(document.querySelector(".charts"));
