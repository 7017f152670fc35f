// Pictures in rows and columns: matrices, tables and images. Each has update(value, open).
"use strict";

(() => {
  const { each, format, heading, list, make, paint, press, strong } = window.onelayer;

  // Tables of numbers

  /** How broad a name is, in letters: Chinese characters are as broad as two. @param {string} text */
  const breadth = (text) => [...text].reduce((sum, c) => sum + (c > "\u2e80" ? 1.7 : 1), 0);

  class Matrix {
    constructor(spec, host, actions) {
      Object.assign(this, { spec, actions });
      const upright = spec.columns.some((name) => name.length > (spec.columns.length > 6 ? 1 : 3)); // long words above narrow columns
      const table = make("table", { class: `matrix${upright ? " upright" : ""}`, "aria-label": spec.name }, host);
      this.style = table.style;
      this.style.setProperty("--columns", spec.columns.length);
      this.style.setProperty("--head", Math.max(...spec.rows.map(breadth)));
      const top = make("tr", {}, make("thead", {}, table));
      make("td", { text: spec.row_title && `${spec.row_title} ↓ ${spec.column_title} →`, class: "corner" }, top);
      for (const name of spec.columns) make("th", { scope: "col", text: upright ? name.replace(" ", "\u2009") : name }, top);
      const body = make("tbody", {}, table);
      this.cells = spec.rows.map((name, i) => {
        const row = make("tr", {}, body);
        make("th", { scope: "row", text: name }, row);
        return spec.columns.map((_, j) => {
          const cell = make("td", {}, row);
          if (spec.pick.length) press(cell, () => this.open && actions.set({ [spec.pick[0]]: i, [spec.pick[1]]: j }));
          return cell;
        });
      });
    }
    update(value, open = true) {
      this.open = open;
      const found = open ? value(this.spec.values) : null;
      const most = found ? Math.max(...found.flatMap((row) => [...row].map(Math.abs))) || 1 : 1;
      const picked = this.spec.pick.map(value);
      const texts = this.cells.map((row, i) => row.map((_, j) => (found?.[i]?.[j] === undefined ? "" : format(found[i][j], this.spec.format))));
      this.style.setProperty("--digits", Math.max(2, ...texts.flat().map((text) => text.length)));
      this.cells.forEach((row, i) => row.forEach((cell, j) => {
        const v = found?.[i]?.[j];
        cell.textContent = texts[i][j];
        cell.style.setProperty("--share", v === undefined ? "0%" : `${Math.round(50 * Math.sqrt(Math.abs(v) / most))}%`);
        cell.classList.toggle("minus", v < 0);
        cell.classList.toggle("lit", open && picked.length > 0 && picked[0] === i && picked[1] === j);
      }));
    }
  }

  class Table {
    constructor(spec, host, actions) {
      this.spec = spec;
      this.table = make("table", { class: "table", "aria-label": spec.name }, make("div", { class: "wide" }, host));
      const top = make("tr", {}, make("thead", {}, this.table));
      for (const name of spec.columns) heading(name, top);
      this.labels = actions.labels;
      this.body = make("tbody", {}, this.table);
    }
    update(value, open = true) {
      const columns = this.spec.cells.map((name) => (open ? list(value(name)) : []));
      const lit = this.spec.lit ? value(this.spec.lit) : -1;
      this.table.hidden = !open;
      each(this.body, "tr", Math.max(...columns.map((column) => column.length)), (row, i) => {
        row.classList.toggle("lit", i === lit);
        each(row, "td", columns.length, (cell, j) => {
          const v = columns[j][i];
          cell.textContent = typeof v === "string" ? this.labels[v] ?? v : format(v, this.spec.formats[j]);
          cell.classList.toggle("number", typeof v === "number");
        });
      });
    }
  }

  // Images

  const GAP = 6; // pixels around images

  class Images {
    constructor(spec, host, actions) {
      Object.assign(this, { spec, actions });
      this.grid = make("div", { class: "images", role: "group", "aria-label": spec.name }, host);
      this.grid.style.setProperty("--columns", spec.columns);
      if (!spec.columns) new ResizeObserver(() => this.#fit()).observe(host);
    }
    /** As many side by side as make the images largest. */
    #fit() {
      const n = this.grid.childElementCount, { clientWidth, clientHeight } = this.grid.parentElement;
      if (this.spec.columns || !n || !clientWidth) return;
      const caption = this.grid.querySelector("figcaption").offsetHeight || 16;
      const side = (columns) => Math.min(clientWidth / columns - GAP, clientHeight / Math.ceil(n / columns) - GAP - caption);
      const columns = Array.from({ length: n }, (_, i) => i + 1).reduce((a, b) => (side(b) > side(a) ? b : a));
      this.grid.style.gridTemplateColumns = `repeat(${columns}, ${side(columns)}px)`;
    }
    update(value, open = true) {
      const found = open ? list(value(this.spec.pixels)) : [], captions = list(value(this.spec.captions));
      const picked = this.spec.pick ? +value(this.spec.pick) : -1;
      const most = this.spec.scale === "signed" ? strong(found) : 0;
      this.grid.style.setProperty("--rows", Math.ceil(found.length / this.spec.columns) || 1);
      each(this.grid, "figure", found.length, (figure, i) => {
        if (!figure.childElementCount) {
          make("canvas", { role: "img" }, figure);
          make("figcaption", { "aria-hidden": true }, figure);
          if (this.spec.pick) press(figure, () => this.actions.set({ [this.spec.pick]: i }));
        }
        const [canvas, caption] = figure.children;
        paint(canvas, found[i], this.spec.scale, most);
        caption.textContent = this.actions.labels[captions[i]] ?? captions[i] ?? "";
        canvas.setAttribute("aria-label", caption.textContent || this.spec.name);
        figure.classList.toggle("lit", i === picked);
      });
      if (found.length !== this.count) this.#fit();
      this.count = found.length;
    }
  }

  Object.assign(window.onelayer.pictures, { matrix: Matrix, images: Images, table: Table });
})();
