// Replays a graph: forward, backward, and the update where there is a model. ROWS stands before
// this file: the table's formulas, each a function of k, which says what numbers they are read with.

const graph = JSON.parse(document.getElementById("graph-data").textContent);
const byId = (id) => document.getElementById(id);

// Numbers: what Python's floats do. Outside a domain Python raises, and so does this.

class Outside extends Error {}

const ARITHMETIC = {
  "+": (x, y) => x + y,
  "-": (x, y) => (y === undefined ? -x : x - y),
  "*": (x, y) => x * y,
  "/": (x, y) => x / y,
};
const MATH = {
  ...Object.fromEntries(Object.getOwnPropertyNames(Math).map((name) => [name, Math[name]])),
  fabs: Math.abs,
  // As in C: 1 to any power is 1, and so is -1 to an infinite one.
  pow: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y)),
};

function knows(name, count) {
  const known = MATH[name];
  return typeof known === "function" && (known.length === count || "min max".includes(name));
}

function numbers(strict) {
  const k = (name, ...a) => {
    if (name in ARITHMETIC) {
      if (strict && name === "/" && a[1] === 0) throw new Outside();
      return ARITHMETIC[name](...a);
    }
    if (ROWS[name]?.own) return ROWS[name].value(k, a);
    if (!knows(name, a.length)) throw new Error(`a page cannot compute ${name}`);
    const out = MATH[name](...a);
    const undefinedThere = isNaN(out) && !a.some(isNaN);
    if (strict && (undefinedThere || (Math.abs(out) === Infinity && a.every(isFinite)))) {
      throw new Outside();
    }
    return out;
  };
  k.sum = (n, of) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += of(i);
    return sum;
  };
  return k;
}
const FLOATS = numbers(true);
const IEEE = numbers(false);

// Symbols: numbers together with how they are written.

const [SUM, PRODUCT, POWER, ATOM] = [0, 1, 2, 3];
const FORMS = {
  "+": [" + ", SUM],
  "-": [" - ", SUM],
  "*": [" · ", PRODUCT],
  "/": [" / ", PRODUCT],
  pow: ["^", POWER],
};
const OPERATOR = { __add__: "+", __sub__: "-", __mul__: "*", __truediv__: "/", __neg__: "-" };
const MOST_SUMMANDS = 6;

class Symbol_ {
  constructor(data, text, binding = ATOM) {
    Object.assign(this, { data, text, binding });
  }
  valueOf() {
    return this.data;
  }
}

