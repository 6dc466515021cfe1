import { useId } from "react";
import { plural, verdictWords } from "../ui/words";
import type { Point } from "./geometry";
import type { Scene } from "./scene";
import type { DrawnStrand } from "./walls";

interface Props {
  drawn: DrawnStrand;
  scene: Scene;
  lit: boolean;
  label: PortLabel | undefined;
  onSelect: (id: string) => void;
  onHover: (id: string | null) => void;
}

/** How long a link counts as new, in ms. */
const fresh = 10 * 60_000;

/** One strand: its verdict by colour, dash and how it meets the wall. */
export function StrandMark({ drawn, scene, lit, label, onSelect, onHover }: Props) {
  const title = useId();
  const { strand } = drawn.route;
  const link = `${strand.source}>${strand.destination}`;
  const name = (id: string) => scene.nodes.get(id)?.name ?? id;
  const ports = strand.services.map((s) => s.port);
  const sentence = `${name(strand.source)} to ${name(strand.destination)} on ${ports.join(", ")}: ${verdictWords[strand.verdict]}, ${plural(strand.connections, "connection")}`;
  const age = Date.now() - Date.parse(strand.firstSeen);
  const classes = ["strand", strand.verdict, lit ? "lit" : "", strand.change ?? ""].join(" ");
  return (
    <g
      className={classes}
      role="button"
      tabIndex={-1}
      aria-labelledby={title}
      data-strand={strand.id}
      onClick={(event) => {
        event.stopPropagation();
        onSelect(link);
      }}
      onKeyDown={(event) => event.key === "Enter" && onSelect(link)}
      onPointerEnter={() => onHover(strand.id)}
      onPointerLeave={() => onHover(null)}
    >
      <title id={title}>{`${sentence}\n${strand.services[0]?.because ?? ""}`}</title>
      <path className="hit" d={drawn.path} />
      {strand.change && <path className="change" d={drawn.path} />}
      <path className="line" d={drawn.path} />
      {drawn.cut ? (
        <path className="bar" d={bar(drawn.cut.at, drawn.cut.heading)} />
      ) : (
        <path className="head" d={chevron(drawn.end, drawn.heading)} />
      )}
      {age < fresh && (
        <circle className="new" cx={drawn.middle.x} cy={drawn.middle.y} r={3} opacity={1 - age / fresh} />
      )}
      {label && (
        <text className="port" x={label.x} y={label.y} textAnchor={label.anchor}>
          {label.text}
        </text>
      )}
    </g>
  );
}

/** Where a strand's ports are written: above its last run, or beside the bar where it is cut. */
export interface PortLabel {
  text: string;
  x: number;
  y: number;
  anchor: "start" | "end";
}

/** Labels for the strands that have room for one; of two that would overlap the earlier stays. */
export function placeLabels(strands: readonly DrawnStrand[]): Map<string, PortLabel> {
  const placed = new Map<string, PortLabel>();
  const taken: { left: number; right: number; y: number }[] = [];
  for (const { route, end, heading, cut } of strands) {
    const text = portText(route.strand.services.map((s) => s.port));
    const width = text.length * 6.2 + 4;
    const before = route.points.at(-2);
    const upright = heading.x === 0;
    if (!cut && before && Math.abs(end.x - before.x) < width + 8) continue;
    const anchor = upright || heading.x < 0 ? "start" : "end";
    const at = cut?.at ?? end;
    const x = upright ? at.x + 9 : at.x - heading.x * 10;
    const y = upright ? at.y - heading.y * 8 + 4 : at.y - 5;
    const left = anchor === "start" ? x : x - width;
    if (taken.some((t) => t.left < left + width && t.right > left && Math.abs(t.y - y) < 11)) continue;
    taken.push({ left, right: left + width, y });
    placed.set(route.strand.id, { text, x, y, anchor });
  }
  return placed;
}

function portText(ports: string[]): string {
  const short = ports.map((p) => p.replace(/^tcp\//, ""));
  return short.length > 2 ? `${short[0]} +${short.length - 1}` : short.join(" ");
}

const bar = (at: Point, heading: Point) => (heading.x === 0 ? `M${at.x - 6} ${at.y}h12` : `M${at.x} ${at.y - 6}v12`);

function chevron({ x, y }: Point, heading: Point): string {
  const s = 4.5;
  return heading.x === 0
    ? `M${x - s} ${y - heading.y * s}L${x} ${y}L${x + s} ${y - heading.y * s}`
    : `M${x - heading.x * s} ${y - s}L${x} ${y}L${x - heading.x * s} ${y + s}`;
}
