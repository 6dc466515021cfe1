import { plural } from "../ui/words";

/** What a label edit would do to hosts that enforce. */
export function Affected({ hosts }: { hosts: string[] }) {
  if (hosts.length === 0) {
    return (
      <p className="muted" style={{ margin: "10px 0 0" }}>
        No enforcing host's policy changes.
      </p>
    );
  }
  return (
    <p className="notice" style={{ margin: "10px 0 0" }}>
      Labels act at once: the policy of {plural(hosts.length, "enforcing host")} changes: {hosts.slice(0, 8).join(", ")}
      {hosts.length > 8 && ` and ${hosts.length - 8} more`}.
    </p>
  );
}
