// The drawing of a canvas, and those before it: one history for all views of the canvas.

const PATIENCE = 5000; // milliseconds without an answer, after which that is said

/**
 * What is drawn, which Python reads.
 *
 * Each drawing has a number, `asked`; Python says in `answered` which one it has read. So an answer
 * that is missing is noticed, and an older drawing that comes back, as it does when a connection
 * was lost for a moment, does not take the place of a newer one.
 *
 * Dispatches "change" when the drawing, `lost` or `silent` have changed.
 */
export class Drawing extends EventTarget {
  constructor(model) {
    super();
    this.model = model;
    this.past = [];
    this.future = []; // what was undone
    this.lost = false; // nobody will answer any more
    this.silent = false; // there is no answer yet, though it is time
    this.now = this.ofModel();
    this.asked = model.get("asked");
    for (const name of ["strokes", "backdrop"]) model.on(`change:${name}`, () => this.changed());
    model.on("change:answered", () => this.listen());
  }

  ofModel() {
    return { strokes: this.model.get("strokes"), backdrop: this.model.get("backdrop") };
  }

  get empty() { return !this.now.strokes.length && !this.now.backdrop; }
  get waits() { return this.asked > this.model.get("answered"); }
  get canUndo() { return !this.empty || this.past.length > 0; }
  get canRedo() { return this.future.length > 0; }

  /** Draw something else; it can be undone. */
  put(drawing) {
    this.past.push(this.now);
    this.future = [];
    this.give(drawing);
  }

  undo() {
    const { strokes, backdrop } = this.now;
    this.future.push(this.now);
    // What Python drew at the start has no past: its strokes go one by one.
    const without = strokes.length ? { strokes: strokes.slice(0, -1), backdrop } : { strokes, backdrop: "" };
    this.give(this.past.pop() ?? without);
  }

  redo() {
    this.past.push(this.now);
    this.give(this.future.pop());
  }

  give(drawing) {
    this.now = drawing;
    this.asked = Math.max(this.asked, this.model.get("asked")) + 1;
    this.model.set({ ...drawing, asked: this.asked });
    this.model.save_changes();
    this.tell();
    this.listen();
  }

  /** Wait for an answer as long as is usual, then ask again. */
  listen() {
    if (this.waits && !this.lost) {
      this.waiting ??= setTimeout(() => {
        this.waiting = undefined;
        this.silent = true;
        this.tell();
        this.insist();
      }, PATIENCE);
      return;
    }
    clearTimeout(this.waiting);
    this.waiting = undefined;
    if (this.silent) {
      this.silent = false;
      this.tell();
    }
  }

  /** Say again what is drawn. A message of its own does not wait for those before it. */
  insist() {
    const drawing = { ...this.now, asked: this.asked };
    this.model.set(drawing);
    this.send({ do: "draw", ...drawing });
  }

  send(message) {
    try {
      this.model.send(message);
    } catch { // the other end is gone: widgets do not say so when a kernel died by itself
      this.lose();
    }
  }

  /** Python has gone: what is drawn, and will be, has no answer. */
  lose() {
    if (this.lost) return;
    this.lost = true;
    this.listen();
    this.tell();
  }

  tell() { this.dispatchEvent(new Event("change")); }

  /** The model has another drawing: Python's or that of another page, unless it is an old one. */
  changed() {
    const found = this.ofModel();
    if (found.strokes === this.now.strokes && found.backdrop === this.now.backdrop) return;
    if (this.model.get("asked") < this.asked) {
      this.insist();
      return;
    }
    this.asked = this.model.get("asked");
    this.past.push(this.now);
    this.future = [];
    this.now = found;
    this.tell();
  }
}
