// What the lesson on normal noise computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, spaced, sum, dot } = window.onelayer.tools;

  const ENDS = [-2.2, 2.2]; // of the lines in the picture
  const PROFILES = [-1.5, -0.25, 1]; // where the noise's density is drawn beside the line

  const logDensity = (x, mean, std) => -(((x - mean) / std) ** 2) / 2 - Math.log(std * Math.sqrt(2 * Math.PI));
  const density = (xs, mean, std) => Array.from(xs, (x) => Math.exp(logDensity(x, mean, std)));

  /** The integral of values over evenly spaced x by Simpson's rule. */
  function simpson(values, x) {
    const last = values.length - 1;
    let total = values[0] + values[last];
    for (let i = 1; i < last; i++) total += (i % 2 ? 4 : 2) * values[i];
    return (((x[last] - x[0]) / last) * total) / 3;
  }

  function integratedShare(mean, std, k) {
    const x = spaced(-k, k, 401).map((z) => mean + std * z);
    return simpson(density(x, mean, std), x);
  }

  kernels.bell = ({ mu, sigma, k }, { xs, shares }) => {
    const whole = spaced(-12, 12, 4001).map((z) => mu + sigma * z), p = density(whole, mu, sigma);
    const mean = simpson(whole.map((x, i) => x * p[i]), whole);
    const variance = simpson(whole.map((x, i) => (x - mean) ** 2 * p[i]), whole), inside = spaced(-k, k, 61).map((z) => mu + sigma * z);
    const [peak, edge] = density([mu, mu + sigma], mu, sigma);
    return {
      p: density(xs, mu, sigma), inside_x: inside, inside_p: density(inside, mu, sigma), peak, edge, share: integratedShare(mu, sigma, k),
      integrals: [simpson(p, whole), mean, variance, ...[1, 2, 3].map((far) => integratedShare(mu, sigma, far))],
      exact: [1, mu, sigma ** 2, shares[100], shares[200], shares[300]],
    };
  };

  /** Rows of y = 2x + 1 + ε: more rows add to the earlier ones, and another σ scales the same noise. */
  function simulate(rows, sigma, draw, { drawn_x, drawn_noise }) {
    const x = Array.from(drawn_x[draw].subarray(0, rows));
    return { x, y: x.map((v, i) => 2 * v + 1 + sigma * drawn_noise[draw][i]) };
  }

  kernels.noise = ({ noise_sigma, rows, draw, weight, bias, model_sigma }, data) => {
    const { x, y } = simulate(rows, noise_sigma, draw, data), fit = x.map((v) => weight * v + bias);
    const away = spaced(-3.5, 3.5, 61).map((z) => model_sigma * z), [top] = density([0], 0, 1);
    const height = density(away, 0, model_sigma).map((p) => (p * 0.5) / top), line = ENDS.map((v) => weight * v + bias);
    const inside = y.filter((v, i) => Math.abs(v - fit[i]) <= model_sigma).length;
    return {
      x, y, fit, ends: ENDS, line, edges: [-1, 1].map((sign) => line.map((v) => v + sign * model_sigma)),
      truth: ENDS.map((v) => 2 * v + 1), bells_x: PROFILES.map((at) => height.map((h) => at + h)),
      bells_y: PROFILES.map((at) => away.map((v) => weight * at + bias + v)), level: weight * PROFILES[0] + bias, inside, share: inside / rows,
    };
  };

  const squaredError = (x, y, w, b) => sum(x.map((v, i) => (w * v + b - y[i]) ** 2));
  const logLikelihood = (x, y, w, b, std) => sum(x.map((v, i) => logDensity(w * v + b - y[i], 0, std)));
  const fromSquares = (n, error, std) => (-n / 2) * Math.log(2 * Math.PI * std ** 2) - error / (2 * std ** 2);

  kernels.likelihood = ({ noise_sigma, rows, draw, weight, bias, model_sigma }, data) => {
    const { x, y } = simulate(rows, noise_sigma, draw, data), square = dot(x, x), best = dot(x, y.map((v) => v - bias)) / square;
    const slopes = spaced(Math.min(-1, best - 1), Math.max(5, best + 1), 121);
    const logs = slopes.map((w) => logLikelihood(x, y, w, bias, model_sigma)), squares = slopes.map((w) => squaredError(x, y, w, bias));
    const [top, here] = [best, weight].map((w) => logLikelihood(x, y, w, bias, model_sigma)), error = squaredError(x, y, weight, bias);
    return {
      slopes, logs, squares, best, log_low: top - 6 * rows, log_high: top + rows / 4, square_high: Math.max(...squares) * 1.05, here, error,
      from_squares: fromSquares(rows, error, model_sigma), product: Math.exp(here), short: (square * (weight - best) ** 2) / (2 * model_sigma ** 2),
      peak: "peak-stays", allowed: 1e-9 * Math.abs(here),
    };
  };

  kernels.spread = ({ house_sigma }, { n, error_sum, root_mean_square: best }) => {
    const sigmas = spaced(20, 120, 101);
    return {
      sigmas, logs: sigmas.map((std) => fromSquares(n, error_sum, std) / n), here: fromSquares(n, error_sum, house_sigma) / n,
      short: n * (Math.log(house_sigma / best) + (best ** 2 / house_sigma ** 2 - 1) / 2),
    };
  };

  kernels.within = ({ house_k: k }, { n, sizes, root_mean_square, shares }) => {
    const far = k * root_mean_square, beyond = sizes.filter((size) => size > far).length, normal_share = shares[Math.round(100 * k)];
    return { left: -far, right: far, beyond, tail: beyond / n, share: 1 - beyond / n, normal_share, normal_beyond: n * (1 - normal_share) };
  };

  // Lines through a few rows: slope and bias

  function leastSquares(x, y) {
    const [mx, my] = [sum(x) / x.length, sum(y) / y.length];
    const slope = sum(x.map((v, i) => (v - mx) * (y[i] - my))) / sum(x.map((v) => (v - mx) ** 2));
    return [slope, my - slope * mx];
  }

  /** One of the lines with the least absolute error goes through two of the points. */
  function leastAbsolute(x, y) {
    let best = [Infinity, 0, 0];
    for (const i of range(x.length)) for (const j of range(i)) {
      const slope = (y[i] - y[j]) / (x[i] - x[j]), bias = y[i] - slope * x[i];
      const error = sum(x.map((v, k) => Math.abs(y[k] - slope * v - bias)));
      if (error < best[0]) best = [error, slope, bias];
    }
    return best.slice(1);
  }

  kernels.outlier = ({ draw, far_x, far_y }, data) => {
    const { x, y } = simulate(10, 0.6, draw, data), found = { x, y, ends: ENDS, truth: ENDS.map((v) => 2 * v + 1) };
    for (const [name, line] of [["squares", leastSquares], ["absolute", leastAbsolute]]) {
      const [slope, bias] = line([...x, far_x], [...y, far_y]);
      Object.assign(found, { [name]: ENDS.map((v) => slope * v + bias), [`${name}_slope`]: slope, [`${name}_off`]: Math.abs(slope - line(x, y)[0]) });
    }
    return found;
  };
})();
