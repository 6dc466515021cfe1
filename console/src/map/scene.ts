import type { Labels, MapGroup, MapLink, MapService, MapView, ModeName, VerdictKind } from "../api/types";

/** What the map draws: compartments in decks, nested at most three levels, and strands between what is visible. */
export interface Scene {
  decks: { name: string; compartments: MapNode[] }[];
  outside: MapNode[];
  /** Between different nodes, in a stable order. */
  strands: Strand[];
  /** Within one node: by its id. */
  loops: Map<string, Strand[]>;
  nodes: Map<string, MapNode>;
}

export interface MapNode {
  /** `app=shop,env=prod` for groups, the server's id for workloads and outside ends. */
  id: string;
  kind: "compartment" | "cell" | "workload" | "network" | "internet";
  name: string;
  parent: string | null;
  labels: Labels;
  members: number;
  inbound: ModeName;
  outbound: ModeName;
  mixedModes: boolean;
  quarantined: number;
  stale: number;
  /** Whether its modes differ from those that hosts enforce now (draft view only). */
  staged: boolean;
  open: boolean;
  children: MapNode[];
  /** Names of the processes seen serving here. */
  serving: string[];
}

/** All flows of one verdict between two visible nodes. */
export interface Strand {
  id: string;
  source: string;
  destination: string;
  verdict: VerdictKind;
  services: MapService[];
  connections: number;
  firstSeen: string;
  lastSeen: string;
  /** Against what hosts enforce now (draft view only). */
  change: "newlyBlocked" | "newlyAllowed" | null;
}

const modeRank: Record<ModeName, number> = { visibility: 0, selective: 1, full: 2 };
const lowest = (a: ModeName, b: ModeName) => (modeRank[a] <= modeRank[b] ? a : b);
const severity: Record<VerdictKind, number> = { blocked: 3, potentiallyBlocked: 2, unknown: 1, allowed: 0 };

/** The label keys to ask for, so that every open node's inside is known. */
export function fineKeys(keys: readonly string[], workloads: boolean): string[] {
  const inner = ["role", "workload"].filter((key) => !keys.includes(key));
  const depth = keys.includes("role") || workloads ? inner.length : 1;
  return [...keys, ...inner.slice(0, depth)];
}

/** The text of the selector that picks a group; null where a key is missing, which no selector can say. */
export function selectorOf(labels: Labels): string | null {
  const terms = Object.entries(labels);
  return terms.length > 0 && terms.every(([, value]) => value !== "")
    ? terms.map(([key, value]) => `${key}=${value}`).join(",")
    : null;
}

/** Folds a finely grouped map into what is visible: `isOpen` says which groups show their inside. */
export function buildScene(
  view: MapView,
  keys: readonly string[],
  isOpen: (id: string) => boolean,
  enforced: MapView | null = null,
): Scene {
  const nodes = new Map<string, MapNode>();
  const leafOf = new Map<string, string>();
  const before = new Map(enforced?.groups.map((group) => [group.id, group]));
  const levels = view.groupBy;
  for (const group of view.groups) {
    leafOf.set(group.id, place(group, keys, levels, isOpen, nodes, before.get(group.id)));
  }
  const { strands, loops } = strandsOf(view.links, leafOf, verdictsOf(enforced, leafOf));
  nameServers(view.links, leafOf, nodes);
  const top = [...nodes.values()].filter((node) => node.parent === null);
  const deckKey = keys.length > 1 ? keys[keys.length - 1] : undefined;
  const decks = new Map<string, MapNode[]>();
  for (const node of top.filter((node) => node.kind === "compartment")) {
    const deck = deckKey ? (node.labels[deckKey] ?? "") : "";
    decks.set(deck, [...(decks.get(deck) ?? []), node]);
  }
  return {
    decks: [...decks]
      .sort(([a], [b]) => deckRank(a) - deckRank(b) || (a < b ? -1 : 1))
      .map(([value, compartments]) => ({ name: deckKey ? value || `no ${deckKey}` : "", compartments })),
    outside: top.filter((node) => node.kind !== "compartment"),
    strands,
    loops,
    nodes,
  };
}

/** The processes that serve at each node, the busiest first. */
function nameServers(links: MapLink[], leafOf: Map<string, string>, nodes: Map<string, MapNode>) {
  const served = new Map<string, Map<string, number>>();
  for (const link of links) {
    const leaf = leafOf.get(link.destination) ?? "";
    const counts = served.get(leaf) ?? new Map<string, number>();
    served.set(leaf, counts);
    for (const service of link.services) {
      for (const name of service.destinationProcesses) counts.set(name, (counts.get(name) ?? 0) + service.connections);
    }
  }
  for (const [leaf, counts] of served) {
    const node = nodes.get(leaf);
    if (node) node.serving = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
  }
}

const deckRank = (value: string) => (value === "" ? 2 : value.startsWith("prod") ? 0 : 1);

