// Operations on grey images, with the results of OpenCV 5, which the Python code calls.

/**
 * An image: grey levels row by row.
 * @typedef {{data: Uint8Array, width: number, height: number}} Image
 */

/** An image of zeros. */
export const blank = (width, height) => ({ data: new Uint8Array(width * height), width, height });

/** The nearest integer, the even one of two: `round` in Python, `cvRound` in OpenCV. */
export function rint(x) {
  const low = Math.floor(x), rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

export const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const grey = (x) => clip(rint(x), 0, 255);

/** An image whose pixels are a function of the pixels, and places, of another. */
export const map = (image, make) => ({ ...image, data: image.data.map(make) });

/** The part of an image from (`left`, `top`) up to (`right`, `bottom`), as far as there is any. */
export function part(image, left, top, right, bottom) {
  const x0 = Math.max(left, 0), y0 = Math.max(top, 0);
  const x1 = Math.min(right, image.width), y1 = Math.min(bottom, image.height);
  const found = blank(Math.max(x1 - x0, 0), Math.max(y1 - y0, 0));
  for (let y = y0; y < y1; y++) {
    const row = image.data.subarray(y * image.width + x0, y * image.width + x0 + found.width);
    found.data.set(row, (y - y0) * found.width);
  }
  return found;
}

/** Lay an image on `page` with its upper left corner at (x, y). */
export function lay(page, image, x, y) {
  for (let row = 0; row < image.height; row++) {
    const from = image.data.subarray(row * image.width, (row + 1) * image.width);
    page.data.set(from, (y + row) * page.width + x);
  }
}

/** An image with a margin of zeros. */
export function padded(image, margin) {
  const page = blank(image.width + 2 * margin, image.height + 2 * margin);
  lay(page, image, margin, margin);
  return page;
}

/** The box around all pixels brighter than `level`: `cv2.boundingRect`; of no width without any. */
export function boundingBox(image, level) {
  let left = image.width, top = image.height, right = 0, bottom = 0;
  for (let y = 0, i = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++, i++) {
      if (image.data[i] <= level) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  return right ? { x: left, y: top, width: right - left, height: bottom - top }
    : { x: 0, y: 0, width: 0, height: 0 };
}

// --- sizes and places ---

/**
 * For each of `to` pixels those of `from` that it is the mean of, and their weights: `INTER_AREA`.
 * @returns {{count: number, places: Int32Array, weights: Float64Array}} `count` for each pixel
 */
function byArea(from, to) {
  const scale = from / to;
  const taps = tapsOf(to, Math.ceil(scale) + 1);
  for (let i = 0; i < to; i++) {
    const start = i * scale, stop = Math.min((i + 1) * scale, from);
    let at = i * taps.count;
    for (let j = Math.floor(start + 1e-9); j < stop - 1e-9; j++, at++) {
      taps.places[at] = j;
      taps.weights[at] = (Math.min(j + 1, stop) - Math.max(j, start)) / (stop - start);
    }
  }
  return taps;
}

const tapsOf = (pixels, count) => (
  { count, places: new Int32Array(pixels * count), weights: new Float64Array(pixels * count) }
);

/** The weights of four neighbours, of a place `t` after the second: a cubic with a = -0.75. */
function cubic(t) {
  const near = (d) => (1.25 * d - 2.25) * d * d + 1;
  const far = (d) => ((3.75 - 0.75 * d) * d - 6) * d + 3;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** The same for enlarging by cubics, where the border goes on beyond the edge: `INTER_CUBIC`. */
function byCubic(from, to) {
  const taps = tapsOf(to, 4);
  for (let i = 0; i < to; i++) {
    const place = ((i + 0.5) * from) / to - 0.5, first = Math.floor(place);
    taps.weights.set(cubic(place - first), 4 * i);
    for (let k = 0; k < 4; k++) taps.places[4 * i + k] = clip(first - 1 + k, 0, from - 1);
  }
  return taps;
}

/** An image whose columns, and then rows, are sums of pixels with weights. */
function resized({ data, width: wide, height: high }, columns, rows) {
  const width = columns.places.length / columns.count, height = rows.places.length / rows.count;
  const between = new Float64Array(width * high);
  for (let y = 0, at = 0; y < high; y++) {
    for (let x = 0; x < width; x++, at++) {
      for (let k = x * columns.count; k < (x + 1) * columns.count; k++) {
        between[at] += columns.weights[k] * data[y * wide + columns.places[k]];
      }
    }
  }
  const found = blank(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      let sum = 0;
      for (let k = y * rows.count; k < (y + 1) * rows.count; k++) {
        sum += rows.weights[k] * between[rows.places[k] * width + x];
      }
      found.data[at] = grey(sum);
    }
  }
  return found;
}

/** An image shrunk by averages: `cv2.resize` with `INTER_AREA`. */
export const shrink = (image, width, height) =>
  resized(image, byArea(image.width, width), byArea(image.height, height));

/** An image enlarged by cubics: `cv2.resize` with `INTER_CUBIC`. */
export const enlarge = (image, width, height) =>
  resized(image, byCubic(image.width, width), byCubic(image.height, height));

/**
 * The part of an image that a matrix of two rows leads to, with 0 outside of the image:
 * `cv2.warpAffine` with `WARP_INVERSE_MAP`, and `INTER_CUBIC` or else `INTER_LINEAR`.
 */
export function warp(image, [[a, b, c], [d, e, f]], width, height, isCubic) {
  const found = blank(width, height), { data } = image;
  const weigh = isCubic ? cubic : (t) => [1 - t, t];
  const before = isCubic ? 1 : 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = a * x + b * y + c, v = d * x + e * y + f;
      const left = Math.floor(u) - before, top = Math.floor(v) - before;
      if (u <= -2 || v <= -2 || u >= image.width + 1 || v >= image.height + 1) continue;
      const across = weigh(u - Math.floor(u)), down = weigh(v - Math.floor(v));
      let sum = 0;
      for (let j = 0; j < down.length; j++) {
        if (top + j < 0 || top + j >= image.height) continue;
        const row = (top + j) * image.width;
        for (let i = 0; i < across.length; i++) {
          if (left + i < 0 || left + i >= image.width) continue;
          sum += down[j] * across[i] * data[row + left + i];
        }
      }
      found.data[y * width + x] = grey(sum);
    }
  }
  return found;
}

