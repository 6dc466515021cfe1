import { expect, test } from "vitest";
import type { PolicyDocument } from "../api/types";
import { proposalHref, propose } from "./allow";
import { mapOf, shop } from "./fixtures";
import { buildScene, type MapNode } from "./scene";

const scene = buildScene(shop, ["app", "env"], () => true);
const node = (id: string) => scene.nodes.get(id) as MapNode;
const web = node("app=shop,env=prod,role=web");
const db = node("app=shop,env=prod,role=db");

test("within one compartment both ends are said by role alone", () => {
  expect(propose(scene, web, db, ["tcp/3306"])).toEqual({
    scope: "app=shop,env=prod",
    from: "role=web",
    to: "role=db",
    within: "both",
    services: ["tcp/3306"],
  });
});

test("across compartments the rule lives with the provider and names the consumer in full", () => {
  const proposal = propose(scene, node("app=users,env=prod,role=client"), web, ["tcp/443"]);
  expect(proposal).toMatchObject({ scope: "app=shop,env=prod", from: "app=users,env=prod,role=client", within: "to" });
});

test("an unmanaged consumer becomes a network to choose", () => {
  expect(propose(scene, node("internet"), web, ["tcp/443"])).toMatchObject({
    from: "network:",
    to: "role=web",
    within: "to",
  });
});

test("an end without labels can't be named", () => {
  const bare = buildScene(mapOf(["/prod/web", "a/prod/db"]), ["app", "env"], () => true);
  const [from, to] = ["app=,env=prod,role=web", "app=a,env=prod,role=db"].map((id) => bare.nodes.get(id) as MapNode);
  expect(propose(bare, from as MapNode, to as MapNode, ["tcp/1"])).toBeNull();
});

test("a ruleset with that very scope takes the rule, whatever its order of keys", () => {
  const proposal = propose(scene, web, db, ["tcp/3306"]);
  const draft = { rulesets: [{ name: "shop", scopes: [{ selector: "env=prod,app=shop", per: [] }], rules: [] }] };
  expect(proposalHref(proposal as never, draft as unknown as PolicyDocument)).toMatch(/^\/policy\/rulesets\/shop\?/);
  expect(proposalHref(proposal as never, undefined)).toContain("/policy/rulesets/new?");
});
