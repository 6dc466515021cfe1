import { describe, expect, test } from "vitest";
import { complete, type Vocabulary } from "./complete";
import { matches } from "./matches";

const vocabulary: Vocabulary = {
  keys: ["app", "env", "role"],
  values: new Map([
    ["app", ["shop", "pay"]],
    ["role", ["web", "worker", "db"]],
  ]),
  networks: ["offices"],
};

describe("complete", () => {
  test.each([
    ["", false, ["app=", "env=", "role=", "all"]],
    ["", true, ["app=", "env=", "role=", "all", "network:offices"]],
    ["net", true, ["network:offices"]],
    ["ap", false, ["app="]],
    ["app=", false, ["app=pay", "app=shop", "app=*"]],
    ["app=s", false, ["app=shop"]],
    ["app=shop,", false, ["app=shop,env=", "app=shop,role="]],
    ["app=shop,role=w", false, ["app=shop,role=web", "app=shop,role=worker"]],
    ["role=web|", false, ["role=web|db", "role=web|worker"]],
    ["role!=", false, ["role!=db", "role!=web", "role!=worker"]],
    ["app=shop", false, []],
    ["owner=", false, ["owner=*"]],
  ])("'%s' (networks: %s)", (text, networks, expected) => {
    expect(complete(text, vocabulary, networks)).toEqual(expected);
  });
});

describe("matches", () => {
  const labels = { app: "shop", env: "prod" };
  test.each([
    ["all", true],
    ["app=shop", true],
    ["app=shop,env=dev", false],
    ["app=pay|shop", true],
    ["env!=dev", true],
    ["owner!=me", true],
    ["owner=*", false],
    ["env=*", true],
    ["app", null],
    ["app=", null],
  ])("'%s' is %s", (selector, expected) => {
    expect(matches(selector, labels)).toBe(expected);
  });
});
