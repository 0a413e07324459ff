// Lines of writing: which strokes make up one, and how the line network sees it.

import { around, edgesOf, gather, join, typicalHeight } from "./ink.js";
import { toMnist } from "./frames.js";
import {
  blank, clip, dilate, lay, map, median, order, part, rint, shrink, square, warp,
} from "./images.js";

export const HEIGHT = 48; // of a line, in pixels
export const MARGIN = 16; // pixels of blank paper on both sides of a line
export const FILL = 0.62; // of a line's height that its digits fill, when there is room around them
const ROOM = 1.0; // heights of a digit that are seen to the left and right of the outermost ones
const STEEPEST = 0.3; // slope of a line
const FINEST = 1 / 8; // pixels of the picture for one of the line's, at least
const LEGIBLE = 8; // pixels; lower strokes are specks and marks
const APART = 2.8; // heights that neighbours of a line are apart at most
const ALIKE = 0.45; // share of its neighbour's height that a stroke of the same line has at least
const LEVEL = 0.45; // share of the lower one's height at which both are
const SPECK = 0.4; // share of the lines' usual height below which a stroke by itself is dirt
const WITHIN = 0.6; // share of the height of a stroke that lies within its line
const PIECE = 0.8; // times the height of its digits that a part of one has at most
const HANGING = 0.1; // times its height that a stroke may be below another of which it is a part
const MARKS = 0.6; // heights of its digits by which marks lie outside a line
const DARK = 190; // of 255, as the network sees a line: what the picture's edge cuts is darker there
const CROSSING = 3; // rows in which it is, at least
const LEAST_CONTRAST = 16; // grey levels; below, contrast between paper and ink isn't stretched

/** @typedef {import("./ink.js").Component} Component */
/** @typedef {import("./images.js").Image} Image */

/**
 * A line of writing.
 * @typedef {object} Line
 * @property {Image} absorbed what the network is shown, 48 pixels high, the ink bright
 * @property {Image} strokes the ink map of the same part of the picture
 * @property {number[][]} toPicture the matrix from its places to those of the picture
 * @property {{width: number, height: number}} picture the size of the picture
 * @property {?{box: number[], image: Image}} alone the digit that the line may be as a whole: what
 *   it was found by, where that is a single shape
 */

/**
 * Group the strokes on a page into lines of writing, top to bottom: `lines.in_lines`. A stroke goes
 * on with the nearest one to its right that is about as high and at the same height. What lies
 * within a line, such as a dot or the bar of a 5, belongs to it. Wide gaps end a line.
 * @param {Component[]} components
 * @returns {Component[][]}
 */
export function inLines(components) {
  const lines = []; // `tall` is the usual height of their strokes, at first
  for (const members of inChains(components)) {
    const edges = around(members.map(edgesOf)), tall = median(members.map((one) => one.height));
    const owner = lines.find((line) => belongs(members, edges, tall, line));
    if (owner) owner.members.push(...members);
    else if (edges[3] - edges[1] >= LEGIBLE) lines.push({ members: [...members], edges, tall });
  }
  const high = ({ edges }) => edges[3] - edges[1];
  const usual = lines.length ? median(lines.map(high)) : 0;
  return lines
    .filter((line) => line.members.length > 1 || high(line) >= SPECK * usual)
    .sort((a, b) => a.edges[1] + a.edges[3] - b.edges[1] - b.edges[3])
    .map(({ members }) => members.sort((a, b) => a.x - b.x));
}

/** Strokes that follow each other at the same height, the highest first. */
function inChains(components) {
  const chain = components.map((_, i) => i);
  for (const i of order(components.length, (i) => components[i].x)) {
    const one = components[i];
    const follows = (it) => {
      const low = Math.min(it.height, one.height), high = Math.max(it.height, one.height);
      const shared = Math.min(it.y + it.height, one.y + one.height) - Math.max(it.y, one.y);
      return it.x > one.x && it.x - one.x - one.width < APART * high &&
        low >= ALIKE * high && shared >= LEVEL * low;
    };
    const next = components.filter(follows).sort((a, b) => a.x - b.x)[0];
    if (!next) continue;
    const old = chain[components.indexOf(next)];
    for (let k = 0; k < chain.length; k++) if (chain[k] === old) chain[k] = chain[i];
  }
  const highest = (members) => Math.max(...members.map((one) => one.height));
  return [...new Set(chain)]
    .sort((a, b) => a - b)
    .map((number) => components.filter((_, i) => chain[i] === number))
    .sort((a, b) => highest(b) - highest(a));
}

