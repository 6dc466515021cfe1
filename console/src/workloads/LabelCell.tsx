import { Button, Popover, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { WorkloadView } from "../api/types";
import { Failure } from "../ui/Failure";
import { LabelList } from "../ui/LabelList";
import { Affected } from "./Affected";
import { apply, editTo, labelText, preview, readLabels } from "./labels";

/** A workload's labels; click to edit them in place. */
export function LabelCell({ workload, may }: { workload: WorkloadView; may: boolean }) {
  const [open, setOpen] = useState(false);
  if (!may) return <LabelList labels={workload.labels} />;
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" width={380} trapFocus>
      <Popover.Target>
        <button
          type="button"
          title={`Edit the labels of ${workload.name}`}
          onClick={() => setOpen(!open)}
          style={{
            padding: 0,
            border: 0,
            background: "none",
            font: "inherit",
            color: "inherit",
            cursor: "text",
            textAlign: "left",
          }}
        >
          <LabelList labels={workload.labels} />
        </button>
      </Popover.Target>
      <Popover.Dropdown>{open && <Editor workload={workload} onDone={() => setOpen(false)} />}</Popover.Dropdown>
    </Popover>
  );
}

function Editor({ workload, onDone }: { workload: WorkloadView; onDone: () => void }) {
  const [text, setText] = useState(labelText(workload.labels));
  const { labels, problem } = readLabels(text);
  const edits = [editTo(workload, labels)];
  const look = useMutation({ mutationFn: () => preview(edits) });
  const save = useMutation({ mutationFn: () => apply(edits, [workload]), onSuccess: onDone });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (problem) return;
    const seen = look.data ?? (await look.mutateAsync().catch(() => null));
    if (seen && (look.data || seen.enforcingHostsAffected.length === 0)) save.mutate();
  };
  const affected = look.data?.enforcingHostsAffected ?? [];
  return (
    <form onSubmit={(event) => void submit(event)}>
      <TextInput
        label={`Labels of ${workload.name}`}
        description="key=value, separated by spaces"
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          look.reset();
        }}
        error={problem}
        spellCheck={false}
        data-autofocus
      />
      {look.data && <Affected hosts={affected} />}
      {(look.error ?? save.error) && <Failure error={look.error ?? save.error} />}
      <Button type="submit" mt={10} loading={look.isPending || save.isPending} disabled={!!problem}>
        {affected.length > 0 ? "Save all the same" : "Save labels"}
      </Button>
    </form>
  );
}
