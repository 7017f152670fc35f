// What the lesson on Fashion-MNIST computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels, format } = window.onelayer;
  const { range, sum, epochOrder } = window.onelayer.tools;

  const CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"];
  const SIDE = 28, SHOWN = 100, PAGE = 20, WINDOW = 2;

  const firstOf = (label, page) => SHOWN * CLASSES.indexOf(label) + PAGE * (page - 1);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), 0);

  kernels.browse = ({ label, page, picture }, { images, numbers }) => {
    const first = firstOf(label, page), picked = images[first + picture];
    return {
      pixels: images.slice(first, first + PAGE),
      captions: Array.from(numbers.slice(first, first + PAGE), (number) => format(number + 1, ",d")),
      class: CLASSES.indexOf(label),
      number: numbers[first + picture] + 1,
      ink: sum(picked) / picked.length / 255,
    };
  };

  kernels.pixel = ({ label, page, picture, row, column }, { images }) => {
    const image = images[firstOf(label, page) + picture];
    const inside = (r, c) => r >= 1 && r <= SIDE && c >= 1 && c <= SIDE;
    const at = (r, c) => (inside(r, c) ? image[SIDE * (r - 1) + c - 1] : null);
    const offsets = range(2 * WINDOW + 1).map((i) => i - WINDOW), byte = at(row, column);
    const beside = [at(row - 1, column), at(row + 1, column), at(row, column - 1), at(row, column + 1)].filter((other) => other !== null);
    const half = WINDOW + 0.5;
    return {
      box_x: [-1, 1, 1, -1, -1].map((across) => column + half * across), box_y: [-1, -1, 1, 1, -1].map((down) => row + half * down), box_top: row - half - 1,
      image, byte, value: byte / 255, feature: SIDE * (row - 1) + column,
      around: offsets.map((down) => offsets.map((right) => at(row + down, column + right))),
      step: most(beside.map((other) => Math.abs(byte - other))),
    };
  };

  kernels.flatten = ({ label, page, picture, place }, { images }) => {
    const image = images[firstOf(label, page) + picture], features = [NaN]; // counted from 1
    for (let r = 0; r < SIDE; r++) for (let c = 0; c < SIDE; c++) features.push(image[SIDE * r + c] / 255);
    const here = Math.max(place, 1), row = Math.floor((here - 1) / SIDE) + 1, column = ((here - 1) % SIDE) + 1;
    const byte = image[SIDE * (row - 1) + column - 1];
    return {
      image, features, row, column, byte,
      box_x: [0, 1, 1, 0, 0].map((across) => column - 0.5 + across), box_y: [0, 0, 1, 1, 0].map((down) => row - 0.5 + down),
      at_place: byte / 255, at_feature: features[here],
    };
  };

  kernels.scramble = ({ example, swapped }, { images, swaps }) => {
    const order = range(SIDE * SIDE);
    for (let i = 0; i < swapped; i++) [order[i], order[swaps[i]]] = [order[swaps[i]], order[i]];
    return {
      pixels: CLASSES.map((_, label) => { const image = images[SHOWN * label + example - 1]; return Uint8Array.from(order, (from) => image[from]); }),
      names: CLASSES,
      moved: order.filter((from, i) => from !== i).length,
    };
  };

  kernels.batches = ({ batch_size, epoch, batch }, { images, seeds }) => {
    const n = images.length, order = epochOrder(n, seeds[epoch - 1]), last = Math.ceil(n / batch_size), now = Math.min(batch, last);
    const index = now ? order.subarray((now - 1) * batch_size, now * batch_size) : new Int32Array(0);
    const labels = Array.from(index, (i) => Math.floor(i / SHOWN)), pixels = Array.from(index, (i) => images[i]);
    const counts = CLASSES.map((_, label) => labels.filter((other) => other === label).length), brightest = most(pixels.map(most));
    return {
      pixels: pixels.slice(0, PAGE), captions: labels.slice(0, PAGE).map((label) => CLASSES[label]), counts, least: Math.min(...counts),
      even: index.length / CLASSES.length, rows: index.length, shown: Math.min(PAGE, index.length), index: index.slice(0, 3), places: range(CLASSES.length), brightest,
      largest: Math.fround(brightest / 255), last, seen: Math.min(now * batch_size, n), all: n,
      checked: ["batches-in-pass", "last-batch", "visited-once"],
      counted: [last, order.subarray((last - 1) * batch_size).length, new Set(order).size],
      expected: [Math.floor((n - 1) / batch_size) + 1, n - (last - 1) * batch_size, n],
    };
  };

  /** How much each of ``from`` pixels counts for each of ``to``: a triangle as wide as the larger pixel of both. */
  function weights(from, to) {
    const scale = from / to, wide = Math.max(scale, 1);
    return range(to).map((i) => {
      const centre = scale * (i + 0.5), first = Math.max(Math.trunc(centre - wide + 0.5), 0), end = Math.min(Math.trunc(centre + wide + 0.5), from);
      const found = range(end - first).map((j) => Math.max(0, 1 - Math.abs((j + first - centre + 0.5) / wide))), total = sum(found);
      return { first, part: found.map((weight) => weight / total) };
    });
  }

  kernels.resize = ({ label, page, picture, side }, { images }) => {
    const image = images[firstOf(label, page) + picture], across = weights(SIDE, side);
    const narrow = new Float64Array(SIDE * side), scaled = new Float64Array(side * side);
    for (let r = 0; r < SIDE; r++) across.forEach(({ first, part }, c) => part.forEach((w, j) => { narrow[side * r + c] += w * image[SIDE * r + first + j]; }));
    across.forEach(({ first, part }, r) => part.forEach((w, j) => { for (let c = 0; c < side; c++) scaled[side * r + c] += w * narrow[side * (first + j) + c]; }));
    const features = side * side, megabytes = (60000 * features) / 1e6;
    return {
      images: [image, scaled], captions: [`${SIDE} × ${SIDE}`, `${side} × ${side}`], features, megabytes, floats: 4 * megabytes,
      parameters: features * CLASSES.length + CLASSES.length,
    };
  };
})();
