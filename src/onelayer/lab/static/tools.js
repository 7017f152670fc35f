// What the kernels of lessons share: sums, softmax, small matrices, the order in which an epoch visits rows, and training linear regression.
"use strict";

(() => {
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const spaced = (from, to, n) => range(n).map((i) => from + (i * (to - from)) / (n - 1));
  const sum = (values) => { let total = 0; for (const v of values) total += v; return total; };
  const column = (rows, j) => rows.map((row) => row[j]);
  const dot = (a, b) => { let total = 0; for (let i = 0; i < a.length; i++) total += a[i] * b[i]; return total; };

  /** log Σ exp(o), the largest logit taken out first, as the library does. @param {ArrayLike<number>} logits */
  function logSumExp(logits) {
    const largest = Math.max(...logits);
    return largest + Math.log(sum(Array.from(logits, (o) => Math.exp(o - largest))));
  }
  const softmax = (logits) => { const total = logSumExp(logits); return Array.from(logits, (o) => Math.exp(o - total)); };

  // Random order: MT19937 and the shuffle of torch.randperm, so that minibatches are the library's own

  /** Return a function that draws 32 bits at a time (Matsumoto and Nishimura 1998). @param {number} seed */
  function mersenneTwister(seed) {
    const N = 624, M = 397, mt = new Uint32Array(N);
    mt[0] = seed;
    for (let i = 1; i < N; i++) mt[i] = Math.imul(1812433253, mt[i - 1] ^ (mt[i - 1] >>> 30)) + i;
    let at = N;
    const twist = () => {
      for (let i = 0; i < N; i++) {
        const y = (mt[i] & 0x80000000) | (mt[(i + 1) % N] & 0x7fffffff);
        mt[i] = mt[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    };
    return () => {
      if (at === N) twist();
      let y = mt[at++];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      return (y ^ (y >>> 18)) >>> 0;
    };
  }

  /** Return the order in which an epoch visits n rows. @param {number} n @param {number} seed of the epoch, 32 bits */
  function epochOrder(n, seed) {
    const draw = mersenneTwister(seed), order = Int32Array.from(range(n));
    for (let i = 0; i < n - 1; i++) {
      const other = i + (draw() % (n - i));
      [order[i], order[other]] = [order[other], order[i]];
    }
    return order;
  }

  /** Return a function from a step, 0 and on, to the numbers of its minibatch's rows. @param {number[]} seeds of the epochs */
  function minibatches(n, size, seeds) {
    const perEpoch = Math.ceil(n / size), orders = [];
    return (step) => {
      const epoch = Math.floor(step / perEpoch), from = (step % perEpoch) * size;
      orders[epoch] ??= epochOrder(n, seeds[epoch]);
      return orders[epoch].subarray(from, from + size);
    };
  }

  // Linear regression: parameters are the weights, then the bias

  /** Return the residuals ŷ − y of some rows. */
  const residuals = (X, y, parameters, rows) => Float64Array.from(rows, (i) => {
    let total = parameters[X[i].length] - y[i];
    for (let j = 0; j < X[i].length; j++) total += X[i][j] * parameters[j];
    return total;
  });

  /** Return the gradient of the sum of ½(ŷ − y)² over some rows. */
  function slope(X, y, parameters, rows) {
    const total = Array(parameters.length).fill(0), last = total.length - 1, found = residuals(X, y, parameters, rows);
    rows.forEach((i, k) => {
      for (let j = 0; j < last; j++) total[j] += found[k] * X[i][j];
      total[last] += found[k];
    });
    return total;
  }

  /** Return a function from parameters and a step to the gradient of its minibatch's mean loss. */
  const meanSlope = (X, y, rowsOf) => (here, step) => {
    const rows = rowsOf(step);
    return slope(X, y, here, rows).map((g) => g / rows.length);
  };

  const FAR = 1e9; // a parameter beyond this is lost: a walk ends there

  /** Return the parameters before the first step and after each one. */
  function descended(start, lr, steps, slopeOf) {
    const path = [start];
    for (let k = 0; k < steps; k++) {
      const g = slopeOf(path[k], k);
      path.push(path[k].map((v, j) => v - lr * g[j]));
      if (Math.max(...path[k + 1].map(Math.abs)) > FAR) break;
    }
    return path;
  }

  /** Return what the mean loss with two features is made of: AᵀA/n, Aᵀε/n, ε² on average, and (AᵀA)⁻¹Aᵀε; A is X with a column of ones. */
  function moments(X, noise) {
    const A = Array.from(X, (x) => [x[0], x[1], 1]), n = A.length, places = range(3);
    const G = places.map((i) => places.map((j) => A.reduce((total, row) => total + row[i] * row[j], 0) / n));
    const e = places.map((i) => A.reduce((total, row, k) => total + row[i] * noise[k], 0) / n);
    return { G, e, size: sum(noise.map((v) => v * v)) / n, shift: solved(G, e) };
  }

  /** Return the mean loss of all rows, ½ (ΔᵀGΔ − 2σ Δᵀe + σ² size), whose labels are those of the truth plus σ ε. */
  function lossAt({ G, e, size }, truth, sigma, here) {
    const [a, b, c] = here.map((v, j) => v - truth[j]);
    const square = a * a * G[0][0] + b * b * G[1][1] + c * c * G[2][2] + 2 * (a * b * G[0][1] + a * c * G[0][2] + b * c * G[1][2]);
    return (square - 2 * sigma * (a * e[0] + b * e[1] + c * e[2]) + sigma ** 2 * size) / 2;
  }

  // Small dense linear algebra

  /** Solve a linear system, by elimination. */
  function solved(matrix, right) {
    const A = matrix.map((row, i) => [...row, right[i]]), d = right.length;
    for (let p = 0; p < d; p++) for (let i = 0; i < d; i++) {
      const share = A[i][p] / A[p][p];
      if (i !== p) for (let j = p; j <= d; j++) A[i][j] -= share * A[p][j];
    }
    return A.map((row, i) => row[d] / row[i]);
  }

  /** Return the eigenvalues, rising, and eigenvectors (columns) of a symmetric matrix, by Jacobi's rotations. */
  function eigen(matrix) {
    const n = matrix.length, A = matrix.map((row) => Float64Array.from(row)), V = range(n).map((i) => Float64Array.from(range(n), (j) => +(i === j)));
    for (let sweep = 0; sweep < 60; sweep++) {
      let off = 0, on = 0;
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (i === j) on += A[i][i] ** 2; else off += A[i][j] ** 2;
      if (off <= 1e-34 * on) break;
      for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) {
        if (!A[p][q]) continue;
        const theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1)), c = 1 / Math.hypot(t, 1), s = t * c;
        for (let k = 0; k < n; k++) [A[k][p], A[k][q]] = [c * A[k][p] - s * A[k][q], s * A[k][p] + c * A[k][q]];
        for (let k = 0; k < n; k++) [A[p][k], A[q][k]] = [c * A[p][k] - s * A[q][k], s * A[p][k] + c * A[q][k]];
        for (let k = 0; k < n; k++) [V[k][p], V[k][q]] = [c * V[k][p] - s * V[k][q], s * V[k][p] + c * V[k][q]];
      }
    }
    const order = range(n).sort((i, j) => A[i][i] - A[j][j]);
    return { values: order.map((i) => A[i][i]), vectors: range(n).map((k) => order.map((i) => V[k][i])) };
  }

  const linear = { minibatches, residuals, slope, meanSlope, descended, moments, lossAt };
  Object.assign(window.onelayer, {
    tools: { range, spaced, column, sum, dot, logSumExp, softmax, epochOrder, eigen, solved, ...linear },
  });
})();
