// Computes a graph forward and backward. Before this file stands OPERATIONS: the formulas of the table,
// as functions of k, which computes with one kind of number.

const graph = JSON.parse(document.getElementById("graph-data").textContent);
const byId = (id) => document.getElementById(id);

// Numbers that do what Python's floats do. Outside a domain Python raises an error, and so does this.

class OutsideDomain extends Error {}

const ARITHMETIC = {
  "+": (x, y) => x + y,
  "-": (x, y) => (y === undefined ? -x : x - y),
  "*": (x, y) => x * y,
  "/": (x, y) => x / y,
  // Python's remainder has the sign of y, JavaScript's that of x.
  "%": (x, y) => {
    const r = x % y;
    return r === 0 ? (y < 0 ? -0 : 0) : r < 0 === y < 0 || isNaN(r) ? r : r + y;
  },
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
      if (strict && "/%".includes(name) && a[1] === 0) throw new OutsideDomain();
      return ARITHMETIC[name](...a);
    }
    if (OPERATIONS[name]?.own) return OPERATIONS[name].value(k, a);
    if (!knows(name, a.length)) throw new Error(`a page cannot compute ${name}`);
    const out = MATH[name](...a);
    const undefinedThere = isNaN(out) && !a.some(isNaN);
    if (strict && (undefinedThere || (Math.abs(out) === Infinity && a.every(isFinite)))) {
      throw new OutsideDomain();
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

const [REMAINDER, SUM, PRODUCT, POWER, ATOM] = [0, 1, 2, 3, 4];
const FORMS = {
  "+": [" + ", SUM],
  "-": [" - ", SUM],
  "*": [" · ", PRODUCT],
  "/": [" / ", PRODUCT],
  "%": [" mod ", REMAINDER],
  pow: ["^", POWER],
};
const OPERATOR = { __add__: "+", __sub__: "-", __mul__: "*", __truediv__: "/", __mod__: "%", __neg__: "-" };
const MAX_SUMMANDS = 6;

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
  name = OPERATOR[OPERATIONS[name]?.form] ?? name;
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
  const needed = name === "pow" ? POWER + 1 : name === "%" ? POWER : binding;
  const atRight = "-/".includes(name) ? 1 : 0;
  const text =
    bracketed(left.text, left.binding < needed) +
    sign +
    bracketed(right.text, right.binding < needed + atRight || right.text.startsWith("-"));
  return new Symbol_(data, text, binding);
}
SYMBOLS.sum = (n, of) => {
  const symbols = Array.from({ length: n }, (_, i) => symbol(of(i)));
  const texts = symbols.map((s, i) => bracketed(s.text, i > 0 && s.text.startsWith("-")));
  if (n > MAX_SUMMANDS) texts.splice(MAX_SUMMANDS / 2, n - MAX_SUMMANDS / 2 - 1, "…");
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
    if (!node.op) continue;
    const { operands } = OPERATIONS[node.op];
    node.many = operands.filter((x) => x.startsWith("*")).length;
    node.n = node.many ? (node.operands.length - operands.length + node.many) / node.many : 1;
  }
}

function read(node, k, of) {
  const a = node.operands.map((o) => (typeof o === "number" ? of(o) : o.constant));
  return OPERATIONS[node.op].value(k, a, undefined, node.n);
}

function readPartial(node, edge, k, of, out) {
  const a = node.operands.map((o) => (typeof o === "number" ? of(o) : o.constant));
  const place = node.places[edge];
  const listed = node.many * node.n;
  const operand = !node.many ? place : place < listed ? Math.floor(place / node.n) : node.many + place - listed;
  return OPERATIONS[node.op].partials[operand](k, a, out, node.n, place % node.n);
}

function localDerivative(node, edge, of, out) {
  let local;
  try {
    return readPartial(node, edge, FLOATS, of, out);
  } catch (error) {
    if (!(error instanceof OutsideDomain) || node.many) throw error;
    local = readPartial(node, edge, IEEE, of, out);
  }
  if (isNaN(local) && !isNaN(out) && !node.inputs.some((o) => isNaN(of(o)))) throw new OutsideDomain();
  return local;
}

function forward(nodes, leaves) {
  const data = [];
  const partials = [];
  const of = (o) => data[o];
  for (const [index, node] of nodes.entries()) {
    partials.push([]);
    if (!node.op) {
      data.push(leaves[index]);
      continue;
    }
    try {
      data.push(read(node, FLOATS, of));
      node.inputs.forEach((_, edge) => {
        partials[index].push(localDerivative(node, edge, of, data[index]));
      });
    } catch (error) {
      if (!(error instanceof OutsideDomain)) throw error;
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
