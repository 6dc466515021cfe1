import type { Point, Rect } from "./geometry";
import type { Route } from "./routing";

interface Segment {
  route: Route;
  index: number;
  net: string;
  line: string;
  low: number;
  high: number;
  order: number;
  room: number;
}

const spacing = 9;

/**
 * Moves routes that share a lane apart, so that each can be followed. Strands of one hub and verdict stay on one line, like
 * the branches of a pipe; what turns off to one side lies on that side, which keeps crossings few.
 */
export function spread(routes: readonly Route[], boxes: ReadonlyMap<string, Rect>): Route[] {
  const nets = netsOf(routes);
  const byLine = new Map<string, Segment[]>();
  for (const route of routes) {
    for (let i = 0; i + 1 < route.points.length; i++) {
      const segment = segmentOf(route, i, nets.get(route.strand.id) ?? route.strand.id, boxes);
      byLine.set(segment.line, [...(byLine.get(segment.line) ?? []), segment]);
    }
  }
  const offsets = new Map<string, number>();
  for (const segments of byLine.values()) {
    for (const cluster of clustersOf(segments)) assign(cluster, offsets);
  }
  return routes.map((route) => ({ ...route, points: shifted(route, offsets) }));
}

/** A strand belongs to the trunk of whichever end has more strands of its verdict. */
function netsOf(routes: readonly Route[]): Map<string, string> {
  const degree = new Map<string, number>();
  const outKey = (r: Route) => `${r.strand.source}>|${r.strand.verdict}`;
  const inKey = (r: Route) => `>${r.strand.destination}|${r.strand.verdict}`;
  for (const route of routes) {
    for (const key of [outKey(route), inKey(route)]) degree.set(key, (degree.get(key) ?? 0) + 1);
  }
  return new Map(
    routes.map((r) => [r.strand.id, (degree.get(inKey(r)) ?? 0) > (degree.get(outKey(r)) ?? 0) ? inKey(r) : outKey(r)]),
  );
}

function segmentOf(route: Route, index: number, net: string, boxes: ReadonlyMap<string, Rect>): Segment {
  const points = route.points;
  const a = points[index] as Point;
  const b = points[index + 1] as Point;
  const vertical = a.x === b.x;
  const along = (p: Point) => (vertical ? p.y : p.x);
  const across = (p: Point) => (vertical ? p.x : p.y);
  const side = (p: Point | undefined) => (p ? Math.sign(across(p) - across(a)) : 0);
  const before = side(points[index - 1]);
  const after = side(points[index + 2]);
  const slope = Math.sign(along(b) - along(a)) * (after - before);
  const room = roomAround(a, b, boxes);
  return {
    route,
    index,
    net,
    line: `${vertical ? "x" : "y"}${across(a)}`,
    low: Math.min(along(a), along(b)),
    high: Math.max(along(a), along(b)),
    // Both neighbours to one side: lie there. A step: the earlier one lies further along the step, so that steps nest.
    order: (before + after) * 1e6 - Math.sign(slope) * Math.min(along(a), along(b)),
    room,
  };
}

/** How wide the lanes along a segment may spread, in all, before they touch a wall that runs beside it. */
function roomAround(a: Point, b: Point, boxes: ReadonlyMap<string, Rect>): number {
  const vertical = a.x === b.x;
  let free = 24;
  for (const { x, y, w, h } of boxes.values()) {
    const [from, to] = vertical ? [y, y + h] : [x, x + w];
    const along = vertical ? [a.y, b.y] : [a.x, b.x];
    if (Math.max(...along) <= from || Math.min(...along) >= to) continue;
    const at = vertical ? a.x : a.y;
    for (const wall of vertical ? [x, x + w] : [y, y + h]) free = Math.min(free, Math.abs(at - wall));
  }
  return Math.max(0, 2 * (free - 6));
}

function clustersOf(segments: Segment[]): Segment[][] {
  const clusters: Segment[][] = [];
  let reach = Number.NEGATIVE_INFINITY;
  for (const segment of [...segments].sort((a, b) => a.low - b.low)) {
    if (segment.low > reach + 1) clusters.push([]);
    clusters.at(-1)?.push(segment);
    reach = Math.max(reach, segment.high);
  }
  return clusters;
}

function assign(cluster: Segment[], offsets: Map<string, number>) {
  const nets = new Map<string, { order: number; count: number }>();
  for (const { net, order } of cluster) {
    const known = nets.get(net) ?? { order: 0, count: 0 };
    nets.set(net, { order: known.order + order, count: known.count + 1 });
  }
  const mean = (net: string) => (nets.get(net)?.order ?? 0) / (nets.get(net)?.count ?? 1);
  const ranked = [...nets.keys()].sort((a, b) => mean(a) - mean(b) || (a < b ? -1 : 1));
  const room = Math.min(...cluster.map((s) => s.room));
  const step = ranked.length > 1 ? Math.min(spacing, room / (ranked.length - 1)) : 0;
  for (const { route, index, net } of cluster) {
    offsets.set(`${route.strand.id}#${index}`, (ranked.indexOf(net) - (ranked.length - 1) / 2) * step);
  }
}

function shifted(route: Route, offsets: Map<string, number>): Point[] {
  const points = route.points.map((p) => ({ ...p }));
  for (let i = 0; i + 1 < points.length; i++) {
    const by = Math.round((offsets.get(`${route.strand.id}#${i}`) ?? 0) * 2) / 2;
    const a = route.points[i] as Point;
    const b = route.points[i + 1] as Point;
    for (const p of [points[i], points[i + 1]]) {
      if (!p) continue;
      if (a.x === b.x) p.x += by;
      else p.y += by;
    }
  }
  return points;
}
