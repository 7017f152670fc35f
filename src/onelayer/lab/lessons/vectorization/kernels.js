// What the lesson on vectorization computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range } = window.onelayer.tools;

  kernels.adding = ({ first, turn }, vectors) => {
    const a = Array.from(vectors.a, (v, i) => Math.fround(i ? v : first)), b = Array.from(vectors.b), c = a.map((v, i) => Math.fround(v + b[i]));
    const now = Math.max(turn - 1, 0), up = (values, count) => values.map((v, i) => (i < count ? v : NaN)), all = turn ? a.length : 0;
    return {
      places: range(a.length).map((i) => i + 1), left: range(a.length).map((i) => i + 0.85), right: range(a.length).map((i) => i + 1.15), a, sums: c, by_loop: up(c, turn), by_call: up(c, all),
      lit: turn ? [now] : [], i: now, a_here: a[now], b_here: b[now], c_here: c[now], calls: 4 * turn + Math.min(turn, 1), call: Math.min(turn, 1),
      loop_so_far: c.slice(0, turn), call_so_far: c.slice(0, turn),
    };
  };
})();
