import { expect, test } from "vitest";
import type { WorkloadView } from "../api/types";
import { editTo, readLabels } from "./labels";

test.each([
  ["app=shop env=prod", { app: "shop", env: "prod" }],
  ["app=shop,env=prod", { app: "shop", env: "prod" }],
  ["  ", {}],
])("reads '%s'", (text, labels) => {
  expect(readLabels(text)).toEqual({ labels, problem: null });
});

test.each(["app", "app=", "=shop", "app=a|b", "app!=b", "app=a app=b"])("refuses '%s' with a sentence", (text) => {
  expect(readLabels(text).problem).toMatch(/'.+'/);
});

test("an edit sets what differs and removes what is gone", () => {
  const workload = { id: "1", labels: { app: "shop", env: "dev", loc: "fra" }, version: 4 } as unknown as WorkloadView;
  expect(editTo(workload, { app: "shop", env: "prod" })).toEqual({
    workload: "1",
    set: { env: "prod" },
    remove: ["loc"],
    version: 4,
  });
});
