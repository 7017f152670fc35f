// What the self-test computes in the page, to try out after an answer. Each kernel has a twin in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, spaced, sum, softmax } = window.onelayer.tools;

  kernels.bowl = ({ lr, start }) => {
    const path = [start];
    for (let k = 0; k < 12; k++) path.push(path[k] - lr * 6 * path[k]);
    let low = 0, high = 1;
    for (let k = 0; k < 50; k++) {
      const middle = (low + high) / 2;
      if (Math.abs(1 - middle * 6) < 1) low = middle;
      else high = middle;
    }
    const places = spaced(-2, 2, 81), loss = (w) => 3 * w ** 2;
    return {
      places, heights: places.map(loss), path, losses: path.map(loss), loss: loss(start), end: Math.abs(path.at(-1)), bound: (low + high) / 2,
    };
  };

  kernels.noise = ({ variance }) => {
    const squares = sum([-2, -1, 1, 2].map((error) => error ** 2));
    const likelihood = (at) => -2 * Math.log(2 * Math.PI * at) - squares / (2 * at), variances = spaced(0.5, 8, 76);
    return { variances, curve: variances.map(likelihood), here: likelihood(variance), best: squares / 4 };
  };

  kernels.shares = ({ first, second, third }) => {
    return { p: softmax([first, second, third]), asked: softmax([100, 100, 100 + Math.log(2)])[2], places: range(3) };
  };

  kernels.surprise = ({ chance }) => {
    const loss = (p) => -Math.log(p), chances = spaced(0.01, 1, 100);
    return { chances, curve: chances.map(loss), here: loss(chance), quarter: loss(0.25) };
  };
})();
