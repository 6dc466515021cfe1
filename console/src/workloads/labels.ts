import { api } from "../api/client";
import { queryClient } from "../api/queries";
import type { LabelEdit, LabelEditResult, Labels, WorkloadView } from "../api/types";
import { done, failed } from "../ui/notify";
import { plural } from "../ui/words";

/** Reads `key=value` pairs as typed, separated by spaces or commas; says what is wrong in a sentence. */
export function readLabels(text: string): { labels: Labels; problem: string | null } {
  const labels: Labels = {};
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const [, key, value] = /^([^=!|*]+)=([^=|!*"()]+)$/.exec(word) ?? [];
    if (!key || !value) return { labels, problem: `'${word}' is not a label. Write key=value, such as role=web.` };
    if (key in labels) return { labels, problem: `'${key}' stands twice; a workload has one value a key.` };
    labels[key] = value;
  }
  return { labels, problem: null };
}

export const labelText = (labels: Labels) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");

/** The edit that turns a workload's labels into others. */
export function editTo(w: WorkloadView, labels: Labels): LabelEdit {
  return {
    workload: w.id,
    set: Object.fromEntries(Object.entries(labels).filter(([key, value]) => w.labels[key] !== value)),
    remove: Object.keys(w.labels).filter((key) => !(key in labels)),
    version: w.version,
  };
}

/** Says what edits would do. Warnings that are not accepted refuse it, as they would the edits. */
export const preview = (edits: LabelEdit[], acknowledge: string[] = []) =>
  api.post<LabelEditResult>("/workloads/labels", { edits, dryRun: true, acknowledge });

/** Applies edits, and offers to undo them. */
export async function apply(edits: LabelEdit[], before: WorkloadView[], acknowledge: string[] = []) {
  const result = await api.post<LabelEditResult>("/workloads/labels", { edits, dryRun: false, acknowledge });
  await queryClient.invalidateQueries({ queryKey: ["workloads"] });
  const undo = async () => {
    const back = result.changed.flatMap((now) => {
      const old = before.find((w) => w.id === now.id);
      return old ? [{ ...editTo(now, old.labels), version: now.version }] : [];
    });
    try {
      await api.post("/workloads/labels", { edits: back, dryRun: false });
      await queryClient.invalidateQueries({ queryKey: ["workloads"] });
      done("The labels are as they were.");
    } catch (error) {
      failed(error);
    }
  };
  done(`Labelled ${plural(result.changed.length, "workload")}.`, () => void undo());
}
