import { Popover } from "@mantine/core";
import type { MapGaps, MapView, VerdictKind } from "../api/types";
import { VerdictStroke } from "../ui/Verdict";
import { plural, verdictWords } from "../ui/words";
import { gapTitle, gapWords } from "./gaps";
import type { Scene } from "./scene";

const verdicts: VerdictKind[] = ["allowed", "potentiallyBlocked", "blocked", "unknown"];
const walls: [string, string][] = [
  ["wall open", "no wall yet: all passes and is reported"],
  ["wall staged", "drafted, not provisioned"],
  ["wall selective", "deny rules block"],
  ["wall full", "closed but for its doors"],
  ["wall sealed", "in quarantine"],
];

/** What the marks mean; each verdict can be hidden here. */
export function Legend({
  scene,
  hidden,
  onHide,
  view,
}: {
  scene: Scene;
  hidden: VerdictKind[];
  onHide: (verdict: VerdictKind) => void;
  view: MapView | undefined;
}) {
  const { gaps, degraded = 0, scans = [] } = view ?? {};
  const count = (kind: VerdictKind) => scene.strands.filter((s) => s.verdict === kind).length;
  return (
    <div className="legend">
      {verdicts.map((kind) => (
        <button
          key={kind}
          type="button"
          className={`verdict ${kind}`}
          aria-pressed={!hidden.includes(kind)}
          title={hidden.includes(kind) ? `Show ${verdictWords[kind]}` : `Hide ${verdictWords[kind]}`}
          onClick={() => onHide(kind)}
        >
          <VerdictStroke kind={kind} /> {verdictWords[kind]} <span className="count">{count(kind)}</span>
        </button>
      ))}
      <Popover position="top-end" width={280}>
        <Popover.Target>
          <button type="button">Walls</button>
        </Popover.Target>
        <Popover.Dropdown>
          {walls.map(([kind, words]) => (
            <div key={kind} className="legend-wall">
              <svg width={34} height={16} aria-hidden>
                <path className={kind} d="M2 8H32" />
                {kind === "wall full" && <path className={kind} d="M2 12.500H32" />}
              </svg>
              {words}
            </div>
          ))}
          <div className="legend-wall">
            <svg width={34} height={16} aria-hidden>
              <path className="wall full" d="M2 8H12M22 8H32" />
              <path className="door full" d="M12 4v8M22 4v8" />
            </svg>
            a door: a rule allows what passes here
          </div>
          <div className="legend-wall">
            <svg width={34} height={16} aria-hidden>
              <path className="wall open" d="M2 3H20l2 4l3 -1l1 4l4 0l0 4" />
            </svg>
            torn: a member is silent, not all is shown
          </div>
        </Popover.Dropdown>
      </Popover>
      {gaps && gaps.agents > 0 && <Missing gaps={gaps} />}
      {degraded > 0 && (
        <span className="muted" title="To stay within their share of the processor">
          {plural(degraded, "agent")} in longer windows or without names
        </span>
      )}
      {scans.length > 0 && <span className="muted">{plural(scans.length, "scan")}: select its group</span>}
    </div>
  );
}

/** What agents could not tell; which of them, on demand. */
function Missing({ gaps }: { gaps: MapGaps }) {
  return (
    <Popover position="top-end" width={320}>
      <Popover.Target>
        <button type="button" title={gapTitle(gaps)}>
          Not all is shown: {plural(gaps.agents, "agent")}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <p>{gapTitle(gaps)} Of the hours that the shown time touches:</p>
        {gaps.workloads.map((w) => (
          <p key={w.workloadId}>
            <b>{w.name}</b> {gapWords(w)}
          </p>
        ))}
        {gaps.agents > gaps.workloads.length && <p>and {plural(gaps.agents - gaps.workloads.length, "other")}</p>}
      </Popover.Dropdown>
    </Popover>
  );
}