function digits(x) {
  if (isNaN(x)) return "nan";
  if (!isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const [mantissa, exponent] = x.toExponential(3).split("e");
  const stripped = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < 4) return stripped(x.toFixed(3 - exponent));
  return `${stripped(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

function symbol(x) {
  if (x instanceof Symbol_) return x;
  const text = digits(x);
  return new Symbol_(x, text, text.startsWith("-") ? PRODUCT : ATOM);
}
const bracketed = (text, needed = true) => (needed ? `(${text})` : text);

function SYMBOLS(name, ...a) {
  name = OPERATOR[ROWS[name]?.form] ?? name;
  if (name in ARITHMETIC && a.every((x) => typeof x === "number")) return IEEE(name, ...a);
  const symbols = a.map(symbol);
  const data = IEEE(name, ...symbols.map(Number));
  if (name === "-" && a.length === 1) {
    return new Symbol_(data, `-${bracketed(symbols[0].text, symbols[0].binding < PRODUCT || symbols[0].text.startsWith("-"))}`, PRODUCT);
  }
  if (!(name in FORMS)) return new Symbol_(data, `${name}(${symbols.map((s) => s.text).join(", ")})`);
  const [sign, binding] = FORMS[name];
  const [left, right] = symbols;
  if (name === "pow" && right.data === 1 && typeof a[1] === "number") return left;
  const more = name === "pow" ? 1 : 0;
  const atRight = more || name === "-" || name === "/" ? 1 : 0;
  const text =
    bracketed(left.text, left.binding < binding + more) +
    sign +
    bracketed(right.text, right.binding < binding + atRight || right.text.startsWith("-"));
  return new Symbol_(data, text, binding);
}
SYMBOLS.sum = (n, of) => {
  const symbols = Array.from({ length: n }, (_, i) => symbol(of(i)));
  const texts = symbols.map((s, i) => bracketed(s.text, i > 0 && s.text.startsWith("-")));
  if (n > MOST_SUMMANDS) texts.splice(MOST_SUMMANDS / 2, n - MOST_SUMMANDS / 2 - 1, "…");
  const data = symbols.reduce((sum, s) => sum + s.data, 0);
  return n ? new Symbol_(data, texts.join(" + "), n > 1 ? SUM : symbols[0].binding) : 0;
};

// The engine: forward, backward.

function prepare(nodes) {
  for (const node of nodes) {
    node.data = Number(node.data);
    node.operands = node.operands.map((o) => (typeof o === "string" ? { constant: Number(o) } : o));
    node.inputs = node.operands.filter((o) => typeof o === "number");
    node.places = node.operands.flatMap((o, place) => (typeof o === "number" ? [place] : []));
    const row = ROWS[node.row];
    if (!row) continue;
    node.many = row.operands.filter((x) => x.startsWith("*")).length;
    node.n = node.many ? (node.operands.length - row.operands.length + node.many) / node.many : 1;
  }
}

function read(node, k, of) {
  const a = node.operands.map((o) => (typeof o === "number" ? of(o) : o.constant));
  return ROWS[node.row].value(k, a, undefined, node.n);
}

function readPartial(node, edge, k, of, out) {
  const a = node.operands.map((o) => (typeof o === "number" ? of(o) : o.constant));
  const place = node.places[edge];
  const listed = node.many * node.n;
  const operand = !node.many ? place : place < listed ? Math.floor(place / node.n) : node.many + place - listed;
  return ROWS[node.row].partials[operand](k, a, out, node.n, place % node.n);
}

function localDerivative(node, edge, of, out) {
  let local;
  try {
    return readPartial(node, edge, FLOATS, of, out);
  } catch (error) {
    if (!(error instanceof Outside) || node.many) throw error;
    local = readPartial(node, edge, IEEE, of, out);
  }
  if (isNaN(local) && !isNaN(out) && !node.inputs.some((o) => isNaN(of(o)))) throw new Outside();
  return local;
}

function forward(nodes, leaves) {
  const data = [];
  const partials = [];
  const of = (o) => data[o];
  for (const [index, node] of nodes.entries()) {
    partials.push([]);
    if (!node.row) {
      data.push(leaves[index]);
      continue;
    }
    try {
      data.push(read(node, FLOATS, of));
      node.inputs.forEach((_, edge) => {
        partials[index].push(localDerivative(node, edge, of, data[index]));
      });
    } catch (error) {
      if (!(error instanceof Outside)) throw error;
      data.length = index;
      return { data, partials, fault: index };
    }
  }
  return { data, partials, fault: null };
}

function evaluate(leaves) {
  const pass = forward(graph.nodes, leaves);
  pass.grads = graph.nodes.map(() => 0);
  pass.shares = [];
  if (pass.fault === null) {
    pass.grads[graph.nodes.length - 1] = 1;
    for (const [node, edge] of graph.backward) {
      const upstream = pass.grads[node];
      const local = pass.partials[node][edge];
      const operand = graph.nodes[node].inputs[edge];
      const share = upstream * local;
      pass.grads[operand] += share;
      pass.shares.push({ node, edge, operand, upstream, local, share, total: pass.grads[operand] });
    }
  }
  return pass;
}

// What is written.

const root = graph.nodes.length - 1;
const name = (index) => graph.nodes[index].name;
const named = (index) => new Symbol_(state.pass.data[index], name(index));
const numbered = (index) => symbol(state.pass.data[index]);
const derivative = (node, by) => `∂${name(node)}/∂${name(by)}`;
const product = (x, y) => `${digits(x)} · ${bracketed(digits(y), y < 0)}`;
const chained = (parts) => parts.filter((part, k) => part !== parts[k - 1]).join(" = ");

function valueParts(index) {
  const node = graph.nodes[index];
  if (!node.row) return { symbols: name(index), numbers: digits(state.leaves[index]) };
  const row = ROWS[node.row];
  const texts = [name(index)];
  if (row.own && !row.form && !node.many) {
    const given = node.operands.map((o) => (typeof o === "number" ? name(o) : digits(o.constant)));
    texts.push(`${node.row}(${given.join(", ")})`);
  }
  texts.push(symbol(read(node, SYMBOLS, named)).text);
  const computed = [symbol(read(node, SYMBOLS, numbered)).text, digits(state.pass.data[index])];
  return { symbols: chained(texts), numbers: chained(computed), whole: chained([...texts, ...computed]) };
}

function partialText(node, edge) {
  return symbol(readPartial(graph.nodes[node], edge, SYMBOLS, named, named(node))).text;
}

// A timeline of everything that happens, and where in it we are.

prepare(graph.nodes);
const state = {
  leaves: graph.nodes.map((node) => (node.row ? undefined : node.data)),
  pass: null,
  events: [],
  at: 0,
  playing: null,
};

function timeline() {
  const { pass } = state;
  const events = [];
  pass.data.forEach((_, index) => events.push({ phase: "forward", index }));
  if (pass.fault === null) {
    pass.shares.forEach((share) => events.push({ phase: "backward", index: share.operand, ...share }));
    for (const index of graph.training?.parameters ?? []) events.push({ phase: "update", index });
  }
  return events;
}

function written(event) {
  const { pass } = state;
  if (event.phase === "forward") return { ...valueParts(event.index), local: "", sum: "" };
  if (event.phase === "update") {
    const before = state.leaves[event.index];
    const slope = pass.grads[event.index];
    return {
      symbols: `${name(event.index)} ← ${name(event.index)} - η · ${derivative(root, event.index)}`,
      numbers: `${digits(before)} - ${product(training.lr, slope)} = ${digits(before - training.lr * slope)}`,
      local: "",
      sum: "",
    };
  }
  const local = derivative(event.node, event.operand);
  return {
    symbols: `${derivative(root, event.operand)} += ${derivative(root, event.node)} · ${local}`,
    numbers: `${product(event.upstream, event.local)} = ${digits(event.share)}`,
    local: `${local} = ${partialText(event.node, event.edge)}`,
    sum: digits(event.total),
  };
}

function recompute() {
  const atEnd = state.at === state.events.length;
  state.pass = evaluate(state.leaves);
  state.events = timeline();
  state.at = atEnd ? state.events.length : Math.min(state.at, state.events.length);
  byId("scrubber").max = state.events.length;
  writeRows();
  show();
}

// The page.

// The row without a number is that of ∂C/∂C = 1, where the backward pass begins.
const rowsOfSteps = [...document.querySelectorAll("#steps tbody tr")].filter((row) => row.cells[0].textContent);

function writeRows() {
  rowsOfSteps.forEach((row, k) => {
    const event = state.events[k];
    row.hidden = !event;
    if (!event) return;
    const text = written(event);
    row.cells[1].textContent = text.whole ?? `${text.symbols} = ${text.numbers}`;
    if (event.phase === "backward") {
      row.cells[2].textContent = text.local;
      row.cells[3].textContent = text.sum;
    }
  });
}

function setCell(cell, number) {
  const known = number !== undefined;
  cell.textContent = known ? digits(number) : "–";
  cell.dataset.value = known ? number : "";
  cell.classList.toggle("negative", number < 0);
}

const PHASES = { forward: "Forward", backward: "Backward", update: "Update" };

function show() {
  const { pass, events, at } = state;
  const done = events.slice(0, at);
  const current = at > 0 ? events[at - 1] : null;
  const data = graph.nodes.map((node, index) => (node.row ? undefined : state.leaves[index]));
  const grads = graph.nodes.map(() => undefined);
  if (pass.fault === null && at >= graph.nodes.length) grads[root] = 1;
  const lit = new Set();
  const used = new Set();
  for (const event of done) {
    if (event.phase === "forward") data[event.index] = pass.data[event.index];
    if (event.phase === "backward") {
      grads[event.operand] = event.total;
      used.add(`e${event.node}-${event.edge}`);
    }
  }
  if (current?.phase === "forward") {
    graph.nodes[current.index].inputs.forEach((_, edge) => lit.add(`e${current.index}-${edge}`));
  }
  if (current?.phase === "backward") lit.add(`e${current.node}-${current.edge}`).add(`n${current.node}`);
  if (current) lit.add(`n${current.index}`);

  graph.nodes.forEach((node, index) => {
    const row = byId(`row${index}`);
    setCell(row.cells[2], data[index]);
    setCell(row.cells[3], grads[index]);
    row.classList.toggle("current", current?.index === index);
    const box = byId(`n${index}`);
    box.classList.toggle("current", lit.has(box.id));
    box.querySelector(".data").textContent = `data ${data[index] === undefined ? "–" : digits(data[index])}`;
    box.querySelector(".grad").textContent = `grad ${grads[index] === undefined ? "–" : digits(grads[index])}`;
    box.setAttribute("data-sign", Math.sign(grads[index] ?? 0));
    box.setAttribute("aria-label", `${box.dataset.formula}: ${box.querySelector(".data").textContent}, ${box.querySelector(".grad").textContent}`);
    node.inputs.forEach((_, edge) => {
      const line = byId(`e${index}-${edge}`);
      line.classList.toggle("current", lit.has(line.id));
      line.classList.toggle("used", used.has(line.id));
      const local = data[index] === undefined ? undefined : pass.partials[index][edge];
      line.querySelector("text").textContent = local === undefined ? "" : digits(local);
    });
  });
  rowsOfSteps.forEach((row, k) => {
    if (k === at - 1) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
  });

  const text = current && written(current);
  byId("phase").textContent = current ? PHASES[current.phase] : "Start";
  byId("symbols").textContent = text ? text.symbols : "Only the leaves are known.";
  byId("numbers").textContent = text ? `= ${text.numbers}` : "";
  byId("because").textContent = text?.local ? `since ${text.local}` : "";
  byId("sum").textContent = text?.sum ? `sum so far: ${text.sum}` : "";
  const said = text ? `${PHASES[current.phase]}: ${text.whole ?? `${text.symbols} = ${text.numbers}`}${text.sum ? `; sum so far ${text.sum}` : ""}` : "Start";
  byId("status").textContent = `Step ${at} of ${events.length}. ${said}`;
  byId("scrubber").value = at;
  byId("scrubber").setAttribute("aria-valuetext", `step ${at} of ${events.length}`);
  byId("at").textContent = `${at} / ${events.length}`;
  const fault = pass.fault === null ? "" : faultText(pass.fault);
  if (byId("fault").textContent !== fault) byId("fault").textContent = fault;
  showDetails(detailed);
}

function faultText(index) {
  const node = graph.nodes[index];
  const given = node.inputs.map((o) => `${name(o)} = ${digits(state.pass.data[o])}`).join(", ");
  const { defined } = ROWS[node.row];
  return `${graph.nodes[index].formula} is outside the domain at ${given}${defined ? ` (${node.row} is defined where ${defined})` : ""}.`;
}

let detailed = graph.nodes.length - 1;
function showDetails(index) {
  detailed = index;
  const node = graph.nodes[index];
  const lines = [node.row ? node.formula : `${node.name} is a leaf`];
  if (state.pass.fault === null || index < state.pass.fault) {
    lines.push(`data ${state.pass.data[index]}`, `grad ${state.pass.grads[index]}`);
    node.inputs.forEach((operand, edge) => {
      const texts = [derivative(index, operand), partialText(index, edge), digits(state.pass.partials[index][edge])];
      lines.push(chained(texts));
    });
  }
  const items = lines.map((line) => Object.assign(document.createElement("li"), { textContent: line }));
  byId("details").replaceChildren(...items);
}

// Controls.

function go(to) {
  state.at = Math.max(0, Math.min(state.events.length, to));
  show();
  const box = state.at > 0 && byId(`n${state.events[state.at - 1].index}`);
  const frame = byId("graph");
  if (box && frame.scrollWidth > frame.clientWidth) {
    const place = box.getBoundingClientRect();
    const around = frame.getBoundingClientRect();
    if (place.left < around.left || place.right > around.right) {
      frame.scrollLeft += place.left + place.width / 2 - around.left - around.width / 2;
    }
  }
}

function pause() {
  clearInterval(state.playing);
  state.playing = null;
  byId("play").textContent = "Play";
}

function play() {
  if (state.playing) return pause();
  if (state.at === state.events.length) go(0);
  byId("play").textContent = "Pause";
  state.playing = setInterval(() => {
    if (state.at < state.events.length) return go(state.at + 1);
    if (graph.training && training.at < training.run.length - 1) {
      goTraining(training.at + 1);
      return go(0);
    }
    return pause();
  }, 700);
}

const CONTROLS = {
  home: () => go(0),
  back: () => go(state.at - 1),
  play,
  step: () => go(state.at + 1),
  end: () => go(state.events.length),
};
for (const [id, action] of Object.entries(CONTROLS)) {
  byId(id).addEventListener("click", () => {
    if (id !== "play") pause();
    action();
  });
}
byId("scrubber").addEventListener("input", (event) => {
  pause();
  go(Number(event.target.value));
});

const KEYS = { ArrowLeft: "back", ArrowRight: "step", Home: "home", End: "end", " ": "play" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
  if (event.target.matches("input, .scroll") || (event.key === " " && event.target.matches("button, summary"))) return;
  event.preventDefault();
  const control = KEYS[event.key];
  if (control !== "play") pause();
  CONTROLS[control]();
});

for (const box of document.querySelectorAll("#graph .node")) {
  const index = Number(box.id.slice(1));
  for (const kind of ["mouseenter", "focus", "click"]) box.addEventListener(kind, () => showDetails(index));
}

function setLeaf(index, number) {
  state.leaves[index] = number;
  const slider = byId(`slider${index}`);
  slider.value = number;
  const field = byId(`field${index}`);
  if (Number(field.value) !== number) field.value = number;
}

for (const [index, node] of graph.nodes.entries()) {
  if (node.row) continue;
  for (const kind of ["slider", "field"]) {
    byId(`${kind}${index}`).addEventListener("input", (event) => {
      const number = event.target.valueAsNumber;
      event.target.setAttribute("aria-invalid", String(!isFinite(number)));
      if (!isFinite(number)) return;
      pause();
      const slider = byId(`slider${index}`);
      slider.min = Math.min(slider.min, number);
      slider.max = Math.max(slider.max, number);
      setLeaf(index, number);
      if (graph.training) restart(index);
      else recompute();
    });
  }
}
byId("reset").addEventListener("click", () => {
  pause();
  for (const [index, node] of graph.nodes.entries()) if (!node.row) setLeaf(index, node.data);
  if (graph.training) restart(null);
  else recompute();
});

// Training: the update, over and over.

if (graph.training) graph.training.limit = Number(graph.training.limit);
const training = { lr: graph.training?.lr, start: null, run: [], at: 0, playing: null };

function descend(lr, steps) {
  const { parameters } = graph.training;
  const leaves = [...state.leaves];
  parameters.forEach((index, k) => (leaves[index] = training.start[k]));
  const run = [];
  for (let step = 0; step <= steps; step++) {
    const pass = evaluate(leaves);
    const cost = pass.data[root];
    if (pass.fault !== null || !isFinite(cost)) break;
    run.push({ cost, parameters: parameters.map((index) => leaves[index]) });
    parameters.forEach((index) => (leaves[index] -= lr * pass.grads[index]));
  }
  return run;
}

function restart(index) {
  const { parameters } = graph.training;
  if (index === null || parameters.includes(index)) {
    training.start = parameters.map((parameter) => state.leaves[parameter]);
    training.at = 0;
  }
  retrain();
}

function retrain() {
  training.run = descend(training.lr, graph.training.steps);
  training.at = Math.min(training.at, Math.max(training.run.length - 1, 0));
  byId("t-scrubber").max = Math.max(training.run.length - 1, 0);
  goTraining(training.at);
}

function goTraining(to) {
  training.at = Math.max(0, Math.min(training.run.length - 1, to));
  const now = training.run[training.at];
  if (now) graph.training.parameters.forEach((index, k) => setLeaf(index, now.parameters[k]));
  recompute();
  drawTraining();
}

const SVG = "http://www.w3.org/2000/svg";
function make(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

const W = 340;
const H = 250;
const LEFT = 52;
const BOTTOM = 34;
const TOP = 12;
const RIGHT = 14;

class Plot {
  constructor(id, [x0, x1], [y0, y1], xLabel, yLabel, logarithmic = false) {
    this.svg = byId(id);
    this.x = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (W - LEFT - RIGHT);
    this.y = (y) => H - BOTTOM - ((y - y0) / (y1 - y0 || 1)) * (H - BOTTOM - TOP);
    this.svg.replaceChildren(
      make("rect", { x: LEFT, y: TOP, width: W - LEFT - RIGHT, height: H - BOTTOM - TOP, class: "frame" }),
    );
    for (const tick of ticks(x0, x1)) {
      this.add("path", { d: `M${this.x(tick)} ${H - BOTTOM}v4`, class: "tick" });
      this.add("text", { x: this.x(tick), y: H - BOTTOM + 15, "text-anchor": "middle" }, digits(tick));
    }
    for (const tick of ticks(y0, y1, logarithmic)) {
      this.add("path", { d: `M${LEFT} ${this.y(tick)}h-4`, class: "tick" });
      this.add("text", { x: LEFT - 6, y: this.y(tick) + 4, "text-anchor": "end" }, logarithmic ? `1e${tick}` : digits(tick));
    }
    this.add("text", { x: (LEFT + W - RIGHT) / 2, y: H - 4, "text-anchor": "middle" }, xLabel);
    this.add("text", { x: 11, y: (H - BOTTOM + TOP) / 2, "text-anchor": "middle", transform: `rotate(-90 11 ${(H - BOTTOM + TOP) / 2})` }, yLabel);
    const inner = make("svg", { x: LEFT, y: TOP, width: W - LEFT - RIGHT, height: H - BOTTOM - TOP, viewBox: `${LEFT} ${TOP} ${W - LEFT - RIGHT} ${H - BOTTOM - TOP}` });
    this.svg.append(inner);
    this.inside = inner;
  }
  add(tag, attributes, text) {
    (this.inside ?? this.svg).append(make(tag, attributes, text));
  }
  line(points, className) {
    const shown = points.filter(([x, y]) => isFinite(x) && isFinite(y));
    const clamp = (v) => Math.max(-1e6, Math.min(1e6, v)).toFixed(2);
    if (shown.length > 1) {
      this.add("path", { d: `M${shown.map(([x, y]) => `${clamp(this.x(x))} ${clamp(this.y(y))}`).join("L")}`, class: className });
    }
  }
  dot(x, y, className, r = 4) {
    const [cx, cy] = [this.x(x), this.y(y)];
    if (Math.abs(cx) < 1e4 && Math.abs(cy) < 1e4) this.add("circle", { cx, cy, r, class: className });
  }
}

function ticks(low, high, whole = false) {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  if (whole) step = Math.max(1, Math.round(step));
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

function range(values, pad) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || Math.abs(high) || 1) * pad;
  return [low - margin, high + margin];
}

function predict(x) {
  const { prediction, parameters } = graph.training;
  const now = training.run[training.at].parameters;
  const leaves = prediction.nodes.map((node) => node.data);
  prediction.parameters.forEach((index, k) => {
    if (index !== null) leaves[index] = now[k];
  });
  leaves[prediction.x] = x;
  return forward(prediction.nodes, leaves).data.at(-1);
}

function drawFit() {
  const { points } = graph.training;
  const xs = range(points.map(([x]) => x), 0.3);
  const ys = range(points.map(([, y]) => y).concat(0), 0.15);
  const plot = new Plot("fit-plot", xs, ys, "x", "y");
  const samples = Array.from({ length: 61 }, (_, k) => xs[0] + ((xs[1] - xs[0]) * k) / 60);
  plot.line(samples.map((x) => [x, predict(x)]), "model");
  for (const [x, y] of points) {
    plot.line([[x, y], [x, predict(x)]], "error");
    plot.dot(x, y, "point");
  }
}

function drawCost() {
  const floor = -12;
  const logs = training.run.map(({ cost }) => (cost > 0 ? Math.max(floor, Math.log10(cost)) : floor));
  const finite = logs.map((y) => Math.min(y, 12));
  const ys = [Math.floor(Math.min(...finite)), Math.ceil(Math.max(...finite)) + (Math.max(...finite) === Math.min(...finite) ? 1 : 0)];
  const plot = new Plot("cost-plot", [0, graph.training.steps], ys, "training step", name(root), true);
  plot.line(logs.map((y, step) => [step, y]), "path");
  plot.dot(training.at, logs[training.at], "now");
}

let surface = null; // the cost over the two parameters, for the leaves that were last asked for
function costSurface() {
  const key = JSON.stringify([state.leaves.filter((_, k) => !graph.training.parameters.includes(k)), training.start]);
  if (surface?.key === key) return surface;
  const calm = descend(isFinite(graph.training.limit) ? graph.training.limit / 2 : training.lr, 400);
  const ends = [calm[0], calm.at(-1)].map(({ parameters }) => parameters);
  const [ws, bs] = [0, 1].map((k) => range([...calm.map(({ parameters }) => parameters[k]), 2 * ends[1][k] - ends[0][k]], 0.15));
  const count = graph.nodes.length > 100 ? 24 : 48;
  const leaves = [...state.leaves];
  const [w, b] = graph.training.parameters;
  const grid = [];
  for (let j = 0; j <= count; j++) {
    leaves[b] = bs[0] + ((bs[1] - bs[0]) * j) / count;
    grid.push([]);
    for (let i = 0; i <= count; i++) {
      leaves[w] = ws[0] + ((ws[1] - ws[0]) * i) / count;
      grid[j].push(forward(graph.nodes, leaves).data[root] ?? NaN);
    }
  }
  surface = { key, ws, bs, grid, count };
  return surface;
}

// Marching squares: in each cell of the grid, the pieces of the line on which the cost has a level.
function contour(grid, level) {
  const pieces = [];
  for (let j = 0; j + 1 < grid.length; j++) {
    for (let i = 0; i + 1 < grid[j].length; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const cuts = [];
      corners.forEach(([i0, j0], k) => {
        const [i1, j1] = corners[(k + 1) % 4];
        const [from, to] = [grid[j0][i0] - level, grid[j1][i1] - level];
        if (from < 0 !== to < 0) {
          const t = from / (from - to);
          cuts.push([i0 + t * (i1 - i0), j0 + t * (j1 - j0)]);
        }
      });
      for (let k = 0; k + 1 < cuts.length; k += 2) pieces.push([cuts[k], cuts[k + 1]]);
    }
  }
  return pieces;
}

function drawContours() {
  const { ws, bs, grid, count } = costSurface();
  const [w, b] = graph.training.parameters;
  const plot = new Plot("contour-plot", ws, bs, name(w), name(b));
  const all = grid.flat().filter(isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  for (let k = 0; k < 10; k++) {
    const level = low + (high - low) * 0.5 ** k;
    const d = contour(grid, level)
      .map((piece) => piece.map(([i, j]) => `${plot.x(ws[0] + ((ws[1] - ws[0]) * i) / count).toFixed(1)} ${plot.y(bs[0] + ((bs[1] - bs[0]) * j) / count).toFixed(1)}`).join("L"))
      .map((piece) => `M${piece}`)
      .join("");
    plot.add("path", { d, class: "contour" });
  }
  const path = training.run.slice(0, training.at + 1).map(({ parameters }) => parameters);
  plot.line(path, "path");
  for (const [x, y] of path.slice(0, 200)) plot.dot(x, y, "past", 2);
  plot.dot(...path.at(-1), "now");
}

function verdict() {
  const { limit, steps } = graph.training;
  const { run, lr } = training;
  const first = run[0].cost;
  const last = run.at(-1).cost;
  const rate = `Learning rate ${digits(lr)}`;
  if (run.length <= steps) return `${rate}: wild divergence. The cost is no longer a number after step ${run.length - 1}.`;
  if (last > first) return `${rate}${lr > limit ? `, above the limit ${limit.toPrecision(5)}` : ""}: wild divergence. The cost grows from ${digits(first)} to ${digits(last)}.`;
  if (lr < 0.05 * limit) return `${rate}: a slow crawl. After ${steps} steps the cost is still ${digits(last)}.`;
  return `${rate}: a proper drop. The cost falls from ${digits(first)} to ${digits(last)} in ${steps} steps.`;
}

function drawTraining() {
  if (!training.run.length) {
    byId("verdict").textContent = "The cost is outside its domain here.";
    return;
  }
  const now = training.run[training.at];
  if (graph.training.prediction) drawFit();
  drawCost();
  if (graph.training.parameters.length === 2) drawContours();
  byId("verdict").textContent = verdict();
  const shown = graph.training.parameters.slice(0, 6).map((index, k) => `${name(index)} = ${digits(now.parameters[k])}`);
  byId("t-status").textContent = `Training step ${training.at} of ${training.run.length - 1}: ${shown.join(", ")}, ${name(root)} = ${digits(now.cost)}`;
  byId("t-scrubber").value = training.at;
  byId("t-scrubber").setAttribute("aria-valuetext", byId("t-status").textContent);
  byId("lr").value = Math.log10(training.lr);
  byId("lr").setAttribute("aria-valuetext", digits(training.lr));
  if (Number(byId("lr-field").value) !== training.lr) byId("lr-field").value = training.lr;
}

function pauseTraining() {
  clearInterval(training.playing);
  training.playing = null;
  byId("t-play").textContent = "Play training";
}

function setRate(lr) {
  if (!(lr > 0 && isFinite(lr))) return;
  training.lr = lr;
  retrain();
}

function setUpTraining() {
  const { prediction } = graph.training;
  if (prediction) prepare(prediction.nodes);
  training.start = graph.training.parameters.map((index) => state.leaves[index]);
  byId("lr").addEventListener("input", (event) => setRate(Number((10 ** event.target.valueAsNumber).toPrecision(4))));
  byId("lr-field").addEventListener("input", (event) => setRate(event.target.valueAsNumber));
  for (const button of document.querySelectorAll("[data-lr]")) {
    button.addEventListener("click", () => setRate(Number(button.dataset.lr)));
  }
  byId("t-scrubber").addEventListener("input", (event) => {
    pauseTraining();
    goTraining(Number(event.target.value));
  });
  byId("t-back").addEventListener("click", () => goTraining(training.at - 1));
  byId("t-step").addEventListener("click", () => goTraining(training.at + 1));
  byId("t-play").addEventListener("click", () => {
    if (training.playing) return pauseTraining();
    if (training.at === training.run.length - 1) goTraining(0);
    byId("t-play").textContent = "Pause training";
    training.playing = setInterval(() => {
      goTraining(training.at + 1);
      if (training.at === training.run.length - 1) pauseTraining();
    }, 150);
    return undefined;
  });
  retrain();
}

// Begin. Where a formula uses a function that JavaScript does not have, all stays as it was written.

try {
  state.pass = evaluate(state.leaves);
  if (graph.training) setUpTraining();
  recompute();
  go(state.events.length);
  for (const part of document.querySelectorAll(".live")) part.hidden = false;
} catch (error) {
  byId("fault").textContent = `This page cannot be played: ${error.message}.`;
}
window.tinygrad = { evaluate };
