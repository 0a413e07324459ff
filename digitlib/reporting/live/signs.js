// What the columns of the line network spell: the signs on a line, and which ink is whose.
// Places are in pixels of the line image, from its left edge.

import { FILL, HEIGHT, MARGIN } from "./lines.js";
import { boundingBox, clip, map, median, part, quantile, regions, rint } from "./images.js";

const COLUMN = 4; // pixels of width that become one column of the network's answer
// What the network can say of a column, besides the blank. "-" is any short level stroke: a minus
// in front of a number, else the dash that closes one. "?" is other ink: letters, signs, print.
const ALPHABET = "0123456789.,-?";
// Marks stand between digits, a minus does not follow a digit or a mark.
const NUMBER = /((?<![\d.,])-)?\d+([.,]\d+)*/g;

// Two numbers are told apart by the gap between them. Distances are between the middles of signs.
const NEAR = 1.6; // digit heights that signs of one number are apart at most,
const TIMES = 1.3; // or so many times the usual distance on the line, as in boxes,
const USUAL = 0.25; // which is their lower quartile,
const FAR = 3.2; // but never more digit heights than these.
const CLEAR = 1.2; // Above so many heights, a distance also parts them if it is
const OUTLIER = 2.0; // so many times the usual one.
const MANY = 3; // digits of a number that is one even in a word of letters
const TALLEST = 0.75; // of a line's height: what seems taller has a printed line in it
const REACH = 0.75; // digit heights to each side of its middle that a digit's ink may reach
const OWN = 0.6; // share of the width of a stroke between a sign's neighbours that makes it its own
const INKED = 64; // grey levels above paper from which a pixel is ink

/**
 * What the network says of a line in one view: logarithms of probabilities, for each column those
 * of a blank and of the characters of the alphabet.
 * @typedef {{said: Float64Array[], zoom: number}} Look
 */

/**
 * One character on a line: its class `code`, the `probabilities` of the ten digits in its middle
 * column, and its `middle`; it has to itself what is between `left` and `right`.
 * @typedef {object} Sign
 */

const isDigit = (character) => character >= "0" && character <= "9";

/** The logarithm of a sum, of the logarithms of its parts. */
export function logSum(parts) {
  const most = Math.max(...parts);
  if (most === -Infinity) return most;
  return most + Math.log(parts.reduce((sum, one) => sum + Math.exp(one - most), 0));
}

/**
 * What is said of digits alone: marks and other ink are as good as nothing: `Look.of_digits`. Other
 * ink is not where it may be the rest of a digit: in front of `start` and after `stop`.
 */
export const ofDigits = (look, [start, stop]) => ({
  ...look,
  said: look.said.map(([none, ...signs], at) => {
    const place = ((at + 0.5) * COLUMN) / look.zoom - MARGIN;
    const other = place < start || place >= stop ? -1 : undefined;
    return [logSum([none, ...signs.slice(10, other)]), ...signs.slice(0, 10)];
  }),
});

/**
 * The logarithm of the probability that a look spells exactly these classes between two places:
 * the sum over all alignments, by the forward algorithm (Graves et al. 2006, section 4.1,
 * doi:10.1145/1143844.1143891). It follows `spelling.log_likelihoods`.
 */
export function logLikelihood({ said, zoom }, codes, start, stop) {
  const [first, last] = [start, stop].map(
    (place) => clip((place + MARGIN) * zoom, 0, said.length * COLUMN) / COLUMN,
  );
  const columns = said.slice(Math.floor(first), Math.ceil(last));
  if (!columns.length) return codes.length ? -Infinity : 0;
  const states = [0, ...codes.flatMap((code) => [code, 0])]; // blanks around all
  let forward = states.map((code, k) => (k < 2 ? columns[0][code] : -Infinity));
  for (const column of columns.slice(1)) {
    forward = states.map((code, k) => {
      const ways = [forward[k]];
      if (k) ways.push(forward[k - 1]);
      // A token may follow another without a blank between them, unless they are equal.
      if (k > 1 && code && code !== states[k - 2]) ways.push(forward[k - 2]);
      return logSum(ways) + column[code];
    });
  }
  return logSum(forward.slice(-2));
}

/** The tokens that the likeliest class of each column spells: `spelling.best_path`. */
function bestPath(said) {
  const tokens = [];
  let before = 0;
  said.forEach((column, at) => {
    const code = column.indexOf(Math.max(...column)), weight = Math.exp(column[code]);
    if (code && code !== before) tokens.push({ code, weight: 0, moment: 0 });
    if (code) {
      tokens.at(-1).weight += weight;
      tokens.at(-1).moment += weight * at;
    }
    before = code;
  });
  return tokens.map(({ code, weight, moment }) => ({ code, place: moment / weight }));
}

/**
 * The characters that a look spells, and where each stands on the line: `signs.signs_of`.
 * @returns {Sign[]}
 */
