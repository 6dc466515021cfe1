import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "../api/client";
import { queryClient } from "../api/queries";
import type { WorkloadView } from "../api/types";
import { Failure } from "../ui/Failure";
import { done } from "../ui/notify";
import { readLabels } from "./labels";

/** Names an address that has no agent, so that rules and the map can speak of it. */
export function AddUnmanaged({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [addresses, setAddresses] = useState("");
  const [labels, setLabels] = useState("");
  const read = readLabels(labels);
  const add = useMutation({
    mutationFn: () =>
      api.post<WorkloadView>("/workloads", {
        name,
        labels: read.labels,
        addresses: addresses.split(/[\s,]+/).filter(Boolean),
      }),
    onSuccess: async (w) => {
      await queryClient.invalidateQueries({ queryKey: ["workloads"] });
      done(`${w.name} is known now.`);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!read.problem) add.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="Add a workload by address">
      <form onSubmit={submit}>
        <p className="muted" style={{ marginTop: 0 }}>
          For what cannot run an agent: an appliance, a printer, a partner's server. It is judged at the other end of
          its connections.
        </p>
        <TextInput label="Name" required value={name} onChange={(e) => setName(e.target.value)} data-autofocus />
        <TextInput
          mt={12}
          label="Addresses"
          required
          placeholder="192.0.2.10 2001:db8::10"
          value={addresses}
          onChange={(e) => setAddresses(e.target.value)}
        />
        <TextInput
          mt={12}
          label="Labels"
          placeholder="role=printer loc=fra"
          value={labels}
          error={read.problem}
          onChange={(e) => setLabels(e.target.value)}
        />
        {add.error && <Failure error={add.error} />}
        <Button type="submit" mt={16} loading={add.isPending}>
          Add {name || "workload"}
        </Button>
      </form>
    </Modal>
  );
}
