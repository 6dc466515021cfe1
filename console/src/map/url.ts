import type { TrafficView, VerdictKind } from "../api/types";

/** All of the map's state, as its URL carries it. */
export interface MapState {
  group: string[];
  view: TrafficView;
  since: string | null;
  /** Groups whose inside is shown or hidden against the default. */
  toggled: string[];
  /** A node's id, or a link's `source>destination`. */
  selected: string | null;
  hidden: VerdictKind[];
  as: "map" | "table";
  camera: Camera | null;
}
export interface Camera {
  x: number;
  y: number;
  k: number;
}

export const groupings: { keys: string[]; name: string }[] = [
  { keys: ["app", "env"], name: "App and environment" },
  { keys: ["app"], name: "App" },
  { keys: ["env"], name: "Environment" },
  { keys: ["app", "loc"], name: "App and location" },
  { keys: ["role", "env"], name: "Role and environment" },
];
const views: TrafficView[] = ["reported", "enforced", "draft"];
const verdicts: VerdictKind[] = ["allowed", "potentiallyBlocked", "blocked", "unknown"];

export function readState(params: URLSearchParams): MapState {
  const group = (params.get("group") ?? "").split(",").filter(Boolean);
  const view = params.get("view") as TrafficView;
  const since = params.get("since");
  const camera = (params.get("at") ?? "").split(",").map(Number);
  return {
    group: group.length > 0 ? group : ["app", "env"],
    view: views.includes(view) ? view : "reported",
    since: since && /^\d+[hd]$/.test(since) ? since : null,
    toggled: params.getAll("toggle"),
    selected: params.get("sel"),
    hidden: (params.get("hide") ?? "").split(",").filter((v): v is VerdictKind => verdicts.includes(v as VerdictKind)),
    as: params.get("as") === "table" ? "table" : "map",
    camera:
      camera.length === 3 && camera.every(Number.isFinite)
        ? { x: camera[0] as number, y: camera[1] as number, k: Math.min(3, Math.max(0.1, camera[2] as number)) }
        : null,
  };
}

/** Only what differs from the default is written. */
export function writeState(state: MapState): URLSearchParams {
  const params = new URLSearchParams();
  if (state.group.join() !== "app,env") params.set("group", state.group.join(","));
  if (state.view !== "reported") params.set("view", state.view);
  if (state.since) params.set("since", state.since);
  for (const id of state.toggled) params.append("toggle", id);
  if (state.selected) params.set("sel", state.selected);
  if (state.hidden.length > 0) params.set("hide", state.hidden.join(","));
  if (state.as === "table") params.set("as", "table");
  if (state.camera)
    params.set("at", [Math.round(state.camera.x), Math.round(state.camera.y), state.camera.k.toFixed(2)].join(","));
  return params;
}
