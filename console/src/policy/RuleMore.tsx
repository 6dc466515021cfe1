import { Select, TagsInput, TextInput } from "@mantine/core";
import type { RuleDocument } from "../api/types";

interface Props {
  rule: RuleDocument;
  error: (field: string) => string | undefined;
  onChange: (part: Partial<RuleDocument>) => void;
}

/** Why a rule exists, who answers for it, until when, and its finer conditions. */
export function RuleMore({ rule, error, onChange }: Props) {
  const process = rule.fromProcess;
  const setProcess = (part: { path?: string | null; unit?: string | null }) => {
    const next = { path: process?.path ?? null, unit: process?.unit ?? null, ...part };
    onChange({ fromProcess: next.path || next.unit ? next : null });
  };
  return (
    <div style={{ display: "grid", gridTemplateColumns: "2fr 1fr 1fr 1.2fr", gap: 8, marginTop: 8, maxWidth: 960 }}>
      <TextInput
        size="xs"
        label="Reason"
        value={rule.reason ?? ""}
        onChange={(e) => onChange({ reason: e.target.value || null })}
      />
      <TextInput
        size="xs"
        label="Owner"
        value={rule.owner ?? ""}
        onChange={(e) => onChange({ owner: e.target.value || null })}
      />
      <TextInput
        size="xs"
        label="Ticket"
        value={rule.ticket ?? ""}
        onChange={(e) => onChange({ ticket: e.target.value || null })}
      />
      <TextInput
        size="xs"
        type="datetime-local"
        label="Expires"
        value={localTime(rule.expires)}
        error={error("expires")}
        onChange={(e) => onChange({ expires: e.target.value ? new Date(e.target.value).toISOString() : null })}
      />
      <TextInput
        size="xs"
        label="Only this program may connect"
        placeholder="/usr/sbin/nginx"
        className="mono"
        value={process?.path ?? ""}
        error={error("fromProcess")}
        onChange={(e) => setProcess({ path: e.target.value || null })}
      />
      <TextInput
        size="xs"
        label="or this unit"
        placeholder="nginx.service"
        value={process?.unit ?? ""}
        onChange={(e) => setProcess({ unit: e.target.value || null })}
      />
      <TagsInput
        size="xs"
        label="User groups"
        value={rule.users}
        error={error("users")}
        onChange={(users) => onChange({ users })}
      />
      {rule.action === "allow" ? (
        <Select
          size="xs"
          label="Where the consumer can't be checked"
          allowDeselect={false}
          data={[
            { value: "strict", label: "stay closed" },
            { value: "best-effort", label: "open all the same" },
          ]}
          value={rule.consumer}
          onChange={(consumer) => consumer && onChange({ consumer })}
        />
      ) : (
        <Select
          size="xs"
          label="Sockets that can't be identified"
          allowDeselect={false}
          data={[
            { value: "skip", label: "are not denied" },
            { value: "match", label: "are denied too" },
          ]}
          value={rule.unidentified}
          onChange={(unidentified) => unidentified && onChange({ unidentified })}
        />
      )}
    </div>
  );
}

/** An instant as a datetime-local field shows it: local time, to the minute. */
function localTime(instant: string | null | undefined): string {
  if (!instant) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
