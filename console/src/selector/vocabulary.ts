import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { draftQuery, labelKeysQuery, workloadsQuery } from "../api/queries";
import type { Vocabulary } from "./complete";

/** The keys, values and networks that exist now. */
export function useVocabulary(): Vocabulary {
  const keys = useQuery(labelKeysQuery).data;
  const workloads = useQuery(workloadsQuery).data;
  const draft = useQuery(draftQuery).data;
  return useMemo(() => {
    const values = new Map<string, string[]>();
    for (const { labels } of workloads ?? []) {
      for (const [key, value] of Object.entries(labels)) {
        const known = values.get(key) ?? [];
        if (!known.includes(value)) values.set(key, [...known, value]);
      }
    }
    return {
      keys: [...(keys?.builtIn ?? []), ...(keys?.declared ?? [])],
      values,
      networks: (draft?.networks ?? []).map((n) => n.name),
    };
  }, [keys, workloads, draft]);
}
