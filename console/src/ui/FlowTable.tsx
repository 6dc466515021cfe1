import type { FlowEdge, TrafficView } from "../api/types";
import { Time } from "./Time";
import { Verdict } from "./Verdict";
import { groupWords, quantity } from "./words";

/** Connections with their verdict in one view, and what decided it. */
export function FlowTable({ edges, view, caption }: { edges: FlowEdge[]; view: TrafficView; caption: string }) {
  return (
    <table className="table">
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th>Consumer</th>
          <th>Provider</th>
          <th>Service</th>
          <th className="number">Connections</th>
          <th>Last seen</th>
          <th>Verdict</th>
          <th>Because</th>
        </tr>
      </thead>
      <tbody>
        {edges.map((e) => (
          <tr key={`${e.source.address}${e.destination.address}${e.port}`}>
            <td>
              <End end={e.source} />
            </td>
            <td>
              <End end={e.destination} />
            </td>
            <td className="mono">{e.port}</td>
            <td className="number">{quantity(e.connections)}</td>
            <td>
              <Time at={e.lastSeen} />
            </td>
            <td>
              <Verdict kind={e[view].kind} />
            </td>
            <td className="muted">{e[view].because}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function End({ end }: { end: FlowEdge["source"] }) {
  const processes = [...new Set(end.processes.map((p) => p.name))].join(", ");
  const group = groupWords(end.labels) ?? end.names.map((n) => `${n.name} (as seen by ${n.seenBy})`)[0];
  return (
    <span title={end.address}>
      {end.name}
      <span className="muted"> {[group, processes].filter(Boolean).join(" · ")}</span>
    </span>
  );
}
