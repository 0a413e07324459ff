// The ink of a drawing on even paper, its strokes, and which of them make up a digit.

import { blank, clip, dilate, lay, map, median, part, regions, rint, square } from "./images.js";

const DARK = 50; // in 255ths of the paper's brightness: from here on a pixel is ink
const LEAST = 10; // least absorption that counts as ink
const CERTAIN = 0.6; // share of Otsu's threshold from which on ink is certain
const SIZE = 0.2, HEIGHT = 0.4; // shares of a digit's height that its strokes, and all of it, have

/**
 * Strokes, bright on 0, that lie at `x`, `y` in the picture.
 * @typedef {import("./images.js").Image & {x: number, y: number}} Component
 */

/**
 * The ink of a drawing, as two images: `strokes` is near 255 on 0, `absorbed` the share of the
 * light that is lost, in 255ths.
 * @typedef {{strokes: import("./images.js").Image, absorbed: import("./images.js").Image}} Ink
 */

/** What ink absorbs that is dark on its paper, the brightest level: `ink.on_even_paper`. */
function absorption(picture) {
  const paper = picture.data.reduce((most, level) => Math.max(most, level), 16);
  return map(picture, (level) => rint(((paper - level) * 255) / paper));
}

/**
 * The ink of a drawing: `ink.find_marked_ink`, as if all that is dark were marked as writing.
 * @param {import("./images.js").Image} picture
 * @returns {Ink}
 */
export function findInk(picture) {
  const absorbed = absorption(picture);
  const { labels, boxes } = regions(absorbed, (level) => level >= DARK);
  // How much the middle of a stroke absorbs, of each region: the mean of what is above the mean.
  let cores = new Float32Array(boxes.length);
  for (let pass = 0; pass < 2; pass++) {
    const sums = new Float64Array(boxes.length), counts = new Float64Array(boxes.length);
    absorbed.data.forEach((level, i) => {
      if (level < cores[labels[i]]) return;
      sums[labels[i]] += level;
      counts[labels[i]]++;
    });
    cores = cores.map((_, k) => sums[k] / Math.max(counts[k], 1));
  }
  const strokes = map(absorbed, (level, i) => {
    const core = Math.max(cores[labels[i]], LEAST);
    return labels[i] ? clip(((level - core / 4) * 255) / (0.75 * core), 0, 255) : 0;
  });
  return { strokes, absorbed };
}

/**
 * The ink of a drawing in another way: `ink.find_ink`. What is dark by Otsu's threshold (1979) is
 * ink, and a faint pixel counts where it is connected to a dark one.
 * @param {import("./images.js").Image} picture
 * @returns {Ink}
 */
export function findPlainInk(picture) {
  const absorbed = absorption(picture);
  const visible = absorbed.data.filter((level) => level > LEAST);
  const certain = Math.max(LEAST, CERTAIN * otsu(visible)), faint = Math.max(LEAST, certain / 2);
  const { labels, boxes } = regions(absorbed, (level) => level > faint);
  const isInk = new Uint8Array(boxes.length), dark = visible.filter((level) => level > certain);
  absorbed.data.forEach((level, i) => {
    if (level > certain) isInk[labels[i]] = 1;
  });
  const mask = dilate(map(absorbed, (_, i) => isInk[labels[i]]), square(3));
  const core = dark.reduce((sum, level) => sum + level, 0) / dark.length, edge = LEAST / 2;
  const strokes = map(absorbed, (level, i) =>
    mask.data[i] ? clip(((level - edge) * 255) / (core - edge), 0, 255) : 0,
  );
  return { strokes, absorbed };
}

/** The level that parts levels into two kinds which differ most: Otsu's threshold. */
function otsu(levels) {
  const counts = new Float64Array(256);
  levels.forEach((level) => counts[level]++);
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  let share = 0, moment = 0, best = 0, most = 0;
  counts.forEach((count, level) => {
    share += count / levels.length;
    moment += (level * count) / levels.length;
    const between = (mean * share - moment) ** 2 / (share * (1 - share));
    if (share < 1 - 1e-7 && between > most) [best, most] = [level, between];
  });
  return best;
}

/** The connected components of an ink map, from the bottom up: `components.find_components`. */
export function findComponents(image) {
  const { labels, boxes } = regions(image, (level) => level > 0);
  const components = boxes.slice(1).map((box) => ({ ...box, ...blank(box.width, box.height) }));
  labels.forEach((label, i) => {
    if (!label) return;
    const one = components[label - 1];
    const x = (i % image.width) - one.x, y = Math.floor(i / image.width) - one.y;
    one.data[y * one.width + x] = image.data[i];
  });
  return components.reverse();
}

/** Left, top, right and bottom of what lies at a place. */
export const edgesOf = ({ x, y, width, height }) => [x, y, x + width, y + height];

