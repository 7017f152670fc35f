// What the lesson on SGD computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { column, range, spaced, sum, dot, minibatches, eigen } = window.onelayer.tools;

  const FAR = 1e9; // a parameter beyond this is lost

  /** The rows' residuals times their features and 1, averaged over some of the rows. */
  function slope(X, y, [w1, w2, b], rows) {
    let g1 = 0, g2 = 0, gb = 0;
    for (const i of rows) {
      const r = X[i][0] * w1 + X[i][1] * w2 + b - y[i];
      g1 += r * X[i][0];
      g2 += r * X[i][1];
      gb += r;
    }
    return [g1 / rows.length, g2 / rows.length, gb / rows.length];
  }

  /** ½ ΔᵀHΔ */
  function bowl(H, away) {
    return range(away.length).reduce((total, i) => total + (away[i] * dot(H[i], away)) / 2, 0);
  }

  /** Walk from a start with a learning rate for each step; stop where a parameter is lost. */
  function walked(X, y, start, rateOf, steps, rowsOf) {
    const path = [start], gradients = [];
    for (let k = 0; k < steps; k++) {
      const g = slope(X, y, path[k], rowsOf(k)), lr = rateOf(k);
      gradients.push(g);
      path.push(path[k].map((v, j) => v - lr * g[j]));
      if (Math.max(...path[k + 1].map(Math.abs)) > FAR) break;
    }
    return { path, gradients };
  }

  /** Return a function from a step to the rows of its minibatch, and one from a number of steps to that of the rows read. */
  function batches(n, batchSize, seeds) {
    const size = batchSize === "all" ? n : batchSize, perEpoch = Math.ceil(n / size), all = range(n);
    return {
      rowsOf: size < n ? minibatches(n, size, seeds) : () => all,
      read: (steps) => Math.floor(steps / perEpoch) * n + (steps % perEpoch) * size,
    };
  }

  const rise = (H, minimum, path) => path.map((here) => bowl(H, here.map((v, j) => v - minimum[j])));

  kernels.walk = ({ lr, batch_size, start_w1, start_w2, draw, step }, { X, y, H, minimum, seeds }) => {
    const { rowsOf, read } = batches(y.length, batch_size, seeds[draw]);
    const { path, gradients } = walked(X, y, [start_w1, start_w2, 0], () => lr, 200, rowsOf);
    const taken = path.length - 1, now = Math.min(step, taken), rises = rise(H, minimum, path);
    const lit = now ? rowsOf(now - 1) : [], mean = (now ? gradients[now - 1] : [0, 0, 0]).map((v) => (Math.abs(v) < 1e-14 ? 0 : v)); // at the minimum it is rounding alone
    return {
      w1: column(path, 0), w2: column(path, 1), rises, taken, read: read(now), rise: rises[now], here: path[now],
      before: path[Math.max(0, now - 1)], slope: mean, summed: mean.map((v) => v * lit.length), lit, rows: lit.length,
      next: path[Math.min(now + 1, taken)], ended: now === taken && taken < 200 ? "walk-lost" : "",
    };
  };

  /** What L − L* is after steps with all rows: each multiplies the distance along an eigenvector by 1 − ηλ. */
  function predictedRise({ values, vectors }, away, lr, steps) {
    return sum(values.map((curvature, i) => curvature * (dot(column(vectors, i), away) * (1 - lr * curvature) ** steps) ** 2)) / 2;
  }

  const meanLoss = (X, y, [w1, w2, b]) => sum(Array.from(y, (v, i) => (X[i][0] * w1 + X[i][1] * w2 + b - v) ** 2)) / (2 * y.length);

  /** A step with all rows, whose gradient is H(w − w*). */
  const stepped = (H, minimum, here, rate) => here.map((v, j) => v - rate * dot(H[j], here.map((w, k) => w - minimum[k])));

  let map = null; // of the last start: all learning rates take a while
  kernels.by_rate = ({ lr, start_w1, start_w2 }, { X, y, H, minimum }) => {
    const STEPS = 60, start = [start_w1, start_w2, 0], away = start.map((v, j) => v - minimum[j]), all = range(y.length), curved = eigen(H);
    const descended = (rate) => { let here = start; for (let k = 0; k < STEPS && Math.max(...here.map(Math.abs)) <= FAR; k++) here = stepped(H, minimum, here, rate); return here; };
    const key = String(start);
    if (map?.key !== key) {
      const lrs = spaced(0.04, 2, 50);
      map = { key, lrs, measured: rise(H, minimum, lrs.map(descended)), predicted: lrs.map((rate) => predictedRise(curved, away, rate, STEPS)) };
    }
    const { path } = walked(X, y, start, () => lr, STEPS, () => all), expected = predictedRise(curved, away, lr, path.length - 1);
    return {
      lrs: map.lrs, measured: map.measured, predicted: map.predicted, walked: meanLoss(X, y, path.at(-1)) - meanLoss(X, y, minimum),
      expected, steps: path.length - 1, rounding: 1e-14 + 1e-9 * expected, bound: 2 / curved.values[2], curvature: curved.values,
    };
  };

  kernels.settle = ({ settle_lr: lr, settle_batch, schedule }, { X, y, H, minimum, seeds }) => {
    const STEPS = 2000, { rowsOf } = batches(y.length, settle_batch, seeds[0]);
    const rateOf = schedule === "falling" ? (k) => lr / (1 + k / 5) : () => lr;
    const { path } = walked(X, y, [-1, 0.6, 0], rateOf, STEPS, rowsOf), rises = rise(H, minimum, path);
    const late = rises.slice(Math.floor(path.length / 2)), mean = sum(late) / late.length;
    const onItsWay = settle_batch === "all" || schedule === "falling" ? "fate-nears" : "fate-hovers";
    return {
      fate: path.length <= STEPS ? "fate-leaves" : mean < 1e-12 ? "fate-arrives" : onItsWay, asked: "fate-hovers", rises, w1: column(path, 0), w2: column(path, 1), mean,
    };
  };

  kernels.arrived = ({ arrived_lr: lr, arrived_batch }, { X, y, H, minimum, seeds, to_dollars, analytic, tenth }) => {
    const STEPS = 3000, start = [-1, 0.6, 0], { rowsOf } = batches(y.length, arrived_batch, seeds[0]), byAll = [start];
    while (byAll.length <= STEPS) byAll.push(stepped(H, minimum, byAll.at(-1), lr));
    const { path } = walked(X, y, start, (k) => lr / (1 + k / 5), STEPS, rowsOf);
    const [all_reached, sgd_reached] = [byAll, path].map((way) => to_dollars.map((row) => dot(row, [...way.at(-1), 1])));
    return {
      by_all: rise(H, minimum, byAll), by_batches: rise(H, minimum, path), all_reached, sgd_reached,
      off: Math.max(...sgd_reached.map((v, j) => Math.abs(v - analytic[j]) / tenth[j])) / 10, asked: "thirty",
    };
  };
})();
