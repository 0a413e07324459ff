/**
 * The operators of a network beside its convolutions, each as LiteRT computes it. Its results for
 * int8 come from XNNPACK, whose rounding is kept here: in float32 (`Math.fround`) where it is.
 *
 * A value is a tensor of the file with the shape and the data that it has at work.
 */

import { bounds, windows } from "./convolution.js";
import { count } from "./flatbuffer.js";

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const fromEnd = (axis, rank) => (axis < 0 ? axis + rank : axis);

/** To the nearest integer, halves to the even one: added to this, a number has no room for more. */
const EDGE = 1.5 * 2 ** 52;
const roundToEven = (x) => x + EDGE - EDGE;

// Moving numbers

/** How far apart neighbours along each axis are in the data. */
const stepsOf = (shape) => shape.map((_, axis) => count(shape.slice(axis + 1)));

/** Copy numbers of a shape between two arrays; in each, they begin somewhere and have steps. */
function copy(shape, from, fromStart, fromSteps, to, toStart, toSteps, axis = 0) {
  if (axis === shape.length) to[toStart] = from[fromStart];
  if (axis === shape.length - 1 && fromSteps[axis] === 1 && toSteps[axis] === 1) {
    to.set(from.subarray(fromStart, fromStart + shape[axis]), toStart);
    return;
  }
  for (let i = 0; i < shape[axis]; i++) {
    copy(shape, from, fromStart, fromSteps, to, toStart, toSteps, axis + 1);
    fromStart += fromSteps[axis];
    toStart += toSteps[axis];
  }
}

const empty = (like, shape) => ({ shape, data: new like.data.constructor(count(shape)) });

function pick(value, shape, start, steps) {
  const picked = empty(value, shape);
  copy(shape, value.data, start, steps, picked.data, 0, stepsOf(shape));
  return picked;
}

/** Put margins around: before and behind, for each axis. */
function pad(value, margins) {
  const shape = value.shape.map((side, i) => margins[2 * i] + side + margins[2 * i + 1]);
  const padded = empty(value, shape);
  padded.data.fill(value.zeroPoint);
  const steps = stepsOf(padded.shape);
  const start = steps.reduce((sum, step, axis) => sum + step * margins[2 * axis], 0);
  copy(value.shape, value.data, 0, stepsOf(value.shape), padded.data, start, steps);
  return padded;
}

function concatenate(values, axis) {
  const at = fromEnd(axis, values[0].shape.length);
  const sides = values.map(({ shape }) => shape[at]);
  const joined = empty(values[0], values[0].shape.with(at, sides.reduce((a, b) => a + b)));
  const steps = stepsOf(joined.shape);
  let start = 0;
  for (const { shape, data } of values) {
    copy(shape, data, 0, stepsOf(shape), joined.data, start, steps);
    start += shape[at] * steps[at];
  }
  return joined;
}

function gather(value, indices, axis) {
  const at = fromEnd(axis, value.shape.length);
  const steps = stepsOf(value.shape);
  const part = value.shape.with(at, 1);
  const parts = [...indices.data].map((index) => pick(value, part, index * steps[at], steps));
  const { data } = concatenate(parts, at);
  return { shape: value.shape.toSpliced(at, 1, ...indices.shape), data };
}

function expand({ shape, data }, axis) {
  return { shape: shape.toSpliced(fromEnd(axis, shape.length + 1), 0, 1), data };
}

function reshape({ data }, shape) {
  const known = count(shape.filter((side) => side !== -1));
  return { shape: Array.from(shape, (side) => (side === -1 ? data.length / known : side)), data };
}

