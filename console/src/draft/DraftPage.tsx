import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "../api/client";
import { changesQuery, impactQuery, queryClient, revisionsQuery } from "../api/queries";
import type { DraftImpact, DraftStatus } from "../api/types";
import { refreshDraft } from "../policy/save";
import { Changes } from "../ui/Changes";
import { ConfirmButton } from "../ui/ConfirmButton";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { FlowTable } from "../ui/FlowTable";
import { done, failed } from "../ui/notify";
import { PageHead } from "../ui/PageHead";
import { Rollout } from "../ui/Rollout";
import { useMay } from "../ui/session";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";
import { blockedSentence } from "./impact";
import { ProvisionForm } from "./ProvisionForm";

export function DraftPage() {
  const status = useQuery(changesQuery);
  const newest = useQuery(revisionsQuery).data?.[0];
  const [provisioned, setProvisioned] = useState(false);
  const count = status.data?.changes.length ?? 0;
  return (
    <div className="page">
      <PageHead title="Draft" lead={status.data && lead(status.data)}>
        {count > 0 && (
          <>
            <Discard count={count} />
            <Button variant="default" component={Link} to="/map?view=draft">
              See it on the map
            </Button>
          </>
        )}
      </PageHead>
      {status.error ? (
        <Failure error={status.error} />
      ) : !status.data ? (
        <Waiting />
      ) : count === 0 ? (
        <>
          {provisioned && newest?.rollout && (
            <section>
              <h2>Revision {newest.number} rolls out</h2>
              <Rollout rollout={newest.rollout} />
            </section>
          )}
          <Empty
            title="Nothing to provision"
            text="The draft is the same as the newest revision. Edits to rulesets, services, networks and modes gather here until you provision them."
          >
            <Button component={Link} to="/map" variant="default">
              Open the map
            </Button>
          </Empty>
        </>
      ) : (
        <Drafted status={status.data} onProvisioned={() => setProvisioned(true)} />
      )}
    </div>
  );
}

const lead = (status: DraftStatus) =>
  status.changes.length > 0
    ? `${plural(status.changes.length, "change")} against ${status.baseRevision > 0 ? `revision ${status.baseRevision}` : "the empty policy"}. Nothing acts until you provision.`
    : undefined;

function Drafted({ status, onProvisioned }: { status: DraftStatus; onProvisioned: () => void }) {
  const impact = useQuery(impactQuery("7d"));
  const may = useMay("provision");
  return (
    <>
      <section>
        <Changes changes={status.changes} />
      </section>
      {status.diagnostics.length > 0 && (
        <section className="section">
          <h2>What to know about it</h2>
          {status.diagnostics.map((d) => (
            <p
              key={d.path + d.code + d.message}
              className={d.severity === "error" ? "failure" : "notice"}
              style={{ margin: "0 0 6px" }}
            >
              {d.message} <span className="mono muted">{d.path}</span>
            </p>
          ))}
        </section>
      )}
      <section className="section">
        <h2>What it would do to the traffic of the last week</h2>
        {impact.error ? (
          <Failure error={impact.error} />
        ) : impact.data ? (
          <Impact impact={impact.data} />
        ) : (
          <Waiting rows={3} />
        )}
      </section>
      {may && <ProvisionForm status={status} impact={impact.data} onProvisioned={onProvisioned} />}
    </>
  );
}

function Impact({ impact }: { impact: DraftImpact }) {
  return (
    <>
      <p style={{ margin: "0 0 12px" }}>
        <strong>{blockedSentence(impact)}</strong>{" "}
        <span className="muted">
          {plural(impact.edges, "connection")} judged; the policy of {plural(impact.hostsChanged.length, "host")}{" "}
          changes
          {impact.hostsChanged.length > 0 && `: ${impact.hostsChanged.slice(0, 12).join(", ")}`}
          {impact.hostsChanged.length > 12 && "…"}.
        </span>
      </p>
      {impact.newlyBlocked.length > 0 && (
        <>
          <h3>Newly blocked</h3>
          <FlowTable
            edges={impact.newlyBlocked}
            view="draft"
            caption="Connections that pass now and would be blocked"
          />
        </>
      )}
      {impact.newlyAllowed.length > 0 && (
        <>
          <h3>Newly allowed</h3>
          <FlowTable
            edges={impact.newlyAllowed}
            view="draft"
            caption="Connections that are blocked now and would pass"
          />
        </>
      )}
      {impact.leftOut.map((d) => (
        <p key={d.path + d.message} className="notice" style={{ margin: "8px 0 0" }}>
          {d.message}
        </p>
      ))}
    </>
  );
}

function Discard({ count }: { count: number }) {
  const may = useMay("draft");
  const discard = useMutation({
    mutationFn: () => api.post("/policy/draft/discard"),
    onSuccess: async () => {
      await refreshDraft();
      await queryClient.invalidateQueries({ queryKey: ["draft"] });
      done("The draft is the newest revision again.");
    },
    onError: failed,
  });
  if (!may) return null;
  return (
    <ConfirmButton
      action={`Discard ${plural(count, "change")}`}
      question="The draft becomes the newest revision again. What was drafted is lost; hosts are not touched."
      loading={discard.isPending}
      onConfirm={() => discard.mutate()}
    />
  );
}
