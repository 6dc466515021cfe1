import { ActionIcon, Button } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { draftQuery, flowsQuery } from "../api/queries";
import type { FlowEdge, MapService } from "../api/types";
import { useMay } from "../ui/session";
import { Time } from "../ui/Time";
import { Verdict } from "../ui/Verdict";
import { bytes, groupWords, plural } from "../ui/words";
import { proposalHref, propose } from "./allow";
import { type MapNode, type Scene, selectorOf } from "./scene";
import type { MapState } from "./url";

/** All that passes, or tries to pass, from one group to another. */
export function LinkPanel({
  scene,
  id,
  state,
  onClose,
}: {
  scene: Scene;
  id: string;
  state: MapState;
  onClose: () => void;
}) {
  const [sourceId = "", destinationId = ""] = id.split(">");
  const [source, destination] = [scene.nodes.get(sourceId), scene.nodes.get(destinationId)];
  const strands = [...scene.strands, ...[...scene.loops.values()].flat()].filter(
    (s) => s.source === sourceId && s.destination === destinationId,
  );
  if (!source || !destination || strands.length === 0) {
    return (
      <aside className="panel" aria-label="Link">
        <Head title="This link is not on the map now" onClose={onClose} />
        <p className="muted">Nothing of it was seen in this window, or its groups are folded away.</p>
      </aside>
    );
  }
  const services = strands
    .flatMap((s) => s.services.map((service) => ({ ...service, change: s.change })))
    .sort((a, b) => b.connections - a.connections);
  const first = strands.map((s) => s.firstSeen).sort()[0] ?? null;
  const last =
    strands
      .map((s) => s.lastSeen)
      .sort()
      .at(-1) ?? null;
  return (
    <aside className="panel" aria-label="Link">
      <Head title={`${wordsOf(source)} → ${wordsOf(destination)}`} onClose={onClose} />
      <p className="muted">
        First seen <Time at={first} />, last <Time at={last} />.
      </p>
      {services.map((service) => (
        <Service
          key={`${service.port}${service.verdict}`}
          service={service}
          scene={scene}
          source={source}
          destination={destination}
        />
      ))}
      <Connections source={source} destination={destination} state={state} />
    </aside>
  );
}

export function Head({ title, onClose }: { title: string; onClose: () => void }) {
  return (
    <header>
      <h2>{title}</h2>
      <ActionIcon variant="subtle" color="gray" aria-label="Close" onClick={onClose}>
        <IconX size={16} />
      </ActionIcon>
    </header>
  );
}

export const wordsOf = (node: MapNode) =>
  node.kind === "workload" ? node.name : (groupWords(node.labels) ?? node.name);

interface ServiceProps {
  service: MapService & { change: string | null };
  scene: Scene;
  source: MapNode;
  destination: MapNode;
}

function Service({ service, scene, source, destination }: ServiceProps) {
  const draft = useQuery(draftQuery).data;
  const may = useMay("draft");
  const proposal = propose(scene, source, destination, [service.port]);
  const home = draft?.rulesets.find((r) => r.rules.some((rule) => rule.id === service.ruleId));
  return (
    <section className="service">
      <div className="service-head">
        <strong className="mono">{service.port}</strong>
        <span className="muted">{plural(service.connections, "connection")}</span>
        <Verdict kind={service.verdict} />
      </div>
      <p>
        {list(service.sourceProcesses) ?? <span className="muted">unknown process</span>}
        <span className="muted"> to </span>
        {list(service.destinationProcesses) ?? <span className="muted">unknown process</span>}
      </p>
      <p className="muted">{service.because}</p>
      {service.change === "newlyBlocked" && (
        <p style={{ color: "var(--staged)" }}>Passes now; the draft would block it.</p>
      )}
      {service.change === "newlyAllowed" && (
        <p style={{ color: "var(--staged)" }}>Blocked now; the draft would let it pass.</p>
      )}
      {home && (
        <Link className="link" to={`/policy/rulesets/${encodeURIComponent(home.name)}?rule=${service.ruleId}`}>
          Rule {service.ruleId} of {home.name}
        </Link>
      )}
      {service.verdict !== "allowed" &&
        may &&
        (proposal ? (
          <Button component={Link} variant="light" mt={4} to={proposalHref(proposal, draft)}>
            Allow this…
          </Button>
        ) : (
          <p className="muted">To write a rule for it, label both ends first.</p>
        ))}
    </section>
  );
}

const list = (names: string[]) => (names.length > 0 ? <span className="mono">{names.join(", ")}</span> : null);

/** The single connections behind the link, with who made them. */
function Connections({ source, destination, state }: { source: MapNode; destination: MapNode; state: MapState }) {
  const from = endFilter(source);
  const to = endFilter(destination);
  const flows = useQuery({
    ...flowsQuery({ from, to, view: state.view, since: state.since }),
    enabled: from !== null || to !== null,
  });
  const edges = (flows.data?.items ?? []).filter((e) => isAt(e.source, source) && isAt(e.destination, destination));
  if (edges.length === 0) return null;
  return (
    <>
      <h3>{plural(edges.length, "pair")} of workloads</h3>
      {edges.map((edge) => (
        <Pair key={`${edge.source.address}${edge.destination.address}${edge.port}`} edge={edge} view={state.view} />
      ))}
    </>
  );
}

function endFilter(node: MapNode): string | null {
  if (node.kind === "network" || node.kind === "internet") return null;
  return selectorOf(node.labels);
}

function isAt(end: FlowEdge["source"], node: MapNode): boolean {
  if (node.kind === "workload") return end.workloadId === node.id || end.name === node.name;
  if (node.kind === "network" || node.kind === "internet") return end.workloadId === null;
  return Object.entries(node.labels).every(([key, value]) => (end.labels[key] ?? "") === value);
}

/** An outside address with the name under which a host looked it up: evidence, by which nothing is judged. */
function EndName({ end }: { end: FlowEdge["source"] }) {
  const [first] = end.names;
  if (!first) return <>{end.name}</>;
  return (
    <>
      {end.name} <span className="muted">{`${first.name} (as seen by ${first.seenBy})`}</span>
    </>
  );
}

function Pair({ edge, view }: { edge: FlowEdge; view: MapState["view"] }) {
  const who = (end: FlowEdge["source"]) => end.processes.map((p) => `${p.path} as ${p.user}`).join(", ");
  return (
    <section className="service">
      <div className="service-head">
        <span>
          <EndName end={edge.source} /> → <EndName end={edge.destination} />
        </span>
        <span className="mono muted">{edge.port}</span>
        <Verdict kind={edge[view].kind} word={false} />
      </div>
      {who(edge.source) && <div className="mono muted">{who(edge.source)}</div>}
      {who(edge.destination) && <div className="mono muted">→ {who(edge.destination)}</div>}
      <div className="muted" style={{ fontSize: 12 }}>
        {plural(edge.connections, "connection")}, {bytes(edge.bytes)} in {plural(edge.packets, "packet")}
        {edge.blockedConnections > 0 && `, ${plural(edge.blockedConnections, "attempt")} blocked`}
        {edge.open > 0 && `, ${edge.open} open`} · <Time at={edge.lastSeen} />
      </div>
    </section>
  );
}