function slice(value, begins, ends, strides, options) {
  const { beginMask, endMask, ellipsis, newAxes, shrinkMask } = options;
  if (ellipsis || newAxes || strides.some((stride) => stride < 1)) {
    throw new Error("such slices are not supported");
  }
  const has = (mask, axis) => axis >= begins.length || (mask >> axis) & 1;
  const place = (index, side) => clamp(fromEnd(index, side), 0, side);
  const first = value.shape.map((side, i) => (has(beginMask, i) ? 0 : place(begins[i], side)));
  const length = value.shape.map((side, i) => {
    if ((shrinkMask >> i) & 1) return 1;
    const end = has(endMask, i) ? side : place(ends[i], side);
    return Math.max(0, Math.ceil((end - first[i]) / (strides[i] ?? 1)));
  });
  const steps = stepsOf(value.shape);
  const start = first.reduce((sum, index, axis) => sum + index * steps[axis], 0);
  const apart = steps.map((step, axis) => step * (strides[axis] ?? 1));
  const { data } = pick(value, length, start, apart);
  return { shape: length.filter((_, axis) => !((shrinkMask >> axis) & 1)), data };
}

/** Cut pictures into those of every `down`-th row and `across`-th column. */
function spaceToBatch(value, [down, across], margins) {
  const padded = pad(value, [0, 0, ...margins, 0, 0]);
  const [pictures, high, wide, channels] = padded.shape;
  const [picture, row, column] = stepsOf(padded.shape);
  const [height, width] = [high / down, wide / across];
  const { data } = pick(padded, [down, across, pictures, height, width, channels], 0,
    [row, column, picture, down * row, across * column, 1]);
  return { shape: [down * across * pictures, height, width, channels], data };
}

/** Put such pictures together again, and crop them. */
function batchToSpace(value, [down, across], [top, bottom, left, right]) {
  const [cuts, height, width, channels] = value.shape;
  const [cut, row, column] = stepsOf(value.shape);
  const pictures = cuts / (down * across);
  const { data } = pick(value, [pictures, height, down, width, across, channels], 0,
    [cut, row, pictures * across * cut, column, pictures * cut, 1]);
  const [high, wide] = [height * down, width * across];
  const steps = stepsOf([pictures, high, wide, channels]);
  const shape = [pictures, high - top - bottom, wide - left - right, channels];
  return pick({ data }, shape, top * steps[1] + left * steps[2], steps);
}

// Computing

/**
 * Two tensors, number by number; one may be repeated along the first axes of the other.
 * `compute(x, y, z)` fills an array `z` of two as long: with a loop for each rule, that is fast.
 */
function combine(a, b, output, { activation = 0 }, compute) {
  const [large, small] = a.data.length >= b.data.length ? [a, b] : [b, a];
  const { shape } = large, repeated = [...small.shape];
  while (repeated[0] === 1) repeated.shift();
  if (String(repeated) !== String(shape.slice(shape.length - repeated.length))) {
    throw new Error(`shapes ${a.shape} and ${b.shape} together are not supported`);
  }
  const data = new Float64Array(count(shape)), repeats = new small.data.constructor(data.length);
  for (let i = 0, j = 0; i < repeats.length; i++, j++) {
    if (j === small.data.length) j = 0;
    repeats[i] = small.data[j];
  }
  compute(...[a, b].map((one) => (one === large ? one.data : repeats)), data);
  const [low, high] = bounds(activation, output);
  const limited = new output.array(data.length);
  for (let i = 0; i < data.length; i++) limited[i] = clamp(data[i], low, high);
  return { shape, data: limited };
}

/** A loop with a rule for two numbers. */
const each = (rule) => (x, y, z) => {
  for (let i = 0; i < z.length; i++) z[i] = rule(x[i], y[i]);
};

function add(a, b, output, options, sign = 1) {
  if (output.array !== Int8Array) {
    return combine(a, b, output, options, each((x, y) => x + sign * y));
  }
  // Both are multiplied by integers, the larger of which has 21 bits, and the sum is shifted back.
  const [p, q] = [a, b].map(({ scales }) => Math.fround(scales[0] / output.scales[0]));
  const shift = 20 - Math.floor(Math.log2(Math.max(p, q)));
  const first = roundToEven(p * 2 ** shift);
  const second = sign * roundToEven(q * 2 ** shift);
  const start = 2 ** (shift - 1) - first * a.zeroPoint - second * b.zeroPoint;
  const { zeroPoint } = output;
  return combine(a, b, output, options, (x, y, z) => {
    for (let i = 0; i < z.length; i++) {
      z[i] = ((start + first * x[i] + second * y[i]) >> shift) + zeroPoint;
    }
  });
}

