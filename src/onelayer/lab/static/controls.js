// The controls of a scene: sliders, menus and clocks. A board has the state that they show, and sets it.
"use strict";

(() => {
  const { format, make, parsed } = window.onelayer;
  const steady = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let controlCount = 0;

  const phases = {}; // by the clock's name, the last line that has run of the step that is under way

  /** The value that is nearest. @param {number[]} values @param {number} wanted */
  const nearest = (values, wanted) => values.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));

  class Slider {
    constructor(spec, row, board) {
      Object.assign(this, { spec, board });
      const box = make("div", { class: "control slider" }, row);
      const chip = make("button", { type: "button", class: "chip", "aria-expanded": false }, box);
      chip.addEventListener("click", () => openChip(box));
      this.chip = chip;
      const id = `c${controlCount++}`;
      make("label", { for: id, text: spec.label }, box);
      const uneven = spec.values.length;
      const range = uneven ? { min: 0, max: uneven - 1, step: 1 } : { min: spec.low, max: spec.high, step: spec.step };
      this.input = make("input", { id, type: "range", ...range, "aria-label": spec.label, "data-control": spec.name }, box);
      this.input.addEventListener("input", () => this.board.set({ [spec.name]: uneven ? spec.values[this.input.valueAsNumber] : this.input.valueAsNumber }));
      this.number = make("output", { for: id }, box);
      if (board.live && uneven) this.#typed(box);
    }
    /** With the library at hand any number can be typed. */
    #typed(box) {
      const input = make("input", { type: "text", inputmode: "decimal", class: "typed", "aria-label": this.spec.label }, box);
      input.addEventListener("change", () => { const v = parsed(input.value, ""); if (v !== null) this.board.set({ [this.spec.name]: v }); input.value = format(this.board.state[this.spec.name], this.spec.format); });
      this.number.remove();
      this.number = { set textContent(text) { if (document.activeElement !== input) input.value = text; } };
    }
    update() {
      const v = this.board.state[this.spec.name], { values } = this.spec;
      this.input.value = values.length ? values.indexOf(nearest(values, v)) : v;
      const text = format(v, this.spec.format);
      this.number.textContent = text;
      this.input.setAttribute("aria-valuetext", text);
      this.chip.textContent = `${this.spec.label} ${text}`;
    }
  }

  /** On a phone one slider is open at a time. */
  function openChip(box) {
    const was = box.classList.contains("open");
    for (const other of box.parentElement.children) {
      other.classList.remove("open");
      other.querySelector(".chip")?.setAttribute("aria-expanded", false);
    }
    if (was) return;
    box.classList.add("open");
    box.querySelector(".chip").setAttribute("aria-expanded", true);
    box.querySelector("input").focus();
  }

  class Menu {
    constructor(spec, row, board) {
      Object.assign(this, { spec, board });
      const box = make("label", { class: "control menu", text: spec.label }, row);
      this.select = make("select", { "data-control": spec.name }, box);
      spec.options.forEach((option, i) => make("option", { value: i, text: option }, this.select));
      this.select.addEventListener("change", () => this.board.set({ [spec.name]: spec.names[+this.select.value] }));
    }
    update() { this.select.value = this.spec.names.indexOf(this.board.state[this.spec.name]); }
  }

  class ClockFace {
    constructor(spec, row, board, scene) {
      Object.assign(this, { spec, board, scene, running: 0 });
      const { words } = board;
      const box = make("div", { class: "control clock" }, row);
      const button = (sign, label, act) => {
        const item = make("button", { type: "button", text: sign, "aria-label": label, title: label }, box);
        make("span", { text: label }, item);
        item.addEventListener("click", act);
        return item;
      };
      this.play = button("▶", words.play, () => (this.running ? this.stop() : this.start()));
      button("⇥", words.step, () => { this.stop(); this.#phase(); });
      button("↺", words.reset, () => { this.stop(); delete phases[spec.name]; this.board.set({ [spec.name]: 0 }); });
      const id = `c${controlCount++}`;
      make("label", { for: id, text: spec.label }, box);
      this.input = make("input", { id, type: "range", min: 0, step: 1, "aria-label": spec.label, "data-control": spec.name }, box);
      this.input.addEventListener("input", () => { this.stop(); delete phases[spec.name]; this.board.set({ [spec.name]: this.input.valueAsNumber }); });
      this.number = make("output", { for: id }, box);
    }
    get last() { return Math.max(0, Math.round(+this.scene.value(this.spec.last)) || 0); }
    get now() { return Math.min(this.board.state[this.spec.name], this.last); }
    /** One line on: the clock moves, and with it what is shown, as the last line of a step has run. */
    #phase() {
      const { name, phases: count } = this.spec, line = (phases[name] ?? -1) + 1;
      if (this.now >= this.last) return;
      this.scene.watchStep();
      if (line < count - 1) {
        phases[name] = line;
        this.scene.draw();
      } else {
        delete phases[name];
        this.board.set({ [name]: this.now + 1 });
      }
    }
    start() {
      delete phases[this.spec.name];
      if (this.now >= this.last) this.board.set({ [this.spec.name]: 0 });
      let before = performance.now();
      const pause = 1000 / (steady ? Math.min(2, this.spec.rate) : this.spec.rate);
      const turn = (time) => {
        if (this.now >= this.last) return this.stop();
        const steps = Math.floor((time - before) / pause);
        if (steps) {
          before += steps * pause;
          this.board.set({ [this.spec.name]: Math.min(this.last, this.now + steps) });
        }
        this.running = requestAnimationFrame(turn);
      };
      this.running = requestAnimationFrame(turn);
      this.#face();
    }
    stop() {
      cancelAnimationFrame(this.running);
      this.running = 0;
      this.#face();
    }
    #face() {
      const label = this.running ? this.board.words.pause : this.board.words.play;
      this.play.firstChild.data = this.running ? "❚❚" : "▶";
      this.play.lastChild.textContent = label;
      this.play.setAttribute("aria-label", label);
    }
    update() {
      const { last, now } = this;
      this.scene.clocks[this.spec.name] = now;
      if (now >= last) delete phases[this.spec.name]; // there is no further step to be under way
      this.input.max = last;
      this.input.value = now;
      this.number.textContent = `${format(now, ",d")} / ${format(last, ",d")}`;
    }
  }

  Object.assign(window.onelayer, { Slider, Menu, ClockFace, nearest, phases });
})();
