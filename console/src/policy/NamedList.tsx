import { Button, Modal, TagsInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { asFailure } from "../api/client";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { failed } from "../ui/notify";
import { useMay } from "../ui/session";
import { messageAt } from "./diagnostics";
import { removeFromDraft, saveToDraft } from "./save";

/** One text-list field of a named object. */
export interface ListField {
  name: string;
  label: string;
  placeholder: string;
}

interface Props<T extends { name: string }> {
  kind: "services" | "networks";
  word: string;
  items: T[];
  lists: ListField[];
  blank: T;
  empty: string;
  columns: { head: string; cell: (item: T) => ReactNode }[];
  more?: (item: T, change: (part: Partial<T>) => void, error: (field: string) => string | undefined) => ReactNode;
}

/** The services, or the networks, of the draft, and the dialog that edits one. */
export function NamedList<T extends { name: string }>(props: Props<T>) {
  const [editing, setEditing] = useState<{ item: T; isNew: boolean } | null>(null);
  const may = useMay("draft");
  const { items, word, columns, blank, empty } = props;
  const add = () => setEditing({ item: blank, isNew: true });
  return (
    <>
      {items.length === 0 ? (
        <Empty title={`No ${word}s yet`} text={empty}>
          {may && <Button onClick={add}>Name a {word}</Button>}
        </Empty>
      ) : (
        <>
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                {columns.map((c) => (
                  <th key={c.head}>{c.head}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <tr key={item.name}>
                  <td>
                    <button
                      type="button"
                      className="peer link"
                      style={{ border: 0, padding: 0 }}
                      onClick={() => setEditing({ item, isNew: false })}
                    >
                      {item.name}
                    </button>
                  </td>
                  {columns.map((c) => (
                    <td key={c.head} className="mono">
                      {c.cell(item)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {may && (
            <Button variant="light" mt={12} onClick={add}>
              Name a {word}
            </Button>
          )}
        </>
      )}
      {editing && (
        <Dialog {...props} start={editing.item} isNew={editing.isNew} may={may} onClose={() => setEditing(null)} />
      )}
    </>
  );
}

interface DialogProps<T extends { name: string }> extends Props<T> {
  start: T;
  isNew: boolean;
  may: boolean;
  onClose: () => void;
}

function Dialog<T extends { name: string }>({ kind, word, lists, more, start, isNew, may, onClose }: DialogProps<T>) {
  const [item, setItem] = useState(start);
  const url = `${kind}/${encodeURIComponent(item.name)}` as const;
  const seen = isNew ? null : start;
  const save = useMutation({ mutationFn: () => saveToDraft(url, item, seen, item.name), onSuccess: onClose });
  const remove = useMutation({
    mutationFn: () => removeFromDraft(url, seen, item.name),
    onSuccess: onClose,
    onError: failed,
  });
  const failure = save.error ? asFailure(save.error) : null;
  const error = (field: string) => messageAt(failure?.diagnostics ?? [], `${kind}[${item.name}].${field}`);
  const change = (part: Partial<T>) => setItem({ ...item, ...part });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const texts = item as Record<string, unknown>;
  const unplaced = failure && !lists.some((l) => error(l.name)) && !error("name");
  return (
    <Modal opened onClose={onClose} title={isNew ? `Name a ${word}` : item.name}>
      <form onSubmit={submit}>
        <TextInput
          label="Name"
          required
          readOnly={!isNew}
          value={item.name}
          error={error("name")}
          onChange={(e) => change({ name: e.target.value } as Partial<T>)}
          data-autofocus
        />
        {lists.map((list) => (
          <TagsInput
            key={list.name}
            mt={12}
            label={list.label}
            placeholder={list.placeholder}
            value={(texts[list.name] as string[] | undefined) ?? []}
            error={error(list.name)}
            acceptValueOnBlur
            splitChars={[",", " "]}
            onChange={(value) => change({ [list.name]: value } as Partial<T>)}
          />
        ))}
        {more?.(item, change, error)}
        {unplaced && <Failure error={failure} />}
        {may && (
          <div style={{ display: "flex", gap: 8, marginTop: 16 }}>
            <Button type="submit" loading={save.isPending}>
              Save to draft
            </Button>
            {!isNew && (
              <Button variant="subtle" color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
                Remove from draft
              </Button>
            )}
          </div>
        )}
      </form>
    </Modal>
  );
}
