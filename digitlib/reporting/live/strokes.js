// Strokes: {points: [x, y, width, …], erases}, in pixels of the canvas.

/** Draw one stroke, or its part from point `from` on. */
export function paint(context, stroke, colour, from = 0) {
  context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  const p = stroke.points;
  for (let i = Math.max(from, 0); i < p.length; i += 3) {
    const [x, y, width] = p.slice(i, i + 3);
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(i ? p[i - 3] : x, i ? p[i - 2] : y);
    context.lineTo(x + (i ? 0 : 0.01), y);
    context.stroke();
  }
}

/** How many of a stroke's points lie in a box. */
export function pointsInside({ points }, [x, y, width, height]) {
  let count = 0;
  for (let i = 0; i < points.length; i += 3) {
    const [px, py] = [points[i] - x, points[i + 1] - y];
    count += px >= 0 && py >= 0 && px <= width && py <= height;
  }
  return count;
}

/** Whether a stroke is a dot: its points lie closer together than its pen is wide. */
export function isTap({ points, erases }) {
  const [x, y, width] = points;
  for (let i = 3; i < points.length; i += 3) {
    if (Math.hypot(points[i] - x, points[i + 1] - y) > width / 2) return false;
  }
  return !erases;
}

/** Whether a box holds nothing but this dot. */
export function isOnlyTap(stroke, box) {
  const [, , width] = stroke.points;
  return pointsInside(stroke, box) > 0 && Math.max(box[2], box[3]) <= 2 * width;
}
