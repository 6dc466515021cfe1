import { expect, test } from "vitest";
import { readState, writeState } from "./url";

test.each([
  "",
  "group=app",
  "view=draft",
  "since=24h&sel=app%3Dshop%2Cenv%3Dprod",
  "toggle=app%3Da&toggle=app%3Db",
  "hide=allowed%2Cunknown&as=table&at=-12%2C40%2C0.75",
])("'%s' is read and written back the same", (text) => {
  expect(writeState(readState(new URLSearchParams(text))).toString()).toBe(text);
});

test.each(["view=secret", "since=soon", "hide=everything", "at=1,2", "at=a,b,c", "as=poem"])(
  "'%s' says nothing and is dropped",
  (text) => {
    expect(writeState(readState(new URLSearchParams(text))).toString()).toBe("");
  },
);
