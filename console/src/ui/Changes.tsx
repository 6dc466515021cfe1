import { Link } from "react-router";
import type { PolicyChange } from "../api/types";

const signs: Record<string, [string, string]> = {
  added: ["+", "var(--allowed)"],
  changed: ["~", "var(--staged)"],
  removed: ["−", "var(--blocked-text)"],
};
const homes: Record<string, string> = {
  ruleset: "/policy/rulesets",
  service: "/policy/services",
  network: "/policy/networks",
  modes: "/policy/modes",
  failSafe: "/policy/networks",
};
const words: Record<string, string> = { failSafe: "fail-safe", modes: "modes" };

/** What differs, as a list of sentences; each object leads to where it is edited. */
export function Changes({ changes }: { changes: PolicyChange[] }) {
  return (
    <ul style={{ listStyle: "none", margin: 0, padding: 0 }}>
      {changes.map((c) => {
        const [sign, colour] = signs[c.change] ?? ["~", "var(--staged)"];
        const home = homes[c.kind] ?? "/policy/rulesets";
        const to = c.kind === "ruleset" && c.change !== "removed" ? `${home}/${encodeURIComponent(c.name)}` : home;
        return (
          <li
            key={c.kind + c.name}
            style={{
              display: "grid",
              gridTemplateColumns: "20px 1fr",
              padding: "8px 0",
              borderTop: "1px solid var(--hairline)",
            }}
          >
            <span className="mono" style={{ color: colour }} aria-hidden>
              {sign}
            </span>
            <div>
              {c.name && `${c.kind} `}
              <Link className="link" to={to}>
                {c.name || (words[c.kind] ?? c.kind)}
              </Link>{" "}
              <span className="muted">{c.change}</span>
              {c.details.map((d) => (
                <div key={d} className="muted">
                  {d}
                </div>
              ))}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
