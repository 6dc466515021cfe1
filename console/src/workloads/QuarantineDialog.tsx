import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "../api/client";
import { queryClient } from "../api/queries";
import type { WorkloadView } from "../api/types";
import { Failure } from "../ui/Failure";
import { done } from "../ui/notify";

/** Cuts a workload off, or lets it back in; says first what that does. */
export function QuarantineDialog({ workload: w, onClose }: { workload: WorkloadView; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const seal = useMutation({
    mutationFn: () => api.post(`/workloads/${w.id}/quarantine`, { quarantined: !w.quarantined, reason }),
    onSuccess: async () => {
      await Promise.all(
        ["workload", "workloads", "map"].map((key) => queryClient.invalidateQueries({ queryKey: [key] })),
      );
      done(w.quarantined ? `${w.name} is out of quarantine.` : `${w.name} is in quarantine.`);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    seal.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={w.quarantined ? `End the quarantine of ${w.name}` : `Quarantine ${w.name}`}>
      <form onSubmit={submit}>
        <p style={{ marginTop: 0 }}>
          {w.quarantined
            ? "Its ordinary policy decides again, at once."
            : "At once, and whatever its mode: its live connections end, and it reaches and is reached by nothing but the controller and the network named responders. You can end this at any time."}
        </p>
        <TextInput
          label="Reason"
          description="Kept in the audit log"
          required
          value={reason}
          onChange={(e) => setReason(e.target.value)}
          data-autofocus
        />
        {seal.error && <Failure error={seal.error} />}
        <Button type="submit" mt={16} color={w.quarantined ? undefined : "red"} loading={seal.isPending}>
          {w.quarantined ? "End quarantine" : `Quarantine ${w.name}`}
        </Button>
      </form>
    </Modal>
  );
}
