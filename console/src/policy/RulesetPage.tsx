import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams, useSearchParams } from "react-router";
import { draftQuery } from "../api/queries";
import type { PolicyDocument } from "../api/types";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { Waiting } from "../ui/Waiting";
import { RulesetEditor } from "./RulesetEditor";
import { nameFor, newRule, newRuleset } from "./words";

/** Opens a ruleset of the draft, or a new one; a rule proposed by the map comes in the URL. */
export function RulesetPage() {
  const { name = "new" } = useParams();
  const [params] = useSearchParams();
  const draft = useQuery(draftQuery);
  if (draft.error) {
    return (
      <div className="page">
        <Failure error={draft.error} />
      </div>
    );
  }
  if (!draft.data) {
    return (
      <div className="page">
        <Waiting />
      </div>
    );
  }
  const start = opened(name, draft.data, params);
  if (!start) {
    return (
      <div className="page">
        <Empty
          title={`There is no ruleset ${name}`}
          text="It may have been removed from the draft, or named differently."
        >
          <Button variant="default" onClick={() => window.history.back()}>
            Go back
          </Button>
        </Empty>
      </div>
    );
  }
  return <RulesetEditor key={`${name}?${params}`} {...start} focusRule={Number(params.get("rule") ?? 0)} />;
}

function opened(name: string, draft: PolicyDocument, params: URLSearchParams) {
  const saved = name === "new" ? null : draft.rulesets.find((r) => r.name === name);
  if (saved === undefined) return null;
  const scope = params.get("scope") ?? "";
  const ruleset = saved ?? {
    ...newRuleset(),
    name: unused(nameFor(scope), draft),
    scopes: [{ selector: scope, per: [] }],
  };
  const from = params.get("from");
  const to = params.get("to");
  const proposed =
    from !== null && to !== null
      ? [{ ...newRule(), from, to, within: params.get("within") ?? "both", services: params.getAll("service") }]
      : [];
  return { saved, start: { ...ruleset, rules: [...ruleset.rules, ...proposed] }, proposed: proposed.length > 0 };
}

function unused(name: string, draft: PolicyDocument): string {
  let free = name;
  for (let n = 2; free && draft.rulesets.some((r) => r.name === free); n++) free = `${name}-${n}`;
  return free;
}
