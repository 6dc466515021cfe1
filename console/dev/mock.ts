import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import type {
  CreatePairingKey,
  FailSafeDocument,
  FlowEdge,
  LabelEdit,
  MapGroup,
  MapLink,
  ModeDocument,
  PolicyDocument,
  RevisionView,
  TrafficView,
} from "../src/api/types.ts";
import { edges, modesOf, selects, workloads } from "./company.ts";

const empty: PolicyDocument = { rulesets: [], services: [], networks: [], modes: [], failSafe: [], assertions: [] };
const example: PolicyDocument = {
  ...empty,
  services: [{ name: "http", ports: ["tcp/80"] }],
  rulesets: [
    {
      name: "storefront-prod",
      description: "Ring-fence of the shop",
      scopes: [{ selector: "app=storefront,env=prod", per: [] }],
      rules: [
        ["app=users", "role=web", "http", "to"],
        ["role=web", "role=app", "tcp/8080", "both"],
        ["role=app", "role=db", "tcp/3306", "both"],
        ["role=app", "role=cache", "tcp/6379", "both"],
        ["role=monitoring", "all", "tcp/9100", "to"],
        ["role=jump", "role=web", "tcp/22", "to"],
        ["all", "role=dns", "udp/53", "from"],
      ].map(([from = "", to = "", service = "", within = ""], i) => ({
        id: i + 1,
        from,
        to,
        services: [service],
        action: "allow",
        within,
        users: [],
        consumer: "strict",
        unidentified: "skip",
        whereUnenforceable: "refuse",
        owner: "shop team",
      })),
    },
  ],
};

const policies: { draft: PolicyDocument; enforced: PolicyDocument; version: number } = {
  enforced: example,
  draft: { ...example, modes: [{ selector: "app=storefront,env=prod", inbound: "full", outbound: "full" }] },
  version: 3,
};
const revisions: RevisionView[] = [
  revision(1, "First rules for the shop, nothing enforced", [
    { kind: "ruleset", name: "storefront-prod", change: "added", details: ["7 rules"] },
  ]),
];

function revision(number: number, note: string, changes: RevisionView["changes"]): RevisionView {
  return {
    number,
    parent: number - 1,
    hash: "9f2c4d1e8b7a60539f2c4d1e8b7a60539f2c4d1e8b7a60539f2c4d1e8b7a6053",
    note,
    author: "admin",
    created: new Date().toISOString(),
    restoredFrom: null,
    approvedBy: null,
    trial: null,
    changes,
    rollout: { affected: 6, applied: 6, waiting: [], offline: ["pay-db1"], failed: [] },
  };
}