/** Whether strokes within `edges`, usually `size` high, lie within a line or are a part of it. */
function belongs(members, [left, top, right, bottom], size, { members: line, edges, tall }) {
  const room = MARKS * tall;
  if (edges[0] - room > right || left > edges[2] + room) return false;
  if (edges[1] - room > bottom || top > edges[3] + room) return false;
  const beside = line.filter((one) => one.x <= right + tall && one.x + one.width >= left - tall);
  if (!beside.length) return false;
  const isPiece = size < ALIKE * tall || (members.length === 1 && size < PIECE * tall);
  const hangs = (one) => Math.abs(top - one.y - one.height) <= HANGING * (bottom - top) &&
    one.x <= left && one.x + one.width >= right;
  if (isPiece && beside.some(hangs)) return true;
  const nearBy = isPiece ? room / 2 : 0, [, highest, , lowest] = around(beside.map(edgesOf));
  const shared = Math.min(bottom, lowest + nearBy) - Math.max(top, highest - nearBy);
  return shared >= WITHIN * (bottom - top);
}

/**
 * A line of strokes as an image that doesn't show the strokes of other lines: `lines.cut_out`.
 * @param {Component[]} members
 * @param {import("./ink.js").Ink} ink
 * @returns {Line}
 */
export function cutOut(members, ink) {
  const { width, height } = ink.strokes, whole = join(members), strokes = blank(width, height);
  lay(strokes, whole, whole.x, whole.y);
  const others = map(ink.strokes, (level, i) => (strokes.data[i] ? 0 : level));
  const absorbed = without(others, ink.absorbed, strokes);
  const shapes = gather(members), { matrix, wide } = placeOf(shapes, width), [shape] = shapes;
  return {
    absorbed: seen(absorbed, matrix, wide),
    strokes: seen(strokes, matrix, wide),
    toPicture: matrix,
    picture: { width, height },
    alone: shapes.length > 1 ? null
      : { box: [shape.x, shape.y, shape.width, shape.height], image: toMnist(shape) },
  };
}

/** A drawing as one line: `lines.whole_as_line`. */
export function wholeAsLine({ strokes, absorbed }) {
  const { width, height } = strokes, scale = height / HEIGHT, wide = rint(width / scale);
  const matrix = [[scale, 0, 0], [0, scale, 0]];
  return {
    absorbed: seen(absorbed, matrix, wide),
    strokes: seen(strokes, matrix, wide),
    toPicture: matrix,
    picture: { width, height },
    alone: null,
  };
}

/** Whether the edge of the picture is a line's left end, and its right one: `LineImage.at_edge`. */
export function atEdge({ absorbed: { width }, toPicture: [[a, , c], [d, e, f]], picture }) {
  const isEdge = (x) => {
    const [across, down] = [a * x + c, d * x + (e * HEIGHT) / 2 + f];
    const room = Math.min(across, picture.width - across, down, picture.height - down);
    return room <= Math.hypot(a, d);
  };
  return { left: isEdge(0), right: isEdge(width) };
}

/**
 * Whether the edge of the picture cuts a stroke at a line's left end, and at its right one:
 * `LineImage.cut_ends`. A digit that fills the picture to its edge looks cut.
 * @param {Line} line
 * @param {Image} image the line as `toLine` gives it
 * @returns {boolean[]}
 */
