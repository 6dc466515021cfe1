import { bottom, centre, type Rect, right } from "./geometry";
import { columnsOf } from "./layers";
import type { MapNode, Scene } from "./scene";

/** Where each visible node stands, in map units (CSS pixels at zoom 1). */
export interface Layout {
  hull: Rect;
  decks: { name: string; rect: Rect }[];
  boxes: Map<string, Rect>;
  /** Free lines along which links may run: between compartments, and within each open one. */
  lanes: { xs: number[]; ys: number[]; within: Map<string, { xs: number[]; ys: number[] }> };
  bounds: Rect;
  pins: Pins;
}

/** Column and order of each compartment that has had links: kept, so that it is there tomorrow too. */
export type Pins = Record<string, { column: number; order: number }>;

export const size = {
  cell: { w: 144, h: 54 },
  header: 40,
  row: 28,
  rows: 8,
  padX: 34,
  padY: 26,
  gapX: 50,
  gapY: 30,
  gutter: 68,
  deckGap: 46,
  deckHeader: 46,
  hullPad: 12,
  rim: 96,
  outside: { w: 148, h: 44 },
} as const;

interface Block {
  w: number;
  h: number;
  put: (x: number, y: number) => void;
}

/** Lays out a scene: deterministic, and with the same pins in the same order whatever is open. */
export function layOut(scene: Scene, pins: Pins = {}): Layout {
  const boxes = new Map<string, Rect>();
  const within = new Map<string, { xs: number[]; ys: number[] }>();
  const topOf = (id: string): string => {
    const parent = scene.nodes.get(id)?.parent;
    return parent ? topOf(parent) : id;
  };
  const topLinks = scene.strands
    .map((s) => ({ source: topOf(s.source), destination: topOf(s.destination) }))
    .filter((l) => l.source !== l.destination);

  const columnsByDeck = scene.decks.map((deck) =>
    columnsOf(
      deck.compartments.map((node) => node.id),
      topLinks,
      new Map(Object.entries(pins)),
    ),
  );
  const blocks = new Map<string, Block>();
  for (const node of scene.decks.flatMap((deck) => deck.compartments)) {
    blocks.set(node.id, compartmentBlock(node, scene, boxes, within));
  }
  const hullX = scene.outside.length > 0 ? size.outside.w + size.rim : 0;
  const widthsByDeck = columnsByDeck.map((columns) =>
    columns.map((ids) => Math.max(size.cell.w, ...ids.map((id) => blocks.get(id)?.w ?? 0))),
  );
  const deckWidths = widthsByDeck.map((widths) => sum(widths) + (widths.length + 1) * size.gutter);
  const hullWidth = Math.max(480, ...deckWidths);
  const xs: number[] = [];
  const ys: number[] = [];

  const decks: Layout["decks"] = [];
  let y: number = size.hullPad;
  columnsByDeck.forEach((columns, index) => {
    const name = scene.decks[index]?.name ?? "";
    const widths = widthsByDeck[index] ?? [];
    const left = hullX + Math.round((hullWidth - (deckWidths[index] ?? 0)) / 2);
    const starts = widths.map((_, i) => left + size.gutter + sum(widths.slice(0, i)) + i * size.gutter);
    for (const end of [...starts, (starts.at(-1) ?? left) + (widths.at(-1) ?? 0) + size.gutter]) addLane(xs, end);
    const head = name ? size.deckHeader : size.padY;
    const heights = columns.map((ids) => stackHeight(ids, blocks));
    const height = Math.max(size.cell.h, ...heights);
    ys.push(y + head - 10);
    columns.forEach((ids, i) => {
      let at = y + head + (height - (heights[i] ?? 0)) / 2;
      ids.forEach((id, position) => {
        const block = blocks.get(id);
        if (!block) return;
        block.put((starts[i] ?? 0) + ((widths[i] ?? 0) - block.w) / 2, at);
        at += block.h;
        if (position + 1 < ids.length) ys.push(at + size.gapY / 2);
        at += size.gapY;
      });
    });
    const rect = { x: hullX, y, w: hullWidth, h: head + height + size.deckGap };
    ys.push(bottom(rect) - size.deckGap / 2);
    decks.push({ name, rect });
    y = bottom(rect);
  });
  const hull = { x: hullX, y: 0, w: hullWidth, h: Math.max(y + size.hullPad / 2, 200) };
  const bounds = placeOutside(scene, hull, topLinks, boxes, xs);
  return {
    hull,
    decks,
    boxes,
    lanes: { xs: sorted(xs), ys: sorted(ys), within },
    bounds,
    pins: pinsOf(columnsByDeck, topLinks, pins),
  };
}

/** A vertical lane in the gutter that ends at `end`; a lane of another deck that lies in it serves as well. */
function addLane(xs: number[], end: number) {
  const start = end - size.gutter;
  if (!xs.some((x) => x > start + 20 && x < end - 20)) xs.push(end - size.gutter / 2);
}

