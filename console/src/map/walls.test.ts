import { describe, expect, test } from "vitest";
import type { ModeName } from "../api/types";
import { shop } from "./fixtures";
import { crossings, roundedPath } from "./geometry";
import { spread } from "./lanes";
import { layOut } from "./layout";
import { routeAll } from "./routing";
import { buildScene } from "./scene";
import { doorHalf, drawStrands, type WallKind, wallOf, wallPath } from "./walls";

const node = (inbound: ModeName, outbound: ModeName, extra = {}) => ({
  inbound,
  outbound,
  members: 2,
  quarantined: 0,
  staged: false,
  ...extra,
});

test.each<[ReturnType<typeof node>, WallKind]>([
  [node("visibility", "visibility"), "open"],
  [node("selective", "visibility"), "selective"],
  [node("full", "full"), "full"],
  [node("full", "visibility"), "fullInbound"],
  [node("selective", "full"), "fullOutbound"],
  [node("full", "full", { staged: true }), "staged"],
  [node("visibility", "visibility", { staged: true }), "open"],
  [node("visibility", "visibility", { quarantined: 2 }), "sealed"],
  [node("full", "full", { quarantined: 1 }), "full"],
])("wallOf(%j) is %s", (given, expected) => {
  expect(wallOf(given)).toBe(expected);
});

describe("drawStrands", () => {
  const closed = {
    ...shop,
    groups: shop.groups.map((g) => (g.id.startsWith("shop/prod") ? { ...g, inbound: "full" as const } : g)),
  };
  const scene = buildScene(closed, ["app", "env"], () => true);
  const layout = layOut(scene);
  const { strands, doors } = drawStrands(scene, layout, spread(routeAll(scene, layout), layout.boxes));

  test("an allowed strand has a door in every wall it passes, on that wall", () => {
    const id = "app=users,env=prod,role=client>app=shop,env=prod,role=web>allowed";
    const passed = doors.filter((d) => d.strand === id);
    expect(passed.map((d) => d.node)).toEqual([
      "app=users,env=prod",
      "app=shop,env=prod",
      "app=shop,env=prod,role=web",
    ]);
    for (const door of passed) {
      const rect = layout.boxes.get(door.node);
      expect(
        [rect?.x, (rect?.x ?? 0) + (rect?.w ?? 0)].includes(door.at.x) || door.side === "top" || door.side === "bottom",
      ).toBe(true);
    }
  });

  test("only allowed strands have doors", () => {
    const allowed = new Set(scene.strands.filter((s) => s.verdict === "allowed").map((s) => s.id));
    expect(doors.every((d) => allowed.has(d.strand))).toBe(true);
  });

  test("a blocked strand ends outside the wall that stops it and never enters", () => {
    const fence = layout.boxes.get("app=shop,env=prod");
    const blocked = strands.filter((s) => s.route.strand.verdict === "blocked");
    expect(blocked).toHaveLength(2);
    for (const { cut } of blocked) {
      expect(cut).not.toBeNull();
      const inside =
        fence &&
        cut &&
        cut.at.x > fence.x &&
        cut.at.x < fence.x + fence.w &&
        cut.at.y > fence.y &&
        cut.at.y < fence.y + fence.h;
      expect(inside).toBe(false);
    }
  });
});

describe("wallPath", () => {
  const rect = { x: 0, y: 0, w: 100, h: 60 };

  test("is open exactly where the door is", () => {
    const path = wallPath(rect, 6, [{ at: { x: 0, y: 30 }, side: "left" }], false);
    expect(path).toContain(`M0 54V${30 + doorHalf}`);
    expect(path).toContain(`M0 ${30 - doorHalf}V6`);
  });

  test("two doors that touch leave one opening", () => {
    const doors = [30, 33].map((y) => ({ at: { x: 100, y }, side: "right" as const }));
    expect(wallPath(rect, 6, doors, false)).toContain(`M100 6V${30 - doorHalf}M100 ${33 + doorHalf}V54`);
  });
});

test("crossings come in the line's order, with their side", () => {
  const line = [
    { x: -10, y: 30 },
    { x: 110, y: 30 },
  ];
  expect(crossings(line, { x: 0, y: 0, w: 100, h: 60 }).map((c) => c.side)).toEqual(["left", "right"]);
});

test("corners are rounded no further than half a segment", () => {
  const line = [
    { x: 0, y: 0 },
    { x: 6, y: 0 },
    { x: 6, y: 50 },
  ];
  expect(roundedPath(line, 8)).toBe("M0 0L3 0Q6 0 6 3L6 50");
});
