// What the lesson on PyTorch's own parts computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { column, range, spaced, sum, minibatches, residuals, slope, descended, moments, lossAt, solved } = window.onelayer.tools;

  const EPOCHS = 3, SIGMA = 0.01;

  const largest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const away = (here, there) => largest(here.map((v, j) => v - there[j]));
  const gapOf = (path, other) => largest(path.map((here, k) => away(here, other[k])));

  let known = null; // the labels, and what their loss is made of
  function lesson({ X, noise, truth }) {
    known ??= { y: noise.map((e, i) => X[i][0] * truth[0] + X[i][1] * truth[1] + truth[2] + SIGMA * e), all: moments(X, noise) };
    return known;
  }

  // Gradients of a minibatch: of the mean of ½(ŷ − y)², of the mean of (ŷ − y)², and of their sum
  const half = (total, rows) => total / rows, mean = (total, rows) => (2 * total) / rows, whole = (total) => 2 * total;

  /** Train from a start for three epochs; ``loss`` is one of the gradients above. */
  function trained(data, loss, start, lr, size) {
    const { y, all } = lesson(data), rowsOf = minibatches(y.length, size, data.seeds);
    const path = descended(start, lr, EPOCHS * Math.ceil(y.length / size), (here, step) => {
      const rows = rowsOf(step);
      return slope(data.X, y, here, rows).map((total) => loss(total, rows.length));
    });
    return { path, rowsOf, losses: path.map((here) => lossAt(all, data.truth, SIGMA, here)) };
  }

  kernels.both = ({ lr, times, batch_size: size, start_w1, start_w2, step }, data) => {
    const start = [start_w1, start_w2, 0], scratch = trained(data, half, start, lr, size);
    const { path, rowsOf, losses } = trained(data, mean, start, times * lr, size);
    const now = Math.min(step, path.length - 1), past = Math.max(0, now - 1), rows = rowsOf(past), { y } = lesson(data);
    const left = residuals(data.X, y, path[past], rows);
    return {
      scratch_w1: column(scratch.path, 0), scratch_w2: column(scratch.path, 1), w1: column(path, 0), w2: column(path, 1),
      scratch_losses: scratch.losses, losses, gap: gapOf(scratch.path, path), apart: away(scratch.path[now], path[now]), last: path.length - 1,
      rows: rows.length, batch_loss: sum(left.map((r) => r * r)) / rows.length,
      slope: slope(data.X, y, path[past], rows).map((total) => mean(total, rows.length)), here: path[now], wanted: 0.5,
    };
  };

  kernels.means = ({ size, factor, mean_step }, data) => {
    const RATE = 0.002, start = [0, 0, 0];
    const total = trained(data, whole, start, RATE, size), average = trained(data, mean, start, factor * RATE, size);
    const scaled = trained(data, mean, start, size * RATE, size), now = Math.min(mean_step, average.path.length - 1);
    return {
      sum_w1: column(total.path, 0), sum_w2: column(total.path, 1), mean_w1: column(average.path, 0), mean_w2: column(average.path, 1),
      sum_losses: total.losses, mean_losses: average.losses, gap: gapOf(total.path, average.path), apart: away(total.path[now], average.path[now]),
      scaled_gap: gapOf(total.path, scaled.path), end: total.path.at(-1), scaled_end: scaled.path.at(-1), names: ["part-w1", "part-w2", "part-b"],
      last: average.path.length - 1, rate: factor * RATE, wanted: 10 * RATE,
    };
  };

  const cut = (r, delta) => Math.min(Math.max(r, -delta), delta);
  const huber = (r, delta) => { const near = Math.min(Math.abs(r), delta); return near * (Math.abs(r) - near / 2); };

  kernels.pull = ({ delta, residual }) => {
    const grid = spaced(-6, 6, 121), value = huber(residual, delta), steep = cut(residual, delta);
    return {
      grid, squared: grid.map((r) => (r * r) / 2), absolute: grid.map(Math.abs), huber: grid.map((r) => huber(r, delta)),
      squared_slope: grid, absolute_slope: grid.map((r) => Math.sign(r) || NaN), huber_slope: grid.map((r) => cut(r, delta)), value, slope: steep,
      square: residual ** 2 / 2, before: [residual - 0.8, value - 0.8 * steep], after: [residual + 0.8, value + 0.8 * steep],
    };
  };

  /** Return slope and height of the line with the smallest sum of Huber's losses, by reweighted least squares. */
  function huberLine(x, y, delta, rounds) {
    const fit = (weight) => {
      let [w, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0];
      for (let i = 0; i < x.length; i++) {
        w += weight[i];
        wx += weight[i] * x[i];
        wxx += weight[i] * x[i] * x[i];
        wy += weight[i] * y[i];
        wxy += weight[i] * x[i] * y[i];
      }
      return solved([[wxx, wx], [wx, w]], [wxy, wy]);
    };
    let found = fit(x.map(() => 1));
    for (let k = 0; k < rounds; k++) {
      found = fit(x.map((v, i) => {
        const r = found[0] * v + found[1] - y[i];
        return r === 0 ? 1 : cut(r, delta) / r;
      }));
    }
    return found;
  }

  kernels.drag = ({ outlier_x, outlier_y, line_delta: delta }, data) => {
    const x = [...data.x, outlier_x], y = [...data.y, outlier_y], ends = [-4, 4], at = ([steep, height]) => ends.map((v) => steep * v + height);
    const squares = huberLine(x, y, 1e9, 0), robust = huberLine(x, y, delta, 200), clean = at(huberLine([...data.x], [...data.y], 1e9, 0));
    const off = ([steep, height]) => steep * outlier_x + height - outlier_y;
    return {
      ends, clean, squares: at(squares), huber: at(robust), squares_fit: squares, huber_fit: robust, squares_moved: away(at(squares), clean),
      huber_moved: away(at(robust), clean), pull: Math.abs(off(squares)), cut: Math.min(Math.abs(off(robust)), delta),
    };
  };
})();
