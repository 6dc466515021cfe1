import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { draftQuery } from "../api/queries";

/** A rule by its number, with the way to where the draft holds it. */
export function RuleLink({ rule }: { rule: number }) {
  const set = useQuery(draftQuery).data?.rulesets.find((r) => r.rules.some((one) => one.id === rule))?.name;
  return (
    <span className="mono" style={{ marginRight: 8 }}>
      {set ? (
        <Link to={`/policy/rulesets/${encodeURIComponent(set)}?rule=${rule}`}>{`${set} #${rule}`}</Link>
      ) : (
        `#${rule}`
      )}
    </span>
  );
}
