// What the lesson on softmax computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { format, kernels } = window.onelayer;
  const { range, sum, dot, softmax } = window.onelayer.tools;

  const CLASSES = ["cat", "chicken", "dog"], PLACES = [0, 1, 2];
  const lowered = (n) => "₀₁₂₃₄₅₆₇₈₉"[n];
  const oneHot = (label) => PLACES.map((place) => +(place === label));

  kernels.mixture = ({ mix }) => {
    const encoded = PLACES.map(oneHot), dogs = mix / 2, pairs = [[0, 1], [0, 2], [1, 2]];
    const count = (wanted) => encoded.map((y) => y.filter((v) => v === wanted).length);
    return {
      places: PLACES, names: CLASSES, fulcrum_x: [mix, mix - 0.16, mix + 0.16, mix], fulcrum_y: [0, -0.19, -0.19, 0], beside: mix + 0.22, dogs, average: PLACES.map((j) => (1 - dogs) * encoded[0][j] + dogs * encoded[2][j]),
      says: CLASSES[Math.floor(mix + 0.5)], ones: count(1), zeros: count(0), pairs: pairs.map(([a, b]) => `${CLASSES[a]}-${CLASSES[b]}`),
      distances: pairs.map(([a, b]) => Math.hypot(...PLACES.map((j) => encoded[a][j] - encoded[b][j]))), root: Math.SQRT2,
    };
  };

  kernels.network = ({ inputs: d, outputs: q, pick }) => {
    const heights = (count) => range(count).map((i) => 1 - (i + 1) / (count + 1));
    const input_y = heights(d), output_y = heights(q), away = output_y.map((y) => Math.abs(y - pick)), lit = away.indexOf(Math.min(...away));
    const o = lowered(lit + 1), from_y = input_y.flatMap((y) => output_y.map(() => y));
    return {
      input_y, node_x: [...input_y.map(() => 0.15), ...output_y.map(() => 0.8)], node_y: [...input_y, ...output_y],
      name_x: [...input_y.map(() => 0.09), ...output_y.map(() => 0.86)],
      node_names: [...input_y.map((_, i) => `x${lowered(i + 1)}`), ...output_y.map((_, j) => `o${lowered(j + 1)}`)],
      from_y, to_y: range(d).flatMap(() => output_y), lit_y: output_y[lit],
      sum: `o${o} = ${range(d).map((i) => `x${lowered(i + 1)}w${lowered(i + 1)}${o}`).join(" + ")} + b${o}`,
      rows: ["weights", "biases", "together"], counted: [from_y.length, output_y.length, from_y.length + output_y.length],
      formula: [d * q, q, d * q + q], learned: d * q + q, four_to_three: 15,
    };
  };

  const ranks = (values) => values.map((v) => 1 + values.filter((other) => other > v).length);

  kernels.in_stages = ({ logit_cat, logit_chicken, logit_dog, stage }) => {
    const logits = [logit_cat, logit_chicken, logit_dog], exponentials = logits.map(Math.exp), probabilities = softmax(logits);
    const total = sum(exponentials), whole = sum(probabilities);
    const bars = [[], exponentials, [...exponentials, total], [...probabilities, whole]][stage], high = stage === 3 ? 1.15 : 1.15 * total;
    const known = (from, values) => (stage >= from ? values : [null, null, null]), shown = (v) => format(v, ",.3f");
    const said = PLACES.map((j) => ["", `exp = ${shown(exponentials[j])}`, shown(exponentials[j]), format(probabilities[j], ".1%")][stage]);
    return {
      places: PLACES, names: CLASSES, logits, exponentials, total, probabilities, said, divided: PLACES.map(() => (stage === 2 ? `÷ ${shown(total)}` : "")), known_exponentials: known(1, exponentials),
      known_total: stage > 1 ? total : null, known_probabilities: known(3, probabilities), bars, bar_places: bars.map((_, i) => i),
      above: bars.map((bar) => bar + high / 22), high, largest: Math.max(...logits), least: Math.min(...probabilities), whole,
      by_logit: ranks(logits), by_probability: ranks(probabilities),
    };
  };

  /** The formula as it stands: exp overflows above 709. */
  function naiveSoftmax(logits) {
    const exponentials = logits.map(Math.exp), total = sum(exponentials);
    return exponentials.map((e) => e / total);
  }

  kernels.shifted = ({ logit_cat, logit_chicken, logit_dog, shift }) => {
    const logits = [logit_cat, logit_chicken, logit_dog], moved = logits.map((o) => o + shift), exponentials = moved.map(Math.exp);
    const total = sum(exponentials), naive = naiveSoftmax(moved);
    return {
      places: PLACES, logits, left: PLACES.map((place) => place - 0.2), right: PLACES.map((place) => place + 0.2), names: CLASSES,
      exponentials, total, naive, above: naive.map((v) => (v || 0) + 0.05), library: softmax(moved), probabilities: softmax(logits),
      fate: total === Infinity ? "overflows" : total === 0 ? "vanishes" : "works", gains: "none-gains",
      thousand: softmax([1000, 1001, 1002]), small: naiveSoftmax([0, 1, 2]),
    };
  };

  kernels.by_rows = ({ rows, row }, { X: all, W, b }) => {
    const X = all.slice(0, rows), done = Math.min(row, rows), here = Math.max(0, done - 1);
    const affine = (x) => b.map((bias, j) => dot(x, W.map((weights) => weights[j])) + bias);
    const O = X.map(affine), Y = O.map(softmax), alone = softmax(affine(X[here]));
    return {
      pixels: X.map((x) => x.map((v) => 255 * v)), captions: Y.map((y, i) => (i < done ? CLASSES[y.indexOf(Math.max(...y))] : "not-yet")),
      numbers: range(done).map((i) => i + 1), ...Object.fromEntries(CLASSES.map((name, j) => [`p_${name}`, Y.slice(0, done).map((y) => y[j])])),
      shape: [X, W, [b], O, Y].map((M) => `(${M.length}, ${M[0].length})`),
      x: done ? X[here] : [], o: done ? O[here] : [], y: done ? alone : [], names: CLASSES, one_call: Y[here], row_alone: alone,
    };
  };
})();
