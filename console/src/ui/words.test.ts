import { describe, expect, test } from "vitest";
import { blockedSentence } from "../draft/impact";
import { ago, bytes, groupWords, plural } from "./words";

test.each([
  [0, "now"],
  [12, "12 s ago"],
  [119, "1 min ago"],
  [7200, "2 h ago"],
  [200_000, "2 d ago"],
  [-3600, "in 1 h"],
])("ago(%i s) is '%s'", (seconds, words) => {
  expect(ago(0, seconds * 1000)).toBe(words);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1400, "1.4 kB"],
  [25_000_000, "25 MB"],
])("bytes(%i) is '%s'", (count, words) => {
  expect(bytes(count)).toBe(words);
});

test("counts are grouped and agree with their noun", () => {
  expect([plural(1, "host"), plural(12_345, "host"), plural(0, "entry", "entries")]).toEqual([
    "1 host",
    "12 345 hosts",
    "0 entries",
  ]);
});

test("groups are named as operators name them", () => {
  expect(groupWords({ role: "web", app: "shop", env: "prod" })).toBe("web of shop/prod");
  expect(groupWords({ app: "shop" })).toBe("shop");
  expect(groupWords({})).toBeNull();
});

describe("blockedSentence", () => {
  const edge = (lastSeen: string) => ({ lastSeen }) as never;
  const impact = (blocked: string[], allowed = 0) =>
    ({
      to: "2026-01-08T00:00:00Z",
      newlyBlocked: blocked.map(edge),
      newlyAllowed: Array(allowed).fill(edge("")),
    }) as never;
  const today = "2026-01-07T20:00:00Z";
  const old = "2026-01-02T00:00:00Z";

  test.each([
    [impact([]), "Nothing that was seen is decided differently."],
    [impact([], 2), "Nothing newly blocked, 2 connections newly allowed."],
    [impact([today, old, old]), "3 connections newly blocked, 1 of them seen in the last day."],
    [impact([old]), "1 connection newly blocked, none of them seen in the last day."],
    [impact([today]), "1 connection newly blocked, seen in the last day."],
  ])("%#", (given, sentence) => {
    expect(blockedSentence(given)).toBe(sentence);
  });
});
