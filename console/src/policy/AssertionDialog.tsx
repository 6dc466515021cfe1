import { Button, Modal, SegmentedControl, Switch, TagsInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { asFailure } from "../api/client";
import type { AssertedDocument, AssertionDocument } from "../api/types";
import { SelectorInput } from "../selector/SelectorInput";
import { Failure } from "../ui/Failure";
import { failed } from "../ui/notify";
import { messageAt } from "./diagnostics";
import { removeFromDraft, saveToDraft } from "./save";
import { assertionSentence, newAsserted } from "./words";

interface Props {
  start: AssertionDocument;
  may: boolean;
  onClose: () => void;
}

export function AssertionDialog({ start, may, onClose }: Props) {
  const isNew = start.name === "";
  const [assertion, setAssertion] = useState(start);
  const kind = assertion.must ? "must" : "never";
  const asserted = assertion[kind] ?? newAsserted();
  const url = `assertions/${encodeURIComponent(isNew ? assertion.name : start.name)}` as const;
  const seen = isNew ? null : start;
  const save = useMutation({ mutationFn: () => saveToDraft(url, assertion, seen, assertion.name), onSuccess: onClose });
  const remove = useMutation({
    mutationFn: () => removeFromDraft(url, seen, start.name),
    onSuccess: onClose,
    onError: failed,
  });
  const failure = save.error ? asFailure(save.error) : null;
  const error = (field: string) => messageAt(failure?.diagnostics ?? [], `assertions[${assertion.name}].${field}`);
  const edit = (part: Partial<AssertionDocument>) => setAssertion({ ...assertion, ...part });
  const say = (part: Partial<AssertedDocument>) => edit({ [kind]: { ...asserted, ...part } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const placed = ["name", `${kind}.from`, `${kind}.to`, `${kind}.services`].some(error);
  return (
    <Modal opened onClose={onClose} size="lg" title={isNew ? "Assert something" : start.name}>
      <form onSubmit={submit}>
        <TextInput
          label="Name"
          required
          readOnly={!isNew}
          value={assertion.name}
          error={error("name")}
          onChange={(e) => edit({ name: e.target.value })}
          data-autofocus
        />
        <SegmentedControl
          mt={12}
          aria-label="Kind"
          data={[
            { value: "never", label: "must never be possible" },
            { value: "must", label: "must always be possible" },
          ]}
          value={kind}
          onChange={(chosen) =>
            edit(
              chosen === "must" ? { must: asserted, never: null, helpers: "count" } : { never: asserted, must: null },
            )
          }
        />
        <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 12, marginTop: 12 }}>
          <SelectorInput
            label="From"
            placeholder="env=dev"
            networks
            value={asserted.from}
            error={error(`${kind}.from`)}
            onChange={(from) => say({ from })}
          />
          <SelectorInput
            label="To"
            placeholder="env=prod"
            networks
            value={asserted.to}
            error={error(`${kind}.to`)}
            onChange={(to) => say({ to })}
          />
        </div>
        <TagsInput
          mt={12}
          label="On"
          placeholder="any"
          value={asserted.services}
          error={error(`${kind}.services`)}
          acceptValueOnBlur
          splitChars={[",", " "]}
          onChange={(services) => say({ services })}
        />
        {kind === "never" && (
          <Switch
            mt={16}
            label="Put up with what helpers let be agreed upon"
            description="Such as FTP's data connections, to ports that no rule names. Otherwise the assertion is not proven where they might pass."
            checked={assertion.helpers === "accept"}
            onChange={(e) => edit({ helpers: e.currentTarget.checked ? "accept" : "count" })}
          />
        )}
        <p className="muted">{assertionSentence(assertion)}</p>
        <TextInput
          label="Owner"
          value={assertion.owner ?? ""}
          onChange={(e) => edit({ owner: e.target.value || null })}
        />
        <TextInput
          mt={12}
          label="Why it matters"
          value={assertion.reason ?? ""}
          onChange={(e) => edit({ reason: e.target.value || null })}
        />
        {failure && !placed && <Failure error={failure} />}
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
