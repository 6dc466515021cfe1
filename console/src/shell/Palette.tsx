import { Spotlight, type SpotlightActionGroupData, spotlight } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { draftQuery, workloadsQuery } from "../api/queries";

export const openPalette = () => spotlight.open();

const pages: [string, string, string][] = [
  ["Map", "/map", "who talks to whom"],
  ["Draft view of the map", "/map?view=draft", "what the draft would block"],
  ["Workloads", "/workloads", "hosts and their labels"],
  ["Rulesets", "/policy/rulesets", "what may reach what"],
  ["New ruleset", "/policy/rulesets/new", ""],
  ["Modes", "/policy/modes", "how far each host enforces"],
  ["Services", "/policy/services", "named ports"],
  ["Networks", "/policy/networks", "named addresses"],
  ["Assertions", "/policy/assertions", "what must never, or always, be possible"],
  ["Rule health", "/policy/health", "shadowed, unused and too broad rules"],
  ["Draft and provision", "/draft", "changes and their impact"],
  ["Revisions", "/revisions", "what was provisioned, and restore"],
  ["Pairing keys", "/pairing", "add hosts"],
  ["Audit", "/audit", "who did what"],
];

/** Ctrl-K or ⌘K: finds pages, workloads (by name, label or address), label values and rulesets. */
export function Palette() {
  const navigate = useNavigate();
  const workloads = useQuery(workloadsQuery).data ?? [];
  const draft = useQuery(draftQuery).data;
  const labels = new Map<string, number>();
  for (const w of workloads) {
    for (const [key, value] of Object.entries(w.labels))
      labels.set(`${key}=${value}`, (labels.get(`${key}=${value}`) ?? 0) + 1);
  }
  const groups: SpotlightActionGroupData[] = [
    {
      group: "Pages",
      actions: pages.map(([label, to, description]) => ({
        id: to,
        label,
        description,
        onClick: () => void navigate(to),
      })),
    },
    {
      group: "Workloads",
      actions: workloads.map((w) => ({
        id: w.id,
        label: w.name,
        description: Object.entries(w.labels)
          .map(([k, v]) => `${k}=${v}`)
          .join(" "),
        keywords: w.addresses,
        onClick: () => void navigate(`/workloads/${encodeURIComponent(w.name)}`),
      })),
    },
    {
      group: "Labels",
      actions: [...labels].sort().map(([label, count]) => ({
        id: `label:${label}`,
        label,
        description: `${count} ${count === 1 ? "workload" : "workloads"}`,
        onClick: () => void navigate(`/workloads?select=${encodeURIComponent(label)}`),
      })),
    },
    {
      group: "Rulesets",
      actions: (draft?.rulesets ?? []).map((r) => ({
        id: `ruleset:${r.name}`,
        label: r.name,
        description: r.description ?? r.scopes.map((s) => s.selector).join(" or "),
        keywords: r.rules.map((rule) => `rule ${rule.id} ${rule.reason ?? ""} ${rule.ticket ?? ""}`),
        onClick: () => void navigate(`/policy/rulesets/${encodeURIComponent(r.name)}`),
      })),
    },
  ];
  return (
    <Spotlight
      actions={groups}
      shortcut={["mod + K"]}
      limit={14}
      highlightQuery
      scrollable
      maxHeight={420}
      nothingFound="Nothing by that name. Try a host, an address, a label such as app=shop, or a page."
      searchProps={{ placeholder: "Find a workload, label, ruleset or page", "aria-label": "Find" }}
    />
  );
}