function multiply(a, b, output, options) {
  if (output.array !== Int8Array) return combine(a, b, output, options, each((x, y) => x * y));
  const scale = Math.fround(Math.fround(a.scales[0] * b.scales[0]) / output.scales[0]);
  const [first, second, { zeroPoint }] = [a.zeroPoint, b.zeroPoint, output];
  return combine(a, b, output, options, (x, y, z) => {
    for (let i = 0; i < z.length; i++) {
      z[i] = roundToEven(Math.fround((x[i] - first) * (y[i] - second) * scale)) + zeroPoint;
    }
  });
}

/** With the sign of the divisor. */
const remainder = (x, y) => ((x % y) + y) % y;

function divide(a, b, output, options) {
  if (output.array !== Int8Array) return combine(a, b, output, options, each((x, y) => x / y));
  if (b.data.includes(b.zeroPoint)) throw new Error("division by 0");
  const scale = a.scales[0] / b.scales[0] / output.scales[0];
  const quotient = (x, y) => (scale * (x - a.zeroPoint)) / (y - b.zeroPoint);
  const rule = (x, y) => Math.round(quotient(x, y)) + output.zeroPoint;
  return combine(a, b, output, options, each(rule));
}

/** Apply a function to every number. */
function map({ shape, data, array, scales, zeroPoint }, output, rule) {
  const decode = array === Int8Array ? (n) => Math.fround((n - zeroPoint) * scales[0]) : (x) => x;
  const inverse = Math.fround(1 / output.scales[0]);
  const rounded = (x) => roundToEven(Math.fround(Math.fround(x) * inverse));
  const encode = output.array === Int8Array ? (x) => rounded(x) + output.zeroPoint : (x) => x;
  const [low, high] = bounds(0, output);
  const mapped = new output.array(data.length);
  for (let i = 0; i < mapped.length; i++) {
    mapped[i] = clamp(encode(rule(decode(data[i]))), low, high);
  }
  return { shape, data: mapped };
}

/** Make one number of all along some axes. */
function reduce(value, axes, output, { keepsAxes }, rule) {
  const gone = new Set(Array.from(axes, (axis) => fromEnd(axis, value.shape.length)));
  const order = [...value.shape.keys()].sort((a, b) => gone.has(a) - gone.has(b)); // gone ones last
  const steps = stepsOf(value.shape);
  const sides = order.map((axis) => value.shape[axis]);
  const { data } = pick(value, sides, 0, order.map((axis) => steps[axis]));
  const size = count(sides.slice(sides.length - gone.size));
  const reduced = new output.array(data.length / size);
  for (const i of reduced.keys()) reduced[i] = rule(data.subarray(i * size, (i + 1) * size));
  const shape = value.shape.map((side, axis) => (gone.has(axis) ? 1 : side));
  return { shape: keepsAxes ? shape : shape.filter((_, axis) => !gone.has(axis)), data: reduced };
}

function mean(value, axes, output, options) {
  const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);
  const average = (numbers) => sum(numbers) / numbers.length;
  const stored = (numbers) => {
    const scale = Math.fround(Math.fround(value.scales[0] / output.scales[0]) / numbers.length);
    const total = sum(numbers) - numbers.length * value.zeroPoint;
    return clamp(roundToEven(Math.fround(total * scale)) + output.zeroPoint, -128, 127);
  };
  return reduce(value, axes, output, options, output.array === Int8Array ? stored : average);
}

