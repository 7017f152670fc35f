// What a scene claims, checked as its outcome changes, and what its reader is to bring about.
"use strict";

(() => {
  const { each, format, heading, make } = window.onelayer;

  const ROUGH = 1e-3; // a tolerance beyond this share of the value makes it "≈"

  class Check {
    constructor(claim, foot, { words, labels }) {
      Object.assign(this, { claim, labels });
      this.box = make("details", { class: "check" }, foot);
      this.summary = make("summary", {}, this.box);
      const table = make("table", { class: "table" }, make("div", { class: "wide" }, this.box));
      const top = make("tr", {}, make("thead", {}, table));
      for (const name of ["", claim.left, claim.right, words.difference, words.tolerance]) heading(name, top);
      this.body = make("tbody", {}, table);
    }
    /** The comparisons: of each row, or of each element of a row's lists. */
    #compared(value) {
      return this.claim.rows.flatMap((row) => {
        const [left, right, tolerance] = [row.left, row.right, row.tolerance].map(value);
        const part = (side, i) => (typeof side === "object" && side !== null ? side[i] : side);
        const names = row.labels ? value(row.labels) ?? [] : [];
        const length = typeof left === "object" && left !== null ? left.length : 1;
        return Array.from({ length }, (_, i) => {
          const [a, b] = [part(left, i), part(right, i)], allowed = part(tolerance, i) * (row.relative ? Math.abs(b) : 1);
          const holds = row.at_least ? a >= b : a === b || Math.abs(a - b) <= allowed;
          return { row, a, b, allowed, holds, label: this.labels[names[i]] ?? names[i] ?? row.label };
        });
      });
    }
    update(value, open) {
      const found = open ? this.#compared(value) : [];
      const known = found.length > 0 && found.every(({ a, b }) => a !== undefined && b !== undefined);
      this.box.hidden = !known;
      if (!known) return;
      const holds = found.every((one) => one.holds);
      this.box.dataset.holds = holds;
      this.summary.textContent = `${holds ? "✓" : "✗"} ${this.claim.left} ${this.claim.rows.every((row) => row.at_least) ? "≥" : found.some(({ b, allowed }) => allowed > ROUGH * Math.abs(b)) ? "≈" : "="} ${this.claim.right}`;
      each(this.body, "tr", found.length, (line, i) => {
        const { row, a, b, allowed, label } = found[i];
        const texts = [label, format(a, row.format), format(b, row.format), format(Math.abs(a - b), ".2g"), row.at_least ? "≥" : format(allowed, ".2g")];
        each(line, "td", texts.length, (cell, k) => {
          cell.textContent = texts[k];
          cell.className = k ? "number" : "";
        });
      });
    }
  }

  const TESTS = { "<": (a, b) => a < b, ">": (a, b) => a > b, "=": (a, b) => a === b };

  class Goal {
    constructor(mission, scene, foot, { words, store }) {
      Object.assign(this, { mission, words, store, key: `mission:${scene}:${mission.name}` });
      this.box = make("p", { class: "mission" }, foot);
      this.tick = make("span", { "aria-hidden": true }, this.box);
      make("span", { text: mission.label }, this.box);
      this.status = make("span", { class: "hidden", role: "status" }, this.box);
      this.#mark(this.store.get(this.key));
    }
    update(value) {
      if (this.store.get(this.key)) return;
      const done = this.mission.tests.every(([field, test, wanted]) => {
        const [left, right] = [value(field), value(wanted)];
        return left !== undefined && left !== null && TESTS[test](left, right === undefined ? wanted : right);
      });
      if (done) this.store.set(this.key, true);
      this.#mark(done);
    }
    #mark(done) {
      this.box.dataset.done = Boolean(done);
      this.tick.textContent = done ? "★ " : "☆ ";
      this.status.textContent = done ? this.words.mission_done : "";
    }
  }

  Object.assign(window.onelayer, { Check, Goal });
})();
