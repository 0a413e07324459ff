// The drawing surface of DigitCanvas: strokes appear here at once and go to Python at pen-up.
// No dependencies; nothing is fetched.

import { asDataUrl, decodeBytes, listed, make, percent, sign, SVG, written } from "./elements.js";
import { Drawing } from "./history.js";
import { isOnlyTap, isTap, paint, pointsInside } from "./strokes.js";

const SIDE = 28;
const THINNEST = 3, THICKEST = 40; // pixels; thinner strokes break where a drawing is reduced to be read

class Surface {
  constructor(model, element, drawing) {
    this.model = model;
    this.drawing = drawing;
    this.tool = "pen";
    this.size = 14;
    this.chosen = -1; // the digit that is shown in full and would be saved; -1 for the last
    this.pointed = -1; // the one under the pointer, shown meanwhile; -1 for none
    this.cause = null; // the digit whose evidence is shown; null for the answer
    this.drawn = []; // strokes that have no answer yet
    this.done = ""; // what has just been done, in words, where that needs saying
    this.build(element);
    const changes = {
      "change:backdrop": () => this.loadBackdrop(),
      "change:paper": () => this.redraw(),
      "change:reading": () => this.showReading(),
      "change:why": () => this.showWhy(),
      "change:fault": () => this.showReading(),
      "change:saved": () => this.showSaved(),
      "change:answered": () => this.answered(),
      comm_live_update: () => this.showLink(),
    };
    for (const [event, act] of Object.entries(changes)) model.on(event, act);
    const follow = () => { this.redraw(); this.remark(); };
    drawing.addEventListener("change", follow);
    // JupyterLab names the theme before its style sheet has come.
    const recolour = () => [0, 300, 1500].forEach((later) => setTimeout(() => this.redraw(), later));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recolour);
    const theme = new MutationObserver(recolour);
    theme.observe(document.body, { attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
    this.forget = () => {
      Object.entries(changes).forEach(([event, act]) => model.off(event, act));
      drawing.removeEventListener("change", follow);
      dark.removeEventListener("change", recolour);
      theme.disconnect();
    };
    this.observer = new ResizeObserver(() => { this.arrive(); this.redraw(); });
    this.observer.observe(this.paper);
    this.loadBackdrop();
    this.showReading();
    this.showLink();
  }

  get width() { return this.model.get("width"); }
  get height() { return this.model.get("height"); }
  get takesPictures() { return this.model.get("takes_pictures") !== false; }

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
    button("sample", "Try a sample", "A digit from the data set", () => this.drawing.send({ do: "sample" }));
    button("full", "Full screen", "Full screen (F)", () => this.toggleFull());
    this.buttons.full.hidden = !document.fullscreenEnabled;
    this.slider = make("input", {
      type: "range", min: THINNEST, max: THICKEST, value: this.size, title: "Pen width ([ and ])",
      attributes: { "aria-label": "Pen width" },
    });
    this.slider.addEventListener("input", () => { this.size = Number(this.slider.value); });
    this.chooser = make("input", { type: "file", accept: "image/*", hidden: true });
    this.chooser.addEventListener("change", () => {
      this.open(this.chooser.files[0]);
      this.chooser.value = ""; // so that the same file can be chosen again
    });
    const { pen, eraser, undo, redo, clear, open, sample, full } = this.buttons;
    sample.hidden = !this.model.get("has_samples");
    open.hidden = !this.takesPictures;
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
    const small = (label) => make("canvas", {
      width: SIDE, height: SIDE, className: "dc-small",
      attributes: { role: "img", "aria-label": label },
    });
    this.seen = small("The digit as the network sees it");
    this.why = small("Which strokes spoke for and against the answer");
    this.whyTitle = make("figcaption", { textContent: "why" });
    const figures = make("div", { className: "dc-figures" },
      make("figure", {}, this.seen, make("figcaption", { textContent: "what the network sees" })),
      make("figure", {}, this.why, this.whyTitle));
    this.labels = make("div", {
      className: "dc-labels", attributes: { role: "group", "aria-label": "Save it under its label" },
    }, this.target = make("span"));
    for (let digit = 0; digit < 10; digit++) {
      const label = make("button", {
        type: "button", textContent: digit, title: `Save it as a ${digit}`,
        attributes: { "aria-label": `Save it as a ${digit}` },
      });
      label.addEventListener("click", () => {
        if (label.getAttribute("aria-disabled") !== "true") this.save(digit);
      });
      this.labels.append(label);
    }
    this.unsave = make("button", {
      type: "button", className: "dc-unsave", textContent: "Delete that file", hidden: true,
    });
    this.unsave.addEventListener("click", () => {
      this.root.focus({ preventScroll: true });
      this.drawing.send({ do: "unsave", digit: this.number() });
    });
    this.labels.append(this.unsave);
    const side = make("div", { className: "dc-side" }, this.text, this.note, this.bars, figures, this.labels);
    this.numbers = make("div", {
      className: "dc-numbers",
      attributes: { role: "group", "aria-label": "Numbers, and the probability that each is right" },
    });
    element.replaceChildren(make("div", { className: "dc-left" }, this.paper, tools, this.numbers), side);

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
    paper.addEventListener("pointerleave", () => this.show(-1));
    paper.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      if (!this.stroke) this.clear(); // else a finger rests while it draws
    });
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
    const width = Math.max(THINNEST, this.size * pressed * (this.tool === "eraser" ? 2 : 1));
    const round = (value) => Math.round(value * 10) / 10;
    return [
      round((event.clientX - rect.left) * this.width / rect.width),
      round((event.clientY - rect.top) * this.height / rect.height),
      round(width),
    ];
  }

  down(event) {
    if (event.button !== 0 || event.ctrlKey || this.stroke) return; // Control and click: a menu
    this.root.focus({ preventScroll: true });
    this.pointer = event.pointerId;
    this.stroke = { points: this.place(event), erases: this.tool === "eraser" };
    this.pressed = [...this.boxes.children].indexOf(event.target.closest(".dc-box"));
    this.paper.setPointerCapture(event.pointerId);
    this.hint.hidden = true;
    paint(this.context(), this.stroke, this.colour());
    event.preventDefault();
  }

  move(event) {
    if (!this.stroke || event.pointerId !== this.pointer) {
      this.show(this.under(event));
      return;
    }
    const { points } = this.stroke;
    const from = points.length;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const [x, y, width] = this.place(one);
      // A mouse tells of itself a thousand times a second: nearer points change nothing.
      if (Math.hypot(x - points.at(-3), y - points.at(-2)) > 1.5) points.push(x, y, width);
    }
    paint(this.context(), this.stroke, this.colour(), from);
  }

  up(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const stroke = this.stroke;
    this.stroke = null;
    const touched = this.pressed === -1 ? this.under(event) : this.pressed;
    if (stroke.points.length === 3 && touched !== -1 && !stroke.erases) { // a digit is clicked on
      this.redraw();
      this.pick(touched);
      return;
    }
    this.drawn.push(stroke);
    this.put([...this.drawing.now.strokes, stroke]);
  }

  put(strokes, backdrop = this.drawing.now.backdrop) {
    this.change(() => this.drawing.put({ strokes, backdrop }));
  }

  /** Change the drawing: Python reads it, and the clock for the label starts here. */
  change(act, done = "") {
    this.lifted = performance.now();
    this.chosen = this.pointed = -1;
    this.cause = null;
    if (this.done) this.say("");
    this.done = done;
    this.root.setAttribute("aria-busy", "true");
    act();
  }

  undo() {
    if (this.drawing.canUndo) this.change(() => this.drawing.undo());
  }

  redo() {
    if (this.drawing.canRedo) this.change(() => this.drawing.redo());
  }

  clear() {
    this.stroke = null;
    if (this.drawing.empty) this.redraw();
    else this.change(() => this.drawing.put({ strokes: [], backdrop: "" }), "Cleared. Undo (Z) brings it back.");
  }

  choose(tool) {
    this.tool = tool;
    for (const name of ["pen", "eraser"]) {
      this.buttons[name].setAttribute("aria-pressed", String(name === tool));
    }
    this.paper.classList.toggle("dc-erasing", tool === "eraser");
  }

  resize(step) {
    this.size = Math.min(THICKEST, Math.max(THINNEST, this.size + step));
    this.slider.value = this.size;
  }

  /** Single keys are ours and not JupyterLab's; those with Control or Command stay JupyterLab's. */
  takeKeys(ours) {
    if (ours) this.root.setAttribute("data-lm-suppress-shortcuts", "true");
    else this.root.removeAttribute("data-lm-suppress-shortcuts");
  }

  key(event) {
    // Brackets need AltGr or Option on many keyboards.
    const brackets = { "[": () => this.resize(-2), "]": () => this.resize(2) };
    if ((event.ctrlKey || event.metaKey || event.altKey) && !brackets[event.key]) {
      this.takeKeys(false);
      return;
    }
    if (event.target === this.slider && event.key.startsWith("Arrow")) return;
    const keys = {
      ...brackets,
      z: () => (event.shiftKey ? this.redo() : this.undo()),
      e: () => this.choose(this.tool === "pen" ? "eraser" : "pen"),
      r: () => this.clear(),
      f: () => this.toggleFull(),
      arrowleft: () => this.pick(this.number() - 1),
      arrowright: () => this.pick(this.number() + 1),
    };
    if (!document.fullscreenElement) keys.escape = () => this.clear();
    const act = keys[event.key.toLowerCase()];
    if (act) {
      act();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (document.fullscreenEnabled) this.root.requestFullscreen();
  }

  async open(file) {
    if (!file) return;
    if (!this.takesPictures) {
      this.say("Photos are read by the Python package digitlib, not by this page");
      return;
    }
    try {
      this.put([], await asDataUrl(file));
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
    for (const stroke of this.drawing.now.strokes) paint(context, stroke, colour);
    if (this.stroke) paint(context, this.stroke, colour);
    this.hint.hidden = !this.drawing.empty || Boolean(this.stroke);
    // What is hidden loses the focus, and keys would be lost with it.
    if (this.drawing.empty && this.labels.contains(document.activeElement)) {
      this.root.focus({ preventScroll: true });
    }
    this.labels.classList.toggle("dc-hidden", this.drawing.empty);
    // Not `disabled`: the focus would fall out of the canvas.
    const dim = (name, off) => this.buttons[name].setAttribute("aria-disabled", String(off));
    dim("undo", !this.drawing.canUndo);
    dim("redo", !this.drawing.canRedo);
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

  say(text, doubtful = true) {
    this.note.textContent = text;
    this.note.classList.toggle("dc-doubtful", doubtful);
  }

  digits() { return this.model.get("reading").digits ?? []; }

  /** The number of the digit that is chosen: by the last stroke, an arrow or a click. */
  number() {
    const last = this.digits().length - 1;
    return this.chosen >= 0 && this.chosen <= last ? this.chosen : last;
  }

  /** The number of the digit that is shown in full. */
  shown() {
    return this.digits()[this.pointed] ? this.pointed : this.number();
  }

  pick(number) {
    if (!this.digits()[number]) return;
    this.chosen = number;
    this.cause = null;
    this.showDigit();
  }

  /** Show a digit while the pointer is on it; -1 for the chosen one. */
  show(number) {
    if (number === this.pointed) return;
    this.pointed = number;
    this.cause = null;
    this.showDigit();
  }

  save(label) {
    this.allowSaving(false);
    this.drawing.send({ do: "save", label, digit: this.number() });
  }

  /** Each digit once. Not by `disabled`: the focus would fall out of the canvas. */
  allowSaving(allowed) {
    for (const button of this.labels.querySelectorAll("button[aria-label]")) {
      button.setAttribute("aria-disabled", String(!allowed));
    }
  }

  showSaved() {
    const saved = this.model.get("saved")[this.number()];
    if (saved) {
      const { label, file } = saved;
      this.say(file ? `Saved as a ${label}: ${file}` : `The ${label} is not saved any more`, false);
    }
    this.showTarget();
  }

  /** Which digit would be saved, and whether it is saved already. */
  showTarget() {
    const target = this.digits()[this.number()];
    this.target.textContent = this.digits().length > 1 ? `Save the ${target.label} as a` : "Save it as a";
    const saved = this.model.get("saved")[this.number()];
    this.allowSaving(!saved?.file);
    this.unsave.hidden = !(saved?.file && saved.removable);
  }

  /** The drawing has been read. */
  answered() {
    if (this.drawing.waits) return; // that was one before it
    this.root.setAttribute("aria-busy", "false");
    if (this.lifted) this.root.dataset.latency = (performance.now() - this.lifted).toFixed(1); // milliseconds
    this.lifted = 0;
    const drawn = this.drawn;
    this.drawn = [];
    this.remark();
    if (!this.leaveOutTaps(drawn)) this.pickDrawn(drawn.at(-1));
  }

  /** Take off the dots among strokes that were read as digits; whether there were any. */
  leaveOutTaps(drawn) {
    const isStray = (stroke) => isTap(stroke) && this.digits().some(({ box }) => isOnlyTap(stroke, box));
    const strays = drawn.filter(isStray);
    if (!strays.length) return false;
    const { strokes, backdrop } = this.drawing.now;
    const left = strokes.filter((stroke) => !strays.includes(stroke));
    this.change(() => this.drawing.put({ strokes: left, backdrop }), "A tap is no digit: it is gone. Undo (Z) brings it back.");
    return true;
  }

  /** After a stroke, the digit that it belongs to: the one it lies in for the most part. */
  pickDrawn(stroke) {
    if (!stroke) return;
    const inside = this.digits().map(({ box }) => pointsInside(stroke, box));
    if (Math.max(...inside) > 0) this.pick(inside.indexOf(Math.max(...inside)));
  }

  showReading() {
    const reading = this.model.get("reading");
    const digits = this.digits();
    const lines = this.lines();
    this.root.dataset.text = reading.text ?? "";
    this.text.textContent = lines.map((line) => line.map(written).join(" ")).join("\n");
    this.text.classList.toggle("dc-doubtful", lines.flat().every(({ accepted }) => !accepted));
    this.remark();
    this.numbers.hidden = digits.length < 2;
    this.numbers.replaceChildren(...lines.map((line) => make("ul", {}, ...line.map(listed))));
    this.boxes.replaceChildren();
    this.boxes.append(...digits.map((digit) => this.box(digit)));
    this.showDigit();
  }

  /** Say what there is to say of the drawing, the most important alone. */
  remark() {
    const { lost, silent, empty, waits } = this.drawing;
    const fault = (lost && this.gone()) || (silent && this.late()) || this.model.get("fault");
    if (fault) this.say(fault);
    else if (this.done) this.say(this.done, false);
    else if (!waits) this.say(empty ? "" : this.doubt());
  }

  gone() {
    return this.cell
      ? "The kernel has stopped, so nothing is read. Run this cell again: the drawing is kept."
      : "This page has lost its kernel, so nothing is read. Load the page again.";
  }

  late() {
    return `Not read yet: the kernel is busy, or has stopped${
      this.cell ? " (then run this cell again)" : ""}. The drawing is kept.`;
  }

  /** Whether Python is there; ipywidgets marks what it has lost. */
  showLink() {
    if (this.root.classList.contains("jupyter-widgets-disconnected")) this.drawing.lose();
  }

  /** Being shown for the first time, maybe in the place of a canvas whose drawing was not read. */
  arrive() {
    if (this.cell !== undefined || !this.root.isConnected) return;
    // A cell that can be run again, which those of a page of Voilà cannot.
    this.cell = document.body.dataset.voila ? null : this.root.closest(".jp-Cell");
    this.remark();
    const left = this.cell?.unreadDrawings;
    if (!left?.size || this.drawing.lost) return;
    const [drawing] = left;
    left.delete(drawing);
    const done = "Here is the drawing that had not been read. Undo (Z) takes it away.";
    this.change(() => this.drawing.put(drawing.now), done);
  }

  /** The numbers of each line. */
  lines() {
    const lines = [];
    for (const number of this.model.get("reading").numbers ?? []) {
      (lines[number.line] ??= []).push(number);
    }
    return lines;
  }

  /** What keeps the reading from being trusted, in words; "" where nothing does. */
  doubt() {
    const digits = this.digits();
    if (!digits.length) return "Nothing here looks like a digit";
    if (digits.every(({ accepted }) => !accepted)) {
      return digits.length > 1 ? "These do not look like digits" : "That does not look like a digit";
    }
    const numbers = this.lines().flat();
    const doubtful = numbers.filter(({ accepted }) => !accepted).length;
    if (!doubtful) return "";
    if (numbers.length === 1) return "This number may be misread";
    return `${doubtful === 1 ? "One" : doubtful} of these numbers may be misread`;
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
    label.setAttribute("y", Math.max(y - pad - 5, 15));
    label.textContent = `${digit.label}${digit.accepted ? "" : "?"}`;
    group.append(frame, label);
    return group;
  }

  /** The number of the digit that the pointer is on; -1 for none. */
  under(event) {
    const [x, y] = this.place(event);
    return this.digits().findIndex(({ box }) =>
      x >= box[0] && x <= box[0] + box[2] && y >= box[1] && y <= box[1] + box[3]);
  }

  showDigit() {
    const digit = this.digits()[this.shown()];
    this.showTarget();
    this.root.classList.toggle("dc-empty", !digit);
    this.rows.forEach(({ row, fill, share }, i) => {
      const p = digit ? digit.probabilities[i] : 0;
      fill.style.width = `${100 * p}%`;
      share.textContent = digit ? percent(p) : "";
      row.classList.toggle("dc-answer", Boolean(digit) && digit.label === i);
      row.classList.toggle("dc-doubtful", Boolean(digit) && !digit.accepted);
    });
    const context = this.seen.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    if (digit) {
      const pixels = decodeBytes(digit.image);
      const image = context.createImageData(SIDE, SIDE);
      pixels.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
      context.putImageData(image, 0, 0);
      // Once the hand rests: the next stroke goes first.
      clearTimeout(this.asking);
      const number = this.shown();
      this.asking = setTimeout(() => this.drawing.send({ do: "explain", digit: number }), 150);
    }
    [...this.boxes.children].forEach((box, i) => {
      box.classList.toggle("dc-chosen", this.digits().length > 1 && i === this.shown());
    });
    this.showWhy();
  }

  showWhy() {
    const context = this.why.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    const digit = this.digits()[this.shown()];
    const why = this.model.get("why");
    this.whyTitle.textContent = "why";
    if (!digit || !why?.maps || why.digit !== this.shown()) return;
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
    const { lost, silent, empty } = this.drawing;
    if (this.cell && (lost || silent) && !empty) {
      (this.cell.unreadDrawings ??= new Set()).add(this.drawing);
    }
    clearTimeout(this.asking);
    this.forget();
    this.observer.disconnect();
  }
}

/** One drawing, in as many views as are opened of it. */
export default () => {
  let drawing;
  return {
    initialize({ model }) { drawing = new Drawing(model); },
    render({ model, el }) {
      const surface = new Surface(model, el, drawing);
      return () => surface.end();
    },
  };
};
