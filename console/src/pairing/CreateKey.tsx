import { Button, Checkbox, Modal, NumberInput, Select, TagsInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "../api/client";
import { pairingKeysQuery, queryClient } from "../api/queries";
import type { CreatedPairingKey } from "../api/types";
import { Failure } from "../ui/Failure";
import { readLabels } from "../workloads/labels";
import { ShowSecret } from "./ShowSecret";

const lifetimes = [
  { value: "1", label: "1 hour" },
  { value: "24", label: "1 day" },
  { value: "168", label: "1 week" },
  { value: "720", label: "30 days" },
];

/** Makes a pairing key and shows its secret, once. */
export function CreateKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [labels, setLabels] = useState("");
  const [networks, setNetworks] = useState<string[]>([]);
  const [hours, setHours] = useState("24");
  const [uses, setUses] = useState<number | string>("");
  const [autoAdmit, setAutoAdmit] = useState(true);
  const read = readLabels(labels);
  const create = useMutation({
    mutationFn: () =>
      api.post<CreatedPairingKey>("/pairing-keys", {
        name,
        labels: read.labels,
        networks,
        maxUses: uses === "" ? null : Number(uses),
        expires: new Date(Date.now() + Number(hours) * 3_600_000).toISOString(),
        autoAdmit,
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: pairingKeysQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!read.problem && networks.length > 0) create.mutate();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={create.data ? "Pair hosts with this key" : "Create a pairing key"}
      size="lg"
      closeOnClickOutside={!create.data}
    >
      {create.data ? (
        <ShowSecret created={create.data} onClose={onClose} />
      ) : (
        <form onSubmit={submit}>
          <TextInput
            label="Name"
            description="For people, such as web servers in Frankfurt"
            required
            value={name}
            onChange={(e) => setName(e.target.value)}
            data-autofocus
          />
          <TagsInput
            mt={12}
            label="Networks"
            description="An agent's addresses count only within these"
            required
            placeholder={networks.length === 0 ? "10.0.0.0/8 fd00::/8" : ""}
            splitChars={[",", " "]}
            acceptValueOnBlur
            value={networks}
            onChange={setNetworks}
          />
          <TextInput
            mt={12}
            label="Labels given to its hosts"
            placeholder="app=shop env=prod role=web"
            value={labels}
            error={read.problem}
            onChange={(e) => setLabels(e.target.value)}
            spellCheck={false}
          />
          <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 12, marginTop: 12 }}>
            <Select
              label="Works for"
              data={lifetimes}
              value={hours}
              allowDeselect={false}
              onChange={(value) => value && setHours(value)}
            />
            <NumberInput label="How many hosts" placeholder="any number" min={1} value={uses} onChange={setUses} />
          </div>
          <Checkbox
            mt={16}
            label="Hosts enter others' policy at once"
            description="Otherwise each waits until a person admits it"
            checked={autoAdmit}
            onChange={(e) => setAutoAdmit(e.target.checked)}
          />
          {create.error && <Failure error={create.error} />}
          <Button type="submit" mt={16} loading={create.isPending}>
            Create key
          </Button>
        </form>
      )}
    </Modal>
  );
}
