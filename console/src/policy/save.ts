import { ApiFailure, api } from "../api/client";
import { queryClient } from "../api/queries";
import type { PolicyDocument } from "../api/types";
import { done } from "../ui/notify";

/** A list of the draft as a whole, or one named object of it: `rulesets/NAME`. */
export type DraftPath = "modes" | "fail-safe" | `${"rulesets" | "services" | "networks" | "assertions"}/${string}`;

/**
 * Every edit goes to the draft; nothing acts until it is provisioned. An edit is of what its author saw: if somebody else changed that
 * meanwhile it is refused, and others' edits elsewhere in the draft are left as they are.
 * @param seen What the author began with; null for an object that was not there.
 */
export async function saveToDraft<T>(path: DraftPath, body: T, seen: T | null, what: string): Promise<T> {
  const saved = await ifAsSeen(path, seen, what, (tag) => api.put<T>(`/policy/draft/${path}`, body, tag));
  await refreshDraft();
  done(`${what} is in the draft. Nothing acts until you provision it.`);
  return saved;
}

export async function removeFromDraft(path: DraftPath, seen: unknown, what: string) {
  await ifAsSeen(path, seen, what, (tag) => api.delete(`/policy/draft/${path}`, tag));
  await refreshDraft();
  done(`${what} is gone from the draft. Nothing acts until you provision it.`);
}

export const refreshDraft = () =>
  Promise.all(
    ["draft", "changes", "impact", "map", "draft-proofs", "draft-health"].map((key) =>
      queryClient.invalidateQueries({ queryKey: [key] }),
    ),
  );

/** The controller knows the draft's version as a whole; only a change of the same object is a conflict, so the others are tried again. */
async function ifAsSeen<T>(path: DraftPath, seen: unknown, what: string, edit: (tag: string | null) => Promise<T>) {
  for (let left = 4; ; left--) {
    const { body: draft, tag } = await api.getTagged<PolicyDocument>("/policy/draft");
    if (JSON.stringify(partOf(draft, path)) !== JSON.stringify(seen)) {
      void refreshDraft();
      throw new ApiFailure({
        status: 409,
        code: "changed-meanwhile",
        title: `${what} was changed by somebody else meanwhile; yours was not saved.`,
        detail: "Open it again to see theirs, and make your change once more.",
        diagnostics: [],
      });
    }
    try {
      return await edit(tag);
    } catch (error) {
      if (left === 0 || !(error instanceof ApiFailure) || error.code !== "draft-changed") throw error;
    }
  }
}

/** What a path names in a draft; null if it is not there. */
export function partOf(draft: PolicyDocument, path: DraftPath): unknown {
  if (path === "modes") return draft.modes;
  if (path === "fail-safe") return draft.failSafe;
  const [kind = "", name = ""] = path.split("/");
  const named = draft[kind as "rulesets" | "services" | "networks" | "assertions"] as { name: string }[];
  return named.find((object) => object.name === decodeURIComponent(name)) ?? null;
}
