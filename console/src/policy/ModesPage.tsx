import { ActionIcon, Button, Select } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { asFailure } from "../api/client";
import { draftQuery, workloadsQuery } from "../api/queries";
import type { ModeDocument } from "../api/types";
import { matches } from "../selector/matches";
import { SelectorInput } from "../selector/SelectorInput";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";
import { messageAt } from "./diagnostics";
import { saveToDraft } from "./save";

export function ModesPage() {
  const draft = useQuery(draftQuery);
  return (
    <div className="page">
      {draft.error ? <Failure error={draft.error} /> : !draft.data ? <Waiting /> : <Editor saved={draft.data.modes} />}
    </div>
  );
}

const modes = [
  { value: "visibility", label: "visibility: report only" },
  { value: "selective", label: "selective: deny rules block" },
  { value: "full", label: "full: only what is allowed passes" },
];

function Editor({ saved }: { saved: ModeDocument[] }) {
  const [params] = useSearchParams();
  const asked = params.get("select");
  const [list, setList] = useState<ModeDocument[]>(() =>
    asked && !saved.some((m) => m.selector === asked)
      ? [...saved, { selector: asked, inbound: "full", outbound: "full" }]
      : saved,
  );
  const [seen, setSeen] = useState(saved);
  const workloads = useQuery(workloadsQuery).data ?? [];
  const may = useMay("draft");
  const save = useMutation({
    mutationFn: () => saveToDraft("modes", list, seen, "The list of modes"),
    onSuccess: setSeen,
  });
  const failure = save.error ? asFailure(save.error) : null;
  const edit = (index: number, part: Partial<ModeDocument>) =>
    setList(list.map((m, i) => (i === index ? { ...m, ...part } : m)));
  const error = (path: string) => messageAt(failure?.diagnostics ?? [], path);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <PageHead
        title="Modes"
        lead="How far hosts enforce, in each direction. A host that no line chooses only reports; where several choose it, the strictest wins."
      >
        {save.isSuccess && (
          <Button variant="default" component={Link} to="/map?view=draft">
            See it on the map
          </Button>
        )}
        {may && (
          <Button type="submit" loading={save.isPending} disabled={JSON.stringify(list) === JSON.stringify(saved)}>
            Save to draft
          </Button>
        )}
      </PageHead>
      {failure && failure.diagnostics.length === 0 && <Failure error={failure} />}
      {list.length === 0 && (
        <p className="muted">Every host reports and blocks nothing. Add a line to close the walls of a group.</p>
      )}
      {list.map((mode, i) => (
        <div
          key={i}
          role="group"
          aria-label={`Line ${i + 1}`}
          style={{
            display: "grid",
            gridTemplateColumns: "1fr 240px 240px 120px 28px",
            gap: 8,
            padding: "6px 0",
            alignItems: "start",
          }}
        >
          <SelectorInput
            aria-label="Workloads"
            placeholder="app=shop,env=prod"
            value={mode.selector}
            error={error(`modes[${i}].selector`)}
            onChange={(selector) => edit(i, { selector })}
          />
          {(["inbound", "outbound"] as const).map((direction) => (
            <Select
              key={direction}
              size="xs"
              aria-label={direction}
              allowDeselect={false}
              leftSection={<span style={{ fontSize: 12 }}>{direction === "inbound" ? "in" : "out"}</span>}
              data={modes}
              value={mode[direction]}
              error={error(`modes[${i}].${direction}`)}
              onChange={(value) => value && edit(i, { [direction]: value })}
            />
          ))}
          <span className="muted" style={{ lineHeight: "30px" }}>
            {plural(workloads.filter((w) => w.managed && matches(mode.selector, w.labels)).length, "host")}
          </span>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={28}
            aria-label={`Remove line ${i + 1}`}
            disabled={!may}
            onClick={() => setList(list.filter((_, n) => n !== i))}
          >
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      ))}
      {may && (
        <Button
          variant="light"
          mt={12}
          onClick={() => setList([...list, { selector: "", inbound: "full", outbound: "full" }])}
        >
          Add a line
        </Button>
      )}
    </form>
  );
}