function place(
  group: MapGroup,
  keys: readonly string[],
  levels: readonly string[],
  isOpen: (id: string) => boolean,
  nodes: Map<string, MapNode>,
  enforced: MapGroup | undefined,
): string {
  if (group.kind === "network" || group.kind === "internet") {
    nodes.set(group.id, { ...blank(group), id: group.id, kind: group.kind, name: group.name, parent: null });
    return group.id;
  }
  const staged = !!enforced && (enforced.inbound !== group.inbound || enforced.outbound !== group.outbound);
  let parent: string | null = null;
  for (let depth = keys.length; ; depth++) {
    const path = levels.slice(0, depth);
    const last = path.at(-1) === "workload";
    const labels = Object.fromEntries(path.filter((key) => key !== "workload").map((k) => [k, group.labels[k] ?? ""]));
    const id: string = last ? group.id : path.map((key) => `${key}=${labels[key]}`).join(",");
    const node: MapNode = nodes.get(id) ?? {
      ...blank(group),
      id,
      kind: depth === keys.length ? "compartment" : last ? "workload" : "cell",
      name: last ? group.name : nameOf(labels, depth === keys.length ? nameKeys(keys) : [path.at(-1) ?? ""]),
      parent,
      labels,
      members: 0,
      open: depth < levels.length && isOpen(id),
    };
    if (!nodes.has(id)) {
      nodes.set(id, node);
      if (parent !== null) nodes.get(parent)?.children.push(node);
    }
    node.mixedModes ||=
      group.mixedModes || (node.members > 0 && (node.inbound !== group.inbound || node.outbound !== group.outbound));
    node.inbound = lowest(node.inbound, group.inbound);
    node.outbound = lowest(node.outbound, group.outbound);
    node.members += group.members;
    node.quarantined += group.quarantined;
    node.stale += group.stale;
    node.staged ||= staged;
    if (!node.open) return id;
    parent = id;
  }
}

const blank = (group: MapGroup) => ({
  labels: group.labels,
  members: group.members,
  inbound: group.inbound,
  outbound: group.outbound,
  mixedModes: false,
  quarantined: 0,
  stale: 0,
  staged: false,
  open: false,
  children: [] as MapNode[],
  serving: [] as string[],
});

const nameKeys = (keys: readonly string[]) => (keys.length > 1 ? keys.slice(0, -1) : [...keys]);
const nameOf = (labels: Labels, keys: string[]) => keys.map((key) => labels[key] || `no ${key}`).join(" · ");

/** Enforced verdicts by visible pair and port, to tell what a draft changes. */
function verdictsOf(enforced: MapView | null, leafOf: Map<string, string>): Map<string, VerdictKind> {
  const verdicts = new Map<string, VerdictKind>();
  for (const link of enforced?.links ?? []) {
    for (const service of link.services) {
      verdicts.set(`${leafOf.get(link.source)}>${leafOf.get(link.destination)}>${service.port}`, service.verdict);
    }
  }
  return verdicts;
}

function strandsOf(links: MapLink[], leafOf: Map<string, string>, enforced: Map<string, VerdictKind>) {
  const all = new Map<string, Strand>();
  for (const link of links) {
    const source = leafOf.get(link.source);
    const destination = leafOf.get(link.destination);
    if (source === undefined || destination === undefined) continue;
    for (const service of link.services) {
      const id = `${source}>${destination}>${service.verdict}`;
      const now = enforced.get(`${source}>${destination}>${service.port}`);
      const strand: Strand = all.get(id) ?? {
        id,
        source,
        destination,
        verdict: service.verdict,
        services: [],
        connections: 0,
        firstSeen: link.firstSeen,
        lastSeen: link.lastSeen,
        change: null,
      };
      if (now && now !== "blocked" && service.verdict === "blocked") strand.change = "newlyBlocked";
      if (now === "blocked" && service.verdict !== "blocked") strand.change = "newlyAllowed";
      merge(strand.services, service);
      strand.connections += service.connections;
      if (link.firstSeen < strand.firstSeen) strand.firstSeen = link.firstSeen;
      if (link.lastSeen > strand.lastSeen) strand.lastSeen = link.lastSeen;
      all.set(id, strand);
    }
  }
  const sorted = [...all.values()].sort((a, b) => severity[a.verdict] - severity[b.verdict] || (a.id < b.id ? -1 : 1));
  const loops = new Map<string, Strand[]>();
  for (const strand of sorted.filter((s) => s.source === s.destination)) {
    loops.set(strand.source, [...(loops.get(strand.source) ?? []), strand]);
  }
  return { strands: sorted.filter((s) => s.source !== s.destination), loops };
}

function merge(services: MapService[], service: MapService) {
  const same = services.findIndex((s) => s.port === service.port);
  const old = services[same];
  if (!old) {
    services.push({ ...service });
    return;
  }
  services[same] = {
    ...(severity[service.verdict] > severity[old.verdict] ? service : old),
    connections: old.connections + service.connections,
    sourceProcesses: [...new Set([...old.sourceProcesses, ...service.sourceProcesses])],
    destinationProcesses: [...new Set([...old.destinationProcesses, ...service.destinationProcesses])],
  };
}
