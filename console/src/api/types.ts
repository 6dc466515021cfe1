/** The controller's REST records, as the console uses them. */
export type Labels = Record<string, string>;
export type AccessRole = "viewer" | "editor" | "admin";
export type ModeName = "visibility" | "selective" | "full";
export type VerdictKind = "allowed" | "potentiallyBlocked" | "blocked" | "unknown";
export type TrafficView = "reported" | "enforced" | "draft";
export type SyncState = "none" | "pending" | "synced" | "syncing" | "error" | "offline";

export interface SessionView {
  user: string;
  role: AccessRole;
  mustChangePassword: boolean;
  expires: string | null;
}
export interface DiagnosticView {
  severity: "error" | "warning";
  code: string;
  path: string;
  message: string;
}
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string | null;
  diagnostics: DiagnosticView[];
}
export interface Page<T> {
  items: T[];
  total: number;
  next: string | null;
}
export interface StatusView {
  version: string;
  epoch: number;
  revision: number;
  workloads: number;
  managed: number;
  connected: number;
  edges: number;
  authoritySha256: string;
  agentUrl: string;
}
export interface WorkloadView {
  id: string;
  name: string;
  managed: boolean;
  labels: Labels;
  addresses: string[];
  inbound: ModeName;
  outbound: ModeName;
  quarantined: boolean;
  sync: SyncState;
  appliedGeneration: string | null;
  lastSeen: string | null;
  problems: DiagnosticView[];
  version: number;
}
export interface ProcessView {
  path: string;
  name: string;
  unit: string | null;
  user: string;
}
export interface ListenerView {
  port: string;
  address: string | null;
  process: ProcessView | null;
}
export interface PolicySentence {
  direction: "inbound" | "outbound";
  ruleId: number | null;
  ruleset: string | null;
  sentence: string;
}
export interface WorkloadDetail {
  workload: WorkloadView;
  agentVersion: string | null;
  os: string | null;
  kernel: string | null;
  features: string[];
  listeners: ListenerView[];
  policy: PolicySentence[];
}
export interface LabelEdit {
  workload: string;
  set: Labels;
  remove: string[];
  version: number | null;
}
export interface LabelEditResult {
  changed: WorkloadView[];
  enforcingHostsAffected: string[];
  applied: boolean;
}
export interface LabelKeys {
  builtIn: string[];
  declared: string[];
}
export interface PairingKeyView {
  id: string;
  name: string;
  labels: Labels;
  networks: string[];
  uses: number;
  maxUses: number | null;
  expires: string;
  autoAdmit: boolean;
  revoked: boolean;
}
export interface CreatePairingKey {
  name: string;
  labels: Labels;
  networks: string[];
  maxUses: number | null;
  expires: string;
  autoAdmit: boolean;
}
export interface CreatedPairingKey {
  key: PairingKeyView;
  secret: string;
  command: string;
}
export interface AuditEntryView {
  sequence: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  detail: string;
  hash: string;
}

export interface ScopeDocument {
  selector: string;
  per: string[];
}
export interface ProcessDocument {
  path?: string | null;
  unit?: string | null;
}
export interface RuleDocument {
  id: number;
  from: string;
  to: string;
  services: string[];
  action: string;
  within: string;
  fromProcess?: ProcessDocument | null;
  users: string[];
  consumer: string;
  unidentified: string;
  whereUnenforceable: string;
  owner?: string | null;
  reason?: string | null;
  ticket?: string | null;
  expires?: string | null;
}
export interface RulesetDocument {
  name: string;
  description?: string | null;
  scopes: ScopeDocument[];
  rules: RuleDocument[];
}
export interface ServiceDocument {
  name: string;
  ports: string[];
  process?: ProcessDocument | null;
}
export interface NetworkDocument {
  name: string;
  addresses: string[];
  exclude: string[];
}
export interface ModeDocument {
  selector: string;
  inbound: string;
  outbound: string;
}
export interface FailSafeDocument {
  network: string;
  ports: string[];
}
export interface PolicyDocument {
  rulesets: RulesetDocument[];
  services: ServiceDocument[];
  networks: NetworkDocument[];
  modes: ModeDocument[];
  failSafe: FailSafeDocument[];
}
export interface PolicyChange {
  kind: string;
  name: string;
  change: string;
  details: string[];
}
export interface DraftStatus {
  baseRevision: number;
  draftVersion: number;
  changes: PolicyChange[];
  diagnostics: DiagnosticView[];
}
export interface RolloutView {
  affected: number;
  applied: number;
  waiting: string[];
  offline: string[];
  failed: string[];
}
export interface RevisionView {
  number: number;
  parent: number;
  hash: string;
  note: string;
  author: string;
  created: string;
  restoredFrom: number | null;
  changes: PolicyChange[];
  rollout: RolloutView | null;
}

export interface EndDecisionView {
  outcome: string;
  inFull: string;
  mode: ModeName;
  decidedBy: string;
  ruleId: number | null;
  ruleset: string | null;
  otherRules: number[];
  because: string;
}
export interface VerdictView {
  kind: VerdictKind;
  because: string;
  source: EndDecisionView | null;
  destination: EndDecisionView | null;
}
export interface FlowEnd {
  workloadId: string | null;
  name: string;
  labels: Labels;
  address: string;
  processes: ProcessView[];
}
export interface FlowEdge {
  source: FlowEnd;
  destination: FlowEnd;
  port: string;
  connections: number;
  blockedConnections: number;
  bytes: number;
  open: number;
  firstSeen: string;
  lastSeen: string;
  reported: VerdictView;
  enforced: VerdictView;
  draft: VerdictView;
}
export interface DraftImpact {
  from: string;
  to: string;
  edges: number;
  newlyBlocked: FlowEdge[];
  newlyAllowed: FlowEdge[];
  hostsChanged: string[];
  leftOut: DiagnosticView[];
}
export interface MapGroup {
  id: string;
  kind: "group" | "workload" | "network" | "internet";
  name: string;
  labels: Labels;
  members: number;
  inbound: ModeName;
  outbound: ModeName;
  mixedModes: boolean;
  quarantined: number;
  stale: number;
}
export interface MapService {
  port: string;
  sourceProcesses: string[];
  destinationProcesses: string[];
  connections: number;
  verdict: VerdictKind;
  because: string;
  ruleId: number | null;
}
export interface VerdictCounts {
  allowed: number;
  potentiallyBlocked: number;
  blocked: number;
  unknown: number;
}
export interface MapLink {
  source: string;
  destination: string;
  services: MapService[];
  connections: number;
  bytes: number;
  verdicts: VerdictCounts;
  firstSeen: string;
  lastSeen: string;
}
export interface MapView {
  at: string;
  groupBy: string[];
  view: TrafficView;
  groups: MapGroup[];
  links: MapLink[];
  lostEvents: number;
}
