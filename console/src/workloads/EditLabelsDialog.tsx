import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { asFailure } from "../api/client";
import type { WorkloadView } from "../api/types";
import { Acknowledge } from "../ui/Acknowledge";
import { Failure } from "../ui/Failure";
import { plural } from "../ui/words";
import { Affected } from "./Affected";
import { apply, preview, readLabels } from "./labels";

/** Sets and removes labels of many workloads at once, after showing whom it affects. */
export function EditLabelsDialog({
  workloads,
  onClose,
}: {
  workloads: WorkloadView[];
  onClose: (changed: boolean) => void;
}) {
  const [set, setSet] = useState("");
  const [remove, setRemove] = useState("");
  const read = readLabels(set);
  const removed = remove.split(/[\s,]+/).filter(Boolean);
  const edits = workloads.map((w) => ({
    workload: w.id,
    set: read.labels,
    remove: removed.filter((key) => key in w.labels),
    version: w.version,
  }));
  const nothing = Object.keys(read.labels).length + removed.length === 0;
  const [accepted, setAccepted] = useState<string[]>([]);
  const look = useMutation({ mutationFn: () => preview(edits, accepted) });
  const save = useMutation({ mutationFn: () => apply(edits, workloads, accepted), onSuccess: () => onClose(true) });
  const error = look.error ?? save.error;
  const failure = error ? asFailure(error) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (read.problem || nothing) return;
    if (look.data) save.mutate();
    else look.mutate();
  };
  return (
    <Modal opened onClose={() => onClose(false)} title={`Label ${plural(workloads.length, "workload")}`}>
      <form onSubmit={submit}>
        <p className="muted" style={{ marginTop: 0 }}>
          {workloads
            .slice(0, 6)
            .map((w) => w.name)
            .join(", ")}
          {workloads.length > 6 && ` and ${workloads.length - 6} more`}
        </p>
        <TextInput
          label="Set"
          placeholder="app=shop env=prod"
          value={set}
          onChange={(e) => {
            setSet(e.target.value);
            look.reset();
          }}
          error={read.problem}
          spellCheck={false}
          data-autofocus
        />
        <TextInput
          mt={12}
          label="Remove keys"
          placeholder="loc"
          value={remove}
          onChange={(e) => {
            setRemove(e.target.value);
            look.reset();
          }}
          spellCheck={false}
        />
        {look.data && <Affected hosts={look.data.enforcingHostsAffected} />}
        {failure && <Failure error={failure} />}
        {failure?.code === "acknowledge" && (
          <Acknowledge diagnostics={failure.diagnostics} accepted={accepted} onChange={setAccepted} />
        )}
        <Button type="submit" mt={16} disabled={nothing || !!read.problem} loading={look.isPending || save.isPending}>
          {look.data ? `Label ${plural(look.data.changed.length, "workload")}` : "See what it changes"}
        </Button>
      </form>
    </Modal>
  );
}