/** Left, top, right and bottom of all that lies within edges. */
export function around(edges) {
  const side = (k, choose) => edges.reduce((all, one) => choose(all, one[k]), edges[0][k]);
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

/** Join components into one: `components.join`. */
export function join(components) {
  const [x, y, right, bottom] = around(components.map(edgesOf));
  const joined = { x, y, ...blank(right - x, bottom - y) };
  for (const one of components) {
    const under = part(joined, one.x - x, one.y - y, one.x - x + one.width, one.y - y + one.height);
    lay(joined, map(under, (level, i) => Math.max(level, one.data[i])), one.x - x, one.y - y);
  }
  return joined;
}

/**
 * The median height of components, without those lower than the share `least` of the highest:
 * `components.typical_height`.
 */
export function typicalHeight(components, least = 0.3) {
  const heights = components.map((one) => one.height), highest = Math.max(...heights);
  return median(heights.filter((height) => height >= least * highest));
}

/**
 * Join the strokes of each digit, such as the two of a 5, and drop specks and dashes:
 * `shapes.gather`.
 * @param {Component[]} components
 */
export function gather(components) {
  const size = typicalHeight(components);
  const strokes = components.filter((one) => Math.max(one.width, one.height) >= SIZE * size);
  strokes.sort((a, b) => b.height * b.width - a.height * a.width);
  const digits = [];
  for (const stroke of strokes) {
    const owner = digits.findIndex((digit) => isPart(stroke, digit, size));
    if (owner < 0) digits.push(stroke);
    else digits[owner] = join([digits[owner], stroke]);
  }
  return digits.filter((digit) => digit.height >= HEIGHT * size);
}

/** Whether a stroke may belong to a digit: it is in, closely above or below it. */
function isPart(stroke, digit, size) {
  const [left, top, right, bottom] = edgesOf(digit), [a, b, c, d] = edgesOf(stroke);
  const overlap = Math.min(right, c) - Math.max(left, a);
  const gap = Math.max(top, b) - Math.min(bottom, d);
  const height = Math.max(bottom, d) - Math.min(top, b);
  const near = overlap >= 0.5 * stroke.width && gap <= 0.25 * size;
  return near && height <= 1.8 * Math.max(size, digit.height);
}

// --- strokes of two lines that touch each other: `touching` ---

const AROUND = 3; // heights of a stroke to its left and right in which its neighbours are
const SMALL = 0.33, LARGE = 0.68; // shares of its height that strokes of one line may have
const LOWEST = 9; // pixels that they have at least
const LEVEL = 0.25; // share of its height by which their ends may be off its own
const PASSES = 3; // strokes of one line more can be cut apart in each

/**
 * Components without those that two lines have in common, which are cut between the lines:
 * `touching.cut_apart`.
 */
export function cutApart(components) {
  for (let pass = 0; pass < PASSES; pass++) {
    const parts = components.flatMap((one) => cut(one, components));
    if (parts.length === components.length) break;
    components = parts;
  }
  return components;
}

/** Two lines are where strokes beside one are as high as its upper part, others as its lower. */
function cut(one, components) {
  const reach = AROUND * one.height, near = LEVEL * one.height, end = one.y + one.height;
  const beside = components.filter(
    (it) => it.x < one.x + one.width + reach && it.x + it.width > one.x - reach,
  );
  const startsAlike = (it) => Math.abs(it.y - one.y) <= near;
  const endsAlike = (it) => Math.abs(it.y + it.height - end) <= near;
  const low = beside.filter(
    (it) => it.height >= Math.max(LOWEST, SMALL * one.height) && it.height <= LARGE * one.height,
  );
  const upper = low.filter((it) => startsAlike(it) && it.y + it.height < end - near);
  const lower = low.filter((it) => endsAlike(it) && it.y > one.y + near);
  const alike = beside.filter((it) => startsAlike(it) && endsAlike(it));
  if (!upper.length || !lower.length || alike.length > upper.length + lower.length) return [one];
  const ends = [median(upper.map((it) => it.y + it.height)), median(lower.map((it) => it.y))];
  const middle = (ends[0] + ends[1]) / 2 - one.y;
  const within = (row) => Math.floor(clip(row, 0.25 * one.height, 0.75 * one.height));
  const first = within(Math.min(...ends) - one.y - near / 2);
  const last = Math.max(within(Math.max(...ends) - one.y + near / 2), first + 1);
  let at = first, least = Infinity; // the row with the least ink, the nearest to their middle
  for (let row = first; row < last; row++) {
    const inked = one.data.subarray(row * one.width, (row + 1) * one.width);
    const ink = inked.filter(Boolean).length + Math.abs(row - middle) / one.height;
    if (ink < least) [at, least] = [row, ink];
  }
  return [[0, at], [at, one.height]].flatMap(([start, stop]) =>
    findComponents(part(one, 0, start, one.width, stop)).map((found) => ({
      ...found, x: one.x + found.x, y: one.y + start + found.y,
    })),
  );
}
