import type { RuleDocument, RulesetDocument } from "../api/types";

/** A rule as a sentence. */
export function ruleSentence(rule: RuleDocument): string {
  const verb =
    { allow: "may reach", deny: "may not reach", "override-deny": "may never reach" }[rule.action] ?? rule.action;
  const program = rule.fromProcess?.path ?? rule.fromProcess?.unit;
  const by = program ? `${program} on ` : "";
  const users = rule.users.length > 0 ? ` for users in ${rule.users.join(", ")}` : "";
  return `${by}${rule.from || "…"} ${verb} ${rule.to || "…"} on ${rule.services.join(", ") || "…"}${users}`;
}

export const newRule = (): RuleDocument => ({
  id: 0,
  from: "",
  to: "",
  services: [],
  action: "allow",
  within: "both",
  users: [],
  consumer: "strict",
  unidentified: "skip",
  whereUnenforceable: "refuse",
});

export const newRuleset = (): RulesetDocument => ({ name: "", scopes: [{ selector: "", per: [] }], rules: [] });

/** `app=shop,env=prod` → `shop-prod`. */
export const nameFor = (selector: string): string =>
  selector
    .split(",")
    .map((term) => term.split("=")[1] ?? "")
    .filter((value) => /^[\w.-]+$/.test(value))
    .join("-");
