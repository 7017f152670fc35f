// What the lesson on training computes in the page: sums over the pixels of an image. Each kernel has a twin in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, sum, dot, softmax } = window.onelayer.tools;

  const SIDE = 28;
  const FAINT = 25; // bytes up to here may be the noise of a photo's paper
  const CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"];

  const largest = (values) => values.indexOf(Math.max(...values));

  /** What each pixel adds to each class's logit, the logits and the probabilities. */
  function scored(pixels, weight, bias) {
    const parts = weight.map((w) => Float64Array.from(w, (v, i) => v * (pixels[i] / 255)));
    const logits = parts.map((part, k) => sum(part) + bias[k]), probability = softmax(logits);
    return { parts, logits, probability, says: CLASSES[largest(logits)], sureness: Math.max(...probability), places: range(10).reverse() };
  }

  kernels.sums = ({ garment, row }, { examples, weights, biases }) => {
    const pixels = examples[CLASSES.indexOf(garment)].map((v, i) => (i < SIDE * row ? v : 0));
    return scored(pixels, weights.at(-1), biases.at(-1));
  };

  kernels.templates = ({ after }, { snapshots, weights, tested }) => {
    const i = snapshots.indexOf(after);
    return { templates: weights[i], share: tested[i], strongest: Math.max(...weights[i].map((w) => Math.max(...w.map(Math.abs)))) };
  };

  kernels.confused = ({ true: is, predicted }, { counts, cells, cell_images, cell_sureness }) => {
    const kept = range(cells.length).filter((i) => cells[i] === 10 * is + predicted);
    return {
      images: kept.map((i) => cell_images[i]), captions: kept.map((i) => cell_sureness[i]), count: counts[is][predicted],
      is: CLASSES[is], said: CLASSES[predicted],
    };
  };

  kernels.mistake = ({ worst }, { worst_images, worst_true, worst_predicted, worst_sureness, weights, biases }) => {
    const is = worst_true[worst], said = worst_predicted[worst], weight = weights.at(-1), bias = biases.at(-1);
    const parts = Float64Array.from(worst_images[worst], (pixel, i) => (weight[said][i] - weight[is][i]) * (pixel / 255));
    return { decided: [parts], lead: sum(parts) + bias[said] - bias[is], is: CLASSES[is], said: CLASSES[said], sureness: worst_sureness[worst] };
  };

  kernels.drawn = ({ drawing }, { weights, biases, hidden, hidden_bias, output, output_bias }) => {
    const seen = fitted(drawing), x = Float64Array.from(seen, (pixel) => pixel / 255);
    const units = hidden.map((w, j) => Math.max(0, dot(w, x) + hidden_bias[j]));
    const logits = output.map((w, k) => dot(w, units) + output_bias[k]), second = softmax(logits);
    const first = scored(seen, weights.at(-1), biases.at(-1));
    return {
      ...first, agree: largest(first.logits) === largest(logits), second,
      second_says: CLASSES[largest(logits)], second_sureness: Math.max(...second),
      above: range(10).map((k) => 9.2 - k), below: range(10).map((k) => 8.8 - k),
    };
  };

  kernels.units = ({ drawing, unit }, { hidden, hidden_bias, output }) => {
    const reach = hidden.map((w, j) => Math.hypot(...w) * Math.hypot(...output.map((row) => row[j])));
    const shown = range(hidden.length).sort((i, j) => reach[j] - reach[i]).slice(0, 10);
    const x = Float64Array.from(fitted(drawing), (pixel) => pixel / 255), sums = shown.map((j) => dot(hidden[j], x) + hidden_bias[j]);
    return {
      units: shown.map((j) => hidden[j]), passed: sums.map((total) => Math.max(0, total).toFixed(1)),
      unit_parts: [x.map((pixel, i) => hidden[shown[unit]][i] * pixel)], unit_number: unit + 1, unit_sum: sums[unit], passes_on: Math.max(0, sums[unit]),
    };
  };

  // A drawing is moved and scaled to fill the frame, as the clothes of the data set do

  function fitted(pixels) {
    const inked = range(SIDE * SIDE).filter((i) => pixels[i] > FAINT);
    if (!inked.length) return Uint8Array.from(pixels);
    const rows = inked.map((i) => Math.floor(i / SIDE)), columns = inked.map((i) => i % SIDE);
    const [up, left] = [Math.min(...rows), Math.min(...columns)], [m, n] = [Math.max(...rows) + 1 - up, Math.max(...columns) + 1 - left];
    const ink = range(m).map((i) => range(n).map((j) => pixels[SIDE * (up + i) + left + j]));
    const scale = SIDE / Math.max(m, n), [height, width] = [m, n].map((side) => Math.max(1, even(side * scale)));
    const scaled = flipped(stretched(flipped(stretched(ink, width)), height));
    const whole = new Uint8Array(SIDE * SIDE), [top, first] = [(SIDE - height) >> 1, (SIDE - width) >> 1];
    scaled.forEach((line, i) => line.forEach((pixel, j) => { whole[SIDE * (top + i) + first + j] = pixel; }));
    return whole;
  }

  /** The nearest whole number, an even one where two are as near: Python's round. */
  const even = (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

  const flipped = (image) => image[0].map((_, j) => image.map((line) => line[j]));

  /** The lines of an image at another length, by Pillow's bilinear filter: in whole numbers, 22 bits behind the point. */
  function stretched(image, length) {
    const n = image[0].length;
    if (n === length) return image;
    const scale = n / length, reach = Math.max(scale, 1), ONE = 2 ** 22;
    const mixes = range(length).map((k) => {
      const centre = (k + 0.5) * scale;
      const from = Math.max(0, Math.trunc(centre - reach + 0.5)), to = Math.min(n, Math.trunc(centre + reach + 0.5));
      const shares = range(to - from).map((i) => Math.max(0, 1 - Math.abs((i + from - centre + 0.5) * (1 / reach)))), total = sum(shares);
      return { from, shares: shares.map((share) => Math.trunc(0.5 + (share / total) * ONE)) };
    });
    return image.map((line) => mixes.map(({ from, shares }) => {
      const mixed = shares.reduce((made, share, i) => made + share * line[from + i], ONE / 2);
      return Math.min(255, Math.floor(mixed / ONE));
    }));
  }
})();
