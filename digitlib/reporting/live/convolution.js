/** Convolutions and fully connected layers, computed by `kernels.wasm`. */

/** What a fused activation keeps a number between: none, ReLU, ReLU from -1 to 1, ReLU6. */
const ACTIVATIONS = [[-Infinity, Infinity], [0, Infinity], [-1, 1], [0, 6]];

/** The smallest and the largest number that an output may hold; of int8, as they are stored. */
export function bounds(activation, { array, scales, zeroPoint }) {
  const limits = ACTIVATIONS[activation];
  if (!limits) throw new Error(`activation number ${activation} is not supported`);
  if (array !== Int8Array) return limits;
  const [low, high] = limits.map((limit) => Math.round(limit / scales[0]) + zeroPoint);
  return [Math.max(low, -128), Math.min(high, 127)];
}

/**
 * How windows lie along one side of a picture: how many, and with how much padding before.
 *
 * `padding` 0 is as much as gives one window for each stride, 1 is none.
 */
export function windows(padding, side, reach, stride) {
  if (padding) return { before: 0, length: Math.max(0, Math.ceil((side - reach + 1) / stride)) };
  const length = Math.ceil(side / stride);
  return { before: Math.max(0, (length - 1) * stride + reach - side) >> 1, length };
}

export class Convolutions {
  /** @param {Uint8Array} wasmBytes of kernels.wasm */
  static async load(wasmBytes) {
    const { instance } = await WebAssembly.instantiate(wasmBytes);
    return new Convolutions(instance.exports);
  }

  constructor(kernels) {
    this.kernels = kernels;
    this.end = kernels.__heap_base.value; // of what is taken of the kernels' memory
  }

  /** Room for numbers in the kernels' memory, which the next call may move: all of them 0. */
  #take(kind, length) {
    const { memory } = this.kernels;
    const start = this.end;
    this.end += Math.ceil((length * kind.BYTES_PER_ELEMENT) / 16) * 16;
    const missing = this.end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    return new kind(memory.buffer, start, length).fill(0);
  }

  /** Copy numbers into the kernels' memory; says where they are. */
  #put(numbers) {
    const room = this.#take(numbers.constructor, numbers.length);
    room.set(numbers);
    return room.byteOffset;
  }

  /**
   * Put the weights of a layer into memory once, in the order that kernels.c describes.
   *
   * @param {Tensor} input of the layer
   * @param {Tensor} weights (channels, height, width, depth)
   * @param {Tensor} [bias] (channels)
   * @param {Tensor} output of the layer
   * @returns {object} the layer, for `apply`
   */
  prepare(input, weights, bias, output, options) {
    const isInteger = weights.array === Int8Array;
    if (!weights.data || [input, output].some(({ array }) => array !== weights.array)) {
      throw new Error("weights of such a type are not supported");
    }
    const [channels, height, width, depth] = weights.shape;
    // Neighbours in a row of the kernel are neighbours in the picture too, unless it has gaps.
    const pieces = options.dilationWidth === 1 ? height : height * width;
    const length = (height * width * depth) / pieces;
    const lanes = isInteger ? 8 : 4;
    const vectors = Math.ceil(length / lanes);
    const filled = Math.ceil(channels / 4) * 4;
    const packed = new (isInteger ? Int16Array : Float32Array)(filled * pieces * vectors * lanes);
    weights.data.forEach((weight, i) => {
      const [piece, place] = [Math.floor(i / length), i % length];
      const channel = Math.floor(piece / pieces);
      const group = (channel >> 2) * pieces + (piece % pieces);
      const vector = group * vectors + Math.floor(place / lanes);
      packed[(vector * 4 + (channel & 3)) * lanes + (place % lanes)] = weight;
    });
    const start = new (isInteger ? Int32Array : Float32Array)(filled);
    if (bias) start.set(bias.data);
    const layer = { input, output, shape: weights.shape, options, pieces };
    layer.weights = [vectors, this.#put(packed), this.#put(start)];
    layer.rounding = bounds(options.activation, output);
    if (isInteger) {
      const scales = new Float32Array(filled);
      for (let i = 0; i < channels; i++) {
        const product = Math.fround(input.scales[0] * (weights.scales[i] ?? weights.scales[0]));
        scales[i] = product / output.scales[0]; // rounded twice, as in XNNPACK
      }
      layer.rounding.unshift(this.#put(scales), output.zeroPoint);
    }
    return layer;
  }

  /** Apply a layer to pictures (N, height, width, depth). */
  apply({ input, output, shape, options, pieces, weights, rounding }, data, size, spend) {
    const [channels, height, width, depth] = shape;
    const [pictures, high, wide, deep] = size;
    if (deep !== depth) throw new Error(`${deep} channels come where ${depth} should`);
    const { strideHeight, strideWidth, dilationHeight, dilationWidth } = options;
    const tall = (height - 1) * dilationHeight + 1; // what a kernel with gaps covers
    const broad = (width - 1) * dilationWidth + 1;
    const rows = windows(options.padding, high, tall, strideHeight);
    const columns = windows(options.padding, wide, broad, strideWidth);
    const answered = rows.length * columns.length * channels; // numbers, for each picture
    spend(pictures * answered * height * width * depth);

    const isInteger = input.array === Int8Array;
    const kernel = isInteger ? this.kernels.convolve_int8 : this.kernels.convolve_float32;
    // Room for every window, and for a last vector that reaches beyond.
    const step = (wide + broad) * depth;
    const perRow = pieces / height;
    const offsets = Int32Array.from({ length: pieces }, (_, i) =>
      Math.floor(i / perRow) * dilationHeight * step + (i % perRow) * dilationWidth * depth);
    const zeroPoint = isInteger ? input.zeroPoint : 0;
    const answers = new output.array(pictures * answered);
    const end = this.end;
    const offsetsAt = this.#put(offsets);
    const answerAt = this.#take(output.array, answered).byteOffset;
    const image = this.#take(isInteger ? Int16Array : Float32Array, (high + tall) * step + 8);
    for (let picture = 0; picture < pictures; picture++) {
      for (let y = 0; y < high; y++) {
        const from = (picture * high + y) * wide * depth;
        const to = (rows.before + y) * step + columns.before * depth;
        for (let i = 0; i < wide * depth; i++) image[to + i] = data[from + i] - zeroPoint;
      }
      kernel(image.byteOffset, strideHeight * step, strideWidth * depth, offsetsAt, pieces,
        ...weights, answerAt, rows.length, columns.length, channels, ...rounding);
      const answer = new output.array(this.kernels.memory.buffer, answerAt, answered);
      answers.set(answer, picture * answered);
    }
    this.end = end;
    return { shape: [pictures, rows.length, columns.length, channels], data: answers };
  }
}
