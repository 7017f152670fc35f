// What the lesson on linear regression from scratch computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { column, range, spaced, sum, epochOrder, minibatches, residuals, slope, meanSlope, descended, moments, lossAt } = window.onelayer.tools;

  const EPOCHS = 3, EXAMPLE = 2;

  const labels = ({ X, noise, truth }, sigma) => noise.map((e, i) => X[i][0] * truth[0] + X[i][1] * truth[1] + truth[2] + sigma * e);
  const meanLoss = (X, y, parameters, all) => residuals(X, y, parameters, all).reduce((total, r) => total + r * r, 0) / (2 * y.length);

  /** The straight line that fits points best. */
  function straight(xs, ys) {
    const x0 = sum(xs) / xs.length, y0 = sum(ys) / ys.length;
    let top = 0, bottom = 0;
    for (let i = 0; i < xs.length; i++) {
      top += (xs[i] - x0) * (ys[i] - y0);
      bottom += (xs[i] - x0) ** 2;
    }
    return [top / bottom, y0 - (top / bottom) * x0];
  }

  kernels.turn = ({ angle, sigma }, data) => {
    const cosine = Math.cos((angle * Math.PI) / 180), sine = Math.sin((angle * Math.PI) / 180);
    const across = Float64Array.from(data.X, (x) => x[0] * cosine + x[1] * sine), label = labels(data, sigma);
    const [steep, height] = straight(across, label);
    return {
      across, label, cosine, sine, slope: steep, height, ends: [-4, 4], line: [height - 4 * steep, height + 4 * steep],
      spread: Math.sqrt(sum(label.map((v, i) => (v - steep * across[i] - height) ** 2)) / label.length),
    };
  };

  kernels.epoch = ({ size, batch }, { X, seeds }) => {
    const n = X.length, order = epochOrder(n, seeds[0]), count = Math.ceil(n / size), now = Math.min(batch, count);
    const sizes = range(count).map((i) => Math.min(size, n - i * size));
    const from = Math.max(0, now - 1) * size, before = order.subarray(0, from), lit = now ? order.subarray(from, from + size) : [];
    const part = (rows, j) => Float64Array.from(rows, (i) => X[i][j]);
    return {
      x1: column(X, 0), x2: column(X, 1), seen_x1: part(before, 0), seen_x2: part(before, 1), now_x1: part(lit, 0), now_x2: part(lit, 1),
      handed: lit.length, read: before.length + lit.length, sizes, places: range(count).map((i) => i + 1), current: [now - 1],
      count, last: sizes[count - 1],
      names: ["rows-all", "rows-different", "batches"], found: [sum(sizes), new Set(order).size, count],
      expected: [n, n, Math.ceil(n / size)], n, rest: n % 64, end: count + 0.5,
    };
  };

  kernels.backward = ({ guess }, data) => {
    const row = epochOrder(data.X.length, data.seeds[0])[EXAMPLE], [x1, x2] = data.X[row], [, w2, b] = data.truth;
    const y = labels(data, 0.01)[row], prediction = guess * x1 + w2 * x2 + b, residual = prediction - y;
    const lossAt = (w) => (w * x1 + w2 * x2 + b - y) ** 2 / 2, loss = lossAt(guess), grid = spaced(-2, 6, 81), STEP = 1e-3;
    const bend = residual * x1;
    return {
      x: [x1, x2], y, names: ["part-w1", "part-w2", "part-b", "part-prediction", "part-loss"],
      forward: [guess, w2, b, prediction, loss], back: [bend, residual * x2, residual, residual, 1], loss, residual, slope: bend,
      quotient: (lossAt(guess + STEP) - lossAt(guess - STEP)) / (2 * STEP), grid, curve: grid.map(lossAt),
      before: [guess - 0.7, loss - 0.7 * bend], after: [guess + 0.7, loss + 0.7 * bend],
    };
  };

  let run = null; // the last one: a clock only moves along it
  function trained(data, { lr, batch_size, sigma, start_w1, start_w2 }) {
    const key = [lr, batch_size, sigma, start_w1, start_w2].join(" ");
    if (run?.key === key) return run;
    const { X, seeds, truth } = data, n = X.length, y = labels(data, sigma), rowsOf = minibatches(n, batch_size, seeds), all = moments(X, data.noise);
    const path = descended([start_w1, start_w2, 0], lr, EPOCHS * Math.ceil(n / batch_size), meanSlope(X, y, rowsOf));
    run = {
      key, y, path, rowsOf, losses: path.map((here) => lossAt(all, truth, sigma, here)), best: truth.map((v, j) => v + sigma * all.shift[j]),
      errors: range(3).map((j) => path.map((here) => Math.abs(here[j] - truth[j]))),
    };
    return run;
  }

  kernels.loop = (controls, data) => {
    const { X } = data, { y, path, rowsOf, losses, best, errors } = trained(data, controls);
    const { batch_size: size, sigma, step } = controls, perEpoch = Math.ceil(y.length / size);
    const taken = path.length - 1, now = Math.min(step, taken), past = Math.max(0, now - 1);
    const number = Math.floor(past / perEpoch), at = past % perEpoch, rows = rowsOf(past), before = path[past];
    const gone = residuals(X, y, before, rows), gradient = slope(X, y, before, rows), lit = now ? rows : [], [first] = rows;
    const predicted = (i) => X[i][0] * before[0] + X[i][1] * before[1] + before[2];
    return {
      w1: column(path, 0), w2: column(path, 1), errors, error: Math.max(...errors.map((error) => error[now])), losses, loss: losses[now],
      floor: sigma ** 2 / 2, least: sigma ? 1e-6 : 1e-12, taken, most: Math.max(taken, 1), epoch: number + 1, rows: rows.length,
      read: now ? number * y.length + (at + 1) * rows.length : 0, lit, label: y, prediction: Float64Array.from(range(y.length), predicted),
      lit_label: Float64Array.from(lit, (i) => y[i]), lit_prediction: Float64Array.from(lit, predicted),
      first: [...X[first], y[first], predicted(first)], batch_loss: gone.reduce((total, r) => total + r * r, 0) / 2, slope: gradient,
      before, here: path[now], aim: [0, 1].map((j) => before[j] - gradient[j] / rows.length), best,
    };
  };

  kernels.reshape = ({ from_w1, from_w2, wrong_step }, data) => {
    const { X, seeds, truth } = data, y = labels(data, 0.01), rowsOf = minibatches(y.length, 100, seeds), start = [from_w1, from_w2, 0];
    const right = descended(start, 0.1, 100, meanSlope(X, y, rowsOf));
    // Every prediction is compared with every label: with their mean, as far as the gradient goes.
    const middles = new Float64Array(y.length);
    const wrong = descended(start, 0.1, 100, (here, k) => {
      const rows = rowsOf(k), middle = rows.reduce((total, i) => total + y[i], 0) / rows.length;
      return slope(X, middles.fill(middle), here, rows).map((g) => g / rows.length);
    });
    const five = Array.from(rowsOf(0).subarray(0, 5)), [w1, w2, b] = wrong[wrong_step];
    return {
      right_w1: column(right, 0), right_w2: column(right, 1), wrong_w1: column(wrong, 0), wrong_w2: column(wrong, 1),
      differences: five.map((i) => five.map((j) => X[i][0] * w1 + X[i][1] * w2 + b - y[j])), wrong: wrong[wrong_step], right: right[wrong_step],
      mean: sum(y) / y.length, end: wrong.at(-1), expected: [truth[0] / 100, truth[1] / 100, sum(y) / y.length], names: ["part-w1", "part-w2", "part-b"],
      shape: "shape-all", last: wrong.length - 1,
    };
  };

  let measured = null; // the run on the resistor's measurements: it has no controls
  kernels.ohm = ({ volts, trained: step }, { current, voltage, seeds }) => {
    const n = voltage.length, all = range(n);
    measured ??= descended([0, 0], 0.1, 400, meanSlope(current, voltage, minibatches(n, 10, seeds)));
    const [R, offset] = measured[step], loss = (parameters) => meanLoss(current, voltage, parameters, all);
    return {
      ends: [0, 2], guess: [0, volts], learned: [offset, offset + 2 * R], guessed_resistance: volts / 2, resistance: R, offset,
      end: measured.at(-1), names: ["resistance", "offset"], truth: [4.7, 0], guess_loss: loss([volts / 2, 0]), learned_loss: loss([R, offset]),
      enough: 2 * loss(measured.at(-1)), last: measured.length - 1,
    };
  };

  /** Planck's law at a temperature in 1000 K: densities, and their derivatives by the temperature. */
  function planck(temperature, { wavelength, ratio, scale }) {
    const density = new Float64Array(wavelength.length), bend = new Float64Array(wavelength.length);
    wavelength.forEach((length, i) => {
      const r = ratio / (length * temperature), part = (scale / length ** 5) * (Math.exp(-r) / -Math.expm1(-r));
      density[i] = part;
      bend[i] = (part / -Math.expm1(-r)) * (r / temperature);
    });
    return { density, bend };
  }

  let spectrum = null, from3000 = null; // the search from the last first guess, and its end from 3,000 K
  kernels.planck = ({ first_guess, search }, data) => {
    const { measured: seen, peak } = data;
    const searched = (first) => {
      const temperatures = [first];
      for (let k = 0; k < 200; k++) {
        const { density, bend } = planck(temperatures[k], data);
        const g = sum(seen.map((v, i) => (density[i] / peak - v / peak) * (bend[i] / peak)));
        temperatures.push(temperatures[k] - (2 * g) / seen.length);
      }
      return { first, temperatures };
    };
    if (spectrum?.first !== first_guess) spectrum = searched(first_guess);
    const { temperatures } = spectrum, here = temperatures[search];
    from3000 ??= searched(3).temperatures.at(-1);
    return {
      temperatures, here, kelvin: 1e3 * here, end: temperatures.at(-1), moved: Math.abs(temperatures.at(-1) - first_guess),
      curve: planck(here, data).density, last: temperatures.length - 1, found: 1e3 * from3000, truth: 5772,
    };
  };
})();