export function cutEnds(line, { data, width }) {
  const { left, right } = atEdge(line);
  const isCrossed = (columns) => {
    let run = 0, longest = 0;
    for (let row = 0; row < HEIGHT; row++) {
      run = columns.some((x) => data[row * width + x] > DARK) ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
    return longest >= CROSSING;
  };
  const start = MARGIN, stop = MARGIN + line.absorbed.width;
  return [left && isCrossed([start, start + 1]), right && isCrossed([stop - 2, stop - 1])];
}

/** What ink absorbs, without that of `others` and their surroundings, if they are not `own`. */
function without(others, absorbed, own) {
  if (!others.data.some(Boolean)) return absorbed;
  const [kept, gone] = [own, others].map((strokes) => dilate(strokes, square(5)));
  return map(absorbed, (level, i) => (kept.data[i] || !gone.data[i] ? level : 0));
}

/** Where a line of shapes lies, as a matrix, and how `wide` its image is: `lines._place`. */
function placeOf(shapes, columns) {
  const height = typicalHeight(shapes, 0.5), slope = slopeOf(shapes, height);
  const [left, , right] = around(shapes.map(edgesOf));
  const start = Math.max(0, left - ROOM * height);
  const stop = Math.min(columns, right + ROOM * height);
  const along = (one) => slope * (one.x + one.width / 2 - start);
  const highest = Math.min(...shapes.map((one) => one.y - along(one)));
  const lowest = Math.max(...shapes.map((one) => one.y + one.height - along(one)));
  const tall = Math.max(height / FILL, (lowest - highest) / 0.92);
  const scale = Math.max(tall / HEIGHT, FINEST), top = (highest + lowest - scale * HEIGHT) / 2;
  return {
    matrix: [[scale, 0, start], [slope * scale, scale, top]],
    wide: Math.max(1, rint((stop - start) / scale)),
  };
}

/** The slope of a straight line through the middles of shapes, by least squares. */
function slopeOf(shapes, height) {
  const x = shapes.map((one) => one.x + one.width / 2);
  const y = shapes.map((one) => one.y + one.height / 2);
  if (shapes.length < 3 || Math.max(...x) - Math.min(...x) <= 3 * height) return 0;
  const mean = x.reduce((sum, one) => sum + one, 0) / x.length;
  const up = x.reduce((sum, one, i) => sum + (one - mean) * y[i], 0);
  const across = x.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return clip(up / across, -STEEPEST, STEEPEST);
}

/** The part of an image that a matrix of places leads to, 48 pixels high: `lines._seen`. */
function seen(image, matrix, width) {
  const [[scale, , x], [slope, , y]] = matrix;
  if (scale <= 1) return warp(image, ofPixels(matrix), width, HEIGHT, true);
  // It is averaged first, so that thin strokes do not vanish: the part around the line alone.
  const ends = [y, y + slope * width];
  const left = Math.floor(Math.max(x - 2 * scale, 0));
  const top = Math.floor(Math.max(Math.min(...ends) - 2 * scale, 0));
  const right = Math.floor(x + scale * (width + 2));
  const bottom = Math.floor(Math.max(...ends) + scale * (HEIGHT + 2));
  const large = part(image, left, top, right, bottom);
  const side = (length) => Math.max(1, rint(length / scale));
  const small = shrink(large, side(large.width), side(large.height));
  const across = small.width / large.width, down = small.height / large.height;
  const there = [
    [scale * across, 0, (x - left) * across],
    [slope * down, scale * down, (y - top) * down],
  ];
  return warp(small, ofPixels(there), width, HEIGHT, false);
}

/** The matrix of pixels' indices for one of places: the middle of pixel 0 is at place 0.5. */
const ofPixels = (matrix) => matrix.map(([a, b, c]) => [a, b, (a + b) / 2 + c - 0.5]);

/**
 * A line as the network sees it: `line_images.to_line`. Its contrast is stretched: paper, which is
 * the median, becomes 0, and the brightest half percent 255. Blank paper is put on both sides, so
 * that it is a multiple of 32 pixels wide.
 * @param {Image} absorbed
 */
export function toLine(absorbed) {
  const levels = absorbed.data.slice().sort();
  const paper = median(levels), ink = levels[levels.length - 1 - Math.floor(levels.length / 200)];
  const scale = 255 / Math.max(ink - paper, LEAST_CONTRAST);
  const line = blank(upTo32(absorbed.width + 2 * MARGIN), HEIGHT);
  lay(line, map(absorbed, (level) => clip((level - paper) * scale, 0, 255)), MARGIN, 0);
  return line;
}

const upTo32 = (width) => 32 * Math.ceil(width / 32);

/**
 * A line as `toLine` gives it, enlarged by `zoom` and leaning right by `lean` of its height:
 * `line_images.look_at`.
 */
export function lookAt(image, { zoom, lean }) {
  if (zoom === 1 && !lean) return image;
  const middle = (HEIGHT - 1) / 2;
  const matrix = [
    [1 / zoom, lean / zoom, (-lean * middle) / zoom + 0.5 / zoom - 0.5],
    [0, 1 / zoom, middle - middle / zoom],
  ];
  return warp(image, matrix, upTo32(rint(zoom * image.width)), HEIGHT, false);
}

/** The box [x, y, width, height] in the picture around one on a line: `LineReader._digit`. */
export function toPicture({ toPicture: rows, picture }, { x, y, width, height }) {
  const corners = [[x, y], [x + width, y], [x, y + height], [x + width, y + height]];
  const [across, down] = rows.map(([a, b, c]) => corners.map(([u, v]) => a * u + b * v + c));
  const near = (place) => Math.floor(place + 0.5);
  const left = Math.max(near(Math.min(...across)), 0), top = Math.max(near(Math.min(...down)), 0);
  const right = Math.min(near(Math.max(...across)), picture.width);
  const bottom = Math.min(near(Math.max(...down)), picture.height);
  return [left, top, Math.max(1, right - left), Math.max(1, bottom - top)];
}
