// What the lesson on networks computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, spaced, sum, dot } = window.onelayer.tools;

  const SIDE = 28, THICKEST = 7; // pixels

  // Drawings: heights from 0 to 1, a line for each input j and output k

  const height = (unit, units) => 1 - (unit + 0.5) / units;
  const heights = (units) => range(units).map((unit) => height(unit, units));
  const pairs = (d, q) => range(q).flatMap((k) => range(d).map((j) => [j, k]));

  /** The lines of a layer from (x0, y0) to (x1, y1), and the places of its inputs and of its outputs. */
  function layerDrawn(d, q, left = 0.3, right = 0.6) {
    return {
      x0: Array(d * q).fill(left), y0: pairs(d, q).map(([j]) => height(j, d)),
      x1: Array(d * q).fill(right), y1: pairs(d, q).map(([, k]) => height(k, q)),
      input_x: Array(d).fill(left), input_y: heights(d), unit_x: Array(q).fill(right), unit_y: heights(q),
    };
  }

  const largestOf = (weight) => Math.max(...weight.flatMap((row) => Array.from(row, Math.abs)));

  /** A layer's drawing with its weights and inputs; lines for which ``thick`` does not hold are thin. */
  function drawn(weight, x, thick) {
    const q = weight.length, d = x.length, largest = largestOf(weight);
    return {
      ...layerDrawn(d, q), thickness: pairs(d, q).map(([j, k], i) => (thick(i, j) ? (THICKEST * weight[k][j]) / largest : 0)),
      bar_x: x.map((v) => 0.12 + 0.13 * v), features: x,
    };
  }

  const layer = (weight, bias, x) => weight.map((row, k) => bias[k] + dot(row, x));

  // One house

  kernels.house = ({ area, age, term }, { house_weight: weight, house_bias: bias, houses }) => {
    const x = [area, age], carried = x.map((v, j) => weight[j] * v), totals = [bias, bias + carried[0], bias + carried[0] + carried[1]];
    const shown = range(term), whole = term === 2 ? [totals[2]] : [], now = (values) => (term ? values[term - 1] : null);
    const starts = [0, ...shown.map((j) => totals[j] / 1000), ...whole.map(() => 0)], ends = [...totals.slice(0, term + 1), ...whole].map((v) => v / 1000);
    return {
      ...layerDrawn(2, 1, 0.3, 0.85), thickness: carried.map((v, j) => (j < term ? v / 20000 : 0)),
      fader_low: [0.618, 0.07], fader_high: [0.93, 0.421],
      bias_thickness: [bias / 20000], names: ["area", "age", "bias", "price-name"], name_x: [0.3, 0.3, 0.85, 0.85], name_y: [0.87, 0.37, 0.93, 0.38],
      numbers: [...x, ...carried.map((v, j) => (j < term ? v : null)), bias, totals[term]],
      number_x: [0.3, 0.3, 0.57, 0.57, 0.85, 0.85], number_y: [0.63, 0.13, 0.69, 0.31, 0.84, 0.29], places: range(ends.length), starts,
      raised: starts.map((v, i) => Math.max(v, ends[i])), lowered: starts.map((v, i) => Math.min(v, ends[i])), stage: whole.length ? "in-all" : "so-far",
      w_now: now(weight), x_now: now(x), carried_now: now(carried), total_now: totals[term], price: totals[2],
      added: houses.map((row) => bias + weight[0] * row[0] + weight[1] * row[1]),
    };
  };

  // Images

  const edges = (d) => range(d + 1).map((j) => halfToEven((SIDE * j) / d));
  /** Round as Python does: a half goes to the even number. */
  const halfToEven = (v) => (v % 1 === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

  /** The mean brightness of d bands. */
  function bands(rows, d) {
    const cuts = edges(d);
    return range(d).map((j) => sum(rows.slice(cuts[j], cuts[j + 1])) / (cuts[j + 1] - cuts[j]));
  }

  function banded(x) {
    const cuts = edges(x.length);
    return x.flatMap((v, j) => Array(SIDE * (cuts[j + 1] - cuts[j])).fill(255 * v));
  }

  kernels.image = ({ bands: d, classes: q, picked, pair }, data) => {
    const { pixels, brightness, kinds, class_names, weights, biases, predictions } = data;
    const [weight, bias] = [weights[d], biases[d]].map((rows) => rows.slice(0, q)), x = bands(brightness[picked], d);
    const done = Math.min(pair, d * q), here = Math.max(0, done - 1);
    const k = Math.floor(here / d), j = here % d, full = Math.floor(done / d), ends = layerDrawn(d, q);
    return {
      ...drawn(weight, x, (i) => i < done), outputs: layer(weight, bias, x).map((v, i) => (i < full ? v : null)),
      names: class_names.slice(0, q),
      lines: d * q, lit: [ends.y0, ends.y1].map((ys) => (pair && pair === done ? [ys[here]] : [])), w_now: weight[k][j], x_now: x[j],
      carried_now: weight[k][j] * x[j], total_now: bias[k] + sum(x.slice(0, done && j + 1).map((v, i) => weight[k][i] * v)),
      images: [pixels[picked], banded(x)], captions: [class_names[kinds[picked]], "as-bands"], largest: largestOf(weight),
      added: layer(weight, bias, x), predicted: predictions[d][picked].slice(0, q),
    };
  };

  kernels.counting = ({ bands: d, classes: q }, { weights, biases, whole }) => {
    const ends = layerDrawn(d, q, 0.15, 0.85), numbers = sum(weights[d].slice(0, q).map((row) => row.length)), units = biases[d].slice(0, q).length;
    return {
      ...ends, count_names: ["connections", "weights", "biases", "parameters", "parameters-whole"],
      counted: [ends.y0.length, numbers, units, numbers + units, whole], formula: [d * q, d * q, q, d * q + q, 784 * 10 + 10],
      parameters: numbers + units,
    };
  };

  kernels.stacked = ({ hidden }) => {
    const sizes = [4, ...Array(hidden).fill(5), 3], xs = sizes.map((_, i) => 0.1 + (0.8 * i) / (sizes.length - 1));
    const gaps = range(sizes.length - 1).map((i) => ({ d: sizes[i], q: sizes[i + 1], ...layerDrawn(sizes[i], sizes[i + 1], xs[i], xs[i + 1]) }));
    const all = Object.fromEntries(["x0", "y0", "x1", "y1", "unit_x", "unit_y"].map((name) => [name, gaps.flatMap((gap) => gap[name])]));
    const parameters = gaps.map(({ d, q }) => d * q + q);
    return {
      ...all, input_x: gaps[0].input_x, input_y: gaps[0].input_y,
      columns: sizes.length, layers: gaps.length, layer_names: gaps.map(() => "Linear"),
      layer_shapes: gaps.map(({ d, q }) => `${d} → ${q}`), layer_parameters: parameters,
      found: [gaps.length, sum(range(gaps.length).map((i) => (sizes[i] + 1) * sizes[i + 1])) - sum(parameters)], expected: [hidden + 1, 0],
      found_names: ["layers-here", "of-inputs"],
    };
  };

  // One input is changed

  /** The drawing of a layer in which only the lines of input j are thick, and where that input is. */
  function touchedLayer(weight, x, j) {
    const unit = height(j, x.length);
    return { ...drawn(weight, x, (_, input) => input === j), touched_y: unit, track: [unit - 0.15, unit + 0.15] };
  }

  kernels.dense = ({ bands: d, classes: q, picked, touched, change }, data) => {
    const parts = [data.weights[d], data.biases[d], data.jacobian_first[d], data.jacobian_last[d]];
    const [weight, bias, here, last] = parts.map((rows) => rows.slice(0, q)), j = Math.min(touched, d) - 1, x = bands(data.brightness[picked], d);
    const moved = x.map((v, i) => (i === j ? v + change : v)), outputs = layer(weight, bias, moved), before = layer(weight, bias, x);
    const differences = outputs.map((v, k) => v - before[k]), products = weight.map((row) => row[j] * change);
    const farthest = (a, b) => Math.max(...a.map((row, k) => Math.max(...Array.from(row, (v, i) => Math.abs(v - b[k][i])))));
    return {
      ...touchedLayer(weight, moved, j), outputs, names: data.class_names.slice(0, q),
      numbers: range(q).map((k) => k + 1), differences, products,
      span: [-0.55, 0.55].map((share) => share * largestOf(weight)),
      changed: differences.filter((v) => Math.abs(v) > 1e-9).length,
      found: [here.flatMap((row) => Array.from(row)).filter((v) => v !== 0).length,
        farthest(here, weight), farthest(here, last), farthest([differences], [products])],
      expected: [d * q, 0, 0, 0], allowed: [0, 1e-12, 0, 1e-12], dense_names: ["nonzero", "jacobian-gap", "elsewhere-gap", "change-gap"],
    };
  };

  kernels.local = ({ kind, touched, change }, data) => {
    const weight = data[`${kind}_jacobian`], j = touched - 1, x = range(14).map((i) => 0.5 + (i === j ? change : 0));
    const found = touchedLayer(weight, x, j), there = pairs(14, 14).map(([i, k]) => weight[k][i] !== 0);
    const moved = weight.map((row) => row[j] * change);
    const names = ["x0", "y0", "x1", "y1", "thickness"], lines = names.map((name) => [name, found[name].filter((_, i) => there[i])]);
    return {
      ...found, ...Object.fromEntries(lines), changes_x: moved.map((v) => 0.65 + 0.5 * v),
      changed: moved.filter((v) => v !== 0).length, neighbours: data.local_jacobian.filter((row) => row[j] !== 0).length,
      jacobians: [data.dense_jacobian, data.local_jacobian].map((rows) => rows.flatMap((row) => Array.from(row))),
    };
  };

  // Two layers, 1 → 3 → 1

  kernels.bend = ({ between, value }) => {
    const first = [1, -1, 0.5], second = [1, 2, -1.5], stood = between === "relu" ? (v) => Math.max(0, v) : (v) => v;
    const plainOf = (v) => first.map((w) => w * v + 1), hiddenOf = (v) => plainOf(v).map(stood), two = (v) => dot(second, hiddenOf(v)) + 0.5;
    const slope = dot(second, first), one = (v) => slope * v + sum(second) + 0.5, inputs = spaced(-3, 3, 121), unit_y = heights(3);
    const outputs = inputs.map(two), line = inputs.map(one), alike = inputs.every((v, i) => Math.abs(dot(second, plainOf(v)) + 0.5 - line[i]) < 1e-9);
    return {
      inputs, two: outputs, one: line, here: two(value), merged: one(value), gap: Math.abs(two(value) - one(value)),
      verdict: alike ? "one-does" : "none-does",
      x0: [0.12, 0.12, 0.12, 0.5, 0.5, 0.5], y0: [0.5, 0.5, 0.5, ...unit_y], x1: [0.5, 0.5, 0.5, 0.86, 0.86, 0.86], y1: [...unit_y, 0.5, 0.5, 0.5],
      thickness: [...first, ...second].map((w) => 2.5 * w), input_x: [0.12], input_y: [0.5],
      unit_x: [0.5, 0.5, 0.5, 0.86], unit_y: [...unit_y, 0.5], number_x: [0.12, 0.5, 0.5, 0.5, 0.86],
      number_y: [0.6, ...unit_y.map((y) => y + 0.09), 0.6], numbers: [value, ...hiddenOf(value), two(value)],
    };
  };
})();
