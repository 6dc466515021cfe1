export interface Point {
  x: number;
  y: number;
}
export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

export const right = (r: Rect) => r.x + r.w;
export const bottom = (r: Rect) => r.y + r.h;
export const centre = (r: Rect): Point => ({ x: r.x + r.w / 2, y: r.y + r.h / 2 });
export const inflate = (r: Rect, by: number): Rect => ({ x: r.x - by, y: r.y - by, w: r.w + 2 * by, h: r.h + 2 * by });

/** Whether an axis-parallel segment has a point strictly inside the rectangle. */
export function entersRect(a: Point, b: Point, r: Rect): boolean {
  return (
    Math.max(a.x, b.x) > r.x &&
    Math.min(a.x, b.x) < right(r) &&
    Math.max(a.y, b.y) > r.y &&
    Math.min(a.y, b.y) < bottom(r)
  );
}

export type Side = "top" | "right" | "bottom" | "left";

/** Where an axis-parallel polyline crosses the rectangle's outline, in the line's order. */
export function crossings(line: readonly Point[], r: Rect): { at: Point; side: Side; segment: number }[] {
  const found: { at: Point; side: Side; segment: number }[] = [];
  for (let i = 0; i + 1 < line.length; i++) {
    const a = line[i] as Point;
    const b = line[i + 1] as Point;
    const here: { at: Point; side: Side; segment: number }[] = [];
    if (a.y === b.y && a.y > r.y && a.y < bottom(r)) {
      for (const [x, side] of [
        [r.x, "left"],
        [right(r), "right"],
      ] as const) {
        if (between(x, a.x, b.x)) here.push({ at: { x, y: a.y }, side, segment: i });
      }
    }
    if (a.x === b.x && a.x > r.x && a.x < right(r)) {
      for (const [y, side] of [
        [r.y, "top"],
        [bottom(r), "bottom"],
      ] as const) {
        if (between(y, a.y, b.y)) here.push({ at: { x: a.x, y }, side, segment: i });
      }
    }
    here.sort((p, q) => distance(a, p.at) - distance(a, q.at));
    found.push(...here);
  }
  return found;
}

const between = (v: number, a: number, b: number) => v > Math.min(a, b) && v < Math.max(a, b);
export const distance = (a: Point, b: Point) => Math.abs(a.x - b.x) + Math.abs(a.y - b.y);

/** An SVG path along a polyline with rounded corners. */
export function roundedPath(line: readonly Point[], radius: number): string {
  const first = line[0];
  if (!first) return "";
  let path = `M${first.x} ${first.y}`;
  for (let i = 1; i < line.length; i++) {
    const here = line[i] as Point;
    const next = line[i + 1];
    const previous = line[i - 1] as Point;
    if (!next) {
      path += `L${here.x} ${here.y}`;
      continue;
    }
    const r = Math.min(radius, distance(previous, here) / 2, distance(here, next) / 2);
    const a = towards(here, previous, r);
    const b = towards(here, next, r);
    path += `L${a.x} ${a.y}Q${here.x} ${here.y} ${b.x} ${b.y}`;
  }
  return path;
}

/** The point `by` away from `from` in the direction of `to`, along an axis. */
export function towards(from: Point, to: Point, by: number): Point {
  return { x: from.x + Math.sign(to.x - from.x) * by, y: from.y + Math.sign(to.y - from.y) * by };
}
