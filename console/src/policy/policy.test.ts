import { expect, test } from "vitest";
import type { DiagnosticView } from "../api/types";
import { at, messageAt, rulePaths } from "./diagnostics";
import { nameFor, newRule, ruleSentence } from "./words";

const problem = (path: string): DiagnosticView => ({ severity: "error", code: "x", path, message: `at ${path}` });
const all = [
  "rulesets[a].rules[1].to",
  "rulesets[a].rules[1].services[0]",
  "rulesets[a].rules[10].to",
  "rulesets[a].rules[id=7].from",
].map(problem);

test.each([
  ["rulesets[a].rules[1]", 2],
  ["rulesets[a].rules[1].services", 1],
  ["rulesets[a]", 4],
  ["rulesets[b]", 0],
])("at(%s) finds %i", (path, count) => {
  expect(at(all, path)).toHaveLength(count);
});

test("a saved rule is found by position and by id", () => {
  const paths = rulePaths("a", 1, 7);
  expect(messageAt(all, ...paths.map((p) => `${p}.from`))).toBe("at rulesets[a].rules[id=7].from");
  expect(messageAt(all, ...paths.map((p) => `${p}.action`))).toBeUndefined();
});

test.each([
  [{ from: "role=web", to: "role=db", services: ["mysql"] }, "role=web may reach role=db on mysql"],
  [{ from: "all", to: "role=db", services: ["any"], action: "override-deny" }, "all may never reach role=db on any"],
  [
    { fromProcess: { path: "/usr/bin/curl" }, from: "all", to: "all", services: ["tcp/80"] },
    "/usr/bin/curl on all may reach all on tcp/80",
  ],
  [{}, "… may reach … on …"],
])("ruleSentence(%j)", (rule, sentence) => {
  expect(ruleSentence({ ...newRule(), ...rule })).toBe(sentence);
});

test.each([
  ["app=shop,env=prod", "shop-prod"],
  ["app=a|b,env=prod", "prod"],
  ["all", ""],
])("nameFor(%s) is '%s'", (selector, name) => {
  expect(nameFor(selector)).toBe(name);
});
