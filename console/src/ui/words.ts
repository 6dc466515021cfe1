import type { Labels, SyncState, VerdictKind } from "../api/types";

/** "3 hosts", "1 host". */
export const plural = (count: number, one: string, many = `${one}s`) =>
  `${quantity(count)} ${count === 1 ? one : many}`;

export const quantity = (count: number) => count.toLocaleString("en").replaceAll(",", " ");

/** "12 s ago", "in 3 days". */
export function ago(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000);
  const size = Math.abs(seconds);
  const steps: [number, number, string][] = [
    [60, 1, "s"],
    [3600, 60, "min"],
    [86_400, 3600, "h"],
    [Number.POSITIVE_INFINITY, 86_400, "d"],
  ];
  const [, unit, name] = steps.find(([limit]) => size < limit) ?? [0, 1, "s"];
  const text = `${Math.floor(size / unit)} ${name}`;
  if (size < 3) return "now";
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

/** 1.4 MB. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export const verdictWords: Record<VerdictKind, string> = {
  allowed: "allowed",
  potentiallyBlocked: "potentially blocked",
  blocked: "blocked",
  unknown: "unknown",
};

export const syncWords: Record<SyncState, string> = {
  none: "unmanaged",
  pending: "waits for admission",
  synced: "in sync",
  syncing: "policy on its way",
  error: "reports problems",
  offline: "offline",
};

/** "web of storefront/prod", the operator's way to name a group; null without labels. */
export function groupWords(labels: Labels): string | null {
  const { role, app, env } = labels;
  const place = [app, env].filter(Boolean).join("/");
  if (role && place) return `${role} of ${place}`;
  return role || place || null;
}
