import { expect, test } from "vitest";
import { grantWords } from "./session";

test("grants read as words, with their scope", () => {
  expect(
    grantWords([
      { role: "policyEditor", scope: "app=shop" },
      { role: "viewer", scope: null },
    ]),
  ).toBe("policy editor of app=shop, viewer");
});
