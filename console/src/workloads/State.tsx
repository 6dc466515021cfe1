import { Tooltip } from "@mantine/core";
import type { SyncState, WorkloadView } from "../api/types";
import { ago, syncWords } from "../ui/words";

const marks: Record<SyncState, [string, string]> = {
  none: ["○", "var(--muted)"],
  pending: ["◐", "var(--potential-text)"],
  synced: ["●", "var(--allowed)"],
  syncing: ["◑", "var(--staged)"],
  error: ["▲", "var(--blocked-text)"],
  offline: ["◌", "var(--blocked-text)"],
};

/** The agent's state by shape, colour and word; problems on hover. */
export function SyncWords({ workload }: { workload: WorkloadView }) {
  const [mark, colour] = marks[workload.sync];
  const seen = workload.lastSeen ? ` Last heard ${ago(Date.parse(workload.lastSeen), Date.now())}.` : "";
  const hints: Record<SyncState, string> = {
    none: "No agent: known by address only.",
    pending: "Paired; enters others' policy once a person admits it.",
    synced: "Enforces the newest policy meant for it.",
    syncing: "A newer policy is on its way.",
    error: workload.problems.map((p) => p.message).join(" "),
    offline: "Not connected; it still enforces the policy it has.",
  };
  return (
    <Tooltip label={hints[workload.sync] + seen}>
      <span style={{ color: colour }}>
        <span aria-hidden>{mark}</span> {syncWords[workload.sync]}
      </span>
    </Tooltip>
  );
}

export function ModeWords({ workload: w }: { workload: WorkloadView }) {
  if (w.quarantined) return <strong style={{ color: "var(--blocked-text)" }}>quarantined</strong>;
  if (!w.managed) return <span className="muted">none</span>;
  if (w.inbound === w.outbound) return <span className={w.inbound === "visibility" ? "muted" : ""}>{w.inbound}</span>;
  return (
    <span>
      in {w.inbound}, out {w.outbound}
    </span>
  );
}