function map(url: URL) {
  const keys = (url.searchParams.get("group") ?? "app,env").split(",");
  const view = (url.searchParams.get("view") ?? "reported") as TrafficView;
  const policy = view === "draft" ? policies.draft : policies.enforced;
  const groups = new Map<string, MapGroup>();
  const idOf = (end: FlowEdge["source"]) =>
    keys.includes("workload") ? (end.workloadId ?? end.name) : keys.map((k) => end.labels[k] ?? "").join("/");
  for (const w of workloads) {
    const id = keys.includes("workload") ? w.id : keys.map((k) => w.labels[k] ?? "").join("/");
    const known = groups.get(id);
    const stale = w.sync === "offline" ? 1 : 0;
    if (known) {
      known.members++;
      known.stale += stale;
    } else
      groups.set(id, {
        id,
        kind: keys.includes("workload") ? "workload" : "group",
        name: keys.includes("workload") ? w.name : id,
        labels: Object.fromEntries(keys.filter((k) => k !== "workload").map((k) => [k, w.labels[k] ?? ""])),
        members: 1,
        ...modesOf(policy, w.labels),
        mixedModes: false,
        quarantined: w.quarantined ? 1 : 0,
        stale,
      });
  }
  const links = new Map<string, MapLink>();
  for (const edge of edges(policies.enforced, policies.draft)) {
    const id = `${idOf(edge.source)}>${idOf(edge.destination)}`;
    const link = links.get(id) ?? {
      source: idOf(edge.source),
      destination: idOf(edge.destination),
      services: [],
      connections: 0,
      bytes: 0,
      verdicts: { allowed: 0, potentiallyBlocked: 0, blocked: 0, unknown: 0 },
      firstSeen: edge.firstSeen,
      lastSeen: edge.lastSeen,
    };
    const verdict = edge[view];
    const known = link.services.find((s) => s.port === edge.port);
    if (known) known.connections += edge.connections;
    else
      link.services.push({
        port: edge.port,
        sourceProcesses: edge.source.processes.map((p) => p.name),
        destinationProcesses: edge.destination.processes.map((p) => p.name),
        connections: edge.connections,
        verdict: verdict.kind,
        because: verdict.because,
        ruleId: null,
      });
    link.connections += edge.connections;
    link.verdicts[verdict.kind]++;
    links.set(id, link);
  }
  return {
    at: new Date().toISOString(),
    groupBy: keys,
    view,
    groups: [...groups.values()],
    links: [...links.values()],
    gaps: {
      lost: 12,
      incomplete: 3,
      unnamed: 5,
      agents: 1,
      workloads: workloads
        .slice(0, 1)
        .map((w) => ({ workloadId: w.id, name: w.name, lost: 12, incomplete: 3, unnamed: 5 })),
    },
    degraded: 0,
    scans: [],
  };
}

const draftStatus = () => ({
  baseRevision: revisions[0]?.number ?? 0,
  draftVersion: policies.version,
  changes:
    JSON.stringify(policies.draft) === JSON.stringify(policies.enforced)
      ? []
      : [
          {
            kind: "modes",
            name: "",
            change: "changed",
            details: ["app=storefront,env=prod: inbound visibility → full, outbound visibility → full"],
          },
        ],
  diagnostics: [],
});

function named<T extends { name: string }>(list: T[], name: string, value: T | null): T[] {
  const rest = list.filter((x) => x.name !== name);
  return value ? [...rest, value] : rest;
}

/** Whatever fields the requests that are answered here send. */
interface Sent extends CreatePairingKey {
  edits: LabelEdit[];
  dryRun: boolean;
  note: string;
}

