// The drawing pad: a hand, the keys or an image file draw on a canvas, which a lesson has as 28 × 28 numbers.
"use strict";

(() => {
  const { dragged, make, paint } = window.onelayer;
  const SIDE = 28; // pixels of the image
  const SCALE = 10; // canvas pixels for each
  const LARGEST_FILE = 5e6; // bytes
  const LARGEST_IMAGE = 40e6; // pixels
  const FILE_TYPES = "image/png,image/jpeg,image/webp,image/bmp,image/gif";
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const numbers = (n) => Array.from({ length: n }, (_, i) => i);

  class Pad {
    constructor(spec, host, actions) {
      Object.assign(this, { spec, actions });
      const { words } = actions;
      const paper = make("div", { class: "paper" }, host);
      this.canvas = make("canvas", { width: SIDE * SCALE, height: SIDE * SCALE, tabindex: 0, role: "application", "aria-label": words.pad }, paper);
      this.tip = make("span", { class: "tip" }, paper); // where the keys draw
      this.over = spec.over && make("canvas", { class: "over", "aria-hidden": true }, paper);
      const tools = make("div", { class: "tools" }, host);
      this.brush = make("input", { type: "range", min: 1, max: 6, value: 3 }, make("label", { text: words.pad_brush }, tools));
      const clear = make("button", { type: "button", text: words.pad_clear }, tools);
      const choose = make("button", { type: "button", text: words.pad_file }, tools);
      const file = make("input", { type: "file", accept: FILE_TYPES, hidden: "" }, tools);
      this.message = make("p", { class: "message", role: "status" }, tools);
      this.ink = this.canvas.getContext("2d", { willReadFrequently: true });
      this.ink.lineCap = this.ink.lineJoin = "round";
      this.small = make("canvas", { width: SIDE, height: SIDE });
      this.smallInk = this.small.getContext("2d", { willReadFrequently: true });
      this.smallInk.imageSmoothingQuality = "high";
      this.#hand();
      this.#keys();
      clear.addEventListener("click", () => this.#put(new Uint8Array(SIDE * SIDE)));
      choose.addEventListener("click", () => file.click());
      file.addEventListener("change", () => { const [chosen] = file.files; file.value = ""; this.#read(chosen); });
      this.canvas.addEventListener("dragover", (event) => event.preventDefault());
      this.canvas.addEventListener("drop", (event) => { event.preventDefault(); this.#read(event.dataTransfer.files[0]); });
    }

    update(value) {
      const pixels = value(this.spec.pad);
      if (this.over) paint(this.over, value(this.spec.over), "inks", 0);
      if (pixels === this.pixels) return;
      this.pixels = pixels;
      this.#show(pixels);
    }

    #show(pixels) {
      const image = this.smallInk.createImageData(SIDE, SIDE);
      pixels.forEach((pixel, i) => image.data.set([255 - pixel, 255 - pixel, 255 - pixel, 255], 4 * i));
      this.smallInk.putImageData(image, 0, 0);
      this.ink.imageSmoothingEnabled = false;
      this.ink.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
    }

    #put(pixels, shown = false) {
      this.message.textContent = "";
      this.pixels = pixels;
      if (!shown) this.#show(pixels);
      this.actions.set({ [this.spec.pad]: pixels });
    }

    #stroke(from, to) {
      this.ink.strokeStyle = "black";
      this.ink.lineWidth = this.brush.valueAsNumber * SCALE;
      this.ink.beginPath();
      this.ink.moveTo(...from);
      this.ink.lineTo(...to);
      this.ink.stroke();
      this.smallInk.drawImage(this.canvas, 0, 0, SIDE, SIDE);
      const { data } = this.smallInk.getImageData(0, 0, SIDE, SIDE);
      this.#put(Uint8Array.from({ length: SIDE * SIDE }, (_, i) => 255 - data[4 * i]), true);
    }

    #hand() {
      let last = null;
      dragged(this.canvas, (event) => {
        const box = this.canvas.getBoundingClientRect();
        const here = [((event.clientX - box.left) * this.canvas.width) / box.width, ((event.clientY - box.top) * this.canvas.height) / box.height];
        this.#stroke(last ?? here, here);
        last = here;
      }, () => { last = null; this.canvas.focus({ preventScroll: true }); });
    }

    /** Arrows move a pen, which draws while Shift is held; Space makes a dot. */
    #keys() {
      const move = (to) => {
        this.pen = to.map((x) => Math.min(this.canvas.width, Math.max(0, x)));
        [this.tip.style.left, this.tip.style.top] = this.pen.map((x) => `${(100 * x) / this.canvas.width}%`);
      };
      move([this.canvas.width / 2, this.canvas.height / 2]);
      this.canvas.addEventListener("keydown", (event) => {
        const way = MOVES[event.key];
        if (!way && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        const before = this.pen;
        if (way) move(before.map((x, i) => x + way[i] * SCALE));
        if (!way || event.shiftKey) this.#stroke(before, this.pen);
        this.message.textContent = `${Math.round(this.pen[0] / SCALE)}, ${Math.round(this.pen[1] / SCALE)}`;
      });
    }

    async #read(chosen) {
      const { words } = this.actions;
      if (!chosen) return;
      let image;
      try {
        image = chosen.size > LARGEST_FILE ? null : await createImageBitmap(chosen);
      } catch {
        this.message.textContent = words.pad_no_image;
        return;
      }
      const fits = image && image.width * image.height <= LARGEST_IMAGE;
      // What is transparent is white, unless there is nothing to see then: a white garment without a background.
      const pixels = fits && ["white", "black"].map((behind) => this.#grey(image, behind)).find((found) => found.some((ink) => ink > 0));
      image?.close();
      if (pixels) this.#put(pixels);
      else this.message.textContent = fits ? words.pad_blank : words.pad_too_large;
    }

    /** The image in shades of grey, as ink on paper: what is at most of its edge is paper, and so is what it leaves free. */
    #grey(image, behind) {
      const scale = SIDE / Math.max(image.width, image.height);
      const [width, height] = [image.width, image.height].map((length) => Math.max(1, Math.round(length * scale)));
      this.smallInk.fillStyle = behind;
      this.smallInk.fillRect(0, 0, SIDE, SIDE);
      this.smallInk.drawImage(shrunk(image, width, height), 0, 0, width, height);
      const { data } = this.smallInk.getImageData(0, 0, width, height);
      const light = numbers(width * height).map((i) => Math.round(0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]));
      const edge = light.filter((_, i) => i < width || i >= width * (height - 1) || i % width === 0 || i % width === width - 1);
      const paper = edge.sort((a, b) => a - b)[edge.length >> 1];
      const ink = (x) => (paper > 127 ? (Math.max(0, paper - x) * 255) / paper : (Math.max(0, x - paper) * 255) / (255 - paper)) | 0;
      const pixels = new Uint8Array(SIDE * SIDE);
      const [left, top] = [(SIDE - width) >> 1, (SIDE - height) >> 1];
      light.forEach((x, i) => { pixels[(top + Math.floor(i / width)) * SIDE + left + (i % width)] = ink(x); });
      return pixels;
    }
  }

  /** Halved until it is near its size: a browser that shrinks in one step skips pixels. */
  function shrunk(image, width, height) {
    let from = image;
    while (from.width > 2 * width && from.height > 2 && from.width > 2) {
      const half = make("canvas", { width: from.width >> 1, height: Math.max(1, from.height >> 1) });
      half.getContext("2d").drawImage(from, 0, 0, half.width, half.height);
      from = half;
    }
    return from;
  }

  Object.assign(window.onelayer, { Pad });
})();
