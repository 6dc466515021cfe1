import { Button, Checkbox } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { workloadsQuery } from "../api/queries";
import type { WorkloadView } from "../api/types";
import { matches } from "../selector/matches";
import { SelectorInput } from "../selector/SelectorInput";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";
import { AddUnmanaged } from "./AddUnmanaged";
import { EditLabelsDialog } from "./EditLabelsDialog";
import { LabelCell } from "./LabelCell";
import { ModeWords, SyncWords } from "./State";

const columns = "28px minmax(120px, 1.1fr) minmax(280px, 3fr) minmax(120px, 1.2fr) 150px 170px";

export function WorkloadsPage() {
  const [params, setParams] = useSearchParams();
  const filter = params.get("select") ?? "";
  const query = useQuery(workloadsQuery);
  const [picked, setPicked] = useState<Set<string>>(new Set());
  const [dialog, setDialog] = useState<"labels" | "add" | null>(null);
  const may = useMay("label");
  const shown = useMemo(() => (query.data ?? []).filter((w) => isShown(w, filter)), [query.data, filter]);
  const chosen = shown.filter((w) => picked.has(w.id));
  const setFilter = (select: string) => setParams(select ? { select } : {}, { replace: true });

  return (
    <div className="page">
      <PageHead title="Workloads">
        {may && (
          <Button variant="default" onClick={() => setDialog("add")}>
            Add by address
          </Button>
        )}
        <Button variant="default" component={Link} to="/pairing">
          Pair a host
        </Button>
      </PageHead>
      <div style={{ display: "flex", gap: 12, alignItems: "center", marginBottom: 12 }}>
        <div style={{ width: 380 }}>
          <SelectorInput
            value={filter}
            onChange={setFilter}
            aria-label="Filter"
            placeholder="app=shop,role=web or a name or address"
          />
        </div>
        <span className="muted">
          {shown.length === query.data?.length
            ? plural(shown.length, "workload")
            : `${shown.length} of ${plural(query.data?.length ?? 0, "workload")}`}
        </span>
        {may && chosen.length > 0 && (
          <Button style={{ marginLeft: "auto" }} onClick={() => setDialog("labels")}>
            Label {plural(chosen.length, "workload")}…
          </Button>
        )}
      </div>
      {query.error ? (
        <Failure error={query.error} />
      ) : !query.data ? (
        <Waiting />
      ) : query.data.length === 0 ? (
        <Empty
          title="No workloads yet"
          text="A workload is a host with an agent, or an address that you name. Create a pairing key and run the command it shows on a host."
        >
          <Button component={Link} to="/pairing">
            Create a pairing key
          </Button>
        </Empty>
      ) : shown.length === 0 ? (
        <Empty title="None matches" text="No workload has these labels, this name or this address.">
          <Button variant="default" onClick={() => setFilter("")}>
            Show all
          </Button>
        </Empty>
      ) : (
        <Rows rows={shown} picked={picked} onPick={setPicked} may={may} />
      )}
      {dialog === "labels" && (
        <EditLabelsDialog
          workloads={chosen}
          onClose={(changed) => {
            setDialog(null);
            if (changed) setPicked(new Set());
          }}
        />
      )}
      {dialog === "add" && <AddUnmanaged onClose={() => setDialog(null)} />}
    </div>
  );
}

/** A selector picks by labels; any other text by name or address. */
function isShown(w: WorkloadView, filter: string): boolean {
  if (filter.trim() === "") return true;
  const bySelector = filter.includes("=") || filter.trim() === "all" ? matches(filter, w.labels) : null;
  if (bySelector !== null) return bySelector;
  const text = filter.trim().toLowerCase();
  const said = [w.name, ...w.addresses, ...Object.entries(w.labels).map(([k, v]) => `${k}=${v}`)];
  return said.some((s) => s.toLowerCase().includes(text));
}

interface RowsProps {
  rows: WorkloadView[];
  picked: Set<string>;
  onPick: (picked: Set<string>) => void;
  may: boolean;
}

function Rows({ rows, picked, onPick, may }: RowsProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 36,
    overscan: 12,
  });
  const flip = (id: string) => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    onPick(next);
  };
  const all = rows.every((w) => picked.has(w.id));
  const some = rows.some((w) => picked.has(w.id));
  return (
    <div
      ref={scroll}
      style={{ height: "calc(100dvh - 160px)", overflow: "auto" }}
      role="table"
      aria-rowcount={rows.length + 1}
      aria-label="Workloads"
    >
      <div className="grid-head" role="row" style={{ gridTemplateColumns: columns }}>
        <span role="columnheader">
          {may && (
            <Checkbox
              size="xs"
              aria-label="Pick all"
              checked={all}
              indeterminate={some && !all}
              onChange={() => onPick(all ? new Set() : new Set(rows.map((w) => w.id)))}
            />
          )}
        </span>
        {["Name", "Labels", "Address", "Mode", "Agent"].map((name) => (
          <span key={name} role="columnheader">
            {name}
          </span>
        ))}
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const w = rows[item.index];
          if (!w) return null;
          return (
            <div
              key={w.id}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={picked.has(w.id)}
              className="grid-row"
              style={{
                gridTemplateColumns: columns,
                position: "absolute",
                inset: "0 0 auto",
                transform: `translateY(${item.start}px)`,
              }}
            >
              <span role="cell">
                {may && (
                  <Checkbox
                    size="xs"
                    aria-label={`Pick ${w.name}`}
                    checked={picked.has(w.id)}
                    onChange={() => flip(w.id)}
                  />
                )}
              </span>
              <span role="cell">
                <Link className="link" to={`/workloads/${encodeURIComponent(w.name)}`}>
                  {w.name}
                </Link>
              </span>
              <span role="cell">
                <LabelCell workload={w} may={may} />
              </span>
              <span role="cell" className="mono muted" title={w.addresses.join("\n")}>
                {w.addresses[0]}
                {w.addresses.length > 1 && ` +${w.addresses.length - 1}`}
              </span>
              <span role="cell">
                <ModeWords workload={w} />
              </span>
              <span role="cell">
                <SyncWords workload={w} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
