import { createBrowserRouter, redirect } from "react-router";
import { Gate } from "./shell/Gate";
import { NotFound, PageFailed } from "./shell/PageFailed";

/** Every page has a URL; all but the map are loaded when first opened. */
export const router = createBrowserRouter([
  {
    path: "/",
    Component: Gate,
    ErrorBoundary: PageFailed,
    HydrateFallback: () => null,
    children: [
      { index: true, loader: () => redirect("/map") },
      { path: "map", lazy: async () => ({ Component: (await import("./map/MapPage")).MapPage }) },
      {
        path: "workloads",
        lazy: async () => ({ Component: (await import("./workloads/WorkloadsPage")).WorkloadsPage }),
      },
      {
        path: "workloads/:name",
        lazy: async () => ({ Component: (await import("./workloads/WorkloadPage")).WorkloadPage }),
      },
      { path: "policy", loader: () => redirect("/policy/rulesets") },
      {
        path: "policy/rulesets",
        lazy: async () => ({ Component: (await import("./policy/RulesetsPage")).RulesetsPage }),
      },
      {
        path: "policy/rulesets/:name",
        lazy: async () => ({ Component: (await import("./policy/RulesetPage")).RulesetPage }),
      },
      { path: "policy/modes", lazy: async () => ({ Component: (await import("./policy/ModesPage")).ModesPage }) },
      {
        path: "policy/services",
        lazy: async () => ({ Component: (await import("./policy/ServicesPage")).ServicesPage }),
      },
      {
        path: "policy/networks",
        lazy: async () => ({ Component: (await import("./policy/NetworksPage")).NetworksPage }),
      },
      {
        path: "policy/assertions",
        lazy: async () => ({ Component: (await import("./policy/AssertionsPage")).AssertionsPage }),
      },
      { path: "policy/health", lazy: async () => ({ Component: (await import("./policy/HealthPage")).HealthPage }) },
      { path: "draft", lazy: async () => ({ Component: (await import("./draft/DraftPage")).DraftPage }) },
      {
        path: "revisions",
        lazy: async () => ({ Component: (await import("./revisions/RevisionsPage")).RevisionsPage }),
      },
      {
        path: "revisions/:number",
        lazy: async () => ({ Component: (await import("./revisions/RevisionPage")).RevisionPage }),
      },
      { path: "pairing", lazy: async () => ({ Component: (await import("./pairing/PairingPage")).PairingPage }) },
      { path: "audit", lazy: async () => ({ Component: (await import("./audit/AuditPage")).AuditPage }) },
      { path: "*", Component: NotFound },
    ],
  },
]);
