// The drawing surface of DigitCanvas: strokes appear here at once and go to Python at pen-up.
// One file, no dependencies, nothing is fetched.

const SVG = "http://www.w3.org/2000/svg";
const SIDE = 28;

// Signs of the buttons, drawn with a pen of 2 in a box of 24: no font has to have them.
const SIGNS = {
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  eraser: "M9 20h11M4 15l9-10 6 5-8 10H8zM8 10l6 6",
  undo: "M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-3",
  redo: "M15 5l5 5-5 5M20 10H10a5 5 0 0 0 0 10h3",
  clear: "M5 5l14 14M19 5L5 19",
  open: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  sample: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};

function sign(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SIGNS[name]);
  svg.append(path);
  return svg;
}

/** An element with properties, attributes (in `attributes`) and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { attributes = {}, ...rest } = properties;
  Object.assign(element, rest);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Draw one stroke, or its part from point `from` on. */
function paint(context, stroke, colour, from = 0) {
  context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  const p = stroke.points;
  for (let i = Math.max(from, 0); i < p.length; i += 3) {
    const [x, y, width] = p.slice(i, i + 3);
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(i ? p[i - 3] : x, i ? p[i - 2] : y);
    context.lineTo(x + (i ? 0 : 0.01), y);
    context.stroke();
  }
}

function decodeBytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** A picture file as it is looked at, at most `longest` pixels wide and high, as a data URL. */
async function asDataUrl(file, longest = 1600) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas", {
    width: Math.max(1, Math.round(bitmap.width * scale)),
    height: Math.max(1, Math.round(bitmap.height * scale)),
  });
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // under a transparent picture
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.width * canvas.height > 400_000
    ? canvas.toDataURL("image/jpeg", 0.92) // a photo
    : canvas.toDataURL("image/png");
}

