import { Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import {
  IconBinaryTree2,
  IconFileDiff,
  IconHistory,
  IconKey,
  IconListCheck,
  IconMoon,
  IconNetwork,
  IconPlug,
  IconRosetteDiscountCheck,
  IconSearch,
  IconServer2,
  IconShieldHalf,
  IconStack2,
  IconStethoscope,
  IconSun,
  IconUser,
} from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, Suspense } from "react";
import { NavLink, Outlet } from "react-router";
import { api } from "../api/client";
import { useLive } from "../api/live";
import { changesQuery, queryClient, sessionQuery, statusQuery } from "../api/queries";
import type { SessionView } from "../api/types";
import { grantWords, SessionContext } from "../ui/session";
import { Mark } from "./Mark";
import { openPalette, Palette } from "./Palette";

const icon = { size: 16, stroke: 1.6 } as const;

export function Shell({ session }: { session: SessionView }) {
  const connected = useLive();
  const changes = useQuery(changesQuery);
  const status = useQuery(statusQuery);
  const count = changes.data?.changes.length ?? 0;
  return (
    <SessionContext value={session}>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <div className="shell">
        <nav className="nav" aria-label="Main">
          <NavLink to="/map" className="brand">
            <Mark /> Bulkhead
          </NavLink>
          <button type="button" className="nav-link" onClick={openPalette} aria-keyshortcuts="Control+K Meta+K">
            <IconSearch {...icon} /> Find
            <span className="mono muted" style={{ marginLeft: "auto" }}>
              Ctrl K
            </span>
          </button>
          <Item to="/map" icon={<IconBinaryTree2 {...icon} />} text="Map" />
          <Item to="/workloads" icon={<IconServer2 {...icon} />} text="Workloads" />
          <div className="nav-group">Policy</div>
          <Item to="/policy/rulesets" icon={<IconListCheck {...icon} />} text="Rulesets" />
          <Item to="/policy/modes" icon={<IconShieldHalf {...icon} />} text="Modes" />
          <Item to="/policy/services" icon={<IconPlug {...icon} />} text="Services" />
          <Item to="/policy/networks" icon={<IconNetwork {...icon} />} text="Networks" />
          <Item to="/policy/assertions" icon={<IconRosetteDiscountCheck {...icon} />} text="Assertions" />
          <Item to="/policy/health" icon={<IconStethoscope {...icon} />} text="Rule health" />
          <div className="nav-group">Change</div>
          <Item to="/draft" icon={<IconFileDiff {...icon} />} text="Draft" count={count} />
          <Item to="/revisions" icon={<IconStack2 {...icon} />} text="Revisions" />
          <div className="nav-group">Control</div>
          <Item to="/pairing" icon={<IconKey {...icon} />} text="Pairing" />
          <Item to="/audit" icon={<IconHistory {...icon} />} text="Audit" />
          <div style={{ marginTop: "auto", paddingTop: 16 }}>
            {status.data && <Health connected={connected} up={status.data.connected} managed={status.data.managed} />}
            <ThemeSwitch />
            <Account session={session} />
          </div>
        </nav>
        <main id="main" className="main" tabIndex={-1}>
          <Suspense>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <Palette />
    </SessionContext>
  );
}

function Item({ to, icon, text, count = 0 }: { to: string; icon: ReactNode; text: string; count?: number }) {
  return (
    <NavLink to={to} className="nav-link">
      {icon} {text}
      {count > 0 && (
        <span className="count" title={`${count} ${count === 1 ? "change" : "changes"} not provisioned`}>
          {count}
        </span>
      )}
    </NavLink>
  );
}

function Health({ connected, up, managed }: { connected: boolean; up: number; managed: number }) {
  const text = connected
    ? `${up} of ${managed} agents connected`
    : "No live updates: the controller does not answer. Hosts keep enforcing.";
  const colour = !connected ? "var(--blocked)" : up < managed ? "var(--potential)" : "var(--allowed)";
  return (
    <Tooltip label={text} position="right">
      <div className="nav-link" style={{ cursor: "default" }} role="status">
        <svg width={16} height={16} aria-hidden>
          <circle cx={8} cy={8} r={4} fill={colour} />
        </svg>
        {connected ? `${up} / ${managed} agents` : "not live"}
      </div>
    </Tooltip>
  );
}

function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return (
    <button
      type="button"
      className="nav-link"
      style={{ width: "100%" }}
      onClick={() => setColorScheme(dark ? "light" : "dark")}
    >
      {dark ? <IconSun {...icon} /> : <IconMoon {...icon} />} {dark ? "Light" : "Dark"}
    </button>
  );
}

function Account({ session }: { session: SessionView }) {
  const signOut = useMutation({
    mutationFn: () => api.delete("/session"),
    onSuccess: () => {
      queryClient.setQueryData(sessionQuery.queryKey, null);
      queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
    },
  });
  return (
    <Menu position="top-start" width={184}>
      <Menu.Target>
        <button type="button" className="nav-link" style={{ width: "100%" }}>
          <IconUser {...icon} /> {session.user}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{grantWords(session.grants)}</Menu.Label>
        <Menu.Item onClick={() => signOut.mutate()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
