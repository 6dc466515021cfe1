import type { ModeName } from "../api/types";
import { crossings, distance, type Point, type Rect, right, roundedPath, type Side, towards } from "./geometry";
import type { Layout } from "./layout";
import type { Route } from "./routing";
import type { MapNode, Scene } from "./scene";

/** How a compartment's outline is drawn: it says how closed the compartment is. */
export type WallKind = "open" | "staged" | "selective" | "full" | "fullInbound" | "fullOutbound" | "sealed";

export function wallOf(node: Pick<MapNode, "inbound" | "outbound" | "members" | "quarantined" | "staged">): WallKind {
  const enforcing = node.inbound !== "visibility" || node.outbound !== "visibility";
  if (node.members > 0 && node.quarantined >= node.members) return "sealed";
  if (node.staged && enforcing) return "staged";
  if (node.inbound === "full" && node.outbound === "full") return "full";
  if (node.inbound === "full") return "fullInbound";
  if (node.outbound === "full") return "fullOutbound";
  return enforcing ? "selective" : "open";
}

const sameBothWays: Record<ModeName, string> = {
  visibility: "no wall yet: everything passes and is reported",
  selective: "deny rules block in both directions",
  full: "closed in both directions but for its doors",
};

/** How closed it is, in words. */
export function wallSentence(node: MapNode): string {
  if (wallOf(node) === "sealed") return "in quarantine";
  const words =
    node.inbound === node.outbound ? sameBothWays[node.inbound] : `inbound ${node.inbound}, outbound ${node.outbound}`;
  return node.staged ? `${words} (drafted, not provisioned)` : words;
}

/** An opening in a wall, in map units. */
export interface Door {
  node: string;
  at: Point;
  side: Side;
  strand: string;
}

/** A strand as drawn: cut at the wall if blocked there. */
export interface DrawnStrand {
  route: Route;
  path: string;
  end: Point;
  /** The direction of its last step, as a unit vector. */
  heading: Point;
  /** Where a kernel stops it, if it does. */
  cut: { at: Point; heading: Point } | null;
  middle: Point;
}

const standOff = 5;

/** Draws strands against walls: allowed ones get doors, blocked ones end before the wall that stops them. */
export function drawStrands(scene: Scene, layout: Layout, routes: readonly Route[]) {
  const doors: Door[] = [];
  const strands = routes.map((route): DrawnStrand => {
    const passed = wallsPassed(scene, layout, route);
    let points = route.points;
    let cut: DrawnStrand["cut"] = null;
    if (route.strand.verdict === "allowed") {
      doors.push(...passed.map(({ node, at, side }) => ({ node, at, side, strand: route.strand.id })));
    } else if (route.strand.verdict === "blocked") {
      const stop = stoppedAt(scene, route, passed);
      if (stop) {
        const before = points[stop.segment] as Point;
        const at = towards(stop.at, before, Math.min(standOff, distance(stop.at, before)));
        points = [...points.slice(0, stop.segment + 1), at];
        cut = { at, heading: heading(before, stop.at) };
      }
    }
    const end = points.at(-1) as Point;
    const middle = middleOf(points);
    return { route, path: roundedPath(points, 8), end, heading: heading(points.at(-2) as Point, end), cut, middle };
  });
  return { strands, doors };
}

interface Passed {
  node: string;
  at: Point;
  side: Side;
  segment: number;
  leaving: boolean;
}

/** Every wall between the two ends, in the order in which the strand meets them. */
function wallsPassed(scene: Scene, layout: Layout, { strand, points }: Route): Passed[] {
  const ancestors = (id: string): string[] => {
    const parent = scene.nodes.get(id)?.parent;
    return parent ? [...ancestors(parent), parent] : [];
  };
  const out = ancestors(strand.source);
  const into = ancestors(strand.destination);
  const passed: Passed[] = [];
  const add = (node: string, leaving: boolean) => {
    const rect = layout.boxes.get(node);
    const met = rect ? crossings(points, rect) : [];
    const crossing = leaving ? met[0] : met.at(-1);
    if (crossing) passed.push({ node, leaving, ...crossing });
  };
  for (const node of out.filter((id) => !into.includes(id)).reverse()) add(node, true);
  for (const node of into.filter((id) => !out.includes(id))) add(node, false);
  const target = scene.nodes.get(strand.destination);
  const rect = layout.boxes.get(strand.destination);
  const at = points.at(-1);
  if (rect && at && target && target.kind !== "network" && target.kind !== "internet") {
    const side: Side = Math.abs(at.x - rect.x) < 1 ? "left" : Math.abs(at.x - right(rect)) < 1 ? "right" : "top";
    passed.push({ node: strand.destination, at, side, segment: points.length - 2, leaving: false });
  }
  return passed;
}

