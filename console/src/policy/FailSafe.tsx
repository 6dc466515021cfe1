import { ActionIcon, Button, Select, TagsInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { asFailure } from "../api/client";
import type { FailSafeDocument } from "../api/types";
import { Failure } from "../ui/Failure";
import { useMay } from "../ui/session";
import { messageAt } from "./diagnostics";
import { saveToDraft } from "./save";

/** The connections that no policy can cut: the operators' way back in. */
export function FailSafe({ saved, networks }: { saved: FailSafeDocument[]; networks: string[] }) {
  const [list, setList] = useState(saved);
  const may = useMay("draft");
  const save = useMutation({ mutationFn: () => saveToDraft("fail-safe", list, saved, "The fail-safe list") });
  const failure = save.error ? asFailure(save.error) : null;
  const edit = (index: number, part: Partial<FailSafeDocument>) =>
    setList(list.map((f, i) => (i === index ? { ...f, ...part } : f)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <section className="section">
      <h2>Fail-safe</h2>
      <p className="muted" style={{ maxWidth: "68ch", margin: "0 0 8px" }}>
        Inbound connections that stay open whatever the policy says, such as SSH from the administrators' network. Empty
        until you set it.
      </p>
      <form onSubmit={submit}>
        {list.map((entry, i) => (
          <div
            key={i}
            style={{ display: "grid", gridTemplateColumns: "240px 1fr 28px", gap: 8, marginBottom: 8, maxWidth: 720 }}
          >
            <Select
              size="xs"
              aria-label="Network"
              placeholder="network"
              data={networks}
              value={entry.network || null}
              error={messageAt(failure?.diagnostics ?? [], `failSafe[${i}].network`)}
              onChange={(network) => edit(i, { network: network ?? "" })}
            />
            <TagsInput
              size="xs"
              aria-label="Ports"
              placeholder="tcp/22"
              value={entry.ports}
              acceptValueOnBlur
              error={messageAt(failure?.diagnostics ?? [], `failSafe[${i}].ports`)}
              onChange={(ports) => edit(i, { ports })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size={28}
              aria-label="Remove"
              onClick={() => setList(list.filter((_, n) => n !== i))}
            >
              <IconTrash size={15} />
            </ActionIcon>
          </div>
        ))}
        {failure && failure.diagnostics.length === 0 && <Failure error={failure} />}
        {may && (
          <div style={{ display: "flex", gap: 8 }}>
            <Button
              variant="light"
              disabled={networks.length === 0}
              onClick={() => setList([...list, { network: "", ports: ["tcp/22"] }])}
            >
              Keep a way in
            </Button>
            {JSON.stringify(list) !== JSON.stringify(saved) && (
              <Button type="submit" loading={save.isPending}>
                Save to draft
              </Button>
            )}
          </div>
        )}
        {networks.length === 0 && <p className="muted">Name a network first.</p>}
      </form>
    </section>
  );
}
