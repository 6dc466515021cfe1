import { describe, expect, test } from "vitest";
import { mapOf, shop } from "./fixtures";
import { buildScene, fineKeys, selectorOf } from "./scene";

const keys = ["app", "env"];
const open = () => true;
const closed = () => false;

describe("buildScene", () => {
  test("puts production's deck first and the unlabelled last", () => {
    const scene = buildScene(mapOf(["a/dev/x", "a//x", "a/prod/x"]), keys, closed);
    expect(scene.decks.map((d) => d.name)).toEqual(["prod", "dev", "no env"]);
  });

  test("folds members and links into closed compartments, and nothing is lost", () => {
    const scene = buildScene(shop, keys, closed);
    expect(scene.nodes.get("app=shop,env=prod")?.members).toBe(8);
    const drawn = [...scene.strands, ...[...scene.loops.values()].flat()].reduce((n, s) => n + s.connections, 0);
    expect(drawn).toBe(shop.links.reduce((n, l) => n + l.connections, 0));
    expect(scene.loops.get("app=shop,env=prod")?.[0]?.services.map((s) => s.port)).toContain("tcp/8080");
  });

  test("shows cells where open, one strand for each verdict", () => {
    const scene = buildScene(shop, keys, open);
    expect(scene.strands.map((s) => s.id)).toContain("app=shop,env=dev,role=web>app=shop,env=prod,role=db>blocked");
    expect(scene.nodes.get("app=shop,env=prod,role=db")?.parent).toBe("app=shop,env=prod");
  });

  test("a group's mode is the lowest of its members'", () => {
    const view = mapOf(["a/prod/x", "a/prod/y"]);
    view.groups = view.groups.map((g, i) => ({ ...g, inbound: i === 0 ? "full" : "selective" }));
    const node = buildScene(view, keys, closed).nodes.get("app=a,env=prod");
    expect([node?.inbound, node?.mixedModes]).toEqual(["selective", true]);
  });

  test("marks what a draft would newly block, and walls it would raise", () => {
    const enforced = mapOf(["a/prod/x", "b/prod/y"], [["a/prod/x", "b/prod/y", "tcp/1", "potentiallyBlocked"]]);
    const draft = mapOf(["a/prod/x", "b/prod/y"], [["a/prod/x", "b/prod/y", "tcp/1", "blocked"]]);
    draft.groups = draft.groups.map((g) => (g.id.startsWith("b") ? { ...g, inbound: "full" as const } : g));
    const scene = buildScene(draft, keys, closed, enforced);
    expect(scene.strands[0]?.change).toBe("newlyBlocked");
    expect(scene.nodes.get("app=b,env=prod")?.staged).toBe(true);
    expect(scene.nodes.get("app=a,env=prod")?.staged).toBe(false);
  });
});

test.each([
  [["app", "env"], false, ["app", "env", "role"]],
  [["app", "env"], true, ["app", "env", "role", "workload"]],
  [["role", "env"], false, ["role", "env", "workload"]],
] as const)("fineKeys(%j, %s)", (group, workloads, expected) => {
  expect(fineKeys(group, workloads)).toEqual(expected);
});

test("a missing key can't be said in a selector", () => {
  expect(selectorOf({ app: "shop", env: "" })).toBeNull();
  expect(selectorOf({ app: "shop", env: "prod" })).toBe("app=shop,env=prod");
});
