import { keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { ApiFailure, api } from "./client";
import type {
  AssertionView,
  AuditEntryView,
  DraftImpact,
  DraftStatus,
  FlowEdge,
  LabelKeys,
  MapView,
  Page,
  PairingKeyView,
  PolicyDocument,
  RevisionView,
  RuleHealthView,
  SessionView,
  StatusView,
  TrafficView,
  WorkloadDetail,
  WorkloadView,
} from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (count, error) => count < 2 && error instanceof ApiFailure && error.status === 0,
      refetchOnWindowFocus: true,
    },
  },
});

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () =>
    api.get<SessionView>("/session").catch((error: ApiFailure) => {
      if (error.status === 401) return null;
      throw error;
    }),
  staleTime: Number.POSITIVE_INFINITY,
});

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: () => api.get<StatusView>("/status"),
  refetchInterval: 30_000,
});

export const mapQuery = (group: string[], view: TrafficView, since: string | null) =>
  queryOptions({
    queryKey: ["map", group.join(","), view, since],
    queryFn: () => api.get<MapView>("/map", { group: group.join(","), view, since: sinceTime(since) }),
    placeholderData: keepPreviousData,
  });

/** `1h`, `24h` or `7d` ago as a timestamp; null for all that is kept. */
export function sinceTime(since: string | null): string | null {
  const [, count, unit] = /^(\d+)(h|d)$/.exec(since ?? "") ?? [];
  if (!count) return null;
  return new Date(Date.now() - Number(count) * (unit === "d" ? 86_400_000 : 3_600_000)).toISOString();
}

export interface FlowFilter {
  from?: string | null;
  to?: string | null;
  port?: string | null;
  verdict?: string | null;
  view?: TrafficView;
  since?: string | null;
  limit?: number;
}
export const flowsQuery = (filter: FlowFilter) =>
  queryOptions({
    queryKey: ["flows", filter],
    queryFn: () => api.get<Page<FlowEdge>>("/flows", { limit: 200, ...filter, since: sinceTime(filter.since ?? null) }),
    placeholderData: keepPreviousData,
  });

export const workloadsQuery = queryOptions({
  queryKey: ["workloads"],
  queryFn: async () => {
    const items: WorkloadView[] = [];
    let after: string | null = null;
    do {
      const page: Page<WorkloadView> = await api.get("/workloads", { limit: 1000, after });
      items.push(...page.items);
      after = page.next;
    } while (after !== null);
    return items;
  },
});
export const workloadQuery = (id: string) =>
  queryOptions({
    queryKey: ["workload", id],
    queryFn: () => api.get<WorkloadDetail>(`/workloads/${encodeURIComponent(id)}`),
  });
export const labelKeysQuery = queryOptions({
  queryKey: ["label-keys"],
  queryFn: () => api.get<LabelKeys>("/label-keys"),
});

export const draftQuery = queryOptions({
  queryKey: ["draft"],
  queryFn: () => api.get<PolicyDocument>("/policy/draft"),
});
export const changesQuery = queryOptions({
  queryKey: ["changes"],
  queryFn: () => api.get<DraftStatus>("/policy/draft/changes"),
});
export const draftProofsQuery = queryOptions({
  queryKey: ["draft-proofs"],
  queryFn: () => api.get<AssertionView[]>("/policy/draft/assertions"),
});
export const draftHealthQuery = queryOptions({
  queryKey: ["draft-health"],
  queryFn: () => api.get<RuleHealthView>("/policy/draft/health"),
});
export const impactQuery = (since: string | null) =>
  queryOptions({
    queryKey: ["impact", since],
    queryFn: () => api.get<DraftImpact>("/policy/draft/impact", { since: sinceTime(since) }),
  });
export const revisionsQuery = queryOptions({
  queryKey: ["revisions"],
  queryFn: () => api.get<RevisionView[]>("/policy/revisions"),
});
export const revisionQuery = (number: string) =>
  queryOptions({
    queryKey: ["revisions", number],
    queryFn: () => api.get<RevisionView>(`/policy/revisions/${number}`),
  });
export const revisionPolicyQuery = (number: string) =>
  queryOptions({
    queryKey: ["revision-policy", number],
    queryFn: () => api.get<PolicyDocument>(`/policy/revisions/${number}/policy`),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const pairingKeysQuery = queryOptions({
  queryKey: ["pairing-keys"],
  queryFn: () => api.get<PairingKeyView[]>("/pairing-keys"),
});
export const auditQuery = (after: string | null) =>
  queryOptions({
    queryKey: ["audit", after],
    queryFn: () => api.get<Page<AuditEntryView>>("/audit", { limit: 100, after }),
    placeholderData: keepPreviousData,
  });
