import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { revisionsQuery } from "../api/queries";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { Rollout } from "../ui/Rollout";
import { Time } from "../ui/Time";
import { Waiting } from "../ui/Waiting";
import { plural } from "../ui/words";

export function RevisionsPage() {
  const query = useQuery(revisionsQuery);
  const newest = query.data?.[0];
  return (
    <div className="page">
      <PageHead
        title="Revisions"
        lead="Every policy that was ever in force, unchangeable. Restoring one makes a new revision with its content."
      />
      {query.error ? (
        <Failure error={query.error} />
      ) : !query.data ? (
        <Waiting />
      ) : !newest ? (
        <Empty title="Nothing provisioned yet" text="The first revision is made when you provision the draft.">
          <Button component={Link} to="/draft" variant="default">
            Open the draft
          </Button>
        </Empty>
      ) : (
        <>
          {newest.rollout && <Rollout rollout={newest.rollout} />}
          <table className="table">
            <thead>
              <tr>
                <th>Revision</th>
                <th>Note</th>
                <th>Changes</th>
                <th>By</th>
                <th>When</th>
              </tr>
            </thead>
            <tbody>
              {query.data.map((r) => (
                <tr key={r.number}>
                  <td>
                    <Link to={`/revisions/${r.number}`}>
                      {r.number}
                      {r === newest && " (newest)"}
                    </Link>
                  </td>
                  <td>
                    {r.note}
                    {r.restoredFrom !== null && <span className="muted"> · restores {r.restoredFrom}</span>}
                  </td>
                  <td className="muted">{plural(r.changes.length, "change")}</td>
                  <td>{r.author}</td>
                  <td>
                    <Time at={r.created} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </div>
  );
}
