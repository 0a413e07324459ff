// A drawing as a picture, as digitlib/apps/canvas/strokes.py makes one for Python.

import { paint } from "./strokes.js";

/** Strokes on clean white paper: {data: Uint8Array of grey levels, width, height}. */
export function rasterise(strokes, width, height, scale = 1) {
  [width, height] = [width, height].map((side) => Math.max(1, Math.round(scale * side)));
  const page = new OffscreenCanvas(width, height);
  const context = page.getContext("2d", { willReadFrequently: true });
  context.scale(scale, scale);
  for (const stroke of strokes) paint(context, stroke, "#000");
  const { data } = context.getImageData(0, 0, width, height);
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) grey[i] = 255 - data[4 * i + 3]; // as dark as it is opaque
  return { data: grey, width, height };
}

/** The part of a picture that lies in a box, with a margin of paper around it. */
export function cutOut({ data, width, height }, box, share = 0.25) {
  const [x, y, w, h] = box.map(Math.round);
  const margin = Math.round(share * Math.max(w, h));
  const cut = new Uint8Array((w + 2 * margin) * (h + 2 * margin)).fill(255);
  for (let row = Math.max(0, y); row < Math.min(y + h, height); row++) {
    const part = data.subarray(row * width + Math.max(0, x), row * width + Math.min(x + w, width));
    cut.set(part, (row - y + margin) * (w + 2 * margin) + margin + Math.max(0, -x));
  }
  return { data: cut, width: w + 2 * margin, height: h + 2 * margin };
}

/** A grey picture as a PNG file, a Blob. */
export function asPng({ data, width, height }) {
  const page = new OffscreenCanvas(width, height);
  const context = page.getContext("2d");
  const image = context.createImageData(width, height);
  data.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
  context.putImageData(image, 0, 0);
  return page.convertToBlob({ type: "image/png" });
}
