import type { VerdictKind } from "../api/types";
import { verdictWords } from "./words";

/** A verdict by colour, dash and word, the same everywhere. */
export function Verdict({ kind, word = true }: { kind: VerdictKind; word?: boolean }) {
  return (
    <span className={`verdict ${kind}`}>
      <VerdictStroke kind={kind} />
      {word ? verdictWords[kind] : <span className="visually-hidden">{verdictWords[kind]}</span>}
    </span>
  );
}

export function VerdictStroke({ kind }: { kind: VerdictKind }) {
  const dash = { allowed: undefined, potentiallyBlocked: "5 3", blocked: undefined, unknown: "1.500 3" }[kind];
  return (
    <svg width={22} height={12} aria-hidden stroke="currentColor" strokeWidth={2} fill="none" strokeLinecap="butt">
      <path d={kind === "blocked" ? "M1 6H15" : "M1 6H21"} strokeDasharray={dash} />
      {kind === "blocked" && <path d="M16 1V11" strokeWidth={2.5} />}
      {kind === "allowed" && <path d="M9 1.500V10.500M13 1.500V10.500" strokeWidth={1.2} />}
    </svg>
  );
}
