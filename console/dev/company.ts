import type { FlowEdge, Labels, PolicyDocument, RuleDocument, VerdictView, WorkloadView } from "../src/api/types.ts";

/** A made-up company for `npm run dev`: enough to see every state of the console without a controller. */
const host = (n: number, name: string, role: string, app: string, env: string, managed = true): WorkloadView => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  name,
  managed,
  labels: Object.fromEntries(Object.entries({ role, app, env, loc: "fra" }).filter(([, v]) => v !== "")) as Labels,
  addresses: [`198.18.0.${n}`, `fd00:b01d::${n}`],
  inbound: "visibility",
  outbound: "visibility",
  quarantined: false,
  sync: managed ? "synced" : "none",
  appliedGeneration: managed ? "1.1" : null,
  lastSeen: managed ? new Date().toISOString() : null,
  problems: [],
  version: 1,
});

export const workloads: WorkloadView[] = [
  host(10, "client1", "client", "users", "prod"),
  host(11, "web1", "web", "storefront", "prod"),
  host(12, "web2", "web", "storefront", "prod"),
  host(13, "app1", "app", "storefront", "prod"),
  host(14, "app2", "app", "storefront", "prod"),
  host(15, "db1", "db", "storefront", "prod"),
  host(16, "cache1", "cache", "storefront", "prod"),
  host(17, "pay-app1", "app", "payments", "prod"),
  host(18, "pay-db1", "db", "payments", "prod"),
  host(21, "dev-web1", "web", "storefront", "dev"),
  host(22, "dev-app1", "app", "storefront", "dev"),
  host(23, "dev-db1", "db", "storefront", "dev"),
  host(31, "mon1", "monitoring", "ops", "shared"),
  host(32, "jump1", "jump", "ops", "shared"),
  host(33, "dns1", "dns", "ops", "shared"),
];
const offline = workloads.find((w) => w.name === "pay-db1");
if (offline) offline.sync = "offline";

const daemons: Record<string, string> = {
  "tcp/80": "nginx",
  "tcp/8080": "shop",
  "tcp/3306": "mariadbd",
  "tcp/6379": "redis-server",
  "tcp/8090": "payments",
  "tcp/5432": "postgres",
  "tcp/22": "sshd",
  "udp/53": "dnsmasq",
  "tcp/9100": "node_exporter",
};

const links: [string, string, string, string, number][] = [
  ["client1", "web1", "tcp/80", "curl", 5210],
  ["client1", "web2", "tcp/80", "curl", 5204],
  ["web1", "app1", "tcp/8080", "nginx", 3180],
  ["web2", "app2", "tcp/8080", "nginx", 3172],
  ["app1", "db1", "tcp/3306", "shop", 940],
  ["app2", "db1", "tcp/3306", "shop", 932],
  ["app1", "cache1", "tcp/6379", "shop", 2210],
  ["app2", "cache1", "tcp/6379", "shop", 2190],
  ["app1", "pay-app1", "tcp/8090", "shop", 310],
  ["app2", "pay-app1", "tcp/8090", "shop", 305],
  ["pay-app1", "pay-db1", "tcp/5432", "payments", 410],
  ["dev-web1", "dev-app1", "tcp/8080", "nginx", 210],
  ["dev-app1", "dev-db1", "tcp/3306", "shop", 120],
  ["dev-web1", "db1", "tcp/3306", "mysql", 12],
  ["dev-web1", "cache1", "tcp/6379", "nc", 9],
  ["dev-web1", "pay-db1", "tcp/5432", "psql", 7],
  ["jump1", "web1", "tcp/22", "ssh", 14],
  ["jump1", "db1", "tcp/22", "ssh", 3],
  ...["web1", "app1", "db1", "cache1", "pay-app1", "dev-web1"].map((w): [string, string, string, string, number] => [
    "mon1",
    w,
    "tcp/9100",
    "prometheus",
    240,
  ]),
  ...["web1", "app1", "pay-app1", "dev-app1", "mon1"].map((w): [string, string, string, string, number] => [
    w,
    "dns1",
    "udp/53",
    "systemd-resolve",
    800,
  ]),
];

