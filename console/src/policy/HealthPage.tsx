import { useQuery } from "@tanstack/react-query";
import { draftHealthQuery } from "../api/queries";
import type { RuleFindingView } from "../api/types";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";
import { RuleLink } from "./RuleLink";

const words: Record<string, string> = {
  "never-matches": "can never match",
  "no-live-workload": "chooses nobody",
  shadowed: "shadowed",
  redundant: "redundant",
  expired: "expired",
  expiring: "expires soon",
  unenforceable: "not enforced everywhere",
  "never-used": "not used",
  "broader-than-observed": "broader than used",
};

/** Rules that do nothing, less than they say, or more than the traffic needs. */
export function HealthPage() {
  const health = useQuery(draftHealthQuery);
  return (
    <div className="page">
      <PageHead
        title="Rule health"
        lead={
          health.data
            ? `The draft's rules against each other, against the workloads that exist, and against ${plural(health.data.edges, "edge")} of traffic seen in the last day. Nothing here stops provisioning.`
            : "The draft's rules against each other, against what exists and against what was seen."
        }
      />
      {health.error ? (
        <Failure error={health.error} />
      ) : !health.data ? (
        <Waiting />
      ) : health.data.findings.length === 0 ? (
        <Empty
          title="Every rule does what it says"
          text="None is shadowed, redundant, unused or broader than the traffic needs."
        />
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th>Rule</th>
              <th>Finding</th>
              <th>What is wrong, and what to do</th>
            </tr>
          </thead>
          <tbody>
            {health.data.findings.map((f) => (
              <Row key={`${f.rule} ${f.code} ${f.path}`} finding={f} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Row({ finding }: { finding: RuleFindingView }) {
  return (
    <tr>
      <td>
        <RuleLink rule={finding.rule} />
      </td>
      <td style={{ whiteSpace: "nowrap" }}>{words[finding.code] ?? finding.code}</td>
      <td>
        {finding.message}
        {finding.others.length > 0 && <div className="mono muted">{finding.others.map((r) => `#${r}`).join(", ")}</div>}
        {finding.evidence.length > 0 && (
          <div className="mono muted">
            {finding.evidence.slice(0, 8).join(", ")}
            {finding.evidence.length > 8 ? ` and ${finding.evidence.length - 8} more` : ""}
          </div>
        )}
      </td>
    </tr>
  );
}
