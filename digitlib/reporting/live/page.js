// A canvas that reads without Python: canvas.js draws, and what answers is in the page itself.

import canvas from "./canvas.js";
import { asPng, cutOut, rasterise } from "./drawing.js";
import { decodeBytes } from "./elements.js";
import { explain } from "./explain.js";
import { HEIGHT } from "./lines.js";
import { Network } from "./network.js";
import { probabilities, readDigits } from "./reader.js";

const SIDE = 28;
const READ_SIDE = 400; // pixels; the longer side of a drawing as it is read
const BLANK = { why: {}, fault: "", saved: {}, reading: {} };

/** The networks of a page as `readDigits` wants them. */
function networksOf(digits, lines, card) {
  return {
    card,
    digitNetwork: (image) => digits.run(Float32Array.from(image), [1, SIDE, SIDE, 1]).data,
    lineNetwork: (line, width) => {
      const { data, shape } = lines.run(Float32Array.from(line), [1, HEIGHT, width, 1]);
      return { data, columns: shape[1] };
    },
  };
}

/** What canvas.js has in place of a widget's model: it answers by itself. */
class PageModel {
  constructor(networks, state) {
    this.networks = networks;
    this.listeners = {};
    this.state = {
      width: 560, height: 320, strokes: [], backdrop: "", paper: 255, asked: 0,
      has_samples: false, takes_pictures: false, ...BLANK, ...state,
    };
    this.set({ ...this.read(), answered: 0 });
  }

  get(name) { return this.state[name]; }

  on(event, act) { (this.listeners[event] ??= new Set()).add(act); }

  off(event, act) { this.listeners[event]?.delete(act); }

  /** Take new values, and tell those who listen. */
  set(values) {
    Object.assign(this.state, values);
    for (const name of Object.keys(values)) this.listeners[`change:${name}`]?.forEach((act) => act());
  }

  /** There is a new drawing: read it once the browser has shown it. */
  save_changes() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.set({ ...this.read(), answered: this.state.asked }));
  }

  picture(scale = 1) {
    const { strokes, width, height } = this.state;
    return rasterise(strokes, width, height, scale);
  }

  read() {
    if (!this.state.strokes.length) return BLANK;
    const start = performance.now();
    try {
      const scale = Math.min(1, READ_SIDE / Math.max(this.state.width, this.state.height));
      const reading = readDigits(this.picture(scale), this.networks);
      const onCanvas = (one) => ({ ...one, box: one.box.map((side) => Math.round((10 * side) / scale) / 10) });
      const milliseconds = Math.round(10 * (performance.now() - start)) / 10;
      const digits = reading.digits.map((digit) => ({ ...onCanvas(digit), image: encode(digit.image) }));
      return { ...BLANK, reading: { ...reading, digits, numbers: reading.numbers.map(onCanvas), milliseconds } };
    } catch (error) {
      return { ...BLANK, fault: `This could not be read: ${error.message}` };
    }
  }

  /** Do what the canvas asks for. */
  send({ do: what, digit, label }) {
    const chosen = this.state.reading.digits?.[digit];
    if (what === "explain" && chosen) {
      const maps = explain((image) => probabilities(image, this.networks), decodeBytes(chosen.image));
      this.set({ why: { digit, maps: encode(coded(maps)) } });
    } else if (what === "save") {
      this.save(label, digit);
    }
  }

  /** Hand the drawing, or one of several digits, to the browser as a file. */
  async save(label, number) {
    const { digits = [] } = this.state.reading;
    const picture = digits.length > 1 ? cutOut(this.picture(), digits[number].box) : this.picture();
    const link = document.createElement("a");
    link.download = `${label}-${Date.now()}.png`;
    link.href = URL.createObjectURL(await asPng(picture));
    link.click();
    URL.revokeObjectURL(link.href);
    this.set({ saved: { ...this.state.saved, [number]: { label, file: link.download } } });
  }
}

/** Maps as whole numbers from -127 to 127, each digit's strongest pixel at an end of that. */
function coded(maps) {
  const bytes = new Uint8Array(maps.length);
  for (let start = 0; start < maps.length; start += SIDE * SIDE) {
    const map = maps.subarray(start, start + SIDE * SIDE);
    const strongest = Math.max(1, ...map.map(Math.abs));
    bytes.set(map.map((value) => Math.round((127 * value) / strongest)), start);
  }
  return bytes;
}

function encode(bytes) { return btoa(String.fromCharCode(...bytes)); }

/**
 * Make every element with `data-live-canvas` a canvas that reads.
 * @param {{digits: string, lines: string, kernels: string, card: object}} parts models and
 *   kernels in base64, and what their cards say.
 * @returns {Promise<object>} `logits` of a 28×28 image and `read` of a picture, for the console.
 */
export async function start({ digits, lines, kernels, card }) {
  const wasm = decodeBytes(kernels);
  const loaded = await Promise.all([digits, lines].map((file) => Network.load(decodeBytes(file), wasm)));
  const networks = networksOf(...loaded, card);
  // A picture that is dropped beside a canvas would be opened in place of the page.
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  for (const element of document.querySelectorAll("[data-live-canvas]")) {
    const model = new PageModel(networks, JSON.parse(element.dataset.liveCanvas || "{}"));
    const widget = canvas();
    widget.initialize({ model });
    widget.render({ model, el: element });
  }
  return { logits: networks.digitNetwork, read: (picture) => readDigits(picture, networks) };
}