export const outside = { name: "203.0.113.9", address: "203.0.113.9" };

export function selects(selector: string, labels: Labels): boolean {
  if (selector === "all") return true;
  return selector.split(",").every((term) => {
    const [, key = "", op, values = ""] = /^([^=!]+)(!?=)(.*)$/.exec(term.trim()) ?? [];
    const value = labels[key];
    if (values === "*") return value !== undefined;
    const one = value !== undefined && values.split("|").includes(value);
    return op === "!=" ? !one : one;
  });
}

function allows(policy: PolicyDocument, from: Labels, to: Labels, port: string): RuleDocument | undefined {
  for (const ruleset of policy.rulesets) {
    for (const rule of ruleset.rules) {
      const scoped = (labels: Labels) => ruleset.scopes.some((s) => selects(s.selector, labels));
      const inside =
        rule.within === "both" ? scoped(from) && scoped(to) : rule.within === "to" ? scoped(to) : scoped(from);
      const ports = rule.services.flatMap((s) => policy.services.find((x) => x.name === s)?.ports ?? [s]);
      if (inside && selects(rule.from, from) && selects(rule.to, to) && (ports.includes(port) || ports.includes("any")))
        return rule;
    }
  }
  return undefined;
}

export function modesOf(policy: PolicyDocument, labels: Labels) {
  const order = ["visibility", "selective", "full"] as const;
  const strictest = (direction: "inbound" | "outbound") =>
    order[
      Math.max(
        0,
        ...policy.modes.filter((m) => selects(m.selector, labels)).map((m) => order.indexOf(m[direction] as never)),
      )
    ] ?? "visibility";
  return { inbound: strictest("inbound"), outbound: strictest("outbound") };
}

function judge(policy: PolicyDocument, from: Labels, to: Labels, port: string): VerdictView {
  const rule = allows(policy, from, to, port);
  const where = (l: Labels) => `${l.role} of ${l.app}/${l.env}`;
  if (rule)
    return {
      kind: "allowed",
      because: `Rule ${rule.id} allows ${where(from)} to reach ${where(to)} on ${port}.`,
      source: null,
      destination: null,
    };
  const full = modesOf(policy, to).inbound === "full" || modesOf(policy, from).outbound === "full";
  return {
    kind: full ? "blocked" : "potentiallyBlocked",
    because: full
      ? `No rule lets ${where(from)} reach ${where(to)} on ${port}; its inbound mode is full.`
      : `No rule lets ${where(from)} reach ${where(to)} on ${port}; it would be blocked in full.`,
    source: null,
    destination: null,
  };
}

export function edges(enforced: PolicyDocument, draft: PolicyDocument): FlowEdge[] {
  const now = new Date().toISOString();
  const end = (name: string, process: string) => {
    const w = workloads.find((x) => x.name === name);
    return {
      workloadId: w?.id ?? null,
      name,
      labels: w?.labels ?? {},
      address: w?.addresses[0] ?? name,
      processes: [{ path: `/usr/bin/${process}`, name: process, unit: null, user: "www-data" }],
      names: w ? [] : [{ name: "www.example.org", seenBy: workloads[0]?.name ?? "", at: now }],
    };
  };
  return links.map(([from, to, port, process, connections]) => {
    const source = end(from, process);
    const destination = end(to, daemons[port] ?? "");
    const verdict = judge(enforced, source.labels, destination.labels, port);
    return {
      source,
      destination,
      port,
      connections,
      blockedConnections: 0,
      packets: connections * 12,
      bytes: connections * 2100,
      open: 1,
      firstSeen: new Date(Date.now() - 40 * 60_000).toISOString(),
      lastSeen: now,
      reported: verdict,
      enforced: verdict,
      draft: judge(draft, source.labels, destination.labels, port),
    };
  });
}
