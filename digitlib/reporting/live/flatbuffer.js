/**
 * Reads a LiteRT (.tflite) file: which operators it has, on which tensors, with which weights.
 *
 * The file is a FlatBuffer (https://flatbuffers.dev/internals). A table begins with the distance
 * back to a list, which says how far behind the table's beginning each of its fields lies; 0 says
 * that the field is left out. Fields have numbers: their order in LiteRT's schema.fbs.
 */

/** What the numbers of operators mean; of those that the reader lacks, the usual ones. */
const NAMES = {
  0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
  6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU",
  22: "RESHAPE", 23: "RESIZE_BILINEAR", 25: "SOFTMAX", 28: "TANH", 32: "CUSTOM", 34: "PAD",
  36: "GATHER", 37: "BATCH_TO_SPACE_ND", 38: "SPACE_TO_BATCH_ND", 39: "TRANSPOSE", 40: "MEAN",
  41: "SUB", 42: "DIV", 45: "STRIDED_SLICE", 70: "EXPAND_DIMS", 74: "SUM", 77: "SHAPE", 78: "POW",
  81: "REDUCE_PROD", 83: "PACK", 92: "SQUARE", 95: "FLOOR_MOD", 114: "QUANTIZE",
};

const FUSED = { activation: [0, "Int8"] };
const WINDOW = { padding: [0, "Int8"], strideWidth: [1], strideHeight: [2] };
const POOL = { ...WINDOW, width: [3], height: [4], activation: [5, "Int8"] };

/** Settings of operators: name → [field, kind of number, what it is when left out]. */
const OPTIONS = {
  ADD: FUSED, SUB: FUSED, MUL: FUSED, DIV: FUSED,
  FULLY_CONNECTED: { ...FUSED, keepsAxes: [2, "Int8"] },
  CONV_2D: {
    ...WINDOW, activation: [3, "Int8"],
    dilationWidth: [4, "Int32", 1], dilationHeight: [5, "Int32", 1],
  },
  MAX_POOL_2D: POOL, AVERAGE_POOL_2D: POOL,
  MEAN: { keepsAxes: [0, "Int8"] }, REDUCE_PROD: { keepsAxes: [0, "Int8"] },
  CONCATENATION: { axis: [0] }, GATHER: { axis: [0] }, PACK: { axis: [1] },
  STRIDED_SLICE: { beginMask: [0], endMask: [1], ellipsis: [2], newAxes: [3], shrinkMask: [4] },
};

const ARRAYS = { 0: Float32Array, 2: Int32Array, 9: Int8Array }; // by the number of their type

/** How many numbers there are in a tensor of a shape. */
export const count = (shape) => shape.reduce((product, side) => product * side, 1);

/** A table of the file. A look outside the file raises RangeError. */
class Table {
  constructor(view, position) {
    this.view = view;
    this.position = position;
  }

  /** Where a field is; 0 when it is left out. */
  #find(field) {
    const list = this.position - this.view.getInt32(this.position, true);
    const entry = 4 + 2 * field;
    if (entry >= this.view.getUint16(list, true)) return 0;
    const distance = this.view.getUint16(list + entry, true);
    return distance && this.position + distance;
  }

  #follow(at) {
    return at + this.view.getUint32(at, true);
  }

  number(field, kind = "Int32", otherwise = 0) {
    const at = this.#find(field);
    return at ? this.view[`get${kind}`](at, true) : otherwise;
  }

  table(field) {
    const at = this.#find(field);
    return at ? new Table(this.view, this.#follow(at)) : null;
  }

  /** A list of numbers, copied, because in the file it may begin anywhere. */
  numbers(field, array = Int32Array) {
    const at = this.#find(field);
    if (!at) return new array();
    const start = this.#follow(at);
    const size = array.BYTES_PER_ELEMENT * this.view.getUint32(start, true);
    if (start + 4 + size > this.view.byteLength) throw new RangeError("a list is cut off");
    const from = this.view.byteOffset + start + 4;
    return new array(this.view.buffer.slice(from, from + size));
  }

  tables(field) {
    const start = this.#find(field) && this.#follow(this.#find(field)) + 4;
    const distances = [...this.numbers(field, Uint32Array)];
    return distances.map((distance, i) => new Table(this.view, start + 4 * i + distance));
  }
}

/**
 * @typedef {object} Tensor
 * @property {typeof Float32Array | typeof Int32Array | typeof Int8Array} array kind of its numbers
 * @property {number[]} shape, in which -1 is a side that is known only at work
 * @property {Float32Array} scales of int8, one or one per channel: n means scale · (n - zeroPoint)
 * @property {number} zeroPoint
 * @property {Float32Array | Int32Array | Int8Array} [data] of what is fixed, such as weights
 */

/**
 * @param {Uint8Array} bytes of a .tflite file
 * @returns {{tensors: Tensor[], operators: {name: string, inputs: number[], output: number,
 *   options: object}[], input: number, output: number}} operators in their order; tensors are
 *   named by their place in the list, where input -1 is left out
 */
export function parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || String.fromCharCode(...bytes.subarray(4, 8)) !== "TFL3") {
    throw new Error("This is not a LiteRT (.tflite) file.");
  }
  try {
    return readModel(new Table(view, view.getUint32(0, true)));
  } catch (fault) {
    throw new Error(`The model file is damaged: ${fault.message}`, { cause: fault });
  }
}

function readModel(model) {
  const [graph] = model.tables(2);
  const buffers = model.tables(4);
  // The first field holds numbers up to 127 and came first; either may be left out.
  const codes = model.tables(1).map((code) => Math.max(code.number(0, "Int8"), code.number(3)));
  const tensors = graph.tables(0).map((table) => readTensor(table, buffers));
  const exists = (at) => at in tensors;
  const operators = graph.tables(3).map((table) => {
    const code = codes[table.number(0, "Uint32")];
    const name = NAMES[code] ?? `operator number ${code}`;
    const inputs = [...table.numbers(1)];
    const [output] = table.numbers(2);
    if (!exists(output) || !inputs.every((at) => at === -1 || exists(at))) {
      throw new RangeError(`${name} points outside`);
    }
    const settings = table.table(4);
    const options = {};
    for (const [option, [field, kind, otherwise = 0]] of Object.entries(OPTIONS[name] ?? {})) {
      options[option] = settings ? settings.number(field, kind, otherwise) : otherwise;
    }
    return { name, inputs, output, options };
  });
  const [inputs, outputs] = [graph.numbers(1), graph.numbers(2)];
  if (inputs.length !== 1 || outputs.length !== 1 || !exists(inputs[0]) || !exists(outputs[0])) {
    throw new RangeError("there is not one input and one output");
  }
  return { tensors, operators, input: inputs[0], output: outputs[0] };
}

function readTensor(table, buffers) {
  const array = ARRAYS[table.number(1, "Int8")];
  const open = table.numbers(7); // the shape with open sides, if there are any
  const shape = [...(open.length ? open : table.numbers(0))];
  const quantisation = table.table(4);
  const scales = quantisation?.numbers(2, Float32Array) ?? new Float32Array();
  const zeroPoint = Number(quantisation?.numbers(3, BigInt64Array)[0] ?? 0);
  const bytes = buffers[table.number(2, "Uint32")].numbers(0, Uint8Array);
  if (!bytes.length) return { array, shape, scales, zeroPoint };
  if (bytes.length !== count(shape) * array?.BYTES_PER_ELEMENT) {
    throw new RangeError("weights do not fit their shape");
  }
  return { array, shape, scales, zeroPoint, data: new array(bytes.buffer) };
}