/** What is told of each window: `find(from, to, pixels)` of the places of its pixels' numbers. */
function pool(value, output, { padding, height, width, strideHeight, strideWidth }, spend, find) {
  const [pictures, tall, wide, channels] = value.shape;
  const rows = windows(padding, tall, height, strideHeight);
  const columns = windows(padding, wide, width, strideWidth);
  const shape = [pictures, rows.length, columns.length, channels];
  spend(count(shape) * height * width);
  const data = new output.array(count(shape));
  for (let window = 0; window * channels < data.length; window++) {
    const row = Math.floor(window / columns.length);
    const top = (row % rows.length) * strideHeight - rows.before;
    const left = (window % columns.length) * strideWidth - columns.before;
    const [bottom, right] = [Math.min(top + height, tall), Math.min(left + width, wide)];
    const pixels = [];
    for (let y = Math.max(top, 0); y < bottom; y++) {
      const start = (Math.floor(row / rows.length) * tall + y) * wide;
      for (let x = Math.max(left, 0); x < right; x++) pixels.push((start + x) * channels);
    }
    find(pixels, data.subarray(window * channels, (window + 1) * channels));
  }
  return { shape, data };
}

function maxPool(value, output, options, spend) {
  const { data } = value;
  const [low, high] = bounds(options.activation, output);
  return pool(value, output, options, spend, (pixels, found) => {
    found.fill(low);
    for (const pixel of pixels) {
      for (let c = 0; c < found.length; c++) {
        const number = data[pixel + c];
        if (number > found[c]) found[c] = number;
      }
    }
    if (high < Infinity) for (let c = 0; c < found.length; c++) found[c] = Math.min(found[c], high);
  });
}

function averagePool(value, output, options, spend) {
  const [low, high] = bounds(options.activation, output);
  const away = (x) => Math.sign(x) * Math.round(Math.abs(x)); // halves away from 0
  const stored = output.array === Int8Array ? away : (x) => x;
  return pool(value, output, options, spend, (pixels, found) => {
    for (let c = 0; c < found.length; c++) {
      const sum = pixels.reduce((total, pixel) => total + value.data[pixel + c], 0);
      found[c] = clamp(stored(sum / pixels.length), low, high);
    }
  });
}

/** name → (inputs, output, options, spend) → {shape, data}; `spend` refuses too much work. */
export const OPERATORS = {
  ADD: ([a, b], output, options) => add(a, b, output, options),
  SUB: ([a, b], output, options) => add(a, b, output, options, -1),
  MUL: ([a, b], output, options) => multiply(a, b, output, options),
  DIV: ([a, b], output, options) => divide(a, b, output, options),
  POW: ([a, b], output, options) => combine(a, b, output, options, each(Math.pow)),
  FLOOR_MOD: ([a, b], output, options) => combine(a, b, output, options, each(remainder)),
  SQUARE: ([value], output) => map(value, output, (x) => x * x),
  TANH: ([value], output) => map(value, output, Math.tanh),
  QUANTIZE: ([value], output) => map(value, output, (x) => x),
  DEQUANTIZE: ([value], output) => map(value, output, (x) => x),
  MEAN: ([value, axes], output, options) => mean(value, axes.data, output, options),
  REDUCE_PROD: ([value, axes], output, options) => reduce(value, axes.data, output, options, count),
  MAX_POOL_2D: ([value], output, options, spend) => maxPool(value, output, options, spend),
  AVERAGE_POOL_2D: ([value], output, options, spend) => averagePool(value, output, options, spend),
  PAD: ([value, margins]) => pad(value, margins.data),
  CONCATENATION: (values, output, { axis }) => concatenate(values, axis),
  PACK: (values, output, { axis }) => concatenate(values.map((value) => expand(value, axis)), axis),
  EXPAND_DIMS: ([value, axis]) => expand(value, axis.data[0]),
  SHAPE: ([value]) => ({ shape: [value.shape.length], data: Int32Array.from(value.shape) }),
  RESHAPE: ([value, shape]) => reshape(value, shape.data),
  GATHER: ([value, indices], output, { axis }) => gather(value, indices, axis),
  STRIDED_SLICE: ([value, begins, ends, strides], output, options) =>
    slice(value, begins.data, ends.data, strides.data, options),
  SPACE_TO_BATCH_ND: ([value, block, margins]) => spaceToBatch(value, block.data, margins.data),
  BATCH_TO_SPACE_ND: ([value, block, crops]) => batchToSpace(value, block.data, crops.data),
};
