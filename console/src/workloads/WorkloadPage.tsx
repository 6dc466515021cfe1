import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { api } from "../api/client";
import { queryClient, workloadQuery } from "../api/queries";
import type { PolicySentence, WorkloadDetail } from "../api/types";
import { Failure } from "../ui/Failure";
import { done, failed } from "../ui/notify";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Time } from "../ui/Time";
import { Waiting } from "../ui/Waiting";
import { quantity } from "../ui/words";
import { LabelCell } from "./LabelCell";
import { QuarantineDialog } from "./QuarantineDialog";
import { ModeWords, SyncWords } from "./State";

export function WorkloadPage() {
  const { name = "" } = useParams();
  const query = useQuery(workloadQuery(name));
  if (query.error) {
    return (
      <div className="page">
        <Failure error={query.error} />
      </div>
    );
  }
  return <div className="page">{query.data ? <Detail detail={query.data} /> : <Waiting />}</div>;
}

function Detail({ detail }: { detail: WorkloadDetail }) {
  const { workload: w, listeners } = detail;
  const [label, admits, quarantines] = [useMay("label"), useMay("manageAgents"), useMay("quarantine")];
  const [sealing, setSealing] = useState(false);
  const admit = useMutation({
    mutationFn: () => api.post(`/workloads/${w.id}/admit`),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ["workload"] });
      done(`${w.name} is admitted: it enters others' policy now.`);
    },
    onError: failed,
  });
  return (
    <>
      <PageHead title={w.name}>
        {admits && w.sync === "pending" && (
          <Button loading={admit.isPending} onClick={() => admit.mutate()}>
            Admit {w.name}
          </Button>
        )}
        {quarantines && w.managed && (
          <Button
            variant={w.quarantined ? "filled" : "default"}
            color={w.quarantined ? undefined : "red"}
            onClick={() => setSealing(true)}
          >
            {w.quarantined ? "End quarantine…" : "Quarantine…"}
          </Button>
        )}
      </PageHead>
      {w.quarantined && (
        <p className="failure">
          In quarantine: cut off from everything but the controller and the network named responders.
        </p>
      )}
      {w.problems.map((p) => (
        <p key={p.code + p.path} className="notice">
          {p.message}
        </p>
      ))}
      <dl className="facts">
        <dt>Labels</dt>
        <dd>
          <LabelCell workload={w} may={label} />
        </dd>
        <dt>Addresses</dt>
        <dd className="mono">{w.addresses.join(", ") || "none"}</dd>
        <dt>Mode</dt>
        <dd>
          <ModeWords workload={w} />
        </dd>
        <dt>Agent</dt>
        <dd>
          <SyncWords workload={w} />
          {w.managed && (
            <span className="muted">
              {" "}
              · version {detail.agentVersion ?? "unknown"} · heard <Time at={w.lastSeen} /> · generation{" "}
              {w.appliedGeneration ?? "none"}
            </span>
          )}
        </dd>
        {detail.os && (
          <>
            <dt>System</dt>
            <dd>
              {detail.os}, kernel {detail.kernel}
            </dd>
            {detail.tracking && (
              <>
                <dt>Connections</dt>
                <dd>
                  {quantity(detail.tracking.connections)} of {quantity(detail.tracking.limit)} tracked
                  <span className="muted"> · {quantity(detail.tracking.peak)} at most so far</span>
                </dd>
              </>
            )}
            <dt>Can enforce</dt>
            <dd className="mono">{detail.features.join(", ") || "nothing reported"}</dd>
          </>
        )}
      </dl>
      {detail.telemetry?.degraded && <p className="notice">Its agent does with less: {detail.telemetry.degraded}.</p>}
      {detail.sessions.length > 0 && (
        <section className="section">
          <h2>Signed in</h2>
          <ul style={{ margin: 0, paddingLeft: 20 }}>
            {detail.sessions.map((s) => (
              <li key={`${s.user}${s.line}${s.from}${s.port}${s.since}`}>
                {s.user}{" "}
                <span className="muted">
                  {[s.kind, s.line, s.from && `from ${s.from}`, s.port && `at tcp/${s.port}`]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className="section">
        <h2>Listens on</h2>
        {listeners.length === 0 ? (
          <p className="muted">
            {w.managed ? "No listening socket reported." : "Unmanaged: nothing reports its sockets."}
          </p>
        ) : (
          <table className="table">
            <thead>
              <tr>
                <th>Port</th>
                <th>Address</th>
                <th>Process</th>
                <th>Unit</th>
                <th>User</th>
              </tr>
            </thead>
            <tbody>
              {listeners.map((l) => (
                <tr key={l.port + l.address + l.process?.path}>
                  <td className="mono">{l.port}</td>
                  <td className="mono">{l.address ?? "every address"}</td>
                  <td className="mono">{l.process?.path ?? "unknown"}</td>
                  <td className="mono">{l.process?.unit ?? ""}</td>
                  <td>{l.process?.user ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      {w.managed && (
        <section className="section">
          <h2>Its policy, in the order in which it decides</h2>
          {(["inbound", "outbound"] as const).map((direction) => (
            <Sentences
              key={direction}
              direction={direction}
              sentences={detail.policy.filter((s) => s.direction === direction)}
            />
          ))}
        </section>
      )}
      {sealing && <QuarantineDialog workload={w} onClose={() => setSealing(false)} />}
    </>
  );
}

function Sentences({ direction, sentences }: { direction: string; sentences: PolicySentence[] }) {
  if (sentences.length === 0) return null;
  return (
    <>
      <h3 className="muted">{direction === "inbound" ? "Inbound" : "Outbound"}</h3>
      <ol style={{ margin: 0, paddingLeft: 20 }}>
        {sentences.map((s) => (
          <li key={`${s.ruleId}${s.sentence}`}>
            {s.sentence}
            {s.ruleset && (
              <Link
                className="link"
                style={{ marginLeft: 8 }}
                to={`/policy/rulesets/${encodeURIComponent(s.ruleset)}?rule=${s.ruleId}`}
              >
                rule {s.ruleId} of {s.ruleset}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
