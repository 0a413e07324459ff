// What canvas.js makes its elements of: signs, and numbers in words.

export const SVG = "http://www.w3.org/2000/svg";

// Signs of the buttons, drawn with a pen of 2 in a box of 24: no font has to have them.
const SIGNS = {
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  eraser: "M9 20h11M4 15l9-10 6 5-8 10H8zM8 10l6 6",
  undo: "M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-3",
  redo: "M15 5l5 5-5 5M20 10H10a5 5 0 0 0 0 10h3",
  clear: "M5 5l14 14M19 5L5 19",
  open: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  sample: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};

export function sign(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SIGNS[name]);
  svg.append(path);
  return svg;
}

/** An element with properties, attributes (in `attributes`) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { attributes = {}, ...rest } = properties;
  Object.assign(element, rest);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A probability, as people read it. */
export function percent(p) {
  return `${(100 * p).toFixed(p > 0.0995 ? 0 : 1)} %`;
}

export function decodeBytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** A picture file as it is looked at, at most `longest` pixels wide and high, as a data URL. */
export async function asDataUrl(file, longest = 1600) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas", {
    width: Math.max(1, Math.round(bitmap.width * scale)),
    height: Math.max(1, Math.round(bitmap.height * scale)),
  });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  // What came as JPEG has no transparency to lose.
  return file.type === "image/jpeg" ? canvas.toDataURL("image/jpeg", 0.92) : canvas.toDataURL();
}

/** A number as it is written, with a mark where it is doubtful. */
export function written({ text, accepted }) {
  return `${text}${accepted ? "" : "?"}`;
}

/** A number with the probability that it is right, for the list under the drawing. */
export function listed(number) {
  const name = make("span", { className: "dc-name", textContent: written(number) });
  const share = make("span", { className: "dc-share", textContent: percent(number.confidence) });
  if (number.accepted) return make("li", {}, name, share);
  return make("li", { className: "dc-doubtful" }, name, share, "may be misread");
}
