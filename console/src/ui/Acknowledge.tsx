import { Checkbox } from "@mantine/core";
import type { DiagnosticView } from "../api/types";

interface Props {
  diagnostics: DiagnosticView[];
  accepted: string[];
  onChange: (accepted: string[]) => void;
}

/** The warnings that hold a new revision up until they are accepted, one by one. */
export function Acknowledge({ diagnostics, accepted, onChange }: Props) {
  return [...warningsOf(diagnostics)].map(([code, messages]) => (
    <Checkbox
      key={code}
      mt={12}
      label={`I accept: ${messages.join(" ")}`}
      checked={accepted.includes(code)}
      onChange={(e) => onChange(e.target.checked ? [...accepted, code] : accepted.filter((c) => c !== code))}
    />
  ));
}

function warningsOf(diagnostics: DiagnosticView[]): Map<string, string[]> {
  const byCode = new Map<string, string[]>();
  for (const d of diagnostics.filter((d) => d.severity === "warning")) {
    byCode.set(d.code, [...(byCode.get(d.code) ?? []), d.message]);
  }
  return byCode;
}
