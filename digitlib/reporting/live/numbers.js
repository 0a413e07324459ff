// Read a line whole: the numbers on it, from several looks of the line network.

import { toMnist } from "./frames.js";
import { clip } from "./images.js";
import { atEdge, cutEnds, lookAt, toLine, toPicture } from "./lines.js";
import {
  logLikelihood, logSum, numbersOf, ofDigits, reachesOf, signsOf, Strokes, wordsOf,
} from "./signs.js";

// The mean over several views reads better than any one of them, and knows better how sure it is.
const VIEWS = [
  { zoom: 1, lean: 0 }, { zoom: 0.72, lean: 0 }, { zoom: 1.15, lean: 0 },
  { zoom: 1, lean: 0.25 }, { zoom: 1, lean: -0.2 },
];
const CUT = 8; // pixels of a line from the picture's edge to the middle of a cut digit, at most
const SMALLEST = 1e-6; // likelihoods are kept this far from 0 and 1, so their log odds are finite
const MOST_CHARACTERS = 300; // of a number that has a value

/**
 * One digit that was read; see `numbers.Digit`.
 * @typedef {object} Digit
 * @property {number} label 0 to 9
 * @property {number} confidence 0 to 1
 * @property {boolean} accepted whether the confidence reaches the threshold
 * @property {number[]} probabilities of the ten digits; they sum to one
 * @property {number[]} box [x, y, width, height] in the picture
 * @property {Uint8Array} image 28 × 28 grey levels, the ink bright
 */

/**
 * One number that was read, with its marks in `text`; see `numbers.Number`.
 * @typedef {{text: string, digits: Digit[], confidence: number, accepted: boolean}} Num
 */

/**
 * What the network says of a line in each view: of all signs, and of digits alone. `cut` tells
 * whether the picture's edge cuts a stroke at its left end, and at its right one.
 * @param {import("./lines.js").Line} line
 * @param {(pixels: Uint8Array, width: number) => {data: Float32Array, columns: number}} network
 */
export function lookAtLine(line, network) {
  const image = toLine(line.absorbed);
  const looks = VIEWS.map((view) => {
    const seen = lookAt(image, view);
    return { said: logProbabilities(network(seen.data, seen.width)), zoom: view.zoom };
  });
  const inside = insideOf(line);
  const digitLooks = looks.map((look) => ofDigits(look, inside));
  return { looks, digitLooks, cut: cutEnds(line, image) };
}

/** Between which places of a line other ink is no digit that the picture's edge cuts. */
function insideOf(line) {
  const { left, right } = atEdge(line);
  return [left ? CUT : -Infinity, right ? line.absorbed.width - CUT : Infinity];
}

/**
 * The numbers of a line, from left to right: `LineReader.read`. For each word, every look proposes
 * a spelling. The one whose digits have the highest mean likelihood over all looks is taken,
 * whatever marks and other ink are between them. Among those with the same digits, the likeliest
 * marks are.
 * @param {import("./lines.js").Line} line
 * @param {{looks: object[], digitLooks: object[], cut: boolean[]}} seen what the network says of it
 * @param {{calibration: {slope: number, intercept: number}, threshold: number}} card
 * @returns {Num[]}
 */
export function readLine(line, { looks, digitLooks, cut }, { calibration, threshold }) {
  const spelled = looks.map(signsOf), strokes = new Strokes(line.strokes);
  const first = spelled.find((signs) => signs.some((sign) => sign.isDigit)) ?? [];
  return wordsOf(first, strokes).flatMap(([start, stop]) => {
    const numbers = numbersOf(likeliest(looks, digitLooks, spelled, start, stop));
    const reaches = reachesOf(numbers, start, stop);
    return numbers.map((signs, i) => {
      const digits = signs.filter((sign) => sign.isDigit), codes = digits.map((sign) => sign.code);
      const [from, to] = reaches[i];
      const confidence = probability(digitLooks, codes, calibration, from, to);
      const isCut = (cut[0] && from === -Infinity) || (cut[1] && to === Infinity);
      return {
        text: signs.map((sign) => sign.character).join(""),
        digits: digits.map((sign) => digitOf(sign, strokes, line, threshold)),
        confidence,
        accepted: confidence >= threshold && !isCut,
      };
    });
  });
}

