import { createContext, useContext } from "react";
import type { AccessRole, SessionView } from "../api/types";

export const SessionContext = createContext<SessionView | null>(null);

const rank: Record<AccessRole, number> = { viewer: 0, editor: 1, admin: 2 };

/** Whether the one signed in may do what the role may. */
export function useMay(role: AccessRole): boolean {
  const session = useContext(SessionContext);
  return session !== null && rank[session.role] >= rank[role];
}
