// What pictures are made of: elements of a page that a hand drags and presses, and numbers painted as images.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";

  /** Make an element of SVG or HTML. @param {string} tag @param {Record<string, any>} [attributes] @param {Element} [parent] */
  function make(tag, attributes = {}, parent) {
    const svg = /^(svg|g|path|line|rect|circle|text|image|clipPath|defs)$/.test(tag);
    const item = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") item.textContent = value;
      else item.setAttribute(name, value);
    }
    parent?.append(item);
    return /** @type {any} */ (item);
  }

  /** As many children of a kind as there are elements, each dressed by its own. */
  function each(parent, tag, count, dress) {
    while (parent.childElementCount > count) parent.lastElementChild.remove();
    for (let i = 0; i < count; i++) dress(parent.children[i] ?? make(tag, {}, parent), i);
  }

  const list = (found) => (found === null || found === undefined ? [] : typeof found === "object" ? found : [found]);
  const at = (found, i) => (typeof found === "object" && found !== null ? found[i] : found);

  /**
   * Call ``moves`` while a finger or the mouse drags an element. The page does not scroll meanwhile: within an SVG
   * ``touch-action`` is that of the root, so a touch is claimed by its first event; with ``across`` only sideways.
   */
  function dragged(item, moves, starts = () => {}, allowed = () => true, across = false) {
    let held = false;
    item.classList.add("draggable");
    if (!across) item.addEventListener("touchstart", (event) => event.touches.length === 1 && event.cancelable && allowed() && event.preventDefault(), { passive: false });
    item.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button || !allowed()) return;
      event.preventDefault();
      item.setPointerCapture(event.pointerId);
      held = true;
      starts(event);
      moves(event);
    });
    item.addEventListener("pointermove", (event) => held && event.isPrimary && moves(event));
    for (const end of ["pointerup", "pointercancel"]) item.addEventListener(end, () => { held = false; });
  }

  /** Let an element be pressed by a finger and by the keys. */
  function press(item, act) {
    item.tabIndex = 0;
    item.setAttribute("role", "button");
    item.classList.add("pressable");
    item.addEventListener("click", act);
    item.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act();
    });
  }

  /** The head of a column, a plain cell if it has no words. */
  function heading(text, row) {
    return make(text ? "th" : "td", text ? { scope: "col", text } : {}, row);
  }

  const FOR = [0, 114, 178], AGAINST = [213, 94, 0]; // Okabe and Ito's blue and vermilion

  /** Put an image's numbers on a canvas. */
  function paint(canvas, pixels, scale, most) {
    const size = scale === "inks" ? pixels.length / 3 : pixels.length, side = Math.round(Math.sqrt(size));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const ink = canvas.getContext("2d"), image = ink.createImageData(side, side);
    for (let i = 0; i < size; i++) {
      const share = scale === "signed" ? Math.min(1, Math.abs(pixels[i]) / most) : 0, colour = pixels[i] > 0 ? FOR : AGAINST;
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = scale === "signed" ? 255 + share * (colour[c] - 255) : 255 - pixels[scale === "inks" ? c * size + i : i];
      }
      image.data[4 * i + 3] = 255;
    }
    ink.putImageData(image, 0, 0);
  }

  /** What most numbers are below: the few strongest would leave the others pale. */
  function strong(images) {
    const sizes = Float64Array.from(images.flatMap((image) => [...image].map(Math.abs))).sort();
    return sizes[Math.floor(0.995 * (sizes.length - 1))] || 1;
  }

  Object.assign(window.onelayer, { make, each, list, at, dragged, press, heading, paint, strong });
})();
