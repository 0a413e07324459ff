// One digit as MNIST would show it: `normalisation.to_mnist`.

import {
  blank, boundingBox, clip, dilate, disc, distances, enlarge, erode, lay, map, padded, part, rint,
  shrink, square,
} from "./images.js";

export const SIDE = 28; // of the image
const BOX = 20; // the longest side of the digit inside it
const FINE = 80; // longest side of the digit while its strokes are smoothed and their width is set
const THINNEST = 2.0, THICKEST = 3.6; // strokes in the 20-pixel box
const VISIBLE = 64; // fainter pixels do not count for a digit's extent

/**
 * The 28 × 28 image of one digit: its longest side becomes 20 pixels, its centre of mass the
 * middle of the image, and its strokes neither too thin nor too thick.
 * @param {import("./images.js").Image} strokes of any size, bright on exactly 0
 */
export function toMnist(strokes) {
  const image = blank(SIDE, SIDE);
  strokes = cropped(strokes);
  if (!strokes.width) return image;
  let fine = scaled(strokes, FINE);
  if (brightest(fine) < 128) { // the hairlines of a large drawing vanished when it was reduced
    const pen = Math.ceil(Math.max(strokes.width, strokes.height) / FINE);
    fine = scaled(dilate(padded(strokes, pen), square(pen)), FINE);
    const most = brightest(fine);
    fine = map(fine, (level) => clip(rint((level * 255) / most), 0, 255));
  }
  const digit = scaled(cropped(withinWidths(fine)), BOX);
  const [x, y] = centreOfMass(digit);
  const left = clip(rint((SIDE - 1) / 2 - x), 0, SIDE - digit.width);
  const top = clip(rint((SIDE - 1) / 2 - y), 0, SIDE - digit.height);
  lay(image, digit, left, top);
  return image;
}

const brightest = (image) => image.data.reduce((most, level) => Math.max(most, level), 0);

function cropped(strokes) {
  const { x, y, width, height } = boundingBox(strokes, VISIBLE);
  return part(strokes, x, y, x + width, y + height);
}

/** Resize to `longest` pixels on the longest side: by averages to shrink, cubic to enlarge. */
function scaled(strokes, longest) {
  const scale = longest / Math.max(strokes.width, strokes.height);
  // With a margin, so that strokes at the edge fade out as elsewhere.
  if (scale > 1) strokes = padded(strokes, 1);
  const side = (length) => Math.max(1, rint(length * scale));
  const resize = scale < 1 ? shrink : enlarge;
  return resize(strokes, side(strokes.width), side(strokes.height));
}

/** Mean width of strokes: four times the mean distance to their edge, half a pixel outside. */
function strokeWidth(strokes) {
  const inside = distances(padded(strokes, 1)).filter(Boolean);
  if (!inside.length) return 0;
  return 4 * (inside.reduce((sum, distance) => sum + distance, 0) / inside.length - 0.5);
}

/** Bring strokes of a digit of size `FINE` between the `THINNEST` and the `THICKEST`. */
function withinWidths(fine) {
  const low = (THINNEST * FINE) / BOX, high = (THICKEST * FINE) / BOX, width = strokeWidth(fine);
  if (low <= width && width <= high) return fine;
  const change = 1 + rint(width < low ? low - width : width - high);
  fine = padded(fine, change);
  if (width < low) return dilate(fine, disc(change));
  const eroded = erode(fine, disc(change));
  const even = 1 - (change % 2); // an even disc would move strokes, were it not mirrored
  const opened = dilate(eroded, disc(change).map(([x, y]) => [x + even, y + even]));
  return map(eroded, (level, i) => Math.max(level, fine.data[i] - opened.data[i])); // what would vanish is kept
}

/** The mean place (x, y) of the ink, which `cv2.moments` tells. */
function centreOfMass(image) {
  let x = 0, y = 0, all = 0;
  image.data.forEach((level, i) => {
    x += level * (i % image.width);
    y += level * Math.floor(i / image.width);
    all += level;
  });
  return [x / all, y / all];
}
