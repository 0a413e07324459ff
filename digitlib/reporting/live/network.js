/**
 * A LiteRT network at work in the browser: the file that Python reads, with the same answers.
 *
 *     const network = await Network.load(modelBytes, wasmBytes);
 *     const { data, shape } = network.run(pixels, [1, 28, 28, 1]);
 */

import { Convolutions } from "./convolution.js";
import { count, parse } from "./flatbuffer.js";
import { OPERATORS } from "./operators.js";

const LARGEST_FILE = 8e6; // bytes
const MOST_WORK = 2 ** 34; // multiplications for one answer

const LAYERS = ["CONV_2D", "FULLY_CONNECTED"]; // computed by kernels.wasm

// A fully connected layer is a convolution whose kernel is one pixel.
const DENSE = { padding: 1, strideWidth: 1, strideHeight: 1, dilationWidth: 1, dilationHeight: 1 };

export class Network {
  /**
   * @param {Uint8Array} bytes of a .tflite file
   * @param {Uint8Array} wasmBytes of kernels.wasm
   * @throws {Error} that says why: a file that is damaged, too large, or needs an unknown operator
   */
  static async load(bytes, wasmBytes) {
    if (bytes.length > LARGEST_FILE) {
      const [size, most] = [bytes.length, LARGEST_FILE].map((n) => (n / 1e6).toFixed(1));
      throw new Error(`The model is too large to run in a page: ${size} MB, at most ${most} MB.`);
    }
    return new Network(parse(bytes), await Convolutions.load(wasmBytes));
  }

  constructor({ tensors, operators, input, output }, convolutions) {
    this.tensors = tensors;
    this.operators = operators;
    this.input = input;
    this.output = output;
    this.convolutions = convolutions;
    const names = new Set(operators.map((operator) => operator.name));
    const unknown = [...names].filter((name) => !OPERATORS[name] && !LAYERS.includes(name));
    if (unknown.length) {
      throw new Error(`The model needs what this page cannot compute: ${unknown.join(", ")}.`);
    }
    if ([input, output].some((at) => tensors[at].array !== Float32Array)) {
      throw new Error("The model must take and give float32 numbers.");
    }
    for (const operator of operators.filter(({ name }) => LAYERS.includes(name))) {
      explain(operator, () => this.#prepare(operator));
    }
  }

  #prepare(operator) {
    const [input, weights, bias] = operator.inputs.map((at) => this.tensors[at]);
    const output = this.tensors[operator.output];
    const [channels, ...rest] = weights.shape;
    const shape = operator.name === "CONV_2D" ? weights.shape : [channels, 1, 1, ...rest];
    const options = { ...DENSE, ...operator.options };
    operator.layer = this.convolutions.prepare(input, { ...weights, shape }, bias, output, options);
  }

  /**
   * Compute an answer.
   *
   * @param {Float32Array} data
   * @param {number[]} shape of the data; sides that the file leaves open may be any
   * @returns {{data: Float32Array, shape: number[]}}
   */
  run(data, shape) {
    const expected = this.tensors[this.input].shape;
    const fits = expected.every((side, i) => side === -1 || side === shape[i]);
    if (!fits || expected.length !== shape.length || data.length !== count(shape)) {
      const given = `${data.length} numbers of shape ${shape}`;
      throw new Error(`The model takes numbers of shape ${expected} (-1: any), not ${given}.`);
    }
    let work = 0;
    const spend = (amount) => {
      work += amount;
      if (!(work <= MOST_WORK)) throw new Error("this is too much work for a page");
    };
    const values = this.tensors.map((tensor) => ({ ...tensor }));
    Object.assign(values[this.input], { data, shape });
    for (const operator of this.operators) {
      explain(operator, () => {
        const inputs = operator.inputs.map((at) => values[at]);
        if (inputs.some((value) => value && !value.data)) throw new Error("an input is missing");
        const answer = this.#compute(operator, inputs, values[operator.output], spend);
        if (answer.data.length !== count(answer.shape)) throw new Error("shapes do not fit");
        Object.assign(values[operator.output], answer);
      });
    }
    const answer = values[this.output];
    return { data: answer.data, shape: answer.shape };
  }

  #compute({ name, options, layer }, inputs, output, spend) {
    if (!layer) return OPERATORS[name](inputs, output, options, spend);
    const [{ data, shape }] = inputs;
    if (name === "CONV_2D") return this.convolutions.apply(layer, data, shape, spend);
    const [channels, , , depth] = layer.shape;
    const rows = data.length / depth;
    const answer = this.convolutions.apply(layer, data, [1, 1, rows, depth], spend);
    const kept = options.keepsAxes ? shape.slice(0, -1) : [rows];
    return { data: answer.data, shape: [...kept, channels] };
  }
}

/** Do something for an operator; what goes wrong names it. */
function explain({ name }, action) {
  try {
    action();
  } catch (fault) {
    throw new Error(`The model cannot be computed: ${name}: ${fault.message}`, { cause: fault });
  }
}
