// The drawing pad in the browser: draws on a canvas, and sends the canvas as 28 × 28 numbers.
const SIDE = 28; // pixels of the image
const SCALE = 10; // canvas pixels for each
const LARGEST_FILE = 5e6; // bytes
const LARGEST_IMAGE = 40e6; // pixels
const FILE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif"];
const PAUSE = 80; // milliseconds between messages while drawing

function render({ model, el }) {
  const words = model.get("words");
  const add = (parent, tag, properties = {}) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  const root = add(el, "div", { className: "lab-pad" });
  const paper = add(root, "div", { className: "lab-pad-paper" });
  const canvas = add(paper, "canvas", { width: SIDE * SCALE, height: SIDE * SCALE, tabIndex: 0 });
  const tip = add(paper, "span", { className: "lab-pad-tip" }); // where the keys draw
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", words.canvas);
  const tools = add(root, "div", { className: "lab-pad-tools" });
  const brush = add(add(tools, "label", { textContent: words.brush }), "input", { type: "range", min: 1, max: 6, value: 3 });
  const clear = add(tools, "button", { type: "button", textContent: words.clear });
  const choose = add(tools, "button", { type: "button", textContent: words.upload });
  const file = add(tools, "input", { type: "file", accept: FILE_TYPES.join(","), hidden: true });
  const message = add(tools, "p", { className: "lab-pad-message" });
  message.setAttribute("role", "status");
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.lineCap = ink.lineJoin = "round";

  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const smallInk = small.getContext("2d", { willReadFrequently: true });
  smallInk.imageSmoothingQuality = "high";

  function show(pixels) {
    const image = smallInk.createImageData(SIDE, SIDE);
    pixels.forEach((pixel, i) => image.data.set([255 - pixel, 255 - pixel, 255 - pixel, 255], 4 * i));
    smallInk.putImageData(image, 0, 0);
    ink.imageSmoothingEnabled = false;
    ink.drawImage(small, 0, 0, canvas.width, canvas.height);
  }

  let timer = 0;
  function send(now = false) {
    if (timer && !now) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      smallInk.drawImage(canvas, 0, 0, SIDE, SIDE);
      const data = smallInk.getImageData(0, 0, SIDE, SIDE).data;
      model.set("pixels", Array.from({ length: SIDE * SIDE }, (_, i) => 255 - data[4 * i]));
      model.save_changes();
    }, now ? 0 : PAUSE);
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  function stroke(from, to) {
    ink.strokeStyle = "black";
    ink.lineWidth = brush.valueAsNumber * SCALE;
    ink.beginPath();
    ink.moveTo(...from);
    ink.lineTo(...to);
    ink.stroke();
    send();
  }

  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return; // a second finger, or another button of the mouse
    canvas.setPointerCapture(event.pointerId);
    message.textContent = "";
    last = place(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || !event.isPrimary) return;
    const here = place(event);
    stroke(last, here);
    last = here;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => { if (event.isPrimary) last = null; });
  }

  // With the keys: arrows move a pen, which draws while Shift is held; Space makes a dot.
  let pen;
  function movePen(to) {
    pen = to.map((x) => Math.min(canvas.width, Math.max(0, x)));
    [tip.style.left, tip.style.top] = pen.map((x) => `${(100 * x) / canvas.width}%`);
  }
  movePen([canvas.width / 2, canvas.height / 2]);
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    const before = pen;
    if (move) movePen(pen.map((x, i) => x + move[i] * SCALE));
    if (!move || event.shiftKey) stroke(before, pen);
    message.textContent = `${Math.round(pen[0] / SCALE)}, ${Math.round(pen[1] / SCALE)}`;
  });

  clear.addEventListener("click", () => {
    message.textContent = "";
    show(new Array(SIDE * SIDE).fill(0));
    send(true);
  });

  choose.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (chosen) message.textContent = await read(chosen);
  });
  canvas.addEventListener("dragover", (event) => event.preventDefault());
  canvas.addEventListener("drop", async (event) => {
    event.preventDefault();
    const [chosen] = event.dataTransfer.files;
    if (chosen) message.textContent = await read(chosen);
  });

  async function read(chosen) {
    if (chosen.size > LARGEST_FILE) return words["too-large"];
    let image;
    try {
      image = await createImageBitmap(chosen);
    } catch {
      return words["no-image"];
    }
    if (image.width * image.height > LARGEST_IMAGE) return words["too-large"];
    // What is transparent is white, unless there is nothing to see then: a white garment without a background.
    const pixels = ["white", "black"].map((behind) => grey(image, behind)).find((found) => found.some((ink) => ink > 0));
    image.close();
    if (!pixels) return words.blank;
    show(pixels);
    send(true);
    return "";
  }

  // The image in shades of grey, as ink on paper: what is at most of its edge is paper, and so is what it leaves free.
  function grey(image, behind) {
    const scale = SIDE / Math.max(image.width, image.height);
    const [width, height] = [image.width, image.height].map((length) => Math.max(1, Math.round(length * scale)));
    smallInk.fillStyle = behind;
    smallInk.fillRect(0, 0, SIDE, SIDE);
    smallInk.drawImage(shrunk(image, width, height), 0, 0, width, height);
    const data = smallInk.getImageData(0, 0, width, height).data;
    const light = Array.from({ length: width * height }, (_, i) =>
      Math.round(0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]));
    const edge = light.filter((_, i) => i < width || i >= width * (height - 1) || i % width === 0 || i % width === width - 1);
    const paper = edge.sort((a, b) => a - b)[edge.length >> 1];
    const ink = (x) => (paper > 127 ? (Math.max(0, paper - x) * 255) / paper : (Math.max(0, x - paper) * 255) / (255 - paper)) | 0;
    const pixels = new Array(SIDE * SIDE).fill(0);
    const [left, top] = [(SIDE - width) >> 1, (SIDE - height) >> 1];
    light.forEach((x, i) => (pixels[(top + Math.floor(i / width)) * SIDE + left + (i % width)] = ink(x)));
    return pixels;
  }

  // Halved until it is near its size: a browser that shrinks in one step skips pixels.
  function shrunk(image, width, height) {
    let from = image;
    while (from.width > 2 * width && from.height > 2 && from.width > 2) {
      const half = Object.assign(document.createElement("canvas"), { width: from.width >> 1, height: Math.max(1, from.height >> 1) });
      half.getContext("2d").drawImage(from, 0, 0, half.width, half.height);
      from = half;
    }
    return from;
  }

  show(model.get("pixels"));
}

export default { render };
