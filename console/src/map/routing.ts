import { entersRect, type Point, type Rect, right } from "./geometry";
import type { Layout } from "./layout";
import type { Scene, Strand } from "./scene";

/** The axis-parallel way of a strand, from its source's side to its destination's side. */
export interface Route {
  strand: Strand;
  points: Point[];
}

const bendCost = 70;

/** Finds each strand's way along free lanes: never through a compartment that is not its own, never through a cell. */
export function routeAll(scene: Scene, layout: Layout): Route[] {
  const obstacles = obstacleIndex(scene, layout);
  const known = new Map<string, Point[]>();
  return scene.strands.flatMap((strand) => {
    const pair = `${strand.source}>${strand.destination}`;
    const points = known.get(pair) ?? route(strand, layout, obstacles);
    known.set(pair, points);
    return points.length > 1 ? [{ strand, points }] : [];
  });
}

interface Obstacles {
  top: (id: string) => string;
  compartments: { id: string; rect: Rect }[];
  cells: Map<string, { id: string; rect: Rect }[]>;
}

function obstacleIndex(scene: Scene, layout: Layout): Obstacles {
  const top = (id: string): string => {
    const parent = scene.nodes.get(id)?.parent;
    return parent ? top(parent) : id;
  };
  const compartments: { id: string; rect: Rect }[] = [];
  const cells = new Map<string, { id: string; rect: Rect }[]>();
  for (const node of scene.nodes.values()) {
    const rect = layout.boxes.get(node.id);
    if (!rect) continue;
    if (node.parent === null) compartments.push({ id: node.id, rect });
    else cells.set(top(node.id), [...(cells.get(top(node.id)) ?? []), { id: node.id, rect }]);
  }
  return { top, compartments, cells };
}

function route(strand: Strand, layout: Layout, obstacles: Obstacles): Point[] {
  const from = layout.boxes.get(strand.source);
  const to = layout.boxes.get(strand.destination);
  if (!from || !to) return [];
  const ends = [obstacles.top(strand.source), obstacles.top(strand.destination)];
  const fromY = Math.round(from.y + from.h / 2);
  const toY = Math.round(to.y + to.h / 2);
  const inner = [...new Set(ends)].map((id) => layout.lanes.within.get(id)).filter((lanes) => lanes !== undefined);
  const lanes = new Set([...layout.lanes.xs, ...inner.flatMap((l) => l.xs)]);
  const xs = unique([...lanes, from.x, right(from), to.x, right(to)]);
  const ys = unique([...layout.lanes.ys, ...inner.flatMap((l) => l.ys), fromY, toY]);
  const blocked = [
    ...obstacles.compartments.filter(({ id }) => !ends.includes(id)).map(({ rect }) => rect),
    ...[...new Set(ends)]
      .flatMap((id) => obstacles.cells.get(id) ?? [])
      .filter(({ rect }) => !holds(rect, from) && !holds(rect, to))
      .map(({ rect }) => rect),
    from,
    to,
  ];
  const starts = [from.x, right(from)].map((x) => ({ x, y: fromY }));
  const goals = [to.x, right(to)].map((x) => ({ x, y: toY }));
  return straighten(shortest(xs, ys, lanes, starts, goals, blocked));
}

const holds = (outer: Rect, inner: Rect) =>
  outer !== inner &&
  outer.x <= inner.x &&
  outer.y <= inner.y &&
  right(outer) >= right(inner) &&
  outer.y + outer.h >= inner.y + inner.h;

/** Dijkstra over the grid; up and down only in lanes. A bend costs as much as {@link bendCost} units of length. */
function shortest(
  xs: number[],
  ys: number[],
  lanes: Set<number>,
  starts: Point[],
  goals: Point[],
  blocked: Rect[],
): Point[] {
  const columns = xs.length;
  const nodeOf = (p: Point) => ys.indexOf(p.y) * columns + xs.indexOf(p.x);
  const pointOf = (node: number): Point => ({ x: xs[node % columns] ?? 0, y: ys[Math.floor(node / columns)] ?? 0 });
  const goal = new Set(goals.map(nodeOf));
  // A state is a node with the axis by which it was reached: 0 along x, 1 along y.
  const cost = new Map<number, number>();
  const cameFrom = new Map<number, number>();
  const queue = new Heap();
  for (const start of starts) {
    cost.set(nodeOf(start) * 2, 0);
    queue.push(0, nodeOf(start) * 2);
  }
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const node = state >> 1;
    const axis = state & 1;
    if (goal.has(node) && axis === 0) return trace(state, cameFrom).map((s) => pointOf(s >> 1));
    const here = pointOf(node);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      const x = xs[(node % columns) + dx];
      const y = ys[Math.floor(node / columns) + dy];
      if (x === undefined || y === undefined || (dx === 0 && !lanes.has(x))) continue;
      const there = { x, y };
      if (blocked.some((rect) => entersRect(here, there, rect))) continue;
      const turn = dx === 0 ? 1 : 0;
      const next = (node + dx + dy * columns) * 2 + turn;
      const value =
        (cost.get(state) ?? 0) + Math.abs(x - here.x) + Math.abs(y - here.y) + (turn !== axis ? bendCost : 0);
      if (value < (cost.get(next) ?? Number.POSITIVE_INFINITY)) {
        cost.set(next, value);
        cameFrom.set(next, state);
        queue.push(value, next);
      }
    }
  }
  return [];
}

function trace(end: number, cameFrom: Map<number, number>): number[] {
  const states = [end];
  for (let at = cameFrom.get(end); at !== undefined; at = cameFrom.get(at)) states.unshift(at);
  return states;
}

function straighten(points: Point[]): Point[] {
  return points.filter((p, i) => {
    const a = points[i - 1];
    const b = points[i + 1];
    return !a || !b || !((a.x === p.x && p.x === b.x) || (a.y === p.y && p.y === b.y));
  });
}

const unique = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);

class Heap {
  private readonly items: { key: number; value: number }[] = [];

  push(key: number, value: number) {
    const items = this.items;
    let i = items.length;
    items.push({ key, value });
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((items[parent]?.key ?? 0) <= key) break;
      items[i] = items[parent] as { key: number; value: number };
      i = parent;
    }
    items[i] = { key, value };
  }

  pop(): number | undefined {
    const items = this.items;
    const top = items[0];
    const last = items.pop();
    if (!top || !last) return undefined;
    if (items.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= items.length) break;
        const other = items[child + 1];
        if (other && other.key < (items[child]?.key ?? 0)) child++;
        if ((items[child]?.key ?? 0) >= last.key) break;
        items[i] = items[child] as { key: number; value: number };
        i = child;
      }
      items[i] = last;
    }
    return top.value;
  }
}