function compartmentBlock(
  node: MapNode,
  scene: Scene,
  boxes: Map<string, Rect>,
  within: Map<string, { xs: number[]; ys: number[] }>,
): Block {
  if (!node.open || node.children.length === 0) {
    const w = size.cell.w + 40;
    const h = size.cell.h + 20;
    return { w, h, put: (x, y) => boxes.set(node.id, { x, y, w, h }) };
  }
  const columns = columnsOf(
    node.children.map((child) => child.id),
    scene.strands.map((s) => ({ source: cellOf(scene, s.source), destination: cellOf(scene, s.destination) })),
  );
  const byId = new Map(node.children.map((child) => [child.id, child]));
  const heightOf = (id: string) => cellHeight(byId.get(id));
  const heights = columns.map((ids) => sum(ids.map(heightOf)) + (ids.length - 1) * size.gapY);
  const inner = Math.max(size.cell.h, ...heights);
  const w = 2 * size.padX + columns.length * size.cell.w + (columns.length - 1) * size.gapX;
  const h = size.header + inner + size.padY;
  const put = (x: number, y: number) => {
    boxes.set(node.id, { x, y, w, h });
    const lanes = { xs: [x + size.padX / 2, x + w - size.padX / 2], ys: [y + size.header - 8, y + h - size.padY / 2] };
    columns.forEach((ids, i) => {
      const cx = x + size.padX + i * (size.cell.w + size.gapX);
      if (i > 0) lanes.xs.push(cx - size.gapX / 2);
      let cy = y + size.header + (inner - (heights[i] ?? 0)) / 2;
      ids.forEach((id, position) => {
        const rect = { x: cx, y: cy, w: size.cell.w, h: heightOf(id) };
        putCell(byId.get(id), rect, boxes);
        cy = bottom(rect);
        if (position + 1 < ids.length) lanes.ys.push(cy + size.gapY / 2);
        cy += size.gapY;
      });
    });
    within.set(node.id, { xs: sorted(lanes.xs), ys: sorted(lanes.ys) });
  };
  return { w, h, put };
}

function cellOf(scene: Scene, id: string): string {
  const node = scene.nodes.get(id);
  return node?.kind === "workload" && node.parent && scene.nodes.get(node.parent)?.kind === "cell" ? node.parent : id;
}

function cellHeight(cell: MapNode | undefined): number {
  return cell?.open && cell.children.length > 0 ? size.header + cell.children.length * size.row + 4 : size.cell.h;
}

function putCell(cell: MapNode | undefined, rect: Rect, boxes: Map<string, Rect>) {
  if (!cell) return;
  boxes.set(cell.id, rect);
  if (!cell.open) return;
  [...cell.children]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .forEach((row, i) => {
      boxes.set(row.id, { x: rect.x + 8, y: rect.y + size.header + i * size.row, w: rect.w - 16, h: size.row - 4 });
    });
}

/** Unmanaged ends stand at the rim: those that mostly consume on the left, those that mostly serve on the right. */
function placeOutside(
  scene: Scene,
  hull: Rect,
  links: { source: string; destination: string }[],
  boxes: Map<string, Rect>,
  xs: number[],
): Rect {
  const left: { id: string; want: number }[] = [];
  const rightSide: { id: string; want: number }[] = [];
  for (const node of scene.outside) {
    const consumes = links.filter((l) => l.source === node.id).length;
    const serves = links.filter((l) => l.destination === node.id).length;
    const near = links
      .filter((l) => l.source === node.id || l.destination === node.id)
      .map((l) => boxes.get(l.source === node.id ? l.destination : l.source))
      .filter((r) => r !== undefined)
      .map((r) => centre(r).y);
    const want = near.length > 0 ? sum(near) / near.length : hull.y + hull.h / 2;
    (serves > consumes ? rightSide : left).push({ id: node.id, want });
  }
  const stack = (list: { id: string; want: number }[], x: number) => {
    let y = hull.y + size.hullPad;
    for (const { id, want } of list.sort((a, b) => a.want - b.want || (a.id < b.id ? -1 : 1))) {
      y = Math.max(y, want - size.outside.h / 2);
      boxes.set(id, { x, y, ...size.outside });
      y += size.outside.h + size.gapY;
    }
    return y;
  };
  const ends = [stack(left, hull.x - size.rim - size.outside.w), stack(rightSide, right(hull) + size.rim)];
  if (left.length > 0) xs.push(hull.x - size.rim / 2);
  if (rightSide.length > 0) xs.push(right(hull) + size.rim / 2);
  const x = left.length > 0 ? hull.x - size.rim - size.outside.w : hull.x;
  const end = rightSide.length > 0 ? right(hull) + size.rim + size.outside.w : right(hull);
  return { x, y: hull.y, w: end - x, h: Math.max(hull.h, ...ends) };
}

function pinsOf(decks: string[][][], links: { source: string; destination: string }[], old: Pins): Pins {
  const linked = new Set(links.flatMap((l) => [l.source, l.destination]));
  const pins: Pins = { ...old };
  for (const columns of decks) {
    columns.forEach((ids, column) => {
      ids.forEach((id, order) => {
        if (linked.has(id)) pins[id] = { column, order };
      });
    });
  }
  return pins;
}

const stackHeight = (ids: string[], blocks: Map<string, Block>) =>
  sum(ids.map((id) => blocks.get(id)?.h ?? 0)) + (ids.length - 1) * size.gapY;
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
const sorted = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
