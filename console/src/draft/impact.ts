import type { DraftImpact } from "../api/types";
import { plural } from "../ui/words";

const day = 86_400_000;

/** "31 connections newly blocked, 2 of them seen in the last day." */
export function blockedSentence(impact: DraftImpact): string {
  const blocked = impact.newlyBlocked;
  if (blocked.length === 0) {
    return impact.newlyAllowed.length === 0
      ? "Nothing that was seen is decided differently."
      : `Nothing newly blocked, ${plural(impact.newlyAllowed.length, "connection")} newly allowed.`;
  }
  const fresh = blocked.filter((e) => Date.parse(impact.to) - Date.parse(e.lastSeen) < day).length;
  const seen =
    fresh === 0
      ? "none of them seen in the last day"
      : fresh === blocked.length
        ? `${fresh === 1 ? "seen" : "all seen"} in the last day`
        : `${fresh} of them seen in the last day`;
  return `${plural(blocked.length, "connection")} newly blocked, ${seen}.`;
}
