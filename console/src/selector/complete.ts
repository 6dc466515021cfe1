/** What selectors can be made of here. */
export interface Vocabulary {
  keys: string[];
  values: Map<string, string[]>;
  networks: string[];
}

/** Whole texts that continue what was typed: first keys, then `=` with values, after `|` more values; `all` and networks. */
export function complete(text: string, vocabulary: Vocabulary, networks: boolean): string[] {
  const cut = text.lastIndexOf(",") + 1;
  const before = text.slice(0, cut);
  const term = text.slice(cut).trimStart();
  const [, key, op, list] = /^([^=!]+?)(!?=)(.*)$/.exec(term) ?? [];
  if (key === undefined || op === undefined || list === undefined) {
    const used = new Set(before.split(",").map((t) => /^[^=!]*/.exec(t.trim())?.[0]));
    const keys = vocabulary.keys.filter((k) => k.startsWith(term) && !used.has(k)).map((k) => `${before}${k}=`);
    const words = before === "" ? ["all", ...(networks ? vocabulary.networks.map((n) => `network:${n}`) : [])] : [];
    return [...keys, ...words.filter((w) => w.startsWith(term) && w !== term)];
  }
  const last = list.lastIndexOf("|") + 1;
  const chosen = new Set(list.slice(0, last).split("|"));
  const partial = list.slice(last).trimStart();
  const known = [...(vocabulary.values.get(key) ?? [])].sort();
  const values = known.filter((v) => v.startsWith(partial) && v !== partial && !chosen.has(v));
  const exists = partial === "" && op === "=" && last === 0 ? [`${before}${key}=*`] : [];
  return [...values.map((v) => `${before}${key}${op}${list.slice(0, last)}${v}`), ...exists];
}
