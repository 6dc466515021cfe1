import { expect, test } from "vitest";
import { mapOf } from "./fixtures";
import { newIn } from "./useCalm";

const before = mapOf(["a/p/x", "b/p/y"], [["a/p/x", "b/p/y", "tcp/1", "allowed"]]);

test("new figures move nothing", () => {
  const after = { ...before, links: before.links.map((l) => ({ ...l, connections: 99 })) };
  expect(newIn(before, after)).toBe(0);
});

test("groups and links that come and go count", () => {
  expect(newIn(before, mapOf(["a/p/x", "b/p/y", "c/p/z"], [["b/p/y", "c/p/z", "tcp/1", "allowed"]]))).toBe(3);
});
