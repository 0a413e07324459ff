// Read the numbers in a drawing: dark strokes on even paper. It follows `Recognizer.read_digits`
// as if all ink were writing: nothing is printed, ruled or framed, so no sheet network is needed.

import { boundingBox } from "./images.js";
import { around, cutApart, findComponents, findInk, findPlainInk } from "./ink.js";
import { cutOut, inLines, toPicture, wholeAsLine } from "./lines.js";
import { lookAtLine, probability, readLine, valueOf } from "./numbers.js";

const EVEN = 0.5; // confidence of what is as likely right as wrong
const CONTRAST = 64; // grey levels: ink differs at least this much from its paper
const FILLED = 3; // sure numbers of several digits; so many are no mistake
const ONE_LINE = 0.2; // share of the height of all writing that the highest line of one line has
const LONGEST = 40; // times its height that a picture may be wide, and still be one line
const SAME_ROW = 0.4; // share of the lower one's height that two things beside each other share

/**
 * @typedef {object} Networks
 * @property {(pixels: Uint8Array) => Float32Array} digitNetwork logits of 784 grey levels
 * @property {(pixels: Uint8Array, width: number) => {data: Float32Array, columns: number}}
 *   lineNetwork logits of a line 48 pixels high, 15 for each 4 pixels of its width
 * @property {object} card what is known of both models
 * @property {{temperature: number, threshold: number}} card.digits
 * @property {{calibration: {slope: number, intercept: number}, threshold: number}} card.lines
 */

/**
 * The numbers of a drawing, line by line: as `showing.describe` tells of `Recognizer.read_digits`.
 * @param {import("./images.js").Image} picture grey levels; about 400 pixels wide is enough
 * @param {Networks} networks
 * @returns {{text: string, numbers: object[], digits: import("./numbers.js").Digit[]}}
 */
export function readDigits(picture, networks) {
  const rows = inRows(readRows(picture, networks)); // joined rows may stand beside each other
  return {
    text: rows
      .map((numbers) => numbers.map((one) => one.text.replace(/\D/g, "")).join(" "))
      .join("\n"),
    numbers: rows.flatMap((numbers, line) =>
      numbers.map(({ text, confidence, accepted, digits }) => (
        { text, value: valueOf(text), confidence, accepted, box: boxOf(digits), line }
      )),
    ),
    digits: digitsOf(rows.flat()),
  };
}

/**
 * The numbers of each row: `SheetReader.read`. Where what is read is doubtful, the ink is also
 * found in another way, and read as its lines and as the one line that it may be. The most certain
 * reading is believed.
 */
function readRows(picture, networks) {
  const { lineNetwork, card } = networks;
  const read = (lines) => {
    const seen = lines.map((line) => lookAtLine(line, lineNetwork));
    const numbers = lines.map((line, i) => readOne(line, seen[i], networks));
    return { seen, rows: inRows(numbers.filter((ones) => ones.length)) };
  };
  const ink = findInk(picture);
  const lines = inLines(cutApart(findComponents(ink.strokes))).map((line) => cutOut(line, ink));
  const first = read(lines), numbers = first.rows.flat();
  const isSure = numbers.length && numbers.every((one) => one.accepted);
  const sure = numbers.filter((one) => one.accepted && one.digits.length > 1);
  if (isSure || sure.length >= FILLED || !mayBeOne(lines)) return first.rows;
  const plain = findPlainInk(picture), { width, height } = picture;
  const isLong = height < width && width < LONGEST * height;
  const ways = [
    first,
    read(inLines(findComponents(plain.strokes)).map((line) => cutOut(line, plain))),
    read(isLong ? [wholeAsLine(plain)] : []),
  ];
  return surest(ways, card.lines);
}

/** Whether lines may be a single one, by how high they are: `sheet_reader._is_one_line`. */
function mayBeOne(lines) {
  if (!lines.length) return true;
  const boxes = lines.map((line) => toPicture(line, boundingBox(line.strokes, 0)));
  const [, top, , bottom] = around(boxes.map(edges));
  return Math.max(...boxes.map(([, , , height]) => height)) >= ONE_LINE * (bottom - top);
}

/**
 * The most certain of several readings of a drawing: `SheetReader._surest`. Where several are of a
 * single line, all are judged by the images of it. Of those with the same digits the last one
 * counts, which has lost the fewest marks.
 */