class Surface {
  constructor(model, element) {
    this.model = model;
    this.redone = [];
    this.tool = "pen";
    this.size = 14;
    this.chosen = -1; // the digit whose probabilities are shown; -1 for the last one
    this.cause = null; // the digit whose evidence is shown; null for the answer
    this.build(element);
    const changes = {
      "change:strokes": () => this.redraw(),
      "change:backdrop": () => this.loadBackdrop(),
      "change:paper": () => this.redraw(),
      "change:reading": () => this.showReading(),
      "change:why": () => this.showWhy(),
      "change:fault": () => this.showReading(),
      "change:saved": () => this.showSaved(),
    };
    for (const [event, act] of Object.entries(changes)) model.on(event, act);
    this.forget = () => Object.entries(changes).forEach(([event, act]) => model.off(event, act));
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.paper);
    this.loadBackdrop();
    this.showReading();
  }

  get width() { return this.model.get("width"); }
  get height() { return this.model.get("height"); }

  // ---------------------------------------------------------------- what is on the page

  build(element) {
    this.root = element;
    element.classList.add("digit-canvas");
    element.tabIndex = 0;
    this.takeKeys(true);
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Canvas for handwritten digits");

    this.picture = new Image();
    this.picture.onload = () => this.redraw();
    this.ink = make("canvas", { className: "dc-ink" });
    this.boxes = document.createElementNS(SVG, "svg");
    this.boxes.setAttribute("class", "dc-boxes");
    this.boxes.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.hint = make("div", { className: "dc-hint", textContent: "Draw digits here" });
    this.paper = make("div", { className: "dc-paper" }, this.ink, this.boxes, this.hint);
    this.paper.style.aspectRatio = `${this.width} / ${this.height}`;

    const button = (name, label, title, act) => {
      const made = make("button", { type: "button", title, attributes: { "aria-label": label } }, sign(name));
      made.addEventListener("click", act);
      this.buttons[name] = made;
    };
    this.buttons = {};
    button("pen", "Pen", "Pen", () => this.choose("pen"));
    button("eraser", "Eraser", "Eraser (E)", () => this.choose("eraser"));
    button("undo", "Undo", "Undo (Z)", () => this.undo());
    button("redo", "Redo", "Redo (Shift+Z)", () => this.redo());
    button("clear", "Clear", "Clear (R or Esc)", () => this.clear());
    button("open", "Open a picture", "Open, drop or paste a picture", () => this.chooser.click());
    button("sample", "Try a sample", "A digit from the data set", () => this.model.send({ do: "sample" }));
    button("full", "Full screen", "Full screen (F)", () => this.toggleFull());
    this.slider = make("input", {
      type: "range", min: 2, max: 40, value: this.size, title: "Pen width ([ and ])",
      attributes: { "aria-label": "Pen width" },
    });
    this.slider.addEventListener("input", () => { this.size = Number(this.slider.value); });
    this.chooser = make("input", { type: "file", accept: "image/*", hidden: true });
    this.chooser.addEventListener("change", () => this.open(this.chooser.files[0]));
    const { pen, eraser, undo, redo, clear, open, sample, full } = this.buttons;
    sample.hidden = !this.model.get("has_samples");
    const tools = make("div", {
      className: "dc-tools", attributes: { role: "toolbar", "aria-label": "Drawing tools" },
    }, pen, eraser, this.slider, undo, redo, clear, open, sample, full, this.chooser);

    this.text = make("div", { className: "dc-text", attributes: { "aria-live": "polite" } });
    this.note = make("div", { className: "dc-note", attributes: { role: "status" } });
    this.bars = make("div", {
      className: "dc-bars", attributes: { role: "group", "aria-label": "Probability of each digit" },
    });
    this.rows = Array.from({ length: 10 }, (_, digit) => {
      const fill = make("span", { className: "dc-fill" });
      const share = make("span", { className: "dc-share" });
      const row = make("button", {
        type: "button", className: "dc-row", title: `What spoke for ${digit}`,
      }, make("span", { className: "dc-name", textContent: digit }), make("span", { className: "dc-track" }, fill), share);
      row.addEventListener("click", () => { this.cause = digit; this.showWhy(); });
      this.bars.append(row);
      return { row, fill, share };
    });
    const small = () => make("canvas", { width: SIDE, height: SIDE, className: "dc-small" });
    this.seen = small();
    this.why = small();
    this.whyTitle = make("figcaption", { textContent: "why" });
    const figures = make("div", { className: "dc-figures" },
      make("figure", {}, this.seen, make("figcaption", { textContent: "what the network sees" })),
      make("figure", {}, this.why, this.whyTitle));
    this.labels = make("div", {
      className: "dc-labels", attributes: { role: "group", "aria-label": "Say what it was, and save it" },
    }, make("span", { textContent: "It was a" }));
    for (let digit = 0; digit < 10; digit++) {
      const label = make("button", {
        type: "button", textContent: digit, attributes: { "aria-label": `Save the drawing as a ${digit}` },
      });
      label.addEventListener("click", () => this.save(digit));
      this.labels.append(label);
    }
    const side = make("div", { className: "dc-side" }, this.text, this.note, this.bars, figures, this.labels);
    element.replaceChildren(make("div", { className: "dc-left" }, this.paper, tools), side);

    this.listen();
    this.choose("pen");
  }

  listen() {
    const paper = this.paper;
    paper.addEventListener("pointerdown", (event) => this.down(event));
    paper.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      paper.addEventListener(end, (event) => this.up(event));
    }
    paper.addEventListener("contextmenu", (event) => { event.preventDefault(); this.clear(); });
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("keyup", () => this.takeKeys(true));
    this.root.addEventListener("blur", () => this.takeKeys(true));
    this.root.addEventListener("paste", (event) => this.open([...event.clipboardData.files][0]));
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.open([...event.dataTransfer.files][0]);
    });
  }

  // ---------------------------------------------------------------- drawing

  place(event) {
    const rect = this.paper.getBoundingClientRect();
    const pressed = event.pointerType === "pen" && event.pressure ? 0.4 + 1.2 * event.pressure : 1;
    const width = this.size * pressed * (this.tool === "eraser" ? 2 : 1);
    const round = (value) => Math.round(value * 10) / 10;
    return [
      round((event.clientX - rect.left) * this.width / rect.width),
      round((event.clientY - rect.top) * this.height / rect.height),
      round(width),
    ];
  }

  down(event) {
    if (event.button !== 0 || this.stroke) return;
    this.root.focus({ preventScroll: true });
    this.paper.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.stroke = { points: this.place(event), erases: this.tool === "eraser" };
    this.hint.hidden = true;
    paint(this.context(), this.stroke, this.colour());
    event.preventDefault();
  }

  move(event) {
    if (!this.stroke || event.pointerId !== this.pointer) {
      this.point(event);
      return;
    }
    const from = this.stroke.points.length;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.stroke.points.push(...this.place(one));
    paint(this.context(), this.stroke, this.colour(), from);
  }

  up(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const stroke = this.stroke;
    this.stroke = null;
    this.redone = [];
    this.chosen = -1;
    this.put([...this.model.get("strokes"), stroke]);
  }

  /** Give Python these strokes; the clock for the label starts here. */
  put(strokes) {
    this.lifted = performance.now();
    this.cause = null;
    this.model.set("strokes", strokes);
    this.model.save_changes();
  }

  undo() {
    const strokes = this.model.get("strokes");
    if (strokes.length) {
      this.redone.push(strokes.at(-1));
      this.put(strokes.slice(0, -1));
    } else if (this.model.get("backdrop")) this.clear();
  }

  redo() {
    if (this.redone.length) this.put([...this.model.get("strokes"), this.redone.pop()]);
  }

  clear() {
    this.stroke = null;
    this.redone = [];
    this.model.set("backdrop", "");
    this.put([]);
  }

  choose(tool) {
    this.tool = tool;
    for (const name of ["pen", "eraser"]) {
      this.buttons[name].setAttribute("aria-pressed", String(name === tool));
    }
    this.paper.classList.toggle("dc-erasing", tool === "eraser");
  }

  resize(step) {
    this.size = Math.min(40, Math.max(2, this.size + step));
    this.slider.value = this.size;
  }

  /** Single keys are ours and not JupyterLab's; those with Control or Command stay JupyterLab's. */
  takeKeys(ours) {
    if (ours) this.root.setAttribute("data-lm-suppress-shortcuts", "true");
    else this.root.removeAttribute("data-lm-suppress-shortcuts");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      this.takeKeys(false);
      return;
    }
    const onSlider = event.target === this.slider;
    if (onSlider && event.key.startsWith("Arrow")) return;
    const keys = {
      z: () => this.undo(), Z: () => this.redo(), e: () => this.choose(this.tool === "pen" ? "eraser" : "pen"),
      "[": () => this.resize(-2), "]": () => this.resize(2), r: () => this.clear(),
      f: () => this.toggleFull(),
      ArrowLeft: () => this.pick(this.number() - 1),
      ArrowRight: () => this.pick(this.number() + 1),
    };
    if (!document.fullscreenElement) keys.Escape = () => this.clear();
    if (keys[event.key]) {
      keys[event.key]();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen();
  }

  async open(file) {
    if (!file) return;
    try {
      const url = await asDataUrl(file);
      this.redone = [];
      this.model.set("backdrop", url);
      this.put([]);
    } catch {
      this.say(`“${file.name}” is no picture that this browser can open: try PNG or JPEG`);
    }
  }

  // ---------------------------------------------------------------- showing

  /** Ink is dark on bright paper, and bright on dark. */
  colour() {
    if (this.model.get("backdrop")) return this.model.get("paper") < 128 ? "#fff" : "#000";
    return getComputedStyle(this.paper).color;
  }

  context() {
    const context = this.ink.getContext("2d");
    const scale = this.ink.width / this.width;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    return context;
  }

  redraw() {
    const density = window.devicePixelRatio || 1;
    const width = Math.round(this.paper.clientWidth * density);
    if (!width) return;
    this.ink.width = width;
    this.ink.height = Math.round(width * this.height / this.width);
    const context = this.context();
    const colour = this.colour();
    const grey = this.model.get("paper");
    this.paper.style.background = this.model.get("backdrop") ? `rgb(${grey} ${grey} ${grey})` : "";
    this.paintBackdrop(context);
    for (const stroke of this.model.get("strokes")) paint(context, stroke, colour);
    if (this.stroke) paint(context, this.stroke, colour);
    const empty = !this.model.get("strokes").length && !this.model.get("backdrop");
    this.hint.hidden = !empty || Boolean(this.stroke);
    this.buttons.undo.disabled = empty;
    this.buttons.redo.disabled = !this.redone.length;
  }

  loadBackdrop() {
    const url = this.model.get("backdrop");
    if (url) this.picture.src = url; // drawn when it is decoded
    else this.picture.removeAttribute("src");
    this.redraw();
  }

  /** The picture in the middle, as large as fits; Python places it alike. */
  paintBackdrop(context) {
    const { picture } = this;
    if (!this.model.get("backdrop") || !picture.complete || !picture.naturalWidth) return;
    const fit = Math.min(this.width / picture.naturalWidth, this.height / picture.naturalHeight);
    const [width, height] = [fit * picture.naturalWidth, fit * picture.naturalHeight];
    context.globalCompositeOperation = "source-over";
    context.drawImage(picture, (this.width - width) / 2, (this.height - height) / 2, width, height);
  }

  say(text) { this.note.textContent = text; }

  digits() { return this.model.get("reading").digits ?? []; }

  /** The number of the digit that is shown in full: the one pointed at, or the last. */
  number() {
    const last = this.digits().length - 1;
    return this.chosen >= 0 && this.chosen <= last ? this.chosen : last;
  }

  pick(number) {
    if (number === this.number() || !this.digits()[number]) return;
    this.chosen = number;
    this.cause = null;
    this.showDigit();
  }

  save(label) { this.model.send({ do: "save", label, digit: this.number() }); }

  showSaved() {
    const { label, file } = this.model.get("saved");
    this.say(`Saved as a ${label}: ${file}`);
  }

  showReading() {
    const reading = this.model.get("reading");
    const digits = this.digits();
    const drawn = this.model.get("strokes").length || this.model.get("backdrop");
    this.root.dataset.text = reading.text ?? "";
    if (this.lifted && reading.milliseconds !== undefined) {
      this.root.dataset.latency = (performance.now() - this.lifted).toFixed(1); // milliseconds
      this.lifted = 0;
    }
    this.text.textContent = reading.text ?? "";
    const doubtful = digits.filter((digit) => !digit.accepted).length;
    this.say(
      this.model.get("fault")
        || (!drawn ? ""
          : !digits.length ? "Nothing here looks like a digit"
          : doubtful === digits.length ? "That does not look like a digit"
          : doubtful ? `${doubtful} of these do not look like digits` : ""),
    );
    this.boxes.replaceChildren();
    this.boxes.append(...digits.map((digit) => this.box(digit)));
    this.showDigit();
  }

  box(digit) {
    const [x, y, width, height] = digit.box;
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", digit.accepted ? "dc-box" : "dc-box dc-doubtful");
    const frame = document.createElementNS(SVG, "rect");
    const pad = 6;
    Object.entries({ x: x - pad, y: y - pad, width: width + 2 * pad, height: height + 2 * pad, rx: 5 })
      .forEach(([name, value]) => frame.setAttribute(name, value));
    const label = document.createElementNS(SVG, "text");
    label.setAttribute("x", x - pad + 2);
    label.setAttribute("y", y - pad - 5 > 14 ? y - pad - 5 : y + height + pad + 17);
    label.textContent = `${digit.label}${digit.accepted ? "" : "?"}`;
    group.append(frame, label);
    return group;
  }

  /** The pointer is over the drawing: show the digit under it. */
  point(event) {
    const [x, y] = this.place(event);
    const under = this.digits().findIndex(({ box }) =>
      x >= box[0] && x <= box[0] + box[2] && y >= box[1] && y <= box[1] + box[3]);
    if (under !== -1) this.pick(under);
  }

  showDigit() {
    const digit = this.digits()[this.number()];
    this.root.classList.toggle("dc-empty", !digit);
    this.rows.forEach(({ row, fill, share }, i) => {
      const p = digit ? digit.probabilities[i] : 0;
      fill.style.width = `${100 * p}%`;
      share.textContent = digit ? `${(100 * p).toFixed(p > 0.0995 ? 0 : 1)} %` : "";
      row.classList.toggle("dc-answer", Boolean(digit) && digit.label === i);
    });
    const context = this.seen.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    if (digit) {
      const pixels = decodeBytes(digit.image);
      const image = context.createImageData(SIDE, SIDE);
      pixels.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
      context.putImageData(image, 0, 0);
      this.model.send({ do: "explain", digit: this.number() });
    }
    [...this.boxes.children].forEach((box, i) => {
      box.classList.toggle("dc-chosen", this.digits().length > 1 && i === this.number());
    });
    this.showWhy();
  }

  showWhy() {
    const context = this.why.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    const digit = this.digits()[this.number()];
    const why = this.model.get("why");
    this.whyTitle.textContent = "why";
    if (!digit || !why?.maps || why.digit !== this.number()) return;
    const cause = this.cause ?? digit.label;
    const pixels = decodeBytes(digit.image);
    const map = new Int8Array(decodeBytes(why.maps).buffer, cause * SIDE * SIDE, SIDE * SIDE);
    const image = context.createImageData(SIDE, SIDE);
    map.forEach((value, i) => {
      const strength = Math.sqrt(Math.abs(value) / 127);
      const [r, g, b] = value >= 0 ? [255, 150, 20] : [40, 130, 255];
      const ink = pixels[i] / 255;
      const mix = (colour) => ink * (170 * (1 - strength) + colour * strength);
      image.data.set([mix(r), mix(g), mix(b), 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
    this.whyTitle.textContent = `for (orange) and against (blue) ${cause}`;
  }

  end() {
    this.forget();
    this.observer.disconnect();
  }
}

export default {
  render({ model, el }) {
    const surface = new Surface(model, el);
    return () => surface.end();
  },
};
