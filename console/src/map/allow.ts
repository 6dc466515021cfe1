import type { PolicyDocument } from "../api/types";
import { type MapNode, type Scene, selectorOf } from "./scene";

/** A rule that would allow what was seen between two nodes, as the ruleset page's URL carries it. */
export interface Proposal {
  scope: string;
  from: string;
  to: string;
  within: "both" | "from" | "to";
  services: string[];
}

/** The rule to write for a link; null if an end lacks the labels to name it by. */
export function propose(scene: Scene, source: MapNode, destination: MapNode, services: string[]): Proposal | null {
  const [consumer, provider] = [topOf(scene, source), topOf(scene, destination)];
  const providerScope = isOutside(destination) ? null : selectorOf(provider.labels);
  const consumerScope = isOutside(source) ? null : selectorOf(consumer.labels);
  if (isOutside(destination)) {
    const from = within(source, consumer);
    return consumerScope && from ? { scope: consumerScope, from, to: "network:", within: "from", services } : null;
  }
  const to = within(destination, provider);
  if (!providerScope || !to) return null;
  if (isOutside(source)) return { scope: providerScope, from: "network:", to, within: "to", services };
  if (consumer.id === provider.id) {
    const from = within(source, consumer);
    return from ? { scope: providerScope, from, to, within: "both", services } : null;
  }
  const from = selectorOf(source.labels);
  return from ? { scope: providerScope, from, to, within: "to", services } : null;
}

/** Where to write it: the ruleset that has this very scope, or a new one. */
export function proposalHref(proposal: Proposal, draft: PolicyDocument | undefined): string {
  const home = draft?.rulesets.find(
    (r) => r.scopes.length === 1 && sameSelector(r.scopes[0]?.selector, proposal.scope),
  );
  const params = new URLSearchParams({ from: proposal.from, to: proposal.to, within: proposal.within });
  for (const service of proposal.services) params.append("service", service);
  if (!home) params.set("scope", proposal.scope);
  return `/policy/rulesets/${home ? encodeURIComponent(home.name) : "new"}?${params}`;
}

const isOutside = (node: MapNode) => node.kind === "network" || node.kind === "internet";

const topOf = (scene: Scene, node: MapNode): MapNode => {
  const parent = node.parent ? scene.nodes.get(node.parent) : undefined;
  return parent ? topOf(scene, parent) : node;
};

/** The node's labels beyond its compartment's, which the scope already says. */
function within(node: MapNode, top: MapNode): string | null {
  const own = Object.fromEntries(Object.entries(node.labels).filter(([key]) => !(key in top.labels)));
  return Object.keys(own).length === 0 ? "all" : selectorOf(own);
}

const sameSelector = (a: string | undefined, b: string) => a?.split(",").sort().join() === b.split(",").sort().join();
