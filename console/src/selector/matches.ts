import type { Labels } from "../api/types";

/** Whether a selector picks a workload with these labels; null while the text is not a selector. For search only: the controller decides. */
export function matches(selector: string, labels: Labels): boolean | null {
  const text = selector.trim();
  if (text === "all") return true;
  let all = true;
  for (const term of text.split(",")) {
    const [, key, op, list] = /^\s*([^=!\s]+)\s*(!?=)\s*(.+?)\s*$/.exec(term) ?? [];
    if (key === undefined || list === undefined) return null;
    const value = labels[key];
    const one = value !== undefined && (list === "*" || list.split("|").some((v) => v.trim() === value));
    if ((op === "!=") === one) all = false;
  }
  return all;
}