export function signsOf({ said, zoom }) {
  const reach = REACH * FILL * HEIGHT, tokens = bestPath(said);
  const middles = tokens.map(({ place }) => ((place + 0.5) * COLUMN) / zoom - MARGIN);
  return tokens.map(({ code, place }, i) => ({
    character: ALPHABET[code - 1],
    isDigit: isDigit(ALPHABET[code - 1]),
    code,
    probabilities: Array.from(said[rint(place)].slice(1, 11), Math.exp),
    middle: middles[i],
    left: Math.max(i ? (middles[i - 1] + middles[i]) / 2 : -Infinity, middles[i] - reach),
    right: Math.min(i + 1 < middles.length ? (middles[i] + middles[i + 1]) / 2 : Infinity,
      middles[i] + reach),
  }));
}

/** Each number with the next. */
const pairs = (list) => list.slice(1).map((one, i) => [list[i], one]);

/**
 * Where the words of a line begin and end, the outermost at its ends: `signs.words_of`. A line is
 * parted where neighbours are far apart.
 */
export function wordsOf(signs, strokes) {
  const digits = signs.filter((one) => one.isDigit);
  if (!digits.length) return [];
  const heights = digits.map((one) => strokes.ofSign(one).box.height);
  const height = Math.min(median(heights), TALLEST * HEIGHT);
  const beside = pairs(signs)
    .filter(([a, b]) => a.isDigit && b.isDigit)
    .map(([a, b]) => b.middle - a.middle);
  const usual = beside.length > 1 ? quantile(beside, USUAL) : 0;
  let farthest = Math.min(Math.max(NEAR * height, TIMES * usual), FAR * height);
  if (beside.length > 2) farthest = Math.min(farthest, Math.max(CLEAR * height, OUTLIER * usual));
  const parted = pairs(signs)
    .filter(([a, b]) => b.middle - a.middle > farthest)
    .map(([a, b]) => (a.middle + b.middle) / 2);
  return pairs([-Infinity, ...parted, Infinity]);
}

/**
 * The signs of each number in a word: `signs.numbers_of`. Where most of it is other ink, as in a
 * word of letters, digits are letters as well, but for a longer number that begins or ends it.
 */
export function numbersOf(word) {
  const text = word.map((sign) => sign.character).join("");
  const found = [...text.matchAll(NUMBER)].map((one) => ({
    signs: word.slice(one.index, one.index + one[0].length),
    isOutermost: one.index === 0 || one.index + one[0].length === text.length,
  }));
  const isOfLetters = text.split("?").length - 1 > 1 + word.filter((sign) => sign.isDigit).length;
  const isLong = ({ signs }) => signs.filter((sign) => sign.isDigit).length >= MANY;
  return found
    .filter((one) => !isOfLetters || (one.isOutermost && isLong(one)))
    .map(({ signs }) => signs);
}

/** What part of a word belongs to each of its numbers: `signs.reaches_of`. */
export function reachesOf(numbers, start, stop) {
  const between = pairs(numbers).map(([a, b]) => (a.at(-1).right + b[0].left) / 2);
  return pairs([start, ...between, stop]);
}

/** The ink of a line, stroke by stroke: `signs.Strokes`. */
export class Strokes {
  constructor(ink) {
    this.ink = ink;
    const { labels, boxes } = regions(ink, (level) => level > INKED);
    this.numbered = labels;
    this.boxes = boxes;
  }

  /**
   * The ink of a sign, and the box around it. Strokes mostly between its left and right are its own
   * to their ends, unless they reach the middle of the next sign; of a longer one, such as of two
   * digits that touch, it has the part inside. Where there is none, it is all that is there.
   */
  ofSign({ left, middle, right }) {
    const { ink, numbered, boxes } = this;
    const shared = (one) => Math.min(one.x + one.width, right) - Math.max(one.x, left);
    const isNear = (one) => one.x > 2 * left - middle && one.x + one.width < 2 * right - middle;
    const isOwn = boxes.map((one, k) => k > 0 && isNear(one) && shared(one) >= OWN * one.width);
    const isDivided = boxes.map(
      (one, k) => k > 0 && !isOwn[k] && shared(one) >= OWN * (right - left),
    );
    const own = boxes.filter((_, k) => isOwn[k]);
    const first = Math.floor(Math.min(left, ...own.map((one) => one.x)));
    const start = clip(first, 0, ink.width - 1);
    const last = Math.ceil(Math.max(right, ...own.map((one) => one.x + one.width)));
    const stop = Math.max(start + 1, last);
    const inkOf = (isHers) => map(ink, (level, i) => {
      const x = i % ink.width, isInside = x >= rint(left) && x < rint(right);
      return x >= start && x < stop && isHers(numbered[i], isInside) ? level : 0;
    });
    let shown = inkOf((k, isInside) => isOwn[k] || (isDivided[k] && isInside));
    let box = boundingBox(shown, 0);
    if (!box.width) {
      shown = inkOf((k, isInside) => k > 0 && isInside);
      box = boundingBox(shown, 0);
    }
    if (!box.width) {
      box = { x: start, y: 0, width: Math.min(stop, ink.width) - start, height: HEIGHT };
      shown = ink;
    }
    return { box, ink: part(shown, box.x, box.y, box.x + box.width, box.y + box.height) };
  }
}
