"use strict";
// Shows one drawing, its findings on the nodes, and the newest version of both.

const at = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const dark = matchMedia("(prefers-color-scheme: dark)");
let theme = "auto";
let zoom = 0; // 0 fits the window
let picked = null;
let state = null;
let asked = 0;

function made(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function shownTheme() {
  return theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
}

async function renew() {
  const mine = ++asked;
  const reply = await fetch("/state");
  const fresh = await reply.json();
  const drawing = fresh.drawn ? await fetch(`/drawing.svg?theme=${shownTheme()}`) : null;
  const text = drawing && drawing.ok ? await drawing.text() : "";
  if (mine !== asked) return; // a newer one is on its way
  state = fresh;
  show(text);
}

function show(text) {
  document.documentElement.dataset.theme = shownTheme();
  document.title = `${state.name} · sinkgraph`;
  at("name").textContent = state.name;
  at("counts").textContent = state.drawn ? `${state.nodes} nodes, ${state.edges} edges` : "";
  at("save").href = `/drawing.svg?theme=${theme}`;
  const svg = text ? new DOMParser().parseFromString(text, "image/svg+xml").documentElement : null;
  at("sheet").replaceChildren(...(svg ? [document.adoptNode(svg)] : []));
  at("sheet").classList.toggle("stale", state.stale);
  for (const node of document.querySelectorAll("g.node")) prepare(node);
  notice();
  findings();
  scale();
  pick(picked, false);
  document.body.dataset.version = state.version;
}

function notice() {
  const errors = state.findings.filter((one) => one.severity === "error").length;
  let said = state.problem;
  const many = `${errors} ${errors === 1 ? "error" : "errors"} in ${state.file}`;
  if (!said && state.sketched) said = `${many}: this is a sketch of what can be read`;
  if (!said && state.stale) {
    said = state.drawn ? `${many}: this is the last drawing without one` : `${many}: it cannot be drawn`;
  }
  at("notice").textContent = said;
  at("notice").hidden = !said;
}

function nodeOf(name) {
  const every = [...document.querySelectorAll("g.node")];
  const held = (one) => (one.dataset.members || "").split(" ");
  return every.find((one) => one.dataset.node === name)
    || every.find((one) => held(one).includes(name)) || null;
}

function prepare(node) {
  const box = node.getBBox();
  node.prepend(made("rect", {
    class: "frame", x: box.x - 4, y: box.y - 4, width: box.width + 8, height: box.height + 8, rx: 6,
  }));
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "button");
  node.addEventListener("click", () => pick(node.dataset.node, false));
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(node.dataset.node, false);
    }
  });
}

function findings() {
  const byNode = new Map();
  const items = state.findings.map((one) => {
    const node = one.node === null ? null : nodeOf(one.node);
    if (node) byNode.set(node, [...(byNode.get(node) || []), one]);
    return item(one, node);
  });
  at("found").querySelector("ol").replaceChildren(...items);
  at("found").hidden = items.length === 0;
  for (const [node, found] of byNode) badge(node, found);
}

function item(one, node) {
  const entry = document.createElement("li");
  entry.dataset.severity = one.severity;
  entry.dataset.code = one.code;
  const button = document.createElement("button");
  const head = document.createElement("div");
  const word = document.createElement("b");
  word.textContent = `${one.severity} ${one.code} `;
  head.className = "head";
  head.append(word, one.headline);
  const where = document.createElement("div");
  where.className = "where";
  where.textContent = one.file === null ? one.path || "" : `${one.file}:${one.line}:${one.column}`;
  const text = document.createElement("pre");
  const excerpt = one.text.split("\n").slice(2).filter((line) => !/^ *= (note|help): /.test(line));
  while (excerpt.length && /^[ |]*$/.test(excerpt[excerpt.length - 1])) excerpt.pop();
  text.textContent = excerpt.join("\n");
  button.append(head, where, text);
  const seen = excerpt.some((line) => line.length < 48 && line.endsWith(one.label));
  const told = [seen ? "" : one.label, ...one.notes.map((line) => `note: ${line}`), ...one.help.map((line) => `help: ${line}`)];
  for (const line of told.filter(Boolean)) {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    button.append(paragraph);
  }
  if (node) button.addEventListener("click", () => pick(node.dataset.node, true));
  entry.append(button);
  return entry;
}

function badge(node, found) {
  const box = node.querySelector(".frame").getBBox();
  const error = found.some((one) => one.severity === "error");
  const mark = made("g", {class: error ? "badge error" : "badge"});
  const x = box.x + box.width - 6;
  const y = box.y + 6;
  mark.append(
    made("circle", {cx: x, cy: y, r: 9}),
    made("text", {x, y: y + 4}, found.length > 1 ? String(found.length) : error ? "×" : "!"),
    made("title", {}, found.map((one) => `${one.severity} ${one.code}: ${one.headline}`).join("\n")),
  );
  node.append(mark);
}

function pick(name, scroll) {
  for (const one of document.querySelectorAll("g.node.picked")) one.classList.remove("picked");
  const node = name === null ? null : nodeOf(name);
  picked = node ? name : null;
  at("node").hidden = !node;
  if (node) {
    node.classList.add("picked");
    const lines = node.querySelector("title").textContent.split("\n");
    at("node").querySelector("h2").textContent = lines[0];
    at("node").querySelector("pre").textContent = lines.slice(1).join("\n");
    if (scroll) node.scrollIntoView({block: "center", inline: "center"});
  }
  const before = at("side").hidden;
  at("side").hidden = at("node").hidden && at("found").hidden;
  if (before !== at("side").hidden && zoom === 0) scale();
}

function scale() {
  const svg = at("sheet").querySelector("svg");
  if (!svg) return;
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const full = 4 / 3; // the drawing is measured in points
  const room = at("view");
  const fits = Math.min(full, (room.clientWidth - 8) / width, (room.clientHeight - 8) / height);
  const factor = zoom === 0 ? Math.max(fits, full * 0.7) : zoom * full; // smaller is hard to read
  svg.setAttribute("width", width * factor);
  svg.setAttribute("height", height * factor);
  at("scale").textContent = zoom === 0 ? "fit" : `${Math.round(zoom * 100)} %`;
}

function zoomBy(step) {
  const svg = at("sheet").querySelector("svg");
  if (!svg) return;
  const now = svg.width.baseVal.value / svg.viewBox.baseVal.width / (4 / 3);
  zoom = Math.min(4, Math.max(0.1, Math.round(now * step * 100) / 100));
  scale();
}

function turn() {
  theme = {auto: "light", light: "dark", dark: "auto"}[theme];
  at("theme").textContent = theme;
  renew();
}

at("in").addEventListener("click", () => zoomBy(1.25));
at("out").addEventListener("click", () => zoomBy(0.8));
at("scale").addEventListener("click", () => { zoom = zoom === 0 ? 1 : 0; scale(); });
at("theme").addEventListener("click", turn);
dark.addEventListener("change", renew);
addEventListener("resize", () => { if (zoom === 0) scale(); });
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {"+": () => zoomBy(1.25), "-": () => zoomBy(0.8), "0": () => at("scale").click(), t: turn,
    Escape: () => pick(null, false)}[event.key];
  if (act) act();
});

const news = new EventSource("/events");
news.onmessage = () => {
  at("live").dataset.live = "yes";
  at("live").textContent = `live, drawn ${new Date().toLocaleTimeString()}`;
  renew();
};
news.onerror = () => {
  at("live").dataset.live = "lost";
  at("live").textContent = "sinkgraph is gone: waiting for it";
};
