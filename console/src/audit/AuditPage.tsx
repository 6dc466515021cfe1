import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { auditQuery } from "../api/queries";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Time } from "../ui/Time";
import { Waiting } from "../ui/Waiting";

export function AuditPage() {
  const [params, setParams] = useSearchParams();
  const after = params.get("after");
  const may = useMay("audit");
  const query = useQuery({ ...auditQuery(after), enabled: may });
  const next = query.data?.next ?? null;
  return (
    <div className="page">
      <PageHead
        title="Audit"
        lead="Who did what, newest first. Each entry seals the one before it, so that none can be changed unnoticed."
      />
      {!may ? (
        <Empty title="For auditors" text="Only auditors and owners see who did what." />
      ) : query.error ? (
        <Failure error={query.error} />
      ) : !query.data ? (
        <Waiting />
      ) : query.data.items.length === 0 ? (
        <Empty title="Nothing yet" text="Sign-ins, edits, provisioning, pairing and quarantine are written here." />
      ) : (
        <>
          <table className="table">
            <thead>
              <tr>
                <th className="number">No.</th>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>To</th>
                <th>Detail</th>
                <th>Seal</th>
              </tr>
            </thead>
            <tbody>
              {query.data.items.map((e) => (
                <tr key={e.sequence}>
                  <td className="number muted">{e.sequence}</td>
                  <td style={{ whiteSpace: "nowrap" }}>
                    <Time at={e.at} />
                  </td>
                  <td>{e.actor}</td>
                  <td className="mono">{e.action}</td>
                  <td>{e.subject}</td>
                  <td className="muted">{e.detail}</td>
                  <td className="mono muted" title={e.hash}>
                    {e.hash.slice(0, 8)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <div style={{ display: "flex", gap: 8, marginTop: 12 }}>
            {after && (
              <Button variant="default" onClick={() => setParams({})}>
                Newest
              </Button>
            )}
            {next && (
              <Button variant="default" onClick={() => setParams({ after: next })}>
                Older
              </Button>
            )}
          </div>
        </>
      )}
    </div>
  );
}
