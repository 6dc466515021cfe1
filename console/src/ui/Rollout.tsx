import { Progress } from "@mantine/core";
import type { RolloutView } from "../api/types";
import { plural } from "./words";

/** How far the newest revision has come. */
export function Rollout({ rollout: r }: { rollout: RolloutView }) {
  if (r.affected === 0) return <p className="muted">It changes no host's policy.</p>;
  const all = r.applied >= r.affected;
  return (
    <div role="status" style={{ maxWidth: 560 }}>
      <Progress
        value={(100 * r.applied) / r.affected}
        size={6}
        color={r.failed.length > 0 ? "red" : "cyan"}
        aria-label="Hosts that enforce it"
      />
      <p style={{ margin: "6px 0" }}>
        {all
          ? `All ${plural(r.affected, "affected host")} enforce it.`
          : `${r.applied} of ${plural(r.affected, "affected host")} enforce it.`}
      </p>
      <Names words="Still on the way" names={r.waiting} />
      <Names words="Refused it; see their problems" names={r.failed} />
      <Names words="Offline, keep their older policy" names={r.offline} />
    </div>
  );
}

function Names({ words, names }: { words: string; names: string[] }) {
  if (names.length === 0) return null;
  return (
    <p className="muted" style={{ margin: "2px 0" }}>
      {words}: {names.slice(0, 12).join(", ")}
      {names.length > 12 && ` and ${names.length - 12} more`}.
    </p>
  );
}
