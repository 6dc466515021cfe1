import type { MapGaps, WorkloadGaps } from "../api/types";
import { plural } from "../ui/words";

type Counts = Pick<WorkloadGaps, "lost" | "incomplete" | "unnamed">;

/** What one workload's agent could not tell: "3 connections lost, 1 connection without all of its traffic". */
export function gapWords({ lost, incomplete, unnamed }: Counts): string {
  return [
    lost > 0 && `${plural(lost, "connection")} lost`,
    incomplete > 0 &&
      `${plural(incomplete, "connection")} without all of ${incomplete === 1 ? "its" : "their"} traffic`,
    unnamed > 0 && `up to ${plural(unnamed, "connection")} without a process`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** The same of all agents, as a sentence. */
export const gapTitle = (gaps: MapGaps) =>
  `${gapWords(gaps)}${gaps.lost > 0 ? ": there was more traffic than is shown." : "."}`;
