import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { workloadsQuery } from "../api/queries";
import type { ScanView, WorkloadGaps } from "../api/types";
import { Time } from "../ui/Time";
import { Verdict } from "../ui/Verdict";
import { plural, syncWords } from "../ui/words";
import { gapWords } from "./gaps";
import { Head, wordsOf } from "./LinkPanel";
import { type MapNode, type Scene, type Strand, selectorOf } from "./scene";
import { wallSentence } from "./walls";

interface Props {
  scene: Scene;
  node: MapNode;
  scans: ScanView[];
  gaps: WorkloadGaps[];
  onClose: () => void;
  onSelect: (id: string) => void;
  onToggle: () => void;
}

/** A group: its members, how closed it is, what it provides and what it consumes. */
export function GroupPanel({ scene, node, scans, gaps, onClose, onSelect, onToggle }: Props) {
  const workloads = useQuery(workloadsQuery).data ?? [];
  const members = workloads.filter((w) =>
    node.kind === "workload"
      ? w.id === node.id || w.name === node.name
      : Object.entries(node.labels).every(([key, value]) => (w.labels[key] ?? "") === value),
  );
  const outside = node.kind === "network" || node.kind === "internet";
  const within = (id: string): boolean => {
    const parent = scene.nodes.get(id)?.parent;
    return id === node.id || (!!parent && within(parent));
  };
  const provides = scene.strands.filter((s) => within(s.destination) && !within(s.source));
  const consumes = scene.strands.filter((s) => within(s.source) && !within(s.destination));
  const selector = selectorOf(node.labels);
  return (
    <aside className="panel" aria-label="Group">
      <Head title={wordsOf(node)} onClose={onClose} />
      {outside ? (
        <p className="muted">Outside the hull: no agent and no workload is known at these addresses.</p>
      ) : (
        <>
          <p>
            {plural(node.members, "workload")}; {wallSentence(node)}.
            {node.mixedModes && " Its members differ; the lowest is shown."}
          </p>
          {node.stale > 0 && (
            <p className="notice">
              {plural(node.stale, "member")} cannot be heard or lost connections: what is shown here is not the whole
              truth.
            </p>
          )}
          {gaps
            .filter((g) => members.some((w) => w.id === g.workloadId))
            .map((g) => (
              <p key={g.workloadId} className="notice">
                {g.name}: {gapWords(g)}.
              </p>
            ))}
          <div style={{ display: "flex", gap: 8, marginTop: 10 }}>
            {node.kind !== "workload" && (
              <Button variant="default" onClick={onToggle}>
                {node.open ? "Fold" : "Show inside"}
              </Button>
            )}
            {selector && (
              <Button variant="default" component={Link} to={`/workloads?select=${encodeURIComponent(selector)}`}>
                Open the list
              </Button>
            )}
            {selector && node.kind === "compartment" && (
              <Button variant="light" component={Link} to={`/policy/modes?select=${encodeURIComponent(selector)}`}>
                Close its walls…
              </Button>
            )}
          </div>
        </>
      )}
      <Scans
        scans={scans.filter((s) =>
          outside ? s.sourceId === null : members.some((w) => w.id === s.sourceId || w.id === s.seenById),
        )}
      />
      <Peers title="Provides" strands={provides} scene={scene} end="source" onSelect={onSelect} />
      <Peers title="Consumes" strands={consumes} scene={scene} end="destination" onSelect={onSelect} />
      {!outside && members.length > 0 && <h3>Members</h3>}
      {!outside &&
        members.map((w) => (
          <Link
            key={w.id}
            className="peer"
            to={`/workloads/${encodeURIComponent(w.name)}`}
            style={{ textDecoration: "none" }}
          >
            {w.name} <span className="muted">{syncWords[w.sync]}</span>
            <span className="mono">{w.addresses[0]}</span>
          </Link>
        ))}
    </aside>
  );
}

function Scans({ scans }: { scans: ScanView[] }) {
  if (scans.length === 0) return null;
  return (
    <>
      <h3>Scans</h3>
      {scans.map((s) => (
        <p key={`${s.seenById}${s.sourceAddress}${s.first}`} className="notice">
          {s.source} tried {plural(s.targets, "target")} at {plural(s.addresses, "address", "addresses")}
          {s.process && ` with ${s.process}`}, {s.blocked} of {plural(s.connections, "attempt")} blocked; seen by{" "}
          {s.seenBy}, last <Time at={s.last} />. <span className="mono">{s.samples.slice(0, 4).join(", ")}</span>
        </p>
      ))}
    </>
  );
}

interface PeersProps {
  title: string;
  strands: Strand[];
  scene: Scene;
  end: "source" | "destination";
  onSelect: (id: string) => void;
}

function Peers({ title, strands, scene, end, onSelect }: PeersProps) {
  if (strands.length === 0) return null;
  const words = (strand: Strand) => {
    const node = scene.nodes.get(strand[end]);
    return node ? wordsOf(node) : strand[end];
  };
  return (
    <>
      <h3>{title}</h3>
      {strands.map((s) => (
        <button key={s.id} type="button" className="peer" onClick={() => onSelect(`${s.source}>${s.destination}`)}>
          <Verdict kind={s.verdict} word={false} />
          {end === "source" ? `to ${words(s)}` : `from ${words(s)}`}
          <span className="mono">{s.services.map((x) => x.port).join(" ")}</span>
        </button>
      ))}
    </>
  );
}
