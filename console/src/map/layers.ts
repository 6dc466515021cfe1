/** Puts nodes into columns, consumers left of their providers, and orders each column so that few links cross. */
export function columnsOf(
  ids: readonly string[],
  links: readonly { source: string; destination: string }[],
  pinned: ReadonlyMap<string, { column: number; order: number }> = new Map(),
): string[][] {
  const sorted = [...ids].sort();
  const out = adjacency(sorted, links);
  const column = new Map<string, number>();
  const backward = backEdges(sorted, out);
  const visit = (id: string): number => {
    const known = column.get(id);
    if (known !== undefined) return known;
    const sources = sorted.filter((s) => out.get(s)?.has(id) && !backward.has(`${s}>${id}`));
    const value = sources.reduce((max, s) => Math.max(max, visit(s) + 1), 0);
    column.set(id, value);
    return value;
  };
  for (const id of sorted) visit(id);
  for (const [id, pin] of pinned) if (column.has(id)) column.set(id, pin.column);

  const columns: string[][] = [];
  for (const id of sorted) {
    const index = column.get(id) ?? 0;
    while (columns.length <= index) columns.push([]);
    columns[index]?.push(id);
  }
  return reorder(columns, out, pinned).filter((ids) => ids.length > 0);
}

function adjacency(ids: readonly string[], links: readonly { source: string; destination: string }[]) {
  const out = new Map<string, Set<string>>(ids.map((id) => [id, new Set()]));
  for (const { source, destination } of links) {
    if (source !== destination && out.has(destination)) out.get(source)?.add(destination);
  }
  return out;
}

/** Links that close a cycle, found depth first in name order: the same each time. */
function backEdges(ids: readonly string[], out: Map<string, Set<string>>): Set<string> {
  const state = new Map<string, "open" | "done">();
  const back = new Set<string>();
  const visit = (id: string) => {
    state.set(id, "open");
    for (const next of [...(out.get(id) ?? [])].sort()) {
      if (state.get(next) === "open") back.add(`${id}>${next}`);
      else if (!state.has(next)) visit(next);
    }
    state.set(id, "done");
  };
  const indegree = new Map<string, number>();
  for (const targets of out.values()) for (const t of targets) indegree.set(t, (indegree.get(t) ?? 0) + 1);
  for (const id of [...ids].sort((a, b) => (indegree.get(a) ?? 0) - (indegree.get(b) ?? 0) || (a < b ? -1 : 1))) {
    if (!state.has(id)) visit(id);
  }
  return back;
}

function reorder(
  columns: string[][],
  out: Map<string, Set<string>>,
  pinned: ReadonlyMap<string, { column: number; order: number }>,
): string[][] {
  const position = new Map<string, number>();
  const note = () => {
    for (const ids of columns) {
      for (const [i, id] of ids.entries()) position.set(id, (i + 0.5) / ids.length);
    }
  };
  note();
  const neighbours = (id: string) => {
    const list = [...(out.get(id) ?? [])];
    for (const [source, targets] of out) if (targets.has(id)) list.push(source);
    return list;
  };
  for (let sweep = 0; sweep < 4; sweep++) {
    for (const ids of columns) {
      const key = new Map(
        ids.map((id) => {
          const near = neighbours(id).map((n) => position.get(n) ?? 0.5);
          const own = position.get(id) ?? 0.5;
          return [id, near.length > 0 ? near.reduce((a, b) => a + b, 0) / near.length : own];
        }),
      );
      ids.sort((a, b) => (key.get(a) ?? 0) - (key.get(b) ?? 0) || (a < b ? -1 : 1));
    }
    note();
  }
  const rank = (ids: string[], id: string) => pinned.get(id)?.order ?? ids.indexOf(id) + 0.5;
  return columns.map((ids) => [...ids].sort((a, b) => rank(ids, a) - rank(ids, b)));
}
