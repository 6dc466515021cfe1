import { expect, test } from "vitest";
import { gapTitle, gapWords } from "./gaps";

test.each([
  [[0, 0, 0], ""],
  [[1, 0, 0], "1 connection lost"],
  [[1200, 1, 0], "1 200 connections lost, 1 connection without all of its traffic"],
  [[0, 2, 3], "2 connections without all of their traffic, up to 3 connections without a process"],
] as const)("gapWords(%j)", ([lost, incomplete, unnamed], words) => {
  expect(gapWords({ lost, incomplete, unnamed })).toBe(words);
});

test("only what was lost means that there was more than is shown", () => {
  const gaps = { lost: 0, incomplete: 0, unnamed: 1, agents: 1, workloads: [] };
  expect(gapTitle(gaps)).toBe("up to 1 connection without a process.");
  expect(gapTitle({ ...gaps, lost: 2, unnamed: 0 })).toBe("2 connections lost: there was more traffic than is shown.");
});
