import { Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { draftQuery } from "../api/queries";
import type { ServiceDocument } from "../api/types";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { Waiting } from "../ui/Waiting";
import { NamedList } from "./NamedList";

export function ServicesPage() {
  const draft = useQuery(draftQuery);
  return (
    <div className="page">
      <PageHead
        title="Services"
        lead="Named ports, and if you wish the program that must serve them: another program on the same port is not the service."
      />
      {draft.error ? (
        <Failure error={draft.error} />
      ) : !draft.data ? (
        <Waiting />
      ) : (
        <NamedList<ServiceDocument>
          kind="services"
          word="service"
          items={draft.data.services}
          lists={[{ name: "ports", label: "Ports", placeholder: "tcp/443 udp/8000-8100 icmp/8" }]}
          blank={{ name: "", ports: [] }}
          empty="Rules may say tcp/443 directly. A name helps where several ports belong together, or where only one program may serve."
          columns={[
            { head: "Ports", cell: (s) => s.ports.join(", ") },
            { head: "Served by", cell: (s) => s.process?.path ?? s.process?.unit ?? "any program" },
            { head: "Tracked", cell: (s) => (s.stateless ? "no" : s.helper ? `by ${s.helper}` : "yes") },
          ]}
          more={(service, change, error) => (
            <>
              <TextInput
                mt={12}
                label="Only if served by this program"
                placeholder="/usr/sbin/mariadbd"
                value={service.process?.path ?? ""}
                error={error("process.path")}
                onChange={(e) => change({ process: processOf(e.target.value, service.process?.unit) })}
              />
              <TextInput
                mt={12}
                label="or by this unit"
                placeholder="mariadb.service"
                value={service.process?.unit ?? ""}
                error={error("process.unit")}
                onChange={(e) => change({ process: processOf(service.process?.path, e.target.value) })}
              />
              <TextInput
                mt={12}
                label="Helper that reads along"
                description="For services that agree upon further connections, which then pass too, between the same two ends: amanda, ftp, netbios-ns, pptp, sane, sip, snmp, tftp."
                placeholder="ftp"
                value={service.helper ?? ""}
                error={error("helper")}
                onChange={(e) => change({ helper: e.target.value || null })}
              />
              <Switch
                mt={16}
                label="Do not track its connections"
                description="For ports so busy that connection tracking fills up, such as those of name servers. In return these connections are not on the map, and whoever sends from the service's port on a provider reaches UDP ports from 32768 of its consumers, asked or not."
                checked={service.stateless ?? false}
                error={error("stateless")}
                onChange={(e) => change({ stateless: e.currentTarget.checked })}
              />
            </>
          )}
        />
      )}
    </div>
  );
}

const processOf = (path: string | null | undefined, unit: string | null | undefined) =>
  path || unit ? { path: path || null, unit: unit || null } : null;
