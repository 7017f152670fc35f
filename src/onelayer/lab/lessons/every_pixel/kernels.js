// What the lesson on every pixel computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, spaced, sum, epochOrder } = window.onelayer.tools;

  const SIDE = 28, PIXELS = SIDE * SIDE, SHOWN = 2, EPOCHS = 10, BATCH = 64;
  const CLASSES = ["background", "trouser", "bag", "ankle-boot"], KINDS = 3, SCENES = 5; // test scenes of each kind
  const FOR = [255, 141, 77], AGAINST = [42, 161, 255]; // inks
  const PALETTE = [[16, 16, 16], [255, 141, 77], [42, 161, 255], [255, 97, 140]];

  /** Numbers as inks: blue above 0 and orange below, strongest at 1 and −1. */
  function signedInks(values) {
    const inks = new Float64Array(3 * PIXELS);
    for (let c = 0; c < 3; c++) values.forEach((v, i) => { inks[c * PIXELS + i] = Math.min(1, Math.abs(v)) * (v > 0 ? FOR : AGAINST)[c]; });
    return inks;
  }

  /** An image with each pixel in the colour of its class, darker under ink. */
  function labelledInks(image, labels) {
    const inks = new Float64Array(3 * PIXELS);
    for (let c = 0; c < 3; c++) labels.forEach((label, i) => {
      const dark = (0.6 * image[i]) / 255;
      inks[c * PIXELS + i] = dark * 255 + (1 - dark) * PALETTE[label][c];
    });
    return inks;
  }

  /** The outline of the window around a pixel. */
  function frame(row, column, window) {
    const half = window / 2;
    return { box_x: [-1, 1, 1, -1, -1].map((x) => column + half * x), box_y: [-1, -1, 1, 1, -1].map((y) => row + half * y) };
  }

  // Channels

  const whole = (channels) => Float64Array.from({ length: 3 * PIXELS }, (_, i) => channels[Math.floor(i / PIXELS)][i % PIXELS]);
  const mixing = (share) => range(3).map((i) => range(3).map((j) => (1 - share) * (i === j ? 1 : 0) + share / 3));
  const det = ([[a, b, c], [d, e, f], [g, h, i]]) => a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);

  /** A layer at each pixel of three channels, each row of the weights giving one channel. */
  function layer(weight, bias, channels) {
    return weight.map((w, k) => Float64Array.from({ length: PIXELS }, (_, i) => w[0] * channels[0][i] + w[1] * channels[1][i] + w[2] * channels[2][i] + bias[k]));
  }

  kernels.convolution = ({ w1, w2, w3, place }, { pictures }) => {
    const channels = pictures[SHOWN].map((bytes) => Float64Array.from(bytes, (byte) => byte / 255)), w = [w1, w2, w3];
    const here = Math.max(place, 1) - 1, row = Math.floor(here / SIDE) + 1, column = (here % SIDE) + 1;
    const [byLayer] = layer([w], [0], channels);
    const byConvolution = new Float64Array(PIXELS); // one channel after the other, as a whole
    channels.forEach((channel, j) => channel.forEach((x, i) => { byConvolution[i] += w[j] * x; }));
    const images = [whole(pictures[SHOWN]), signedInks(byLayer.map((o, i) => (i < place ? o : 0)))];
    for (const inks of images) for (let c = 0; c < 3; c++) inks[c * PIXELS + here] = 255; // the pixel that the layer is at is black
    return {
      images, captions: ["picture", "output"], row, column,
      x: channels.map((channel) => channel[here]), o: byLayer[here], sum_by_convolution: sum(byConvolution), sum_by_layer: sum(byLayer),
    };
  };

  kernels.glow = ({ share }, { pictures }) => {
    const M = mixing(share), shares = spaced(0, 0.95, 39), shrinks = det(M);
    return {
      images: [whole(pictures[SHOWN]), whole(layer(M, [0, 0, 0], pictures[SHOWN]))], captions: ["original", "mixed"],
      on: M[0][0], off: M[0][1], det: shrinks, log_det: Math.log(shrinks), shares, dets: shares.map((s) => det(mixing(s))),
    };
  };

  const orders = []; // of epochs: they do not change
  let path = { key: "" }; // of the last mixture and learning rate

  /** Weights and bias at first and after each epoch of minibatch SGD, a row for each pixel: its mixed channels and its true ones. */
  function unmixing(M, lr, { pictures, weight, bias, seeds }) {
    const n = pictures.length * PIXELS, X = new Float64Array(3 * n), Y = new Float64Array(3 * n);
    for (let i = 0; i < n; i++) {
      const channels = pictures[Math.floor(i / PIXELS)], at = i % PIXELS;
      for (let c = 0; c < 3; c++) Y[3 * i + c] = channels[c][at] / 255;
      for (let c = 0; c < 3; c++) X[3 * i + c] = M[c][0] * Y[3 * i] + M[c][1] * Y[3 * i + 1] + M[c][2] * Y[3 * i + 2];
    }
    const W = Float64Array.from([...weight[0], 0, ...weight[1], 0, ...weight[2], 0]), g = new Float64Array(12); // rows of weights and bias
    for (let c = 0; c < 3; c++) W[4 * c + 3] = bias[c];
    const found = [W.slice()];
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      const order = (orders[epoch] ??= epochOrder(n, seeds[epoch]));
      for (let from = 0; from < n; from += BATCH) {
        const to = Math.min(from + BATCH, n), rate = lr / (to - from);
        g.fill(0);
        for (let k = from; k < to; k++) {
          const i = 3 * order[k], a = X[i], b = X[i + 1], d = X[i + 2];
          for (let c = 0, w = 0; c < 3; c++, w += 4) {
            const r = W[w] * a + W[w + 1] * b + W[w + 2] * d + W[w + 3] - Y[i + c];
            g[w] += r * a;
            g[w + 1] += r * b;
            g[w + 2] += r * d;
            g[w + 3] += r;
          }
        }
        for (let w = 0; w < 12; w++) W[w] -= rate * g[w];
      }
      found.push(W.slice());
    }
    return found.map((w) => ({ weight: range(3).map((c) => w.subarray(4 * c, 4 * c + 3)), bias: range(3).map((c) => w[4 * c + 3]) }));
  }

  kernels.unmix = ({ share, lr, epoch }, data) => {
    const M = mixing(share), key = `${share} ${lr}`, gapOf = ({ weight }) => Math.max(...range(9).map((at) => {
      const [i, j] = [Math.floor(at / 3), at % 3];
      return Math.abs(weight[i][0] * M[0][j] + weight[i][1] * M[1][j] + weight[i][2] * M[2][j] - (i === j ? 1 : 0));
    }));
    if (path.key !== key) path = { key, steps: unmixing(M, lr, data) };
    const { weight, bias } = path.steps[epoch], mixed = layer(M, [0, 0, 0], data.pictures[SHOWN]), gaps = path.steps.map(gapOf);
    return {
      images: [whole(mixed), whole(layer(weight, bias.map((b) => 255 * b), mixed))], captions: ["mixed", "unmixed"],
      gaps, gap: [gaps[epoch], gaps[0]], on: weight[0][0], off: weight[0][1],
    };
  };

  // Segmentation

  /** The logits of all pixels of an image, by one convolution: a list for each class. */
  function logits(weights, biases, window, image) {
    const margin = window >> 1, wide = SIDE + 2 * margin, padded = new Float64Array(wide * wide);
    for (let i = 0; i < PIXELS; i++) padded[(Math.floor(i / SIDE) + margin) * wide + (i % SIDE) + margin] = image[i] / 255;
    return Array.from(weights, (weight, k) => {
      const out = new Float64Array(PIXELS).fill(biases[k]);
      for (let u = 0; u < window; u++) for (let v = 0; v < window; v++) {
        const w = weight[u * window + v];
        for (let r = 0; r < SIDE; r++) for (let c = 0, from = (r + u) * wide + v; c < SIDE; c++) out[r * SIDE + c] += w * padded[from + c];
      }
      return out;
    });
  }

  /** The class of each pixel: that of the largest logit. */
  const named = (scores) => Uint8Array.from(scores[0], (_, i) => scores.reduce((best, score, k) => (score[i] > scores[best][i] ? k : best), 0));

  let seen = { key: "" }; // of the last window and test scene
  kernels.look = ({ window, example, row, column }, { weights, biases, tests }) => {
    const image = tests[example - 1], key = `${window} ${example}`, kind = ((example - 1) % KINDS) + 1;
    if (seen.key !== key) {
      const scores = logits(weights[window], biases[window], window, image), said = named(scores);
      seen = { key, scores, said, image: labelledInks(image, said) };
    }
    const { scores, said } = seen, at = SIDE * (row - 1) + column - 1, truth = Array.from(image, (byte) => (byte ? kind : 0));
    const here = scores.map((score) => score[at]), top = Math.max(...here), powers = here.map((score) => Math.exp(score - top)), total = sum(powers);
    const right = truth.map((label, i) => (label === said[i] ? 1 : 0)), inked = right.filter((_, i) => truth[i]);
    const probabilities = powers.map((power) => power / total);
    return {
      ...frame(row, column, window), image: seen.image, above: row - window / 2 - 1,
      ...Object.fromEntries(probabilities.map((p, k) => [`p${k}`, [p]])),
      said: CLASSES[said[at]], truth: CLASSES[truth[at]], likely: Math.max(...probabilities),
      right: sum(right) / PIXELS, right_ink: sum(inked) / inked.length,
    };
  };

  kernels.drawn = ({ drawing, window }, { weights, biases }) => {
    const said = named(logits(weights[window], biases[window], window, drawing)), ink = said.filter((_, i) => drawing[i] > 0);
    const [paper, trousers, bags, boots] = CLASSES.map((_, k) => ink.filter((label) => label === k).length / Math.max(ink.length, 1));
    return { image: labelledInks(drawing, said), paper, trousers, bags, boots };
  };
})();
