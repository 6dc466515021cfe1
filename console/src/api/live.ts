import { useEffect, useState } from "react";
import { queryClient } from "./queries";

/** What to ask for again when the controller says that something changed. */
const concerns: Record<string, string[]> = {
  flows: ["map", "flows", "impact", "status"],
  workloads: ["workloads", "workload", "map", "status", "draft-proofs", "draft-health"],
  draft: ["draft", "changes", "impact", "map", "flows", "draft-proofs", "draft-health"],
  revision: ["revisions", "draft", "changes", "impact", "map", "flows", "workload", "workloads", "status"],
  rollout: ["revisions", "workloads", "workload"],
};

const quiet = 1500;

/** Follows the controller's events; asks again at most once per {@link quiet} ms. False while the stream is down. */
export function useLive(): boolean {
  const [connected, setConnected] = useState(true);
  useEffect(() => {
    const stale = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const flush = () => {
      timer = null;
      for (const key of stale) void queryClient.invalidateQueries({ queryKey: [key] });
      stale.clear();
    };
    const source = new EventSource("/api/v1/events");
    source.onopen = () => {
      setConnected((was) => {
        if (!was) void queryClient.invalidateQueries();
        return true;
      });
    };
    source.onerror = () => setConnected(false);
    for (const [kind, keys] of Object.entries(concerns)) {
      source.addEventListener(kind, () => {
        for (const key of keys) stale.add(key);
        timer ??= setTimeout(flush, kind === "flows" ? quiet : 100);
      });
    }
    return () => {
      source.close();
      if (timer) clearTimeout(timer);
    };
  }, []);
  return connected;
}
