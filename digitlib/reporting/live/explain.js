// Which ink spoke for an answer: what digitlib/reading/explanation.py does, step by step.

const SIDE = 28;
const PIECES = 14;
const FADE = 1.5; // pixels over which a piece gives way to its neighbours
const INKED = 64; // from this grey level on a pixel may be the middle of a piece

/**
 * How much each pixel of ink speaks for each digit.
 * @param {(image: Uint8Array) => Float32Array} classify probabilities of one 28×28 image
 * @param {Uint8Array} image 28×28, a digit as the network sees it
 * @returns {Float32Array} 10×28×28: positive where ink speaks for the digit, negative against it
 */
export function explain(classify, image) {
  const maps = new Float32Array(10 * SIDE * SIDE);
  const middles = spread(image);
  if (!middles.length) return maps;
  const weights = pieces(middles);
  const whole = logOdds(classify(image));
  const given = weights.map((weight) => {
    const erased = image.map((value, i) => Math.round(value * (1 - weight[i])));
    const left = logOdds(classify(erased));
    return whole.map((odds, digit) => odds - left[digit]);
  });
  for (let i = 0; i < image.length; i++) {
    if (!image[i]) continue;
    const sum = weights.reduce((total, weight) => total + weight[i], 0);
    for (let digit = 0; digit < 10; digit++) {
      let value = 0;
      weights.forEach((weight, k) => { value += given[k][digit] * weight[i]; });
      maps[digit * SIDE * SIDE + i] = (value / sum) * (image[i] / 255);
    }
  }
  return maps;
}

/** How much of each pixel is in each piece: 1 in the piece whose middle is nearest. */
function pieces(middles) {
  const distances = middles.map(([row, column]) =>
    Float32Array.from({ length: SIDE * SIDE }, (_, i) =>
      Math.hypot(Math.floor(i / SIDE) - row, (i % SIDE) - column)));
  const nearest = distances[0].map((_, i) => Math.min(...distances.map((one) => one[i])));
  return distances.map((one) => one.map((d, i) => Math.exp(-(d - nearest[i]) / FADE)));
}

/** Log odds of each digit against the others, in nats; finite even at 1. */
function logOdds(probabilities) {
  const total = probabilities.reduce((sum, p) => sum + p, 0);
  return Array.from(probabilities, (p) =>
    Math.log(Math.max(p, 1e-9)) - Math.log(Math.max(total - p, 1e-9)));
}

/** Up to PIECES inked pixels (row, column), far from one another (farthest-point sampling). */
function spread(image) {
  const points = [];
  image.forEach((value, i) => { if (value > INKED) points.push([Math.floor(i / SIDE), i % SIDE]); });
  if (!points.length) return [];
  const mean = [0, 1].map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / points.length);
  const from = (middle) => points.map((p) => Math.hypot(p[0] - middle[0], p[1] - middle[1]));
  const fromMiddle = from(mean);
  const chosen = [points[fromMiddle.indexOf(Math.min(...fromMiddle))]];
  let distance = from(chosen[0]);
  while (chosen.length < PIECES && Math.max(...distance) > 2) {
    chosen.push(points[distance.indexOf(Math.max(...distance))]);
    const next = from(chosen.at(-1));
    distance = distance.map((d, i) => Math.min(d, next[i]));
  }
  return chosen;
}
