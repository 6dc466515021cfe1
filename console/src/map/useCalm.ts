import { useEffect, useState } from "react";
import type { MapView } from "../api/types";

/**
 * Keeps the map still while somebody reads it: new figures are shown at once, but what would move things waits behind
 * "3 new" until asked for, or until nobody reads.
 */
export function useCalm(latest: MapView | undefined, reading: boolean, question: string) {
  const [shown, setShown] = useState<{ view: MapView; question: string } | null>(null);
  const waiting = shown && latest && shown.question === question ? newIn(shown.view, latest) : 0;
  const hold = reading && waiting > 0;
  useEffect(() => {
    if (latest && !hold) setShown({ view: latest, question });
  }, [latest, hold, question]);
  return {
    shown: shown?.view ?? latest,
    waiting: hold ? waiting : 0,
    apply: () => latest && setShown({ view: latest, question }),
  };
}

/** How many groups and links came or went. */
export function newIn(old: MapView, latest: MapView): number {
  const parts = (view: MapView) =>
    new Set([...view.groups.map((g) => g.id), ...view.links.map((l) => `${l.source}>${l.destination}`)]);
  const [before, after] = [parts(old), parts(latest)];
  return [...after].filter((id) => !before.has(id)).length + [...before].filter((id) => !after.has(id)).length;
}
