import { api } from "../api/client";
import { queryClient } from "../api/queries";
import { done } from "../ui/notify";

/** Every edit goes to the draft; nothing acts until it is provisioned. */
export async function saveToDraft<T>(path: string, body: T, what: string): Promise<T> {
  const saved = await api.put<T>(`/policy/draft/${path}`, body);
  await refreshDraft();
  done(`${what} is in the draft. Nothing acts until you provision it.`);
  return saved;
}

export async function removeFromDraft(path: string, what: string) {
  await api.delete(`/policy/draft/${path}`);
  await refreshDraft();
  done(`${what} is gone from the draft. Nothing acts until you provision it.`);
}

export const refreshDraft = () =>
  Promise.all(
    ["draft", "changes", "impact", "map", "draft-proofs", "draft-health"].map((key) =>
      queryClient.invalidateQueries({ queryKey: [key] }),
    ),
  );
