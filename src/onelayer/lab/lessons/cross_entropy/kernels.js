// What the lesson on cross-entropy computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, spaced, sum, softmax, logSumExp } = window.onelayer.tools;

  const CLASSES = ["cat", "chicken", "dog"], PLACES = [0, 1, 2], PAIRS = [[0, 0], [1, 1], [2, 2], [0, 1], [0, 2], [1, 2]];
  const H = 1e-3; // the step of finite differences
  const lossOf = (logits, label) => logSumExp(logits) - logits[label];
  const gradientOf = (logits, label) => softmax(logits).map((p, j) => p - +(j === label));
  const moved = (logits, j, by) => logits.map((o, k) => (k === j ? o + by : o));
  const shown = (v) => Math.round(v * 1e8) / 1e8; // what comes after eight decimals of a difference is rounding

  kernels.surprise = ({ truth, of_truth }) => {
    const label = CLASSES.indexOf(truth), said = PLACES.map((j) => (j === label ? of_truth : (1 - of_truth) / 2));
    const y = PLACES.map((j) => +(j === label)), log = said.map(Math.log), terms = y.map((v, j) => Math.abs(v * log[j])), losses = spaced(0, 5, 61);
    return {
      p: losses.map((l) => Math.exp(-l)), minus_log: losses, names: CLASSES, y, said, log, terms, whole: sum(terms),
      left: terms.filter((term) => term !== 0).length, loss: lossOf(log, label),
    };
  };

  kernels.guess = ({ classes }) => {
    const counts = range(19).map((i) => i + 2), losses = counts.map((q) => lossOf(Array(q).fill(0), 0));
    return { counts, losses, loss: losses[classes - 2], share: 1 / classes, ten: losses[8] };
  };

  kernels.likelihood = ({ of_1, of_2, of_3, of_4, of_5 }) => {
    const probabilities = [of_1, of_2, of_3, of_4, of_5], losses = probabilities.map((p) => lossOf([Math.log(p), Math.log(1 - p)], 0));
    const product = probabilities.reduce((a, b) => a * b, 1);
    return {
      numbers: [1, 2, 3, 4, 5], probabilities, losses, product, minus_log: -Math.log(product), total: sum(losses),
      second: [...probabilities].sort((a, b) => a - b)[1],
    };
  };

  kernels.slope = ({ truth, logit_cat, logit_chicken, logit_dog }) => {
    const label = CLASSES.indexOf(truth), logits = [logit_cat, logit_chicken, logit_dog], gradient = gradientOf(logits, label);
    const differences = PLACES.map((j) => shown((lossOf(moved(logits, j, H), label) - lossOf(moved(logits, j, -H), label)) / (2 * H)));
    return {
      places: PLACES, names: CLASSES, logits, probabilities: softmax(logits), gradient, above: gradient.map((g) => (g >= 0 ? g + 0.1 : g - 0.1)),
      differences, together: sum(gradient), size: Math.max(...gradient.map(Math.abs)), loss: lossOf(logits, label), negative: "only-the-truth",
    };
  };

  /** The five lines of a step, as in experiment.py. */
  function descentStep(o, label, lr) {
    const exponentials = o.map(Math.exp), total = sum(exponentials), before = exponentials.map((e) => e / total);
    const gradient = before.map((p, j) => p - +(j === label));
    return { exponentials, total, before, gradient, after: o.map((v, j) => v - lr * gradient[j]) };
  }

  kernels.descend = ({ truth, lr, logit_cat, logit_chicken, logit_dog, step }) => {
    const label = CLASSES.indexOf(truth), path = [[logit_cat, logit_chicken, logit_dog]], steps = [];
    for (let k = 0; k < 40; k++) {
      steps.push(descentStep(path[k], label, lr));
      path.push(steps[k].after);
    }
    let by_library = path[0];
    for (let k = 0; k < step; k++) { const slopes = gradientOf(by_library, label); by_library = by_library.map((o, j) => o - lr * slopes[j]); }
    const logits = path[step], probabilities = softmax(logits);
    const parts = step ? steps[step - 1] : { exponentials: [], total: [], before: [], gradient: [], after: [] };
    return {
      places: PLACES, names: CLASSES, logits, probabilities, rising: path.map((o) => softmax(o)[label]), by_library,
      of_truth: probabilities[label], loss: lossOf(logits, label), first_loss: lossOf(path[0], label), ...parts,
    };
  };

  /** Shares of drawn labels, and from them the covariance of their one-hot vectors. */
  function covarianceOf(p) {
    return PAIRS.map(([i, j]) => (i === j ? p[i] * (1 - p[i]) : -p[i] * p[j]));
  }

  kernels.curvature = ({ logit_cat, logit_chicken, logit_dog, draws }, { chance }) => {
    const logits = [logit_cat, logit_chicken, logit_dog], probabilities = softmax(logits), counts = [0, 0, 0];
    for (let i = 0; i < draws; i++) counts[+(chance[i] > probabilities[0]) + +(chance[i] > probabilities[0] + probabilities[1])]++;
    const unit = PLACES.map((k) => PLACES.map((j) => +(j === k) - probabilities[j])); // the deviation of the one-hot vector of class k
    const slopes = PLACES.map((i) => [1, -1].map((sign) => gradientOf(moved(logits, i, sign * H), 0)));
    return {
      places: PLACES, logits, probabilities, pairs: PAIRS.map(([i, j]) => `${CLASSES[i]}-${CLASSES[j]}`), second: covarianceOf(probabilities),
      covariance: PAIRS.map(([i, j]) => sum(PLACES.map((k) => probabilities[k] * unit[k][i] * unit[k][j]))),
      sampled: covarianceOf(counts.map((count) => count / draws)),
      differences: PAIRS.map(([i, j]) => shown((slopes[i][0][j] - slopes[i][1][j]) / (2 * H))),
    };
  };

  /** The mean length of a shortest code: each merged pair of groups costs a bit in all cases in which it occurs (Huffman 1952). */
  function shortestMean(probabilities) {
    const single = [...probabilities].sort((a, b) => a - b), merged = [];
    let i = 0, k = 0, mean = 0;
    const least = () => (k >= merged.length || (i < single.length && single[i] <= merged[k]) ? single[i++] : merged[k++]);
    for (let left = single.length; left > 1; left--) {
      merged.push(least() + least());
      mean += merged.at(-1);
    }
    return mean;
  }

  /** 0, 10 and 11: the shortest word is that of the likeliest class, the last one of them if there are several. */
  function wordsOf(p) {
    const short = p.lastIndexOf(Math.max(...p)), long = ["10", "11"];
    return p.map((_, j) => (j === short ? "0" : long.shift()));
  }

  kernels.bits = ({ logit_cat, logit_chicken, logit_dog }) => {
    const logits = [logit_cat, logit_chicken, logit_dog], probabilities = softmax(logits), observations = [1, 2, 3, 4, 5];
    let outcomes = [1];
    const shortest = observations.map((n) => {
      outcomes = outcomes.flatMap((share) => probabilities.map((p) => share * p));
      return shortestMean(outcomes) / n;
    });
    const natural = -sum(probabilities.map((p) => p * Math.log(p))), entropy = natural / Math.LN2;
    return {
      places: PLACES, logits, probabilities, observations, sizes: observations.map((n) => `n = ${n}`), fixed: observations.map((n) => Math.ceil(Math.log2(3 ** n)) / n), shortest, entropy,
      natural, three: Math.log2(3), words: wordsOf(probabilities), waste: shortest[0] - entropy,
    };
  };

  kernels.softest = ({ logit_cat, logit_chicken, logit_dog, sharpness }) => {
    const logits = [logit_cat, logit_chicken, logit_dog], lambdas = spaced(0.2, 10, 50), largest = Math.max(...logits);
    const softMaximum = (values, by) => logSumExp(values.map((o) => by * o)) / by, soft = softMaximum(logits, sharpness);
    return {
      places: PLACES, logits, probabilities: softmax(logits.map((o) => sharpness * o)), lambdas, softly: lambdas.map((by) => softMaximum(logits, by)),
      least: lambdas.map((by) => -softMaximum(logits.map((o) => -o), by)), lower: lambdas.map(() => largest),
      upper: lambdas.map((by) => largest + Math.log(3) / by), largest, soft, gap: soft - largest, bound: Math.log(3) / sharpness,
      limit: "the-maximum",
    };
  };
})();
