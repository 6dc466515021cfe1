import { Button, SegmentedControl, Select } from "@mantine/core";
import { IconActivity, IconLayoutGrid, IconRefresh, IconTable, IconVectorTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { changesQuery, mapQuery } from "../api/queries";
import type { MapView, TrafficView, VerdictKind } from "../api/types";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";
import { GroupPanel } from "./GroupPanel";
import { HullMap } from "./HullMap";
import { Legend } from "./Legend";
import { LinkPanel } from "./LinkPanel";
import { LinkTable } from "./LinkTable";
import { layOut, type Pins } from "./layout";
import "./map.css";
import { buildScene, fineKeys, selectorOf } from "./scene";
import { groupings, type MapState, readState, writeState } from "./url";
import { useCalm } from "./useCalm";
import { useWatch } from "./useWatch";

/** With more cells than this, compartments start closed. */
const mostCells = 60;
const viewWords: Record<TrafficView, string> = {
  reported: "What the hosts' kernels did.",
  enforced: "What the newest revision says about all traffic seen.",
  draft: "What the draft would do to all traffic seen, against what hosts enforce now.",
};

export function MapPage() {
  const [params, setParams] = useSearchParams();
  const state = useMemo(() => readState(params), [params]);
  const change = useCallback(
    (edit: Partial<MapState>) =>
      setParams((old) => writeState({ ...readState(old), ...edit }), {
        replace: Object.keys(edit).join() === "camera",
      }),
    [setParams],
  );
  const inside = state.toggled.some((id) => id.includes("role="));
  const fine = fineKeys(state.group, inside);
  const query = useQuery(mapQuery(fine, state.view, state.since));
  const enforced = useQuery({ ...mapQuery(fine, "enforced", state.since), enabled: state.view === "draft" });
  const changes = useQuery(changesQuery);
  const calm = useCalm(query.data, state.selected !== null, `${fine.join()}|${state.view}|${state.since}`);

  useEffect(() => {
    document.title = "Map · Bulkhead";
  }, []);

  const byDefault = useMemo(() => opensByDefault(calm.shown, state.group), [calm.shown, state.group]);
  const isOpen = useCallback(
    (id: string) => (byDefault && !id.includes("role=")) !== state.toggled.includes(id),
    [byDefault, state.toggled],
  );
  const scene = useMemo(
    () =>
      calm.shown
        ? buildScene(calm.shown, state.group, isOpen, state.view === "draft" ? (enforced.data ?? null) : null)
        : null,
    [calm.shown, state.group, state.view, enforced.data, isOpen],
  );
  const store = `bulkhead.map.${state.group.join()}`;
  const [tidied, setTidied] = useState<Pins | null>(null);
  const layout = useMemo(() => (scene ? layOut(scene, tidied ?? readPins(store)) : null), [scene, store, tidied]);
  useEffect(() => {
    if (!layout) return;
    localStorage.setItem(store, JSON.stringify(layout.pins));
    setTidied(null);
  }, [layout, store]);

  const toggle = (id: string) =>
    change({
      toggled: state.toggled.includes(id) ? state.toggled.filter((t) => t !== id) : [...state.toggled, id],
      camera: null,
    });
  const hide = (verdict: VerdictKind) =>
    change({
      hidden: state.hidden.includes(verdict) ? state.hidden.filter((v) => v !== verdict) : [...state.hidden, verdict],
    });
  const select = (id: string | null) => change({ selected: id });
  const selectedLink = state.selected?.includes(">") ? state.selected : null;
  const selectedNode = scene && state.selected && !selectedLink ? scene.nodes.get(state.selected) : undefined;
  const [live, setLive] = useState(false);
  const watched = live ? ((selectedNode && selectorOf(selectedNode.labels)) ?? "all") : null;
  const accepted = useWatch(watched);
  const drafted = changes.data?.changes.length ?? 0;

  return (
    <div className="map-page">
      <header className="map-bar">
        <h1 className="visually-hidden">Map</h1>
        <SegmentedControl
          size="xs"
          aria-label="Which verdicts"
          value={state.view}
          onChange={(view) => change({ view: view as TrafficView })}
          data={[
            { value: "reported", label: "Reported" },
            { value: "enforced", label: "Enforced" },
            { value: "draft", label: drafted > 0 ? `Draft · ${drafted}` : "Draft" },
          ]}
        />
        <span className="muted map-view-words">{viewWords[state.view]}</span>
        <div className="map-bar-end">
          {calm.waiting > 0 && (
            <Button variant="light" leftSection={<IconRefresh size={14} />} onClick={calm.apply}>
              {calm.waiting} new
            </Button>
          )}
          {state.view === "draft" && drafted > 0 && (
            <Button component={Link} to="/draft">
              Review {plural(drafted, "change")}
            </Button>
          )}
          <Select
            size="xs"
            w={178}
            aria-label="Group by"
            value={state.group.join(",")}
            allowDeselect={false}
            data={groupings.map((g) => ({ value: g.keys.join(","), label: g.name }))}
            onChange={(value) =>
              value && change({ group: value.split(","), toggled: [], selected: null, camera: null })
            }
          />
          <Select
            size="xs"
            w={118}
            aria-label="Seen within"
            value={state.since ?? ""}
            allowDeselect={false}
            data={[
              { value: "1h", label: "Last hour" },
              { value: "24h", label: "Last day" },
              { value: "7d", label: "Last week" },
              { value: "", label: "All kept" },
            ]}
            onChange={(value) => change({ since: value || null })}
          />
          <Button
            variant="default"
            leftSection={state.as === "map" ? <IconTable size={14} /> : <IconVectorTriangle size={14} />}
            onClick={() => change({ as: state.as === "map" ? "table" : "map" })}
          >
            {state.as === "map" ? "As table" : "As map"}
          </Button>
          <Button
            variant={live ? "filled" : "default"}
            aria-pressed={live}
            leftSection={<IconActivity size={14} />}
            title={
              !accepted
                ? "Too many hosts at once: select a group first"
                : live
                  ? "Hosts report every second while this is on"
                  : "Have the selected group's hosts, else all, report every second"
            }
            onClick={() => setLive(!live)}
          >
            {live && !accepted ? "Live: select a group" : "Live"}
          </Button>
          <Button
            variant="default"
            aria-label="Tidy: forget positions and lay out again"
            title="Forget positions and lay out again"
            px={8}
            onClick={() => {
              setTidied({});
              change({ camera: null });
            }}
          >
            <IconLayoutGrid size={14} />
          </Button>
        </div>
      </header>
      <div className="map-body">
        {query.error && !calm.shown ? (
          <div className="page">
            <Failure error={query.error} />
          </div>
        ) : !scene || !layout ? (
          <div className="page">
            <Waiting />
          </div>
        ) : scene.nodes.size === 0 ? (
          <NothingYet />
        ) : state.as === "table" ? (
          <LinkTable scene={scene} hidden={state.hidden} onSelect={select} />
        ) : (
          <>
            <HullMap
              scene={scene}
              layout={layout}
              hidden={state.hidden}
              selected={state.selected}
              camera={state.camera}
              onCamera={(camera) => change({ camera })}
              onSelect={select}
              onToggle={toggle}
            />
            <Legend scene={scene} hidden={state.hidden} onHide={hide} view={calm.shown} />
          </>
        )}
        {scene && selectedLink && (
          <LinkPanel scene={scene} id={selectedLink} state={state} onClose={() => select(null)} />
        )}
        {scene && selectedNode && (
          <GroupPanel
            scene={scene}
            node={selectedNode}
            scans={calm.shown?.scans ?? []}
            gaps={calm.shown?.gaps.workloads ?? []}
            onClose={() => select(null)}
            onSelect={select}
            onToggle={() => toggle(selectedNode.id)}
          />
        )}
      </div>
    </div>
  );
}

function opensByDefault(view: MapView | undefined, keys: string[]): boolean {
  const cells = new Set(view?.groups.map((g) => [...keys, "role"].map((key) => g.labels[key] ?? "").join("\n")));
  return cells.size <= mostCells;
}

function readPins(store: string): Pins {
  try {
    return JSON.parse(localStorage.getItem(store) ?? "{}") as Pins;
  } catch {
    return {};
  }
}

function NothingYet() {
  return (
    <div className="page">
      <Empty
        title="No workloads yet"
        text="The map draws itself from what agents report. Create a pairing key, pair a first host, and its connections appear here within seconds."
      >
        <Button component={Link} to="/pairing">
          Create a pairing key
        </Button>
      </Empty>
    </div>
  );
}
