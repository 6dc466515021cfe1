import { describe, expect, test } from "vitest";
import { shop } from "./fixtures";
import { entersRect, type Point, type Rect } from "./geometry";
import { spread } from "./lanes";
import { columnsOf } from "./layers";
import { layOut } from "./layout";
import { type Route, routeAll } from "./routing";
import { buildScene, type Scene } from "./scene";

const scene = buildScene(shop, ["app", "env"], () => true);
const layout = layOut(scene);
const routes = spread(routeAll(scene, layout), layout.boxes);

const top = (id: string): string => {
  const parent = scene.nodes.get(id)?.parent;
  return parent ? top(parent) : id;
};
const segments = (route: Route): [Point, Point][] => route.points.slice(1).map((p, i) => [route.points[i] as Point, p]);
const rectOf = (id: string) => layout.boxes.get(id) as Rect;
const overlap = (a: Rect, b: Rect) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const siblings = (scene: Scene, parent: string | null) => [...scene.nodes.values()].filter((n) => n.parent === parent);

describe("layOut", () => {
  test("gives every visible node a place, and no two siblings the same", () => {
    for (const node of scene.nodes.values()) {
      for (const other of siblings(scene, node.parent)) {
        if (other.id !== node.id)
          expect(overlap(rectOf(node.id), rectOf(other.id)), `${node.id} ${other.id}`).toBe(false);
      }
    }
  });

  test("is the same whatever the order of the answer", () => {
    const reversed = { ...shop, groups: [...shop.groups].reverse(), links: [...shop.links].reverse() };
    const other = layOut(buildScene(reversed, ["app", "env"], () => true));
    expect(Object.fromEntries(other.boxes)).toEqual(Object.fromEntries(layout.boxes));
  });

  test("folding a compartment changes nobody's column or order", () => {
    const folded = layOut(
      buildScene(shop, ["app", "env"], (id) => id !== "app=shop,env=prod"),
      layout.pins,
    );
    expect(folded.pins).toEqual(layout.pins);
  });

  test("unmanaged ends stand outside the hull", () => {
    expect(overlap(rectOf("internet"), layout.hull)).toBe(false);
  });
});

describe("routes", () => {
  test("every strand has one, axis-parallel, from its source's side to its destination's", () => {
    expect(routes).toHaveLength(scene.strands.length);
    for (const route of routes) {
      for (const [a, b] of segments(route)) expect(a.x === b.x || a.y === b.y).toBe(true);
    }
  });

  test("none passes through a compartment that is not its own", () => {
    for (const route of routes) {
      const own = [top(route.strand.source), top(route.strand.destination)];
      for (const node of siblings(scene, null).filter((n) => !own.includes(n.id))) {
        for (const [a, b] of segments(route)) {
          expect(entersRect(a, b, rectOf(node.id)), `${route.strand.id} through ${node.id}`).toBe(false);
        }
      }
    }
  });

  test("none passes through a cell that is not its end", () => {
    const cells = [...scene.nodes.values()].filter((n) => n.kind === "cell");
    for (const route of routes) {
      for (const cell of cells.filter((c) => c.id !== route.strand.source && c.id !== route.strand.destination)) {
        for (const [a, b] of segments(route)) {
          expect(entersRect(a, b, rectOf(cell.id)), `${route.strand.id} through ${cell.id}`).toBe(false);
        }
      }
    }
  });
});

describe("columnsOf", () => {
  const link = (text: string) => {
    const [source = "", destination = ""] = text.split(">");
    return { source, destination };
  };

  test.each([
    ["a chain goes left to right", ["c", "b", "a"], ["a>b", "b>c"], [["a"], ["b"], ["c"]]],
    ["a cycle is cut at the same place each time", ["a", "b"], ["a>b", "b>a"], [["a"], ["b"]]],
    ["nodes without links stand left", ["x", "a", "b"], ["a>b"], [["a", "x"], ["b"]]],
    ["a link to itself means nothing", ["a"], ["a>a"], [["a"]]],
  ])("%s", (_, ids, links, expected) => {
    expect(columnsOf(ids, links.map(link)).map((column) => [...column].sort())).toEqual(expected);
  });

  test("a pinned node keeps its column and order", () => {
    const pins = new Map([
      ["b", { column: 0, order: 0 }],
      ["a", { column: 0, order: 1 }],
    ]);
    expect(columnsOf(["a", "b"], [link("a>b")], pins)).toEqual([["b", "a"]]);
  });
});
