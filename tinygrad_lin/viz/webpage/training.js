// Training: the update over and over, the line over the points, the cost, and the path on its contours.

graph.training.limit = Number(graph.training.limit);
const training = { lr: graph.training.lr, start: null, run: [], at: 0, playing: null };

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
