// Plots: marks over two axes, drawn from what scenes declare, and what a hand does to them. A plot has update(value, open).
// @ts-check
"use strict";

(() => {
  const { at, dragged, each, filled, format, list, make, paint, raised, strong } = window.onelayer;
  const MARGIN = { left: 58, right: 20, top: 12, bottom: 44 }; // pixels, for letters of 12
  const GRIP = 9; // the radius of a handle

  /**
   * @typedef {(name: any) => any} Value looks a field up: of the outcome, else a control's; a number is itself
   * @typedef {{ set: (changes: Record<string, any>) => void, control: (name: string) => any, words: Record<string, string>, labels: Record<string, string>,
   *   sketched: (ys: (number | null)[]) => void }} Actions
   */

  // Axes

  /** @param {number} low @param {number} high @param {number} most */
  function evenTicks(low, high, most) {
    const rough = (high - low) / Math.max(most, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9);
    return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
  }

  function decades(low, high, most) {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const step = Math.max(1, Math.ceil((last - first + 1) / Math.max(most, 2)));
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 10 ** (first + i * step));
  }

  /** The places of an axis' ticks, about as many as there is room for. */
  const ticks = (axis, low, high, most) => axis.categories.length ? axis.categories.map((_, i) => i)
    : axis.ticks.length ? axis.ticks.filter((v) => v >= low && v <= high)
    : (axis.log ? decades : evenTicks)(low, high, most);

  /** A scale from an axis' unit to pixels, and back. */
  class Scale {
    constructor(low, high, log, from, to) {
      Object.assign(this, { low, high, log, from, to });
      this.bend = log ? Math.log10 : (v) => v;
      [this.a, this.b] = [this.bend(low), this.bend(high)];
      [this.least, this.most] = [Math.min(low, high), Math.max(low, high)]; // an axis may run backwards
    }
    /** @param {number | null} v */
    place(v) {
      return v === null ? NaN : this.from + ((this.bend(v) - this.a) / (this.b - this.a)) * (this.to - this.from);
    }
    /** The nearest place within the range: what lies beyond is drawn at the edge. @param {number} v */
    edge(v) {
      return Number.isNaN(v) || v === null ? NaN : this.place(Math.min(Math.max(v, this.least), this.most));
    }
    /** The value at a share of the way from one to another, as it is seen. @param {number} from @param {number} to @param {number} share */
    between(from, to, share) { return this.value(this.place(from) + share * (this.place(to) - this.place(from))); }
    /** @param {number} pixel */
    value(pixel) {
      const bent = this.a + ((pixel - this.from) / (this.to - this.from)) * (this.b - this.a);
      const found = this.log ? 10 ** bent : bent;
      return Math.min(Math.max(found, this.least), this.most);
    }
  }

  function tickText(v, spec, log) {
    if (spec) return format(v, spec);
    const power = Math.round(Math.log10(v));
    if (log && Math.abs(v / 10 ** power - 1) < 1e-9 && (power > 4 || power < -3)) return `10${raised(power)}`;
    return format(+v.toPrecision(12));
  }

  /** Room for a tick's text, roughly: Chinese characters are as broad as they are high. @param {string} text */
  const breadth = (text) => 12 + [...text].reduce((sum, c) => sum + (c > "\u2e80" ? 12 : 7), 0);

  // Plots

  class Plot {
    /** @param {any} spec @param {HTMLElement} host @param {Actions} actions */
    constructor(spec, host, actions) {
      Object.assign(this, { spec, host, actions });
      this.legend = make("div", { class: "legend" }, host);
      this.svg = make("svg", { class: "plot" }, host);
      if (spec.marks.some((mark) => mark.mark === "handle")) this.svg.setAttribute("role", "group");
      else this.svg.setAttribute("role", "img");
      this.svg.setAttribute("aria-label", spec.name);
      const id = `clip-${(Plot.count = (Plot.count ?? 0) + 1)}`;
      this.clip = make("rect", {}, make("clipPath", { id }, make("defs", {}, this.svg)));
      this.frame = make("g", { class: "frame" }, this.svg);
      this.inside = make("g", { "clip-path": `url(#${id})` }, this.svg);
      this.over = make("g", {}, this.svg);
      this.groups = spec.marks.map((mark) =>
        make("g", { class: `mark ${mark.mark} ${mark.color}` }, ["handle", "text", "rule"].includes(mark.mark) ? this.over : this.inside));
      this.sketch = spec.sketch ? new Sketch(this) : null;
      for (const mark of spec.marks) this.#legend(mark);
      spec.marks.forEach((mark, i) => mark.mark === "handle" && this.#handle(mark, this.groups[i]));
      if (spec.turn) this.#turn(spec.turn);
      new ResizeObserver(() => this.last && this.update(...this.last)).observe(host);
    }

    #legend(mark) {
      if (!mark.label || ["rule", "handle"].includes(mark.mark)) return;
      const item = make("span", { class: `key ${mark.color} key-${mark.mark}${mark.dash ? " dash" : ""}` }, this.legend);
      make("i", { class: mark.shape ?? "" }, item);
      item.append(mark.label);
    }

    /** @param {Value} value @param {boolean} open whether the answer may be seen @param {boolean} hidden whether it is drawn out of sight, too */
    update(value, open = true, hidden = false) {
      this.last = [value, open];
      const room = this.host.getBoundingClientRect();
      this.width = Math.max(240, Math.floor(room.width));
      this.height = Math.max(120, Math.floor(room.height - this.legend.offsetHeight));
      if (!room.width && !hidden) return;
      this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
      this.svg.setAttribute("width", this.width);
      this.svg.setAttribute("height", this.height);
      this.#scales(value);
      this.spec.marks.forEach((mark, i) => {
        this.groups[i].toggleAttribute("hidden", !open);
        if (open) this[`_${mark.mark}`](mark, this.groups[i], value);
      });
      this.sketch?.update();
    }

    #scales(value) {
      const { x, y, square } = this.spec;
      const m = x || y ? MARGIN : { left: 4, right: 4, top: 4, bottom: 4 }, em = (this.em = parseFloat(getComputedStyle(this.svg).fontSize) / 12);
      const names = y?.categories ?? []; // they need as much room as the longest of them
      let [left, right, top, bottom] = [Math.max(em * m.left, ...names.map((name) => em * breadth(name))), this.width - em * m.right, em * m.top, this.height - em * m.bottom];
      const range = (axis) => !axis ? [0, 1] : axis.categories.length ? [-0.6, axis.categories.length - 0.4] : [+value(axis.low), +value(axis.high)];
      const [x0, x1] = range(x), [y0, y1] = range(y);
      // Long numbers beside the y axis need more room, or they run into its title.
      if (y && !y.categories.length) left = Math.max(left, em * (28 + 7.2 * Math.max(...ticks(y, Math.min(y0, y1), Math.max(y0, y1), (bottom - top) / (40 * em)).map((v) => tickText(v, y.format, y.log).length))));
      if (square) {
        const [wide, high] = [Math.abs(x1 - x0), Math.abs(y1 - y0)], unit = Math.min((right - left) / wide, (bottom - top) / high);
        const [spareX, spareY] = [right - left - unit * wide, bottom - top - unit * high];
        [left, right, top, bottom] = [left + spareX / 2, right - spareX / 2, top + spareY / 2, bottom - spareY / 2];
      }
      this.x = new Scale(x0, x1, x?.log, left, right);
      this.y = new Scale(y0, y1, y?.log, bottom, top);
      for (const [name, size] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) this.clip.setAttribute(name, size);
      this.#axes(left, right, top, bottom);
    }

    #axes(left, right, top, bottom) {
      const { x, y } = this.spec;
      const { em } = this, key = JSON.stringify([em, left, right, top, bottom, this.x.low, this.x.high, this.y.low, this.y.high]);
      if (key === this.drawn) return;
      this.drawn = key;
      this.frame.replaceChildren();
      if (!x && !y) return;
      const name = (axis, v, scale) => axis.categories.length ? axis.categories[v] : tickText(v, axis.format, scale.log);
      if (x) {
        const places = (right - left) / x.categories.length, crowded = !x.label && x.categories.some((text) => em * breadth(text) > places);
        for (const v of ticks(x, this.x.least, this.x.most, (right - left) / (64 * em))) {
          const place = this.x.place(v), row = crowded && v % 2 ? 30 : 16; // long names stand in two rows
          make("line", { x1: place, x2: place, y1: top, y2: bottom, class: "grid" }, this.frame);
          make("text", { x: place, y: bottom + row * em, "text-anchor": "middle", text: name(x, v, this.x) }, this.frame);
        }
        make("text", { x: (left + right) / 2, y: bottom + 36 * em, "text-anchor": "middle", class: "title", text: x.label }, this.frame);
      }
      if (y) {
        for (const v of ticks(y, this.y.least, this.y.most, (bottom - top) / (40 * em))) {
          const place = this.y.place(v);
          make("line", { x1: left, x2: right, y1: place, y2: place, class: "grid" }, this.frame);
          make("text", { x: left - 6, y: place + 4 * em, "text-anchor": "end", text: name(y, v, this.y) }, this.frame);
        }
        // A title that is longer than its axis has the picture's whole height, and beyond that smaller letters.
        const long = 1.08 * em * (breadth(y.label) - 12), tall = long > bottom - top, middle = tall ? this.height / 2 : (top + bottom) / 2;
        const title = make("text", { x: 13 * em, y: middle, "text-anchor": "middle", class: "title", transform: `rotate(-90 ${13 * em} ${middle})`, text: y.label }, this.frame);
        if (long > this.height) title.style.fontSize = `${Math.max(0.65, (1.08 * this.height) / long)}em`;
      }
      make("path", { d: `M${left} ${top}V${bottom}H${right}`, class: "axis" }, this.frame);
    }

    // Marks: each draws itself into its group, as few elements as can be

    #count(mark, value, length) {
      return mark.upto ? Math.min(length, +value(mark.upto) + 1) : length;
    }

    #trace(xs, ys, count) {
      let d = "", pen = false;
      for (let i = 0; i < count; i++) {
        const [px, py] = [this.x.place(xs === "" ? i : at(xs, i)), this.y.log ? this.y.edge(ys[i]) : this.y.place(ys[i])];
        if (!Number.isFinite(px) || !Number.isFinite(py)) pen = false;
        else {
          d += `${pen ? "L" : "M"}${px.toFixed(1)} ${Math.min(Math.max(py, -1e5), 1e5).toFixed(1)}`;
          pen = true;
        }
      }
      return d;
    }

    _line(mark, group, value) {
      const xs = mark.x === "" ? "" : value(mark.x), found = list(value(mark.y));
      const many = found.length && typeof found[0] === "object" && found[0] !== null ? found : [found];
      each(group, "path", many.length + (mark.dots ? 1 : 0), (path, i) => {
        if (i === many.length) return this.#dots(path, xs, found, this.#count(mark, value, found.length), mark.width + 2.5);
        const own = typeof xs?.[0] === "object" ? xs[i] : xs;
        path.setAttribute("d", this.#trace(own, many[i], this.#count(mark, value, many[i].length)));
        path.setAttribute("stroke-width", mark.width);
        path.setAttribute("opacity", mark.opacity);
        if (mark.dash) path.setAttribute("stroke-dasharray", "6 5");
      });
    }

    #dots(path, xs, ys, count, width) {
      const places = Array.from({ length: count }, (_, i) => [this.x.edge(xs === "" ? i : at(xs, i)), this.y.edge(ys[i])]);
      path.setAttribute("d", places.filter((place) => place.every(Number.isFinite)).map(([px, py]) => `M${px.toFixed(1)} ${py.toFixed(1)}h0`).join(""));
      path.setAttribute("class", "dot");
      path.setAttribute("stroke-width", width);
    }

    _points(mark, group, value) {
      const xs = list(value(mark.x)), ys = list(value(mark.y));
      const count = this.#count(mark, value, Math.max(xs.length, ys.length));
      const draw = (numbers, size) => {
        let d = "";
        for (const i of numbers) {
          const [px, py] = [this.x.edge(xs[i] ?? xs[0]), this.y.edge(ys[i] ?? ys[0])];
          if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
          if (mark.shape === "cross") d += `M${px - size} ${py - size}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`;
          else if (mark.shape === "diamond") d += `M${px} ${py - 2 * size}l${1.6 * size} ${2 * size}l${-1.6 * size} ${2 * size}l${-1.6 * size} ${-2 * size}z`;
          else d += `M${px.toFixed(1)} ${py.toFixed(1)}h0`;
        }
        return d;
      };
      const lit = mark.lit ? [...list(value(mark.lit))] : [];
      const layers = [[Array.from({ length: count }, (_, i) => i), mark.size, ""], [lit.filter((i) => i < count), mark.size * 1.7, "lit"]];
      each(group, "path", lit.length ? 2 : 1, (path, i) => {
        const [numbers, size, kind] = layers[i];
        path.setAttribute("d", draw(numbers, size));
        path.setAttribute("class", `${mark.shape} ${kind}`);
        path.setAttribute("opacity", kind ? 1 : mark.opacity);
        path.setAttribute("stroke-width", mark.shape === "dot" ? 2 * size : 2);
      });
    }

    _segments(mark, group, value) {
      const ends = [mark.x0, mark.y0, mark.x1, mark.y1].map(value);
      const length = Math.max(...ends.map((end) => list(end).length));
      const place = (i) => [this.x.place(at(ends[0], i)), this.y.place(at(ends[1], i)), this.x.place(at(ends[2], i)), this.y.place(at(ends[3], i))];
      const piece = ([x0, y0, x1, y1]) => ([x0, y0, x1, y1].every(Number.isFinite)
        ? `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}${mark.arrow ? head(x0, y0, x1, y1) : ""}` : "");
      const weights = mark.weight ? value(mark.weight) : null;
      const numbers = Array.from({ length }, (_, i) => i);
      each(group, "path", weights ? length : 1, (path, i) => {
        path.setAttribute("d", weights ? piece(place(i)) : numbers.map((k) => piece(place(k))).join(""));
        path.setAttribute("stroke-width", weights ? Math.min(12, Math.abs(weights[i]) * mark.width) : mark.width);
        path.setAttribute("opacity", mark.opacity);
        if (weights) path.setAttribute("class", weights[i] < 0 ? "orange" : "blue");
      });
    }

    _bars(mark, group, value) {
      const xs = list(value(mark.x)), ys = list(value(mark.y)), base = value(mark.base), width = value(mark.width);
      const lit = mark.lit ? [...list(value(mark.lit))] : [];
      each(group, "rect", ys.length, (bar, i) => {
        const [from, to] = [this.y.edge(at(base, i)), this.y.edge(ys[i])];
        const [left, right] = [this.x.edge(xs[i] - at(width, i) / 2), this.x.edge(xs[i] + at(width, i) / 2)];
        bar.setAttribute("x", Math.min(left, right));
        bar.setAttribute("width", Math.max(0.5, Math.abs(right - left) - 1));
        bar.setAttribute("y", Math.min(from, to) || 0);
        bar.setAttribute("height", Math.abs(to - from) || 0);
        bar.setAttribute("opacity", mark.opacity);
        bar.setAttribute("class", lit.includes(i) ? "lit" : "");
      });
    }

    _area(mark, group, value) {
      const xs = list(value(mark.x)), [low, high] = [value(mark.low), value(mark.high)];
      const d = xs.map((x, i) => `${i ? "L" : "M"}${this.x.edge(x)} ${this.y.edge(at(high, i))}`).join("")
        + [...xs].map((_, k) => xs.length - 1 - k).map((i) => `L${this.x.edge(xs[i])} ${this.y.edge(at(low, i))}`).join("");
      each(group, "path", 1, (path) => {
        path.setAttribute("d", d ? `${d}Z` : "");
        path.setAttribute("opacity", mark.opacity);
      });
    }

    _band(mark, group, value) {
      const [from, to] = [this.x.edge(+value(mark.low)), this.x.edge(+value(mark.high))];
      each(group, "rect", 1, (rect) => {
        for (const [name, size] of Object.entries({ x: from, width: Math.max(0, to - from), y: this.y.to, height: this.y.from - this.y.to })) rect.setAttribute(name, size);
      });
    }

    _rule(mark, group, value) {
      const upright = mark.x !== null;
      const v = +value(upright ? mark.x : mark.y), scale = upright ? this.x : this.y;
      const shown = v >= scale.least && v <= scale.most, place = scale.place(v);
      group.toggleAttribute("hidden", !shown);
      if (!shown) return;
      const late = upright && place > (this.x.from + this.x.to) / 2;
      const others = this.spec.marks.filter((other) => other.mark === "rule" && (other.x !== null) === upright);
      const row = 12 + 15 * others.indexOf(mark);
      if (!group.childElementCount) group.append(make("line"), make("text"));
      const [line, text] = group.children;
      const ends = upright ? { x1: place, x2: place, y1: this.y.from, y2: this.y.to } : { y1: place, y2: place, x1: this.x.from, x2: this.x.to };
      for (const [name, size] of Object.entries(ends)) line.setAttribute(name, size);
      text.textContent = filled(mark.label, value);
      text.setAttribute("x", upright ? place + (late ? -5 : 5) : this.x.to - 4);
      text.setAttribute("y", upright ? this.y.to + row : place + (place < this.y.to + 20 ? 14 : -5));
      text.setAttribute("text-anchor", !upright || late ? "end" : "start");
    }

    _raster(mark, group, value) {
      const found = value(mark.pixels);
      if (!found) return;
      this.canvas ??= make("canvas");
      paint(this.canvas, found, mark.scale, mark.scale === "signed" ? strong([found]) : 0);
      each(group, "image", 1, (image) => {
        const place = { x: this.x.from, width: this.x.to - this.x.from, y: this.y.to, height: this.y.from - this.y.to };
        for (const [name, size] of Object.entries(place)) image.setAttribute(name, size);
        image.setAttribute("preserveAspectRatio", "none");
        image.setAttribute("href", this.canvas.toDataURL());
      });
    }

    _text(mark, group, value) {
      const xs = list(value(mark.x)), ys = list(value(mark.y)), found = value(mark.text);
      const texts = found === undefined ? [mark.text] : list(found);
      each(group, "text", Math.max(xs.length, texts.length), (text, i) => {
        text.setAttribute("x", this.x.edge(xs[i] ?? xs[0]));
        text.setAttribute("y", this.y.edge(ys[i] ?? ys[0]) + 4);
        text.setAttribute("text-anchor", mark.anchor);
        const shown = texts[i];
        text.textContent = typeof shown === "string" ? this.actions.labels[shown] ?? shown : format(shown, mark.format);
      });
    }

    _handle(mark, group, value) {
      const [x, y] = [mark.x, mark.y].map((name, i) => +value(mark.origin[i]) + mark.unit[i] * +value(name));
      const grip = group.firstElementChild;
      grip.setAttribute("cx", this.x.edge(x));
      grip.setAttribute("cy", this.y.edge(y));
      const moved = [mark.x, mark.y].filter(this.actions.control);
      grip.setAttribute("aria-valuetext", moved.map((name) => `${this.actions.control(name).label} ${format(+value(name), ".3g")}`).join(", "));
      grip.setAttribute("aria-valuenow", +value(moved[0]));
    }

    // The hand

    #handle(mark, group) {
      const moved = [mark.x, mark.y].map((name) => this.actions.control(name)?.label).filter(Boolean).join(", ");
      const grip = make("circle", { r: GRIP, tabindex: 0, role: "slider", "aria-label": mark.label || moved, class: "grip" }, group);
      const moves = (event) => {
        const box = this.svg.getBoundingClientRect();
        const scale = this.width / box.width, [value] = this.last;
        const place = [this.x.value((event.clientX - box.left) * scale), this.y.value((event.clientY - box.top) * scale)];
        this.#drag(mark, ...place.map((v, i) => (v - +value(mark.origin[i])) / mark.unit[i]));
      };
      dragged(mark.anywhere ? this.svg : grip, moves, () => grip.focus({ preventScroll: true }), () => !this.sketch?.open);
      grip.addEventListener("keydown", (event) => {
        const only = [mark.x, mark.y].filter(this.actions.control), ends = { Home: "low", End: "high" };
        if (event.key in ends) {
          event.preventDefault();
          event.stopPropagation();
          const { values, ...range } = this.actions.control(only[0]); // along its first axis
          const end = values.length ? Math[event.key === "Home" ? "min" : "max"](...values) : range[ends[event.key]];
          return this.actions.set({ [only[0]]: end });
        }
        const up = this.y.low > this.y.high ? -1 : 1;
        const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, up], ArrowDown: [0, -up] }[event.key] ?? [0, 0];
        if (!dx && !dy) return;
        event.preventDefault();
        event.stopPropagation();
        const [value] = this.last, far = event.shiftKey ? 10 : 1;
        const moved = (name, by) => this.actions.control(name) ? beside(this.actions.control(name), +value(name), by * far) : name;
        // Where a handle moves along one axis only, the other's keys move it too.
        if (only.length === 1) this.#drag(mark, moved(mark.x, dx || dy), moved(mark.y, dy || dx));
        else this.#drag(mark, moved(mark.x, dx), moved(mark.y, dy));
      });
    }

    #drag(mark, x, y) {
      const changes = {};
      if (this.actions.control(mark.x)) changes[mark.x] = x;
      if (this.actions.control(mark.y)) changes[mark.y] = y;
      this.actions.set(changes);
    }

    #turn(name) {
      let from = 0, start = 0;
      const control = this.actions.control(name);
      dragged(this.svg, (event) => this.actions.set({ [name]: start + ((event.clientX - from) / 300) * (control.high - control.low) }),
        (event) => { from = event.clientX; start = +this.last[0](name); }, () => true, true);
    }
  }

  /** The value of a control some steps from another. @param {any} control @param {number} from @param {number} steps */
  function beside({ values, step }, from, steps) {
    if (!values.length) return from + steps * step;
    const nearest = values.reduce((best, v, i) => (Math.abs(v - from) < Math.abs(values[best] - from) ? i : best), 0);
    return values[Math.min(Math.max(nearest + steps, 0), values.length - 1)];
  }

  function head(x0, y0, x1, y1) {
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (length < 1) return "";
    const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length], size = Math.min(9, length / 2 + 2);
    return `M${x1 - size * (ux - 0.5 * uy)} ${y1 - size * (uy + 0.5 * ux)}L${x1} ${y1}L${x1 - size * (ux + 0.5 * uy)} ${y1 - size * (uy - 0.5 * ux)}`;
  }

  /** A curve that the reader draws into a plot before it shows its own. */
  class Sketch {
    constructor(plot) {
      Object.assign(this, { plot, open: true, places: 41 });
      this.ys = Array(this.places).fill(null);
      this.path = make("path", { class: "sketch" }, plot.over);
      let before = -1;
      dragged(plot.svg, (event) => {
        const box = plot.svg.getBoundingClientRect();
        const share = (event.clientX - box.left - plot.x.from) / (plot.x.to - plot.x.from);
        const here = Math.round(Math.min(Math.max(share, 0), 1) * (this.places - 1));
        const y = plot.y.value(event.clientY - box.top);
        const from = before < 0 ? here : before, start = this.ys[from] ?? y; // a swift hand skips places
        for (let i = Math.min(from, here); i <= Math.max(from, here); i++) this.ys[i] = from === here ? y : plot.y.between(start, y, (i - from) / (here - from));
        before = here;
        this.update();
        plot.actions.sketched(this.ys);
      }, () => { before = -1; }, () => this.open);
    }
    reset() {
      this.open = true; // to be drawn in
      this.ys = Array(this.places).fill(null);
      this.update();
    }
    update() {
      const { x, y } = this.plot;
      const drawn = this.ys.map((v, i) => [x.from + (i / (this.places - 1)) * (x.to - x.from), v]).filter(([, v]) => v !== null);
      this.path.setAttribute("d", drawn.map(([px, v], i) => `${i ? "L" : "M"}${px} ${y.place(v)}`).join(""));
    }
  }

  window.onelayer.pictures = { plot: Plot };
})();
