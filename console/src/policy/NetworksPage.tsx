import { useQuery } from "@tanstack/react-query";
import { draftQuery } from "../api/queries";
import type { NetworkDocument } from "../api/types";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { Waiting } from "../ui/Waiting";
import { FailSafe } from "./FailSafe";
import { NamedList } from "./NamedList";

export function NetworksPage() {
  const draft = useQuery(draftQuery);
  return (
    <div className="page">
      <PageHead
        title="Networks"
        lead="Named addresses, whoever owns them. The network named responders may reach quarantined workloads."
      />
      {draft.error ? (
        <Failure error={draft.error} />
      ) : !draft.data ? (
        <Waiting />
      ) : (
        <>
          <NamedList<NetworkDocument>
            kind="networks"
            word="network"
            items={draft.data.networks}
            lists={[
              { name: "addresses", label: "Addresses", placeholder: "192.0.2.0/24 2001:db8::/32 192.0.2.1-192.0.2.9" },
              { name: "exclude", label: "Except", placeholder: "192.0.2.7" },
            ]}
            blank={{ name: "", addresses: [], exclude: [], fqdn: [] }}
            empty="Name the address ranges that are not workloads: offices, partners, the internet. Rules then say network:NAME."
            columns={[
              { head: "Addresses", cell: (n) => n.addresses.join(", ") },
              { head: "Except", cell: (n) => n.exclude.join(", ") },
            ]}
          />
          <FailSafe
            key={JSON.stringify(draft.data.failSafe)}
            saved={draft.data.failSafe}
            networks={draft.data.networks.map((n) => n.name)}
          />
        </>
      )}
    </div>
  );
}
