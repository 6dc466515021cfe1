import type { components } from "./schema";

/**
 * The controller's REST records, from its OpenAPI document (`npm run api` writes `schema.d.ts` anew). Documents of a policy may leave
 * fields out when sent; the controller always fills them in.
 */
type Schemas = components["schemas"];
type Whole<T, Optional extends keyof T = never> = Required<Omit<T, Optional>> & Pick<T, Optional>;

export type Labels = Record<string, string>;
export type ModeName = Schemas["ModeName"];
export type SyncState = Schemas["SyncState"];
export type TrialView = Schemas["TrialView"];
export type TrafficView = Schemas["TrafficView"];
export type VerdictKind = Schemas["VerdictKind"];

export type ApprovalView = Schemas["ApprovalView"];
export type AssertionState = Schemas["AssertionState"];
export type AssertionView = Schemas["AssertionView"];
export type AuditEntryView = Schemas["AuditEntryView"];
export type CreatedPairingKey = Schemas["CreatedPairingKey"];
export type CreatePairingKey = Schemas["CreatePairingKey"];
export type DiagnosticView = Schemas["DiagnosticView"];
export type DraftImpact = Schemas["DraftImpact"];
export type DraftStatus = Schemas["DraftStatus"];
export type FlowEdge = Schemas["FlowEdge"];
export type LabelEdit = Schemas["LabelEdit"];
export type LabelEditResult = Schemas["LabelEditResult"];
export type LabelKeys = Schemas["LabelKeys"];
export type Grant = Schemas["Grant"];
export type MapGaps = Schemas["MapGaps"];
export type MapGroup = Schemas["MapGroup"];
export type MapLink = Schemas["MapLink"];
export type MapService = Schemas["MapService"];
export type MapView = Schemas["MapView"];
export type PairingKeyView = Schemas["PairingKeyView"];
export type Permission = Schemas["Permission"];
export type PolicyChange = Schemas["PolicyChange"];
export type PolicySentence = Schemas["PolicySentence"];
export type Problem = Schemas["Problem"];
export type RevisionView = Schemas["RevisionView"];
export type RolloutView = Schemas["RolloutView"];
export type RuleFindingView = Schemas["RuleFindingView"];
export type RuleHealthView = Schemas["RuleHealthView"];
export type ScanView = Schemas["ScanView"];
export type SessionView = Schemas["SessionView"];
export type StatusView = Schemas["StatusView"];
export type VerdictView = Schemas["VerdictView"];
export type WorkloadDetail = Schemas["WorkloadDetail"];
export type WorkloadGaps = Schemas["WorkloadGaps"];
export type WorkloadView = Schemas["WorkloadView"];

export interface Page<T> {
  items: T[];
  total: number;
  next: string | null;
}

export type FailSafeDocument = Whole<Schemas["FailSafeDocument"]>;
export type ModeDocument = Whole<Schemas["ModeDocument"], "mode">;
export type NetworkDocument = Whole<Schemas["NetworkDocument"]>;
export type ScopeDocument = Whole<Schemas["ScopeDocument"]>;
export type ServiceDocument = Whole<Schemas["ServiceDocument"], "process" | "stateless" | "helper">;
export type RuleDocument = Whole<Schemas["RuleDocument"], "fromProcess" | "owner" | "reason" | "ticket" | "expires">;
export type RulesetDocument = Whole<Omit<Schemas["RulesetDocument"], "rules" | "scopes">, "description"> & {
  scopes: ScopeDocument[];
  rules: RuleDocument[];
};
export type AssertedDocument = Whole<Schemas["AssertedDocument"], "fromProcess">;
export type AssertionDocument = Whole<Omit<Schemas["AssertionDocument"], "never" | "must">, "owner" | "reason"> & {
  never?: AssertedDocument | null;
  must?: AssertedDocument | null;
};
export interface PolicyDocument {
  rulesets: RulesetDocument[];
  services: ServiceDocument[];
  networks: NetworkDocument[];
  modes: ModeDocument[];
  failSafe: FailSafeDocument[];
  assertions: AssertionDocument[];
}
