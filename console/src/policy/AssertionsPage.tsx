import { Button } from "@mantine/core";
import { IconCheck, IconHelp, IconMapPinQuestion, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { draftProofsQuery, draftQuery } from "../api/queries";
import type { AssertionDocument, AssertionState, AssertionView } from "../api/types";
import { Empty } from "../ui/Empty";
import { Failure } from "../ui/Failure";
import { PageHead } from "../ui/PageHead";
import { useMay } from "../ui/session";
import { Waiting } from "../ui/Waiting";
import { AssertionDialog } from "./AssertionDialog";
import { RuleLink } from "./RuleLink";
import { assertionSentence, newAssertion } from "./words";

/** What must never, or must always, be possible under the draft, and whether that holds. */
export function AssertionsPage() {
  const draft = useQuery(draftQuery);
  const proofs = useQuery(draftProofsQuery);
  const may = useMay("draft");
  const [editing, setEditing] = useState<AssertionDocument | null>(null);
  const add = () => setEditing(newAssertion());
  return (
    <div className="page">
      <PageHead
        title="Assertions"
        lead="Statements about the policy itself, proven for every workload that could exist, not only for those that do. One that fails stops provisioning."
      >
        {may && draft.data && draft.data.assertions.length > 0 && <Button onClick={add}>Assert something</Button>}
      </PageHead>
      {draft.error ? (
        <Failure error={draft.error} />
      ) : !draft.data ? (
        <Waiting />
      ) : draft.data.assertions.length === 0 ? (
        <Empty
          title="Nothing is asserted yet"
          text="Start with what an auditor asks: nothing in env=dev may ever reach env=prod. From then on no rule that would allow it can be provisioned."
        >
          {may && <Button onClick={add}>Assert something</Button>}
        </Empty>
      ) : (
        <>
          {proofs.error && <Failure error={proofs.error} />}
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>State</th>
                <th>Statement</th>
                <th>Because</th>
              </tr>
            </thead>
            <tbody>
              {draft.data.assertions.map((assertion) => (
                <Row
                  key={assertion.name}
                  assertion={assertion}
                  proof={proofs.data?.find((p) => p.name === assertion.name)}
                  onOpen={() => setEditing(assertion)}
                />
              ))}
            </tbody>
          </table>
        </>
      )}
      {editing && <AssertionDialog start={editing} may={may} onClose={() => setEditing(null)} />}
    </div>
  );
}

interface RowProps {
  assertion: AssertionDocument;
  proof: AssertionView | undefined;
  onOpen: () => void;
}

function Row({ assertion, proof, onOpen }: RowProps) {
  return (
    <tr>
      <td>
        <button
          type="button"
          className="peer link"
          style={{ border: 0, padding: 0, background: "none", whiteSpace: "nowrap" }}
          onClick={onOpen}
        >
          {assertion.name}
        </button>
        {assertion.owner && <div className="muted">{assertion.owner}</div>}
      </td>
      <td>{proof ? <State state={proof.state} /> : <span className="muted">proving …</span>}</td>
      <td>
        {assertionSentence(assertion)}
        {assertion.reason && <div className="muted">{assertion.reason}</div>}
      </td>
      <td>
        {proof && (proof.state !== "held" || proof.notYetEnforced > 0) && <div>{proof.message}</div>}
        {proof?.decidedBy.map((rule) => (
          <RuleLink key={rule} rule={rule} />
        ))}
      </td>
    </tr>
  );
}

const states: Record<AssertionState, { word: string; colour: string; icon: typeof IconCheck }> = {
  held: { word: "holds", colour: "var(--allowed)", icon: IconCheck },
  conditional: { word: "depends on addresses", colour: "var(--potential)", icon: IconMapPinQuestion },
  unproven: { word: "not proven", colour: "var(--potential)", icon: IconHelp },
  violated: { word: "fails", colour: "var(--blocked)", icon: IconX },
  undecided: { word: "not decided", colour: "var(--blocked)", icon: IconHelp },
};

/** A state by colour, sign and word. */
function State({ state }: { state: AssertionState }) {
  const { word, colour, icon: Sign } = states[state];
  return (
    <span style={{ color: colour, display: "inline-flex", alignItems: "center", gap: 4, whiteSpace: "nowrap" }}>
      <Sign size={15} stroke={2} aria-hidden /> {word}
    </span>
  );
}