/** The logarithms of probabilities of each column, of logits. */
function logProbabilities({ data, columns }) {
  const classes = data.length / columns;
  return Array.from({ length: columns }, (_, at) => {
    const logits = Float64Array.from(data.subarray(at * classes, (at + 1) * classes));
    const all = logSum(Array.from(logits));
    return logits.map((logit) => logit - all);
  });
}

/** How likely a line spells these classes between two places: logarithm of the looks' mean. */
const logOfMean = (looks, codes, start, stop) =>
  logSum(looks.map((look) => logLikelihood(look, codes, start, stop))) - Math.log(looks.length);

/**
 * How probable it is, 0 to 1, that a line says these digits, all of it or from one place to
 * another: a calibrated likelihood (Platt 1999).
 */
export function probability(looks, codes, calibration, start = -Infinity, stop = Infinity) {
  const likelihood = Math.exp(logOfMean(looks, codes, start, stop));
  const inside = clip(likelihood, SMALLEST, 1 - SMALLEST);
  const logOdds = Math.log(inside / (1 - inside));
  return 1 / (1 + Math.exp(-calibration.slope * logOdds - calibration.intercept));
}

/** Of all spellings of a word, one of each look, that of the likeliest digits and marks. */
function likeliest(looks, digitLooks, spelled, start, stop) {
  const found = new Map(); // by its classes, of the first look that has it; the last look's first
  for (const signs of [...spelled].reverse()) {
    const inside = signs.filter((sign) => start <= sign.middle && sign.middle < stop);
    found.set(inside.map((sign) => sign.code).join(), inside);
  }
  if (found.size === 1) return found.values().next().value;
  let best = null;
  for (const signs of found.values()) {
    const codes = signs.map((sign) => sign.code);
    const digits = signs.filter((sign) => sign.isDigit).map((sign) => sign.code);
    const ofDigits = logOfMean(digitLooks, digits, start, stop);
    const ofAll = logOfMean(looks, codes, start, stop);
    const isBetter = !best || ofDigits > best.ofDigits ||
      (ofDigits === best.ofDigits && ofAll > best.ofAll);
    if (isBetter) best = { signs, ofDigits, ofAll };
  }
  return best.signs;
}

/** @returns {Digit} */
function digitOf(sign, strokes, line, threshold) {
  const { box, ink } = strokes.ofSign(sign), confidence = Math.max(...sign.probabilities);
  const all = sign.probabilities.reduce((sum, one) => sum + one, 0);
  return {
    label: Number(sign.character),
    confidence,
    accepted: confidence >= threshold,
    probabilities: sign.probabilities.map((one) => one / all),
    box: toPicture(line, box),
    image: toMnist(ink).data,
  };
}

/**
 * What a number is worth, or null where it could be worth one thing or another:
 * `numbers.value_of`. Where dots and commas both occur, the last one is the decimal mark. A mark
 * that occurs several times is one of thousands. A single mark with three digits after it, such as
 * 1.234, may be either, but after 0 or more than three digits it is the decimal mark.
 * @param {string} text
 */
export function valueOf(text) {
  if (text.length > MOST_CHARACTERS) return null;
  const written = text.replace(/^-/, ""), marks = written.match(/[.,]/g) ?? [];
  let decimal = "";
  if (new Set(marks).size === 2) {
    decimal = marks.at(-1);
    if (marks.filter((mark) => mark === decimal).length > 1) return null;
  } else if (marks.length === 1) {
    const [whole, rest] = written.split(/[.,]/);
    if (rest.length === 3 && whole.length <= 3 && !whole.startsWith("0")) return null;
    decimal = marks[0];
  }
  const [whole, cents = ""] = decimal ? written.split(decimal) : [written];
  const groups = whole.split(/[.,]/);
  const isGrouped = groups[0].length <= 3 && groups[0][0] !== "0" &&
    groups.slice(1).every((group) => group.length === 3);
  if (groups.length > 1 && !isGrouped) return null;
  return Number(`${text === written ? "" : "-"}${groups.join("")}${cents && `.${cents}`}`);
}
