// Replays a graph on its page: the passes that engine.js computes, forward and backward, and where
// there is a model the update of training.js.

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
  if (!node.op) return { symbols: name(index), numbers: digits(state.leaves[index]) };
  const operation = OPERATIONS[node.op];
  const texts = [name(index)];
  if (operation.own && !operation.form && !node.many) {
    const given = node.operands.map((o) => (typeof o === "number" ? name(o) : digits(o.constant)));
    texts.push(`${node.op}(${given.join(", ")})`);
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
  leaves: graph.nodes.map((node) => (node.op ? undefined : node.data)),
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
    const gradient = pass.grads[event.index];
    return {
      symbols: `${name(event.index)} ← ${name(event.index)} - η · ${derivative(root, event.index)}`,
      numbers: `${digits(before)} - ${product(training.lr, gradient)} = ${digits(before - training.lr * gradient)}`,
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

// The row without a number says ∂C/∂C = 1, with which the backward pass begins.
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
  cell.dataset.value = !known ? "" : Object.is(number, -0) ? "-0" : number;
  cell.classList.toggle("negative", number < 0);
}

const PHASES = { forward: "Forward", backward: "Backward", update: "Update" };

// What is known after the first steps, and what the latest of them lights.
function knownAt(at) {
  const { pass, events } = state;
  const current = at > 0 ? events[at - 1] : null;
  const data = graph.nodes.map((node, index) => (node.op ? undefined : state.leaves[index]));
  const grads = graph.nodes.map(() => undefined);
  if (pass.fault === null && at >= graph.nodes.length) grads[root] = 1;
  const lit = new Set();
  const used = new Set();
  for (const event of events.slice(0, at)) {
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
  return { current, data, grads, lit, used };
}

function showNode(index, { current, data, grads, lit, used }) {
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
  graph.nodes[index].inputs.forEach((_, edge) => {
    const line = byId(`e${index}-${edge}`);
    line.classList.toggle("current", lit.has(line.id));
    line.classList.toggle("used", used.has(line.id));
    const local = data[index] === undefined ? undefined : state.pass.partials[index][edge];
    line.querySelector("text").textContent = local === undefined ? "" : digits(local);
  });
}

function showStep(current) {
  const { events, at } = state;
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
}

function show() {
  const { pass, at } = state;
  const known = knownAt(at);
  graph.nodes.forEach((_, index) => showNode(index, known));
  rowsOfSteps.forEach((row, k) => {
    if (k === at - 1) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
  });
  showStep(known.current);
  const fault = pass.fault === null ? "" : faultText(pass.fault);
  if (byId("fault").textContent !== fault) byId("fault").textContent = fault;
  showDetails(detailed);
}

function faultText(index) {
  const node = graph.nodes[index];
  const given = node.inputs.map((o) => `${name(o)} = ${digits(state.pass.data[o])}`).join(", ");
  const { defined } = OPERATIONS[node.op];
  return `${graph.nodes[index].formula} is outside the domain at ${given}${defined ? ` (${node.op} is defined where ${defined})` : ""}.`;
}

let detailed = graph.nodes.length - 1;
function showDetails(index) {
  detailed = index;
  const node = graph.nodes[index];
  const lines = [node.op ? node.formula : `${node.name} is a leaf`];
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
  if (box) bringIntoView(box, byId("graph"));
}

function bringIntoView(box, frame) {
  const place = box.getBoundingClientRect();
  const around = frame.getBoundingClientRect();
  if (place.left < around.left || place.right > around.right) {
    frame.scrollLeft += (place.left + place.right - around.left - around.right) / 2;
  }
  if (place.top < around.top || place.bottom > around.bottom) {
    frame.scrollTop += (place.top + place.bottom - around.top - around.bottom) / 2;
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
  if (isFinite(number)) slider.value = number;
  const field = byId(`field${index}`);
  if (field.value === "" || Number(field.value) !== number) field.value = isFinite(number) ? number : "";
}

for (const [index, node] of graph.nodes.entries()) {
  if (node.op) continue;
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
  for (const [index, node] of graph.nodes.entries()) if (!node.op) setLeaf(index, node.data);
  if (graph.training) restart(null);
  else recompute();
});

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
