import type { KeyboardEvent, MouseEvent } from "react";
import { plural, verdictWords } from "../ui/words";
import { inflate, type Rect, right } from "./geometry";
import { size } from "./layout";
import type { MapNode, Scene } from "./scene";
import { type Door, doorPosts, wallOf, wallPath, wallSentence } from "./walls";

interface Props {
  node: MapNode;
  scene: Scene;
  boxes: Map<string, Rect>;
  doors: Door[];
  lit: Set<string> | null;
  selected: string | null;
  onSelect: (id: string) => void;
  onToggle: (id: string) => void;
  onHover: (id: string | null) => void;
}

/** A compartment, a cell in it, or a workload in that: its wall says how closed it is. */
export function Compartment(props: Props) {
  const { node, boxes, lit, selected, onSelect, onToggle, onHover } = props;
  const rect = boxes.get(node.id);
  if (!rect) return null;
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter") onSelect(node.id);
    else if (event.key === " ") onToggle(node.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const pick = (event: MouseEvent) => {
    event.stopPropagation();
    if (event.detail === 2 && node.kind !== "workload") onToggle(node.id);
    else onSelect(node.id);
  };
  const dim = lit !== null && !lit.has(node.id);
  const classes = ["box", node.kind, dim ? "dim" : "", selected === node.id ? "selected" : ""].join(" ");
  return (
    <g className={classes}>
      <g
        role="button"
        tabIndex={0}
        data-node={node.id}
        aria-description={`${plural(node.members, "workload")}, ${wallSentence(node)}`}
        onClick={pick}
        onKeyDown={keys}
        onPointerEnter={() => onHover(node.id)}
        onPointerLeave={() => onHover(null)}
      >
        <Shape {...props} rect={rect} />
        <Title node={node} rect={rect} loops={props.scene.loops.get(node.id)?.map((s) => verdictWords[s.verdict])} />
      </g>
      {node.open && node.children.map((child) => <Compartment key={child.id} {...props} node={child} />)}
    </g>
  );
}

function Shape({ node, rect, doors }: Props & { rect: Rect }) {
  const wall = wallOf(node);
  const own = doors.filter((door) => door.node === node.id);
  const radius = node.kind === "compartment" ? 10 : node.kind === "workload" ? 4 : 6;
  const torn = node.stale > 0 && node.kind !== "workload";
  const double = wall === "full" || wall === "fullInbound" || wall === "fullOutbound";
  const small = node.kind !== "compartment";
  if (node.kind === "network" || node.kind === "internet") {
    return <rect className="outside-box" {...sizeOf(rect)} rx={rect.h / 2} />;
  }
  const inner = inflate(rect, small ? -3 : -4.5);
  return (
    <>
      <rect className={`fill ${wall}`} {...sizeOf(rect)} rx={radius} />
      <path className={`wall ${wall}`} d={wallPath(rect, radius, own, torn)} />
      {double && node.kind !== "workload" && (
        <path className={`wall inner ${wall}`} d={wallPath(inner, Math.max(2, radius - 4), moved(own, inner), false)} />
      )}
      {own.map((door) => (
        <path
          key={door.strand + door.side + door.at.x + door.at.y}
          className={`door ${wall}`}
          d={doorPosts(small ? door : inward(door, double ? 2.25 : 0), small ? 6 : double ? 12 : 8)}
        />
      ))}
      {(wall === "fullInbound" || wall === "fullOutbound") && <OneWay rect={rect} inbound={wall === "fullInbound"} />}
    </>
  );
}

const sizeOf = (r: Rect) => ({ x: r.x, y: r.y, width: r.w, height: r.h });

/** Doors of the outer wall, where the inner one meets them. */
function moved(doors: Door[], inner: Rect): Door[] {
  const at = ({ at, side }: Door) =>
    ({
      left: { x: inner.x, y: at.y },
      right: { x: right(inner), y: at.y },
      top: { x: at.x, y: inner.y },
      bottom: { x: at.x, y: inner.y + inner.h },
    })[side];
  return doors.map((door) => ({ ...door, at: at(door) }));
}

function inward(door: Door, by: number): Door {
  const [dx, dy] = { left: [by, 0], right: [-by, 0], top: [0, by], bottom: [0, -by] }[door.side] as [number, number];
  return { ...door, at: { x: door.at.x + dx, y: door.at.y + dy } };
}

/** Closed in one direction only: the arrow says which. */
function OneWay({ rect, inbound }: { rect: Rect; inbound: boolean }) {
  const [x, y] = [right(rect) - 26, rect.y];
  return (
    <path className="one-way" d={inbound ? `M${x} ${y - 9}v16m-4 -4l4 5l4 -5` : `M${x} ${y + 9}v-16m-4 4l4 -5l4 5`} />
  );
}

function Title({ node, rect, loops }: { node: MapNode; rect: Rect; loops: string[] | undefined }) {
  const inner = loops ? "  ↻" : "";
  if (node.kind === "workload") {
    return (
      <text className="row-name" x={rect.x + 8} y={rect.y + rect.h / 2 + 4}>
        {cut(node.name, 17)}
      </text>
    );
  }
  if (node.kind === "compartment" || (node.kind === "cell" && node.open)) {
    return (
      <>
        <text className="group-name" x={rect.x + 14} y={rect.y + 23}>
          {cut(node.name, Math.floor(rect.w / 12))}
        </text>
        <text className="group-note" x={right(rect) - (node.stale > 0 ? 24 : 14)} y={rect.y + 23} textAnchor="end">
          {noteOf(node, rect)}
        </text>
        {!node.open && <Serving node={node} x={rect.x + 14} y={rect.y + 46} />}
      </>
    );
  }
  const outside = node.kind === "network" || node.kind === "internet";
  return (
    <>
      <text className="cell-name" x={rect.x + (outside ? 18 : 14)} y={rect.y + (outside ? 26 : 22)}>
        {cut(node.name, 16)}
        <tspan className="loop">{inner}</tspan>
      </text>
      {!outside && (
        <>
          <text className="group-note" x={right(rect) - (node.stale > 0 ? 20 : 12)} y={rect.y + 22} textAnchor="end">
            {node.members > 1 ? `× ${node.members}` : ""}
          </text>
          <Serving node={node} x={rect.x + 14} y={rect.y + 40} />
        </>
      )}
    </>
  );
}

function noteOf(node: MapNode, rect: Rect): string {
  const parts = [
    node.quarantined > 0 ? `${node.quarantined} in quarantine` : "",
    node.stale > 0 ? `${node.stale} silent` : "",
    rect.w > size.cell.w + 60 ? plural(node.members, "workload") : `× ${node.members}`,
  ];
  return parts.filter(Boolean).join(" · ");
}

function Serving({ node, x, y }: { node: MapNode; x: number; y: number }) {
  return (
    <text className="serving" x={x} y={y}>
      {node.serving.length > 1
        ? `${cut(node.serving[0] ?? "", 14)} +${node.serving.length - 1}`
        : cut(node.serving[0] ?? "", 18)}
    </text>
  );
}

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
