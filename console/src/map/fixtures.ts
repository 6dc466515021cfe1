import type { MapGroup, MapLink, MapView, VerdictKind } from "../api/types";

/** A small map for tests, as rows: groups are `app/env/role`, links `from > to port verdict`. */
export function mapOf(groups: string[], links: [string, string, string, VerdictKind][] = []): MapView {
  return {
    at: "2026-01-01T00:00:00Z",
    groupBy: ["app", "env", "role"],
    view: "reported",
    groups: groups.map(group),
    links: links.map(link),
    gaps: { lost: 0, incomplete: 0, unnamed: 0, agents: 0, workloads: [] },
    degraded: 0,
    scans: [],
  };
}

function group(id: string): MapGroup {
  const [app = "", env = "", role = ""] = id.split("/");
  return {
    id,
    kind: id.startsWith("internet") ? "internet" : "group",
    name: id,
    labels: id.startsWith("internet") ? {} : { app, env, role },
    members: 2,
    inbound: "visibility",
    outbound: "visibility",
    mixedModes: false,
    quarantined: 0,
    stale: 0,
  };
}

function link([source, destination, port, verdict]: [string, string, string, VerdictKind]): MapLink {
  return {
    source,
    destination,
    services: [
      {
        port,
        sourceProcesses: ["client"],
        destinationProcesses: ["server"],
        connections: 10,
        verdict,
        because: "",
        ruleId: null,
      },
    ],
    connections: 10,
    bytes: 100,
    verdicts: { allowed: 0, potentiallyBlocked: 0, blocked: 0, unknown: 0, [verdict]: 1 },
    firstSeen: "2026-01-01T00:00:00Z",
    lastSeen: "2026-01-01T01:00:00Z",
  };
}

export const shop = mapOf(
  [
    "users/prod/client",
    "shop/prod/web",
    "shop/prod/app",
    "shop/prod/db",
    "shop/prod/cache",
    "pay/prod/app",
    "pay/prod/db",
    "shop/dev/web",
    "shop/dev/db",
    "ops/shared/mon",
    "ops/shared/dns",
    "internet",
  ],
  [
    ["users/prod/client", "shop/prod/web", "tcp/443", "allowed"],
    ["shop/prod/web", "shop/prod/app", "tcp/8080", "allowed"],
    ["shop/prod/app", "shop/prod/db", "tcp/3306", "allowed"],
    ["shop/prod/app", "shop/prod/cache", "tcp/6379", "allowed"],
    ["shop/prod/app", "pay/prod/app", "tcp/8090", "potentiallyBlocked"],
    ["pay/prod/app", "pay/prod/db", "tcp/5432", "potentiallyBlocked"],
    ["shop/dev/web", "shop/dev/db", "tcp/3306", "potentiallyBlocked"],
    ["shop/dev/web", "shop/prod/db", "tcp/3306", "blocked"],
    ["shop/dev/web", "shop/prod/cache", "tcp/6379", "blocked"],
    ["ops/shared/mon", "shop/prod/db", "tcp/9100", "allowed"],
    ["ops/shared/mon", "pay/prod/app", "tcp/9100", "unknown"],
    ["pay/prod/app", "ops/shared/dns", "udp/53", "allowed"],
    ["internet", "shop/prod/web", "tcp/443", "potentiallyBlocked"],
  ],
);
