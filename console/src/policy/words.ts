import type { AssertedDocument, AssertionDocument, RuleDocument, RulesetDocument } from "../api/types";

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

export const newAsserted = (): AssertedDocument => ({ from: "", to: "", services: ["any"], users: [] });

export const newAssertion = (): AssertionDocument => ({ name: "", never: newAsserted(), helpers: "count" });

/** An assertion as a sentence. */
export function assertionSentence(assertion: AssertionDocument): string {
  const asserted = assertion.must ?? assertion.never ?? newAsserted();
  const verb = assertion.must ? "must always be able to reach" : "must never be able to reach";
  const program = asserted.fromProcess?.path ?? asserted.fromProcess?.unit;
  const users = asserted.users.length > 0 ? ` as users in ${asserted.users.join(", ")}` : "";
  const ports = asserted.services.join(", ");
  return `${program ? `${program} on ` : ""}${asserted.from || "…"} ${verb} ${asserted.to || "…"}${ports === "any" ? "" : ` on ${ports || "…"}`}${users}`;
}
