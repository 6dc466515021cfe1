import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { changesQuery, draftQuery } from "../api/queries";
import type { RulesetDocument } from "../api/types";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";

export function RulesetsPage() {
  const draft = useQuery(draftQuery);
  const changes = useQuery(changesQuery).data?.changes ?? [];
  const may = useMay("draft");
  const changeOf = (name: string) => changes.find((c) => c.kind === "ruleset" && c.name === name)?.change;
  return (
    <div className="page">
      <PageHead
        title="Rulesets"
        lead="A ruleset says who may reach what within a scope. Edits go to the draft; hosts follow once it is provisioned."
      >
        {may && (
          <Button component={Link} to="/policy/rulesets/new">
            Write a ruleset
          </Button>
        )}
      </PageHead>
      {draft.error ? (
        <Failure error={draft.error} />
      ) : !draft.data ? (
        <Waiting />
      ) : draft.data.rulesets.length === 0 ? (
        <Empty
          title="No rules yet"
          text="Open the map, choose a link and press “Allow this…”: the rule is written for you. Or write a ruleset by hand, one for each app and environment."
        >
          <Button component={Link} to="/map" variant="default">
            Open the map
          </Button>
        </Empty>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Scope</th>
              <th className="number">Rules</th>
              <th>Owners</th>
              <th>Draft</th>
            </tr>
          </thead>
          <tbody>
            {draft.data.rulesets.map((r) => (
              <tr key={r.name}>
                <td>
                  <Link to={`/policy/rulesets/${encodeURIComponent(r.name)}`}>{r.name}</Link>
                  {r.description && <div className="muted">{r.description}</div>}
                </td>
                <td className="mono">{r.scopes.map((s) => s.selector).join(" or ")}</td>
                <td className="number">{plural(r.rules.length, "rule")}</td>
                <td>{owners(r)}</td>
                <td style={{ color: "var(--staged)" }}>{changeOf(r.name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

const owners = (ruleset: RulesetDocument) => [...new Set(ruleset.rules.map((r) => r.owner).filter(Boolean))].join(", ");
