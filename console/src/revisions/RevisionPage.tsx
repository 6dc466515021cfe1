import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { api, asFailure } from "../api/client";
import { queryClient, revisionPolicyQuery, revisionQuery, statusQuery } from "../api/queries";
import type { PolicyDocument, RevisionView, TrialView } from "../api/types";
import { ruleSentence } from "../policy/words";
import { Acknowledge } from "../ui/Acknowledge";
import { Changes } from "../ui/Changes";
import { Failure } from "../ui/Failure";
import { done, failed } from "../ui/notify";
import { PageHead } from "../ui/PageHead";
import { Rollout } from "../ui/Rollout";
import { useMay } from "../ui/session";
import { Time } from "../ui/Time";
import { Waiting } from "../ui/Waiting";

export function RevisionPage() {
  const { number = "" } = useParams();
  const query = useQuery(revisionQuery(number));
  const policy = useQuery(revisionPolicyQuery(number));
  const newest = useQuery(statusQuery).data?.revision;
  const may = useMay("provision");
  const [restoring, setRestoring] = useState(false);
  if (query.error) {
    return (
      <div className="page">
        <Failure error={query.error} />
      </div>
    );
  }
  const r = query.data;
  if (!r) {
    return (
      <div className="page">
        <Waiting />
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead title={`Revision ${r.number}`} lead={r.note}>
        {may && newest !== undefined && r.number < newest && (
          <Button onClick={() => setRestoring(true)}>Restore revision {r.number}…</Button>
        )}
      </PageHead>
      <dl className="facts">
        <dt>By</dt>
        <dd>
          {r.author}, <Time at={r.created} />
        </dd>
        <dt>Follows</dt>
        <dd>{r.parent > 0 ? `revision ${r.parent}` : "nothing: it is the first"}</dd>
        {r.trial && (
          <>
            <dt>In force</dt>
            <dd>
              <InForce revision={r} trial={r.trial} may={may} />
            </dd>
          </>
        )}
        {r.approvedBy !== null && (
          <>
            <dt>Approved by</dt>
            <dd>{r.approvedBy}</dd>
          </>
        )}
        {r.restoredFrom !== null && (
          <>
            <dt>Restores</dt>
            <dd>revision {r.restoredFrom}</dd>
          </>
        )}
        <dt>SHA-256</dt>
        <dd className="mono">{r.hash}</dd>
      </dl>
      {r.rollout && (
        <section className="section">
          <h2>Roll-out</h2>
          <Rollout rollout={r.rollout} />
        </section>
      )}
      <section className="section">
        <h2>Changes</h2>
        {r.changes.length === 0 ? (
          <p className="muted">The same as the one before it.</p>
        ) : (
          <Changes changes={r.changes} />
        )}
      </section>
      {policy.data && <Policy policy={policy.data} />}
      {restoring && <Restore revision={r} onClose={() => setRestoring(false)} />}
    </div>
  );
}

function Policy({ policy }: { policy: PolicyDocument }) {
  return (
    <section className="section">
      <h2>The whole policy</h2>
      {policy.rulesets.map((ruleset) => (
        <div key={ruleset.name} style={{ marginBottom: 12 }}>
          <h3>
            {ruleset.name} <span className="muted">for {ruleset.scopes.map((s) => s.selector).join(" or ")}</span>
          </h3>
          {ruleset.rules.map((rule) => (
            <div key={rule.id}>
              <span className="mono muted">#{rule.id}</span> {ruleSentence(rule)}
            </div>
          ))}
        </div>
      ))}
      {policy.modes.map((mode) => (
        <div key={mode.selector + mode.inbound + mode.outbound}>
          {mode.selector}: inbound {mode.inbound}, outbound {mode.outbound}
        </div>
      ))}
    </section>
  );
}

function Restore({ revision, onClose }: { revision: RevisionView; onClose: () => void }) {
  const [note, setNote] = useState("");
  const [accepted, setAccepted] = useState<string[]>([]);
  const navigate = useNavigate();
  const restore = useMutation({
    mutationFn: () =>
      api.post<RevisionView>(`/policy/revisions/${revision.number}/restore`, { note, acknowledge: accepted }),
    onSuccess: async (made) => {
      await queryClient.invalidateQueries();
      done(`Revision ${made.number} restores revision ${revision.number}.`);
      void navigate("/revisions");
    },
  });
  const failure = restore.error ? asFailure(restore.error) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    restore.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={`Restore revision ${revision.number}`}>
      <form onSubmit={submit}>
        <p style={{ marginTop: 0 }}>
          A new revision with its content takes effect at once, and the draft follows it. What is drafted now is lost.
          You can restore the present one the same way.
        </p>
        <TextInput
          label="Note"
          description="Why"
          required
          value={note}
          onChange={(e) => setNote(e.target.value)}
          data-autofocus
        />
        {failure && <Acknowledge diagnostics={failure.diagnostics} accepted={accepted} onChange={setAccepted} />}
        {failure && <Failure error={failure} />}
        <Button type="submit" mt={16} loading={restore.isPending}>
          Restore revision {revision.number}
        </Button>
      </form>
    </Modal>
  );
}

/** Until when a revision is in force, and the way to keep it. */
function InForce({ revision, trial, may }: { revision: RevisionView; trial: TrialView; may: boolean }) {
  const confirm = useMutation({
    mutationFn: () => api.post<RevisionView>(`/policy/revisions/${revision.number}/confirm`),
    onSuccess: async () => {
      await queryClient.invalidateQueries();
      done(`Revision ${revision.number} stays.`);
    },
    onError: failed,
  });
  if (trial.state !== "running") return trial.ended;
  return (
    <>
      until {new Date(trial.until).toLocaleString()}
      {trial.revertOnBlock && ", or the first unexpected block"}
      {trial.problem && <div className="failure">It could not be reverted so far: {trial.problem}</div>}{" "}
      {may && (
        <Button size="compact-sm" variant="default" loading={confirm.isPending} onClick={() => confirm.mutate()}>
          Keep it
        </Button>
      )}
    </>
  );
}