// --- shapes ---

/** A structuring element, as places (x, y) around its middle: `cv2.MORPH_RECT`. */
export const square = (side) =>
  Array.from({ length: side * side }, (_, i) => [
    (i % side) - (side >> 1),
    Math.floor(i / side) - (side >> 1),
  ]);

/** A structuring element like a disc: `cv2.MORPH_ELLIPSE`. */
export function disc(side) {
  const half = side >> 1;
  const wide = (y) => rint(half * Math.sqrt((half * half - y * y) / (half * half || 1)));
  return square(side).filter(([x, y]) => Math.abs(x) <= wide(y));
}

/** The brightest pixel under a structuring element, around each pixel: `cv2.dilate`. */
export function dilate(image, places) {
  const { data, width, height } = image, found = blank(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!data[i]) continue; // what is bright spreads
      for (let k = 0; k < places.length; k++) {
        const u = x - places[k][0], v = y - places[k][1], at = v * width + u;
        if (u >= 0 && v >= 0 && u < width && v < height && found.data[at] < data[i]) {
          found.data[at] = data[i];
        }
      }
    }
  }
  return found;
}

/** The darkest one: `cv2.erode`. */
export function erode(image, places) {
  const inverted = (one) => map(one, (level) => 255 - level);
  return inverted(dilate(inverted(image), places));
}

/**
 * Number the regions of pixels that touch each other, corners included, from 1 on:
 * `cv2.connectedComponentsWithStats`.
 * @returns {{labels: Int32Array, boxes: {x, y, width, height}[]}} 0 for what is in none.
 */
export function regions(image, isIn) {
  const { data, width, height } = image;
  const labels = new Int32Array(data.length), boxes = [{ x: 0, y: 0, width, height }];
  for (let start = 0; start < data.length; start++) {
    if (labels[start] || !isIn(data[start])) continue;
    let left = width, right = 0, top = height, bottom = 0;
    const open = [start];
    labels[start] = boxes.length;
    while (open.length) {
      const i = open.pop(), x = i % width, y = (i - x) / width;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++) {
        for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
          const j = v * width + u;
          if (labels[j] || !isIn(data[j])) continue;
          labels[j] = boxes.length;
          open.push(j);
        }
      }
    }
    boxes.push({ x: left, y: top, width: right - left + 1, height: bottom - top + 1 });
  }
  return { labels, boxes };
}

/**
 * The distance of each pixel above 127 to the nearest other one, which are at the border:
 * `cv2.distanceTransform` with `DIST_L2` and a mask of 3. Steps aslant count 1.3693, others 0.955.
 */
export function distances({ data, width, height }) {
  const found = Float64Array.from(data, (level) => (level > 127 ? 1e9 : 0));
  const pass = (start, stop, step) => {
    for (let i = start; i !== stop; i += step) {
      if (!found[i]) continue;
      const near = Math.min(found[i - step], found[i - step * width]) + 0.955;
      const before = i - step * width;
      const aslant = Math.min(found[before - 1], found[before + 1]) + 1.3693;
      found[i] = Math.min(found[i], near, aslant);
    }
  };
  pass(width, width * height, 1);
  pass(width * (height - 1) - 1, -1, -1);
  return found;
}

// --- statistics ---

/** A quantile of numbers, between two of them where it lies there: `np.quantile`. */
export function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  const place = share * (sorted.length - 1), low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/** The middle one of numbers, or the mean of the two: `np.median`. */
export const median = (numbers) => quantile(numbers, 0.5);

/** The numbers 0, 1, … in the order of what `key` says of each: `np.argsort`. */
export function order(count, key) {
  return Array.from({ length: count }, (_, i) => i).sort((i, j) => key(i) - key(j));
}
