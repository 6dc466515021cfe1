import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { pairingKeysQuery, queryClient } from "../api/queries";
import type { PairingKeyView } from "../api/types";
import { ConfirmButton } from "../ui/ConfirmButton";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { LabelList } from "../ui/LabelList";
import { done, failed } from "../ui/notify";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Time } from "../ui/Time";
import { Waiting } from "../ui/Waiting";
import { CreateKey } from "./CreateKey";

export function PairingPage() {
  const may = useMay("manageAgents");
  const keys = useQuery({ ...pairingKeysQuery, enabled: may });
  const [creating, setCreating] = useState(false);
  return (
    <div className="page">
      <PageHead
        title="Pairing"
        lead="A pairing key lets a host's agent prove that it belongs here. It is limited in time, uses and networks, and its secret is shown once."
      >
        {may && <Button onClick={() => setCreating(true)}>Create a key</Button>}
      </PageHead>
      {!may ? (
        <Empty
          title="For agent managers"
          text="Pairing keys admit hosts, so only agent managers and owners see and create them."
        />
      ) : keys.error ? (
        <Failure error={keys.error} />
      ) : !keys.data ? (
        <Waiting />
      ) : keys.data.length === 0 ? (
        <Empty
          title="No keys yet"
          text="Create one, copy the command it shows to a host, and run it there as root. The host appears on the map within seconds."
        />
      ) : (
        <Keys keys={keys.data} />
      )}
      {creating && <CreateKey onClose={() => setCreating(false)} />}
    </div>
  );
}

function Keys({ keys }: { keys: PairingKeyView[] }) {
  const revoke = useMutation({
    mutationFn: (key: PairingKeyView) => api.delete(`/pairing-keys/${key.id}`),
    onSuccess: async (_, key) => {
      await queryClient.invalidateQueries({ queryKey: pairingKeysQuery.queryKey });
      done(`${key.name} pairs no more hosts. Hosts paired with it stay.`);
    },
    onError: failed,
  });
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Name</th>
          <th>Labels given</th>
          <th>Networks</th>
          <th>Uses</th>
          <th>Expires</th>
          <th>Hosts enter policy</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <td>{key.name}</td>
            <td>
              <LabelList labels={key.labels} />
            </td>
            <td className="mono">{key.networks.join(", ")}</td>
            <td>
              {key.uses} of {key.maxUses ?? "any number"}
            </td>
            <td>{key.revoked ? <span className="muted">revoked</span> : <Time at={key.expires} />}</td>
            <td>{key.autoAdmit ? "at once" : "when admitted"}</td>
            <td>
              {!key.revoked && (
                <ConfirmButton
                  action={`Revoke ${key.name}`}
                  question="No further host can pair with it. Hosts already paired stay."
                  loading={revoke.isPending}
                  onConfirm={() => revoke.mutate(key)}
                />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
