import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, asFailure } from "../api/client";
import { queryClient } from "../api/queries";
import type { ApprovalView, DraftImpact, DraftStatus, RevisionView } from "../api/types";
import { Acknowledge } from "../ui/Acknowledge";
import { Failure } from "../ui/Failure";
import { done, failed } from "../ui/notify";
import { plural } from "../ui/words";
import { blockedSentence } from "./impact";

interface Props {
  status: DraftStatus;
  impact: DraftImpact | undefined;
  onProvisioned: () => void;
}

/** Makes the draft a revision: with a note, with the effect repeated beside the button, and with warnings accepted one by one. */
export function ProvisionForm({ status, impact, onProvisioned }: Props) {
  const [note, setNote] = useState("");
  const [accepted, setAccepted] = useState<string[]>([]);
  const [hours, setHours] = useState(0);
  const [revertOnBlock, setRevertOnBlock] = useState(false);
  const provision = useMutation({
    mutationFn: () =>
      api.post<RevisionView>("/policy/provision", {
        note,
        draftVersion: status.draftVersion,
        acknowledge: accepted,
        ...(hours > 0 ? { forSeconds: hours * 3600, revertOnBlock } : {}),
      }),
    onSuccess: async (revision) => {
      onProvisioned();
      await queryClient.invalidateQueries();
      done(`Revision ${revision.number} is provisioned.`);
    },
  });
  const ask = useMutation({
    mutationFn: () => api.post<ApprovalView>("/policy/approvals", { note, draftVersion: status.draftVersion }),
    onSuccess: (request) => {
      provision.reset();
      done(`Request ${request.number} waits for somebody else: bulkhead approvals approve ${request.number}`);
    },
    onError: failed,
  });
  const failure = provision.error ? asFailure(provision.error) : null;
  const errors = status.diagnostics.filter((d) => d.severity === "error").length;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    provision.mutate();
  };
  return (
    <form className="section" onSubmit={submit}>
      <h2>Provision</h2>
      <TextInput
        label="Note"
        description="Why; it stays with the revision"
        required
        maw={560}
        value={note}
        onChange={(e) => setNote(e.target.value)}
      />
      <NativeSelect
        label="In force"
        maw={560}
        mt={12}
        value={hours}
        onChange={(e) => setHours(Number(e.target.value))}
        data={[
          { value: "0", label: "for good" },
          ...[1, 4, 24].map((h) => ({ value: String(h), label: `for ${plural(h, "hour")}, unless it is confirmed` })),
        ]}
      />
      {hours > 0 && (
        <Checkbox
          mt={12}
          label="Revert at once when a host blocks what passes now"
          checked={revertOnBlock}
          onChange={(e) => setRevertOnBlock(e.target.checked)}
        />
      )}
      {failure && <Acknowledge diagnostics={failure.diagnostics} accepted={accepted} onChange={setAccepted} />}
      {failure && (
        <div style={{ marginTop: 12, maxWidth: 720 }}>
          <Failure error={failure} />
        </div>
      )}
      <div style={{ display: "flex", alignItems: "center", gap: 12, marginTop: 16 }}>
        <Button type="submit" size="sm" loading={provision.isPending} disabled={errors > 0 || note.trim() === ""}>
          Provision {plural(status.changes.length, "change")}
        </Button>
        {failure?.code === "needs-approval" && (
          <Button size="sm" variant="default" loading={ask.isPending} onClick={() => ask.mutate()}>
            Ask for approval
          </Button>
        )}
        <span className="muted">
          {errors > 0 ? `${plural(errors, "error")} to mend first.` : impact ? blockedSentence(impact) : ""}
        </span>
      </div>
    </form>
  );
}
