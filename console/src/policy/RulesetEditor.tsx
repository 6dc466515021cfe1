import { Button, TagsInput, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { asFailure } from "../api/client";
import { changesQuery, draftQuery } from "../api/queries";
import type { RuleDocument, RulesetDocument } from "../api/types";
import { SelectorInput } from "../selector/SelectorInput";
import { Failure } from "../ui/Failure";
import { failed } from "../ui/notify";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { at, messageAt } from "./diagnostics";
import { RuleRow } from "./RuleRow";
import { removeFromDraft, saveToDraft } from "./save";
import { newRule } from "./words";

interface Props {
  /** As in the draft; null for a new one. */
  saved: RulesetDocument | null;
  start: RulesetDocument;
  proposed: boolean;
  focusRule: number;
}

export function RulesetEditor({ saved, start, proposed, focusRule }: Props) {
  const [ruleset, setRuleset] = useState(start);
  const [seen, setSeen] = useState(saved);
  const navigate = useNavigate();
  const may = useMay("draft");
  const services = useQuery(draftQuery).data?.services.map((s) => s.name) ?? [];
  const status = useQuery(changesQuery).data;
  const change = (edit: Partial<RulesetDocument>) => setRuleset({ ...ruleset, ...edit });
  const changeRule = (index: number, rule: RuleDocument | null) =>
    change({ rules: ruleset.rules.flatMap((r, i) => (i !== index ? [r] : rule ? [rule] : [])) });
  const save = useMutation({
    mutationFn: () => saveToDraft(`rulesets/${encodeURIComponent(ruleset.name)}`, ruleset, seen, ruleset.name),
    onSuccess: (stored) => {
      setRuleset(stored);
      setSeen(stored);
      void navigate(`/policy/rulesets/${encodeURIComponent(stored.name)}`, { replace: true });
    },
  });
  const remove = useMutation({
    mutationFn: () => removeFromDraft(`rulesets/${encodeURIComponent(ruleset.name)}`, seen, ruleset.name),
    onSuccess: () => navigate("/policy/rulesets"),
    onError: failed,
  });
  const failure = save.error ? asFailure(save.error) : null;
  const path = `rulesets[${ruleset.name}]`;
  const diagnostics = failure?.diagnostics.length ? failure.diagnostics : at(status?.diagnostics ?? [], path);
  const elsewhere = diagnostics.filter((d) => at([d], path).length === 0 || d.path === path);
  const dirty = JSON.stringify(ruleset) !== JSON.stringify(saved);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="page" onSubmit={submit}>
      <PageHead
        title={saved ? ruleset.name : "New ruleset"}
        lead={
          proposed
            ? "The last rule was proposed from the map. Look it over, say why it exists, and save it to the draft."
            : undefined
        }
      >
        {may && saved && (
          <Button variant="subtle" color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            Remove from draft
          </Button>
        )}
        {may && (
          <Button type="submit" loading={save.isPending} disabled={!dirty || ruleset.name.trim() === ""}>
            Save to draft
          </Button>
        )}
      </PageHead>
      {failure && failure.diagnostics.length === 0 && <Failure error={failure} />}
      {failure && failure.diagnostics.length > 0 && (
        <div className="failure" role="alert">
          <strong>{failure.message}</strong>
          {elsewhere.map((d) => (
            <div key={d.path + d.code}>{d.message}</div>
          ))}
        </div>
      )}
      <fieldset disabled={!may} style={{ border: 0, padding: 0, margin: 0 }}>
        <div style={{ display: "grid", gridTemplateColumns: "260px 1fr", gap: 16 }}>
          <TextInput
            label="Name"
            required
            readOnly={saved !== null}
            value={ruleset.name}
            error={messageAt(diagnostics, `${path}.name`)}
            onChange={(e) => change({ name: e.target.value })}
          />
          <TextInput
            label="What it is for"
            value={ruleset.description ?? ""}
            onChange={(e) => change({ description: e.target.value || null })}
          />
        </div>
        <section className="section">
          <h2>Scope</h2>
          <p className="muted" style={{ margin: "0 0 8px" }}>
            Where its rules apply. “Split by” makes one compartment for each value of these keys.
          </p>
          {messageAt(
            diagnostics.filter((d) => d.path === `${path}.scopes`),
            `${path}.scopes`,
          ) && (
            <p className="notice">
              {messageAt(
                diagnostics.filter((d) => d.path === `${path}.scopes`),
                `${path}.scopes`,
              )}
            </p>
          )}
          {ruleset.scopes.map((scope, i) => (
            <div
              key={i}
              style={{
                display: "grid",
                gridTemplateColumns: "1fr 260px auto",
                gap: 8,
                marginBottom: 8,
                alignItems: "start",
              }}
            >
              <SelectorInput
                aria-label={`Scope ${i + 1}`}
                placeholder="app=shop,env=prod"
                value={scope.selector}
                error={messageAt(diagnostics, `${path}.scopes[${i}].selector`)}
                onChange={(selector) =>
                  change({ scopes: ruleset.scopes.map((s, n) => (n === i ? { ...s, selector } : s)) })
                }
              />
              <TagsInput
                size="xs"
                aria-label={`Split scope ${i + 1} by`}
                placeholder={scope.per.length === 0 ? "Split by keys (optional)" : ""}
                value={scope.per}
                error={messageAt(diagnostics, `${path}.scopes[${i}].per`)}
                onChange={(per) => change({ scopes: ruleset.scopes.map((s, n) => (n === i ? { ...s, per } : s)) })}
              />
              <Button
                variant="subtle"
                color="gray"
                disabled={ruleset.scopes.length === 1}
                onClick={() => change({ scopes: ruleset.scopes.filter((_, n) => n !== i) })}
              >
                Remove
              </Button>
            </div>
          ))}
          <Button variant="subtle" onClick={() => change({ scopes: [...ruleset.scopes, { selector: "", per: [] }] })}>
            Or another scope
          </Button>
        </section>
        <section className="section">
          <h2>Rules</h2>
          {ruleset.rules.length === 0 && (
            <p className="muted">
              No rules: with its mode set to full, nothing would pass. Add the connections that it needs.
            </p>
          )}
          {ruleset.rules.map((rule, i) => (
            <RuleRow
              key={i}
              rule={rule}
              index={i}
              ruleset={ruleset.name}
              services={services}
              diagnostics={diagnostics}
              opened={proposed && i === ruleset.rules.length - 1 && rule.id === 0}
              focused={rule.id > 0 && rule.id === focusRule}
              onChange={(changed) => changeRule(i, changed)}
            />
          ))}
          {may && (
            <Button variant="light" mt={12} onClick={() => change({ rules: [...ruleset.rules, newRule()] })}>
              Add a rule
            </Button>
          )}
        </section>
      </fieldset>
    </form>
  );
}