function surest(ways, { calibration, threshold }) {
  const best = ways.reduce((a, b) => (certainty(b.rows) > certainty(a.rows) ? b : a));
  const single = ways.filter(({ seen }) => seen.length === 1);
  if (single.length < 2 || digitsOf(best.rows.flat()).length < 2) return best.rows;
  const looks = single.flatMap(({ seen }) => seen[0].digitLooks);
  const judged = ways.filter(({ rows }) => rows.length).reverse().map(({ rows }) => {
    const codes = digitsOf(rows.flat()).map((digit) => 1 + digit.label);
    return { rows, confidence: probability(looks, codes, calibration) };
  });
  const { rows, confidence } = judged.reduce((a, b) => (b.confidence > a.confidence ? b : a));
  if (rows.flat().length > 1) return rows;
  const isCut = single.some(({ seen: [{ cut }] }) => cut.includes(true));
  return [[{ ...rows[0][0], confidence, accepted: confidence >= threshold && !isCut }]];
}

/** How certain the numbers of a drawing are: the geometric mean of their confidences. */
function certainty(rows) {
  const logs = rows.flat().map((one) => Math.log(one.confidence));
  return logs.length ? Math.exp(logs.reduce((sum, one) => sum + one, 0) / logs.length) : 0;
}

const digitsOf = (numbers) => numbers.flatMap((one) => one.digits);

/**
 * The numbers of a line: `Recognizer._read_line`. Where it was found by a single shape, the digit
 * network reads that as well. The surer of the two is believed, and is no surer than the other one.
 * If the line network reads several digits within the shape, it is believed unless it is more
 * likely wrong than right.
 */
function readOne(line, seen, networks) {
  const { card } = networks;
  const numbers = readLine(line, seen, card.lines), digits = digitsOf(numbers);
  const hasMarks = numbers.reduce((sum, one) => sum + one.text.length, 0) > digits.length;
  if (!line.alone || !digits.length || hasMarks) return numbers;
  const sure = Math.min(...numbers.map((one) => one.confidence));
  const [left, , width] = line.alone.box;
  const isWithin = ({ box: [x, , wide] }) => left <= x + wide / 2 && x + wide / 2 <= left + width;
  if (digits.filter(isWithin).length > 1 && sure >= EVEN) return numbers;
  let digit = classify(line.alone, networks);
  if (digit.confidence < sure) {
    if (digits.length > 1) return numbers;
    digit = { ...digits[0], image: digit.image };
  }
  const confidence = Math.min(digit.confidence, sure);
  const accepted = confidence >= card.lines.threshold && numbers.every((one) => one.accepted);
  const read = { ...digit, confidence, accepted };
  return [{ text: String(digit.label), digits: [read], confidence, accepted }];
}

/** Calibrated probabilities of the ten digits of a 28×28 image: `Recognizer.classify`. */
export function probabilities(image, { digitNetwork, card }) {
  if (Math.max(...image) - Math.min(...image) < CONTRAST) return Array(10).fill(0.1); // no ink
  const scaled = Array.from(digitNetwork(image), (logit) => logit / card.digits.temperature);
  const most = Math.max(...scaled), shares = scaled.map((one) => Math.exp(one - most));
  const all = shares.reduce((sum, one) => sum + one, 0);
  return shares.map((one) => one / all);
}

/** A digit by itself. */
function classify({ box, image }, networks) {
  const shares = probabilities(image.data, networks), confidence = Math.max(...shares);
  return { label: shares.indexOf(confidence), confidence, probabilities: shares, box, image: image.data };
}

const edges = ([x, y, width, height]) => [x, y, x + width, y + height];

/** The box [x, y, width, height] around digits. */
function boxOf(digits) {
  const [left, top, right, bottom] = around(digits.map(({ box }) => edges(box)));
  return [left, top, right - left, bottom - top];
}

/** Lines with those joined that stand beside each other, from top to bottom: `sheets.in_rows`. */
function inRows(lines) {
  const box = (numbers) => boxOf(digitsOf(numbers));
  const isBeside = (line, last) => {
    const [x, y, , height] = box(line), [left, top, width, tall] = box(last);
    const shared = Math.min(y + height, top + tall) - Math.max(y, top);
    return shared >= SAME_ROW * Math.min(height, tall) && x >= left + width / 2;
  };
  const rows = [];
  for (const line of [...lines].sort((a, b) => box(a)[0] - box(b)[0])) {
    const row = rows.find((one) => isBeside(line, one.at(-1)));
    if (row) row.push(line);
    else rows.push([line]);
  }
  const middle = (numbers) => box(numbers)[1] + box(numbers)[3] / 2;
  return rows.map((row) => row.flat()).sort((a, b) => middle(a) - middle(b));
}
