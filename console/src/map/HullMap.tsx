import { useMemo, useState } from "react";
import type { VerdictKind } from "../api/types";
import { Compartment } from "./Compartment";
import { right } from "./geometry";
import { spread } from "./lanes";
import type { Layout } from "./layout";
import { routeAll } from "./routing";
import { placeLabels, StrandMark } from "./StrandMark";
import type { Scene } from "./scene";
import type { Camera } from "./url";
import { useCamera } from "./useCamera";
import { drawStrands } from "./walls";

interface Props {
  scene: Scene;
  layout: Layout;
  hidden: VerdictKind[];
  selected: string | null;
  camera: Camera | null;
  onCamera: (camera: Camera) => void;
  onSelect: (id: string | null) => void;
  onToggle: (id: string) => void;
}

/** The hull with its compartments, and the strands between them. */
export function HullMap({ scene, layout, hidden, selected, camera, onCamera, onSelect, onToggle }: Props) {
  const [hovered, setHovered] = useState<string | null>(null);
  const { ref, transform, zoom, handlers } = useCamera(layout.bounds, camera, onCamera);
  const visible = useMemo(
    () => ({ ...scene, strands: scene.strands.filter((s) => !hidden.includes(s.verdict)) }),
    [scene, hidden],
  );
  const { strands, doors } = useMemo(
    () => drawStrands(visible, layout, spread(routeAll(visible, layout), layout.boxes)),
    [visible, layout],
  );
  const focus = hovered ?? selected;
  const lit = useMemo(() => litBy(focus, scene), [focus, scene]);
  const far = zoom < 0.6;
  const labels = useMemo(() => {
    const shown = lit ? strands.filter((s) => lit.has(s.route.strand.id)) : strands.length > 60 || far ? [] : strands;
    return placeLabels(shown);
  }, [strands, lit, far]);
  return (
    <svg
      ref={ref}
      className={lit ? "hull-map focused" : "hull-map"}
      role="group"
      aria-label="Map of groups and the connections between them. The same is available as a table."
      {...handlers}
      onKeyDown={(event) => (event.key === "Escape" ? onSelect(null) : handlers.onKeyDown(event))}
      onClick={(event) => event.target === event.currentTarget && onSelect(null)}
    >
      <g transform={transform}>
        <path className="hull" d={hullPath(layout.hull)} />
        {layout.decks.map(({ name, rect }, i) => (
          <g key={name}>
            {i > 0 && <path className="deck-line" d={`M${rect.x} ${rect.y}H${right(rect)}`} />}
            <text className="deck-name" x={rect.x + 24} y={rect.y + 24}>
              {name}
            </text>
          </g>
        ))}
        {[...scene.nodes.values()]
          .filter((node) => node.parent === null)
          .map((node) => (
            <Compartment
              key={node.id}
              node={node}
              scene={scene}
              boxes={layout.boxes}
              doors={doors}
              lit={lit}
              selected={selected}
              onSelect={onSelect}
              onToggle={onToggle}
              onHover={setHovered}
            />
          ))}
        {strands.map((strand) => (
          <StrandMark
            key={strand.route.strand.id}
            drawn={strand}
            scene={scene}
            lit={lit?.has(strand.route.strand.id) ?? false}
            label={labels.get(strand.route.strand.id)}
            onSelect={onSelect}
            onHover={setHovered}
          />
        ))}
      </g>
    </svg>
  );
}

/** What belongs to the one hovered or selected: a link's strands and ends, or a node with all its strands. */
function litBy(focus: string | null, scene: Scene): Set<string> | null {
  if (!focus) return null;
  const within = (id: string): string[] => {
    const parent = scene.nodes.get(id)?.parent;
    return parent ? [id, ...within(parent)] : [id];
  };
  const strands = scene.strands.filter((s) =>
    focus.includes(">")
      ? s.id === focus || `${s.source}>${s.destination}` === focus
      : within(s.source).includes(focus) || within(s.destination).includes(focus),
  );
  const lit = new Set(strands.flatMap((s) => [s.id, ...within(s.source), ...within(s.destination)]));
  lit.add(focus);
  const addInside = (id: string) => {
    for (const child of scene.nodes.get(id)?.children ?? []) {
      lit.add(child.id);
      addInside(child.id);
    }
  };
  addInside(focus);
  for (const id of within(focus)) lit.add(id);
  return lit;
}

/** A section through a hull: a flat deck above, rounded bilges below. */
function hullPath({ x, y, w, h }: Layout["hull"]): string {
  const [r, bilge] = [14, Math.min(72, h / 3)];
  return `M${x + r} ${y}H${x + w - r}Q${x + w} ${y} ${x + w} ${y + r}V${y + h - bilge}Q${x + w} ${y + h} ${x + w - bilge} ${y + h}H${x + bilge}Q${x} ${y + h} ${x} ${y + h - bilge}V${y + r}Q${x} ${y} ${x + r} ${y}Z`;
}
