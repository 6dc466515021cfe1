import { ActionIcon, Button, Select, TagsInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { DiagnosticView, RuleDocument } from "../api/types";
import { SelectorInput } from "../selector/SelectorInput";
import { at, messageAt, rulePaths } from "./diagnostics";
import { RuleMore } from "./RuleMore";
import { ruleSentence } from "./words";

interface Props {
  rule: RuleDocument;
  index: number;
  ruleset: string;
  services: string[];
  diagnostics: readonly DiagnosticView[];
  opened: boolean;
  focused: boolean;
  onChange: (rule: RuleDocument | null) => void;
}

const fields = ["from", "to", "services", "action", "within", "fromProcess", "users", "expires"];
const columns = "minmax(150px, 1.2fr) minmax(150px, 1.2fr) minmax(130px, 1fr) 112px 116px 28px";

export function RuleRow({ rule, index, ruleset, services, diagnostics, opened, focused, onChange }: Props) {
  const [more, setMore] = useState(opened);
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (focused) row.current?.scrollIntoView({ block: "center" });
  }, [focused]);
  const paths = rulePaths(ruleset, index, rule.id);
  const error = (field: string) => messageAt(diagnostics, ...paths.map((p) => `${p}.${field}`));
  const whole = at(diagnostics, ...paths).filter(
    (d) => !fields.some((f) => at([d], ...paths.map((p) => `${p}.${f}`)).length > 0),
  );
  const edit = (part: Partial<RuleDocument>) => onChange({ ...rule, ...part });
  return (
    <div
      ref={row}
      role="group"
      aria-label={`Rule ${rule.id || "new"}: ${ruleSentence(rule)}`}
      style={{
        padding: "10px 8px",
        borderTop: "1px solid var(--hairline)",
        background: focused ? "var(--accent-tint)" : undefined,
      }}
    >
      <div style={{ display: "grid", gridTemplateColumns: columns, gap: 8, alignItems: "start" }}>
        <SelectorInput
          aria-label="From"
          placeholder="from: role=web"
          networks
          value={rule.from}
          error={error("from")}
          onChange={(from) => edit({ from })}
        />
        <SelectorInput
          aria-label="To"
          placeholder="to: role=db"
          networks
          value={rule.to}
          error={error("to")}
          onChange={(to) => edit({ to })}
        />
        <TagsInput
          size="xs"
          aria-label="Services"
          placeholder={rule.services.length === 0 ? "tcp/443 or a name" : ""}
          data={[...services, "any"]}
          value={rule.services}
          error={error("services")}
          acceptValueOnBlur
          onChange={(value) => edit({ services: value })}
        />
        <Select
          size="xs"
          aria-label="Action"
          allowDeselect={false}
          data={["allow", "deny", "override-deny"]}
          value={rule.action}
          error={error("action")}
          onChange={(action) => action && edit({ action })}
        />
        <Select
          size="xs"
          aria-label="Within the scope"
          allowDeselect={false}
          data={[
            { value: "both", label: "both within" },
            { value: "from", label: "from within" },
            { value: "to", label: "to within" },
          ]}
          value={rule.within}
          error={error("within")}
          onChange={(within) => within && edit({ within })}
        />
        <ActionIcon
          variant="subtle"
          color="gray"
          size={28}
          aria-label={`Remove rule ${rule.id || index + 1}`}
          onClick={() => onChange(null)}
        >
          <IconTrash size={15} />
        </ActionIcon>
      </div>
      <div style={{ display: "flex", alignItems: "center", gap: 8, marginTop: 4 }} className="muted">
        <span>
          {rule.id > 0 && <span className="mono">#{rule.id} </span>}
          {ruleSentence(rule)}
          {rule.reason && `: ${rule.reason}`}
          {rule.owner && ` · ${rule.owner}`}
          {rule.ticket && ` · ${rule.ticket}`}
        </span>
        <Button
          variant="subtle"
          size="compact-xs"
          style={{ marginLeft: "auto" }}
          aria-expanded={more}
          onClick={() => setMore(!more)}
        >
          {more ? "Less" : "Why, who, until…"}
        </Button>
      </div>
      {whole.map((d) => (
        <div
          key={d.code + d.message}
          className={d.severity === "error" ? "failure" : "notice"}
          style={{ marginTop: 6 }}
        >
          {d.message}
        </div>
      ))}
      {more && <RuleMore rule={rule} error={error} onChange={edit} />}
    </div>
  );
}
