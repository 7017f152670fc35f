// What the lesson on linear regression computes in the page. Each kernel has a twin of the same name in experiment.py.
"use strict";

(() => {
  const { kernels } = window.onelayer;
  const { range, spaced, sum, dot } = window.onelayer.tools;

  const AREAS = [500, 3000], AGES = [0, 130], HIGHEST = 500000; // the box around the plane
  const SQUARE_METRES = 0.09290304, BILLION = 1e9;
  const pick = (column, rows) => Array.from(rows, (i) => column[i]);
  const mean = (values) => sum(values) / values.length;

  /** The mean over the rows of ½(ŷ − y)². */
  function meanLoss({ area, age, price }, w1, w2, b) {
    let total = 0;
    for (let i = 0; i < price.length; i++) total += (w1 * area[i] + w2 * age[i] + b - price[i]) ** 2;
    return total / price.length / 2;
  }

  /** The mean of what the weights leave of the price. */
  function bestBias({ area, age, price }, w1, w2) {
    let total = 0;
    for (let i = 0; i < price.length; i++) total += price[i] - (w1 * area[i] + w2 * age[i]);
    return total / price.length;
  }

  kernels.example = ({ at_area, at_price }, { area, age, price }) => {
    let chosen = 0, nearest = Infinity;
    for (let i = 0; i < price.length; i++) {
      const distance = ((area[i] - at_area) / 4000) ** 2 + ((price[i] - at_price) / 600000) ** 2;
      if (distance < nearest) [chosen, nearest] = [i, distance];
    }
    return { chosen: [chosen], number: chosen + 1, area_here: area[chosen], age_here: age[chosen], price_here: price[chosen] };
  };

  kernels.line = ({ at_small, at_large }, data) => {
    const weight = (at_large - at_small) / (AREAS[1] - AREAS[0]), bias = at_small - AREAS[0] * weight;
    const areas = pick(data.area, data.picked), heads = pick(data.price, data.picked);
    const feet = areas.map((x) => weight * x + bias), errors = feet.map((foot, i) => foot - heads[i]);
    const loss = meanLoss(data, weight, 0, bias);
    errors.sort((r, s) => r - s);
    return {
      weight, bias, ends: [0, 4000], prices_at_ends: [bias, bias + 4000 * weight], areas, heads,
      feet, errors, losses: errors.map((r) => r ** 2 / 2 / BILLION), loss: loss / BILLION, typical: Math.sqrt(2 * loss),
    };
  };

  /** Slope and intercept of the best line through points. */
  function bestLine(xs, ys) {
    const [x, y] = [mean(xs), mean(ys)];
    const slope = sum(xs.map((v, i) => (v - x) * (ys[i] - y))) / sum(xs.map((v) => (v - x) ** 2));
    return [slope, y - slope * x];
  }

  kernels.pull = ({ own_area, own_price }, { area, price, few }) => {
    const areas = pick(area, few), prices = pick(price, few), here = bestLine([...areas, own_area], [...prices, own_price]);
    const without = bestLine(areas, prices), at = ([slope, intercept], x) => slope * x + intercept;
    const centre = mean(areas), spread = sum(areas.map((x) => (x - centre) ** 2)), share = 1 / few.length + (own_area - centre) ** 2 / spread;
    const surprise = (own_price - at(without, own_area)) / (1 + share), slope = ((own_area - centre) / spread) * surprise;
    const ends = [0, 4000];
    return {
      areas, prices, ends, line_without: ends.map((x) => at(without, x)), line_with: ends.map((x) => at(here, x)), foot: at(here, own_area),
      slope_without: without[0], slope: here[0], line_names: ["slope-of", "intercept-of"], solved: here,
      updated: [without[0] + slope, without[1] + surprise / few.length - slope * centre],
      allowed: without.map((v, j) => 1e-9 * (Math.abs(v) + Math.abs(here[j]))), leverage: share / (1 + share),
    };
  };

  /** Return a function from area, age and price to the place in a picture that is turned by some degrees. */
  function projection(turn) {
    const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
    return (area, age, height) => {
      const x = (area - AREAS[0]) / (AREAS[1] - AREAS[0]) - 0.5, y = (age - AGES[0]) / (AGES[1] - AGES[0]) - 0.5;
      return [(x * cos - y * sin + 0.8) / 1.6, (0.35 * (x * sin + y * cos) + height / HIGHEST + 0.3) / 1.45];
    };
  }

  /** The predictions for the first six houses, and the sum of all: row by row, and as a product, column by column. */
  function inTwoWays({ area, age }, w1, w2, bias) {
    const sums = Float64Array.from(area, (_, i) => w1 * area[i] + w2 * age[i] + bias), products = new Float64Array(area.length).fill(bias);
    for (const [weight, column] of [[w2, age], [w1, area]]) for (let i = 0; i < area.length; i++) products[i] += weight * column[i];
    const compared = (values) => [...values.subarray(0, 6), sum(values)];
    return { sums: compared(sums), products: compared(products) };
  }

  kernels.plane = ({ w1, w2, turn }, data) => {
    const { area, age, price, shown } = data, bias = bestBias(data, w1, w2), loss = meanLoss(data, w1, w2, bias);
    const predict = (x1, x2) => w1 * x1 + w2 * x2 + bias, place = projection(turn);
    const rows = Array.from(shown), head = rows.map((i) => place(area[i], age[i], price[i]));
    const above = (x1, x2) => place(x1, x2, predict(x1, x2)), lines = range(7).map((k) => k / 6), along = ([low, high], t) => low + t * (high - low);
    const start = [...lines.map((t) => above(along(AREAS, t), AGES[0])), ...lines.map((t) => above(AREAS[0], along(AGES, t)))];
    const end = [...lines.map((t) => above(along(AREAS, t), AGES[1])), ...lines.map((t) => above(AREAS[1], along(AGES, t)))];
    const near = [AREAS[0], AGES[0], 0], corner = range(3).map(() => place(...near));
    const tip = [place(AREAS[1], AGES[0], 0), place(AREAS[0], AGES[1], 0), place(AREAS[0], AGES[0], HIGHEST)];
    const xs = (points) => points.map(([x]) => x), ys = (points) => points.map(([, y]) => y);
    return {
      bias, loss: loss / BILLION, typical: Math.sqrt(2 * loss), head_x: xs(head), head_y: ys(head),
      foot_y: rows.map((i) => above(area[i], age[i])[1]), mesh_x0: xs(start), mesh_y0: ys(start), mesh_x1: xs(end), mesh_y1: ys(end),
      corner_x: xs(corner), corner_y: ys(corner), tip_x: xs(tip), tip_y: ys(tip), tips: ["tip-area", "tip-age", "tip-price"],
      ...inTwoWays(data, w1, w2, bias),
    };
  };

  kernels.bowl = ({ w1, w2 }, data) => {
    const { H, minimum } = data, shares = spaced(0, 2, 41), way = (share) => [w1 + share * (minimum[0] - w1), w2 + share * (minimum[1] - w2)];
    const lowest = meanLoss(data, ...minimum), rises = shares.map((share) => meanLoss(data, ...way(share), bestBias(data, ...way(share))) - lowest);
    const away = [w1, w2, bestBias(data, w1, w2)].map((v, j) => v - minimum[j]), expected = dot(away, H.map((row) => dot(row, away))) / 2;
    return {
      top: 2 ** Math.ceil(Math.log2((1.1 * expected) / BILLION)), shares, rises: rises.map((v) => v / BILLION), way_w1: [w1, way(2)[0]], way_w2: [w2, way(2)[1]],
      rise_here: rises[0], expected, allowed: 1e-9 * expected + 1e-5, rise_billions: expected / BILLION,
    };
  };

  kernels.solving = ({ w1, w2, code_line }, { full_system, solved }) => ({
    system: code_line > 1 ? full_system : [], solution: code_line > 2 ? solved : [null, null, null],
    cheaper: code_line > 2 ? -solved[1] : null, start_w1: code_line > 2 ? w1 : null, start_w2: code_line > 2 ? w2 : null,
  });

  kernels.valley = ({ w_feet, together }, data) => {
    const { area, age, price } = data, ends = [-200, 400], middle = [mean(area), mean(age)];
    let both = 0, own = 0, ofPrice = 0;
    for (let i = 0; i < price.length; i++) {
      const away = age[i] - middle[1];
      both += (area[i] - middle[0]) * away;
      own += away ** 2;
      ofPrice += away * price[i];
    }
    const w2 = (ofPrice - together * both) / own, loss = meanLoss(data, together, w2, bestBias(data, together, w2));
    return {
      w_metres: (together - w_feet) / SQUARE_METRES, ends, same_predictions: ends.map((v) => (together - v) / SQUARE_METRES),
      shifted: -380 / SQUARE_METRES, typical: Math.sqrt(2 * loss), loss: loss / BILLION,
    };
  };
})();
