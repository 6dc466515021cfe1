import type { DiagnosticView } from "../api/types";

/** The problems at a place and at what lies below it. */
export function at(diagnostics: readonly DiagnosticView[], ...paths: string[]): DiagnosticView[] {
  return diagnostics.filter((d) =>
    paths.some((path) => d.path === path || d.path.startsWith(`${path}.`) || d.path.startsWith(`${path}[`)),
  );
}

/** The text to show at a field; undefined if all is well there. */
export const messageAt = (diagnostics: readonly DiagnosticView[], ...paths: string[]): string | undefined =>
  at(diagnostics, ...paths)
    .map((d) => d.message)
    .join(" ") || undefined;

/** Both ways in which a rule's place is written: by position, and by id once it has one. */
export const rulePaths = (ruleset: string, index: number, id: number): string[] => [
  `rulesets[${ruleset}].rules[${index}]`,
  ...(id > 0 ? [`rulesets[${ruleset}].rules[id=${id}]`] : []),
];