function answer(method: string, url: URL, sent: unknown): unknown {
  const body = sent as Sent;
  const path = url.pathname.replace("/api/v1", "");
  const name = decodeURIComponent(path.split("/").at(-1) ?? "");
  const all = edges(policies.enforced, policies.draft);
  if (path === "/session")
    return {
      user: "admin",
      grants: [{ role: "owner", scope: null }],
      permissions: ["read", "audit", "label", "draft", "provision", "quarantine", "manageAgents", "manageAccess"],
      mustChangePassword: false,
      expires: null,
    };
  if (path === "/status")
    return {
      version: "0.1.0",
      epoch: 1,
      revision: 1,
      workloads: workloads.length,
      managed: 15,
      connected: 14,
      edges: all.length,
      authoritySha256: "ab".repeat(32),
      agentUrl: "https://controller:8444",
    };
  if (path === "/map") return map(url);
  if (path === "/flows") {
    const [from, to] = [url.searchParams.get("from") ?? "all", url.searchParams.get("to") ?? "all"];
    const items = all.filter((e) => selects(from, e.source.labels) && selects(to, e.destination.labels));
    return { items, total: items.length, next: null };
  }
  if (path === "/workloads/labels") {
    const changed = body.edits.map((edit) => {
      const w = workloads.find((x) => x.id === edit.workload || x.name === edit.workload);
      const labels = { ...w?.labels, ...edit.set };
      for (const key of edit.remove) delete labels[key];
      if (!body.dryRun && w) w.labels = labels;
      return { ...w, labels };
    });
    return { changed, enforcingHostsAffected: ["web1", "app1", "db1"], applied: !body.dryRun };
  }
  if (path === "/workloads") return { items: workloads, total: workloads.length, next: null };
  if (path.startsWith("/workloads/"))
    return {
      workload: workloads.find((w) => w.name === name || w.id === name) ?? workloads[0],
      agentVersion: "0.1.0",
      os: "Debian GNU/Linux 12",
      kernel: "6.18.0",
      features: ["cgroup-match", "executable-match"],
      listeners: [
        {
          port: "tcp/80",
          address: null,
          process: { path: "/usr/sbin/nginx", name: "nginx", unit: "nginx.service", user: "www-data" },
        },
      ],
      policy: [
        {
          direction: "inbound",
          ruleId: 1,
          ruleset: "storefront-prod",
          sentence: "client of users/prod may reach this host on tcp/80",
        },
      ],
      sessions: [{ user: "alice", kind: "ssh", line: "pts/0", from: "10.9.0.1", port: 22, since: null }],
      telemetry: { windowSeconds: 10, degraded: null, lostEvents: 0 },
    };
  if (path === "/scans") return [];
  if (path === "/label-keys") return { builtIn: ["role", "app", "env", "loc"], declared: ["owner"] };
  if (path === "/pairing-keys")
    return method === "POST"
      ? {
          key: { ...body, id: "1", uses: 0, revoked: false },
          secret: "bhp_example",
          command:
            "bulkhead-agent pair --controller https://controller:8444 --ca-sha256 abab --key-file /root/pairing-key --state /var/lib/bulkhead",
        }
      : [];
  if (path === "/audit")
    return {
      items: [
        {
          sequence: 1,
          at: new Date().toISOString(),
          actor: "admin",
          action: "session.sign-in",
          subject: "admin",
          detail: "Signed in from 127.0.0.1.",
          hash: "00",
        },
      ],
      total: 1,
      next: null,
    };
  if (path === "/policy/draft") return policies.draft;
  if (path === "/policy/draft/changes") return draftStatus();
  if (path === "/policy/draft/impact")
    return {
      from: new Date(Date.now() - 864e5).toISOString(),
      to: new Date().toISOString(),
      edges: all.length,
      newlyBlocked: all.filter((e) => e.draft.kind === "blocked"),
      newlyAllowed: [],
      hostsChanged: ["web1", "web2", "app1"],
      leftOut: [],
    };
  if (path === "/policy/draft/discard") policies.draft = policies.enforced;
  else if (path === "/policy/draft/modes") policies.draft = { ...policies.draft, modes: sent as ModeDocument[] };
  else if (path === "/policy/draft/fail-safe")
    policies.draft = { ...policies.draft, failSafe: sent as FailSafeDocument[] };
  else if (path.startsWith("/policy/draft/")) {
    const kind = path.split("/")[3] as "rulesets" | "services" | "networks";
    policies.draft = {
      ...policies.draft,
      [kind]: named<{ name: string }>(policies.draft[kind], name, sent as { name: string } | null),
    };
    policies.version++;
    return sent ?? {};
  }
  if (path.startsWith("/policy/draft")) return draftStatus();
  if (path === "/policy/provision") {
    const made = revision((revisions[0]?.number ?? 0) + 1, body.note, draftStatus().changes);
    revisions.unshift(made);
    policies.enforced = policies.draft;
    return made;
  }
  if (path === "/policy/revisions") return revisions;
  if (path.endsWith("/policy")) return policies.enforced;
  if (path.startsWith("/policy/revisions/")) return revisions.find((r) => String(r.number) === name) ?? revisions[0];
  return null;
}

async function serve(request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? "/", "http://mock");
  if (url.pathname.endsWith("/events")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": hello\n\n");
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const result = answer(request.method ?? "GET", url, text ? JSON.parse(text) : null);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(result));
}

/** A Vite plugin that answers the REST calls from memory; never part of a build. */
export function mockController(): Plugin {
  return {
    name: "mock-controller",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (request.url?.startsWith("/api/")) void serve(request, response);
        else next();
      });
    },
  };
}
