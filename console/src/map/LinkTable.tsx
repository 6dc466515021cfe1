import type { VerdictKind } from "../api/types";
import { Time } from "../ui/Time";
import { Verdict } from "../ui/Verdict";
import { quantity } from "../ui/words";
import { wordsOf } from "./LinkPanel";
import type { Scene } from "./scene";

/** The map's links as text: the same, for who reads rather than looks. */
export function LinkTable({
  scene,
  hidden,
  onSelect,
}: {
  scene: Scene;
  hidden: VerdictKind[];
  onSelect: (id: string) => void;
}) {
  const all = [...scene.strands, ...[...scene.loops.values()].flat()].filter((s) => !hidden.includes(s.verdict));
  const words = (id: string) => {
    const node = scene.nodes.get(id);
    return node ? wordsOf(node) : id;
  };
  return (
    <div style={{ padding: "8px 16px 64px" }}>
      <table className="table">
        <caption className="visually-hidden">Connections between groups</caption>
        <thead>
          <tr>
            <th>Verdict</th>
            <th>Consumer</th>
            <th>Provider</th>
            <th>Service</th>
            <th>Processes</th>
            <th className="number">Connections</th>
            <th>Last seen</th>
            <th>Because</th>
          </tr>
        </thead>
        <tbody>
          {all.flatMap((s) =>
            s.services.map((service) => (
              <tr key={`${s.id}${service.port}`}>
                <td>
                  <Verdict kind={service.verdict} />
                </td>
                <td>{words(s.source)}</td>
                <td>
                  <button
                    type="button"
                    className="peer link"
                    style={{ border: 0 }}
                    onClick={() => onSelect(`${s.source}>${s.destination}`)}
                  >
                    {words(s.destination)}
                  </button>
                </td>
                <td className="mono">{service.port}</td>
                <td className="mono muted">
                  {service.sourceProcesses.join(", ")} → {service.destinationProcesses.join(", ")}
                </td>
                <td className="number">{quantity(service.connections)}</td>
                <td>
                  <Time at={s.lastSeen} />
                </td>
                <td className="muted">{service.because}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </div>
  );
}
