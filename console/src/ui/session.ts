import { createContext, useContext } from "react";
import type { Grant, Permission, SessionView } from "../api/types";

export const SessionContext = createContext<SessionView | null>(null);

/** Whether the one signed in has a permission, be it only within a scope: where it ends, the controller says. */
export function useMay(permission: Permission): boolean {
  return useContext(SessionContext)?.permissions.includes(permission) ?? false;
}

/** "policy editor of app=shop, viewer" */
export const grantWords = (grants: Grant[]) =>
  grants
    .map(({ role, scope }) => role.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`) + (scope ? ` of ${scope}` : ""))
    .join(", ");