/** The provider's outermost wall if its inbound side enforces, else the consumer's, else the provider's all the same. */
function stoppedAt(scene: Scene, { strand }: Route, passed: readonly Passed[]): Passed | undefined {
  const entering = passed.find((p) => !p.leaving);
  const leaving = passed.find((p) => p.leaving);
  const provider = scene.nodes.get(strand.destination);
  const consumer = scene.nodes.get(strand.source);
  const enforces = (node: MapNode | undefined, mode: ModeName | undefined) =>
    !!node && (mode !== "visibility" || node.quarantined > 0);
  if (entering && enforces(provider, provider?.inbound)) return entering;
  if (enforces(consumer, consumer?.outbound)) return leaving ?? entering;
  return entering ?? leaving;
}

const heading = (a: Point, b: Point): Point => ({ x: Math.sign(b.x - a.x), y: Math.sign(b.y - a.y) });

function middleOf(points: readonly Point[]): Point {
  let best: [Point, Point] = [points[0] as Point, points[0] as Point];
  for (let i = 0; i + 1 < points.length; i++) {
    const pair: [Point, Point] = [points[i] as Point, points[i + 1] as Point];
    if (distance(...pair) > distance(...best)) best = pair;
  }
  return { x: (best[0].x + best[1].x) / 2, y: (best[0].y + best[1].y) / 2 };
}

/** Half the width of a door's opening. */
export const doorHalf = 4;

/** The outline of a compartment, open where its doors are; a torn corner says that telemetry is missing. */
export function wallPath(r: Rect, radius: number, doors: readonly Pick<Door, "at" | "side">[], torn: boolean): string {
  const gaps = (side: Side, along: (p: Point) => number, from: number, to: number) => {
    const forward = to > from;
    const spans = doors
      .filter((door) => door.side === side)
      .map((door) => along(door.at))
      .sort((a, b) => (forward ? a - b : b - a));
    const sign = forward ? 1 : -1;
    const pieces: [number, number][] = [];
    let at = from;
    for (const span of spans) {
      const [start, end] = [span - sign * doorHalf, span + sign * doorHalf];
      if ((start - at) * sign > 0) pieces.push([at, start]);
      if ((end - at) * sign > 0) at = end;
    }
    if ((to - at) * sign > 0) pieces.push([at, to]);
    return pieces;
  };
  const x = (p: Point) => p.x;
  const y = (p: Point) => p.y;
  const [l, t, rr, b] = [r.x, r.y, right(r), r.y + r.h];
  const tear = 14;
  const corner = torn ? tear : radius;
  const lines = [
    ...gaps("top", x, l + radius, rr - corner).map(([from, to]) => `M${from} ${t}H${to}`),
    torn ? `M${rr - tear} ${t}l2 5l3 -1l1 5l4 -1l-1 4l5 2` : `M${rr - radius} ${t}Q${rr} ${t} ${rr} ${t + radius}`,
    ...gaps("right", y, t + corner, b - radius).map(([from, to]) => `M${rr} ${from}V${to}`),
    `M${rr} ${b - radius}Q${rr} ${b} ${rr - radius} ${b}`,
    ...gaps("bottom", x, rr - radius, l + radius).map(([from, to]) => `M${from} ${b}H${to}`),
    `M${l + radius} ${b}Q${l} ${b} ${l} ${b - radius}`,
    ...gaps("left", y, b - radius, t + radius).map(([from, to]) => `M${l} ${from}V${to}`),
    `M${l} ${t + radius}Q${l} ${t} ${l + radius} ${t}`,
  ];
  return lines.join("");
}

/** The two posts of a door, across the wall. */
export function doorPosts({ at, side }: Pick<Door, "at" | "side">, length: number): string {
  const vertical = side === "left" || side === "right";
  return [-doorHalf, doorHalf]
    .map((d) =>
      vertical ? `M${at.x - length / 2} ${at.y + d}h${length}` : `M${at.x + d} ${at.y - length / 2}v${length}`,
    )
    .join("");
}
