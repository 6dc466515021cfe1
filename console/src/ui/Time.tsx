import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { ago } from "./words";

/** A time as people say it, with the exact one on hover. */
export function Time({ at }: { at: string | null }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="muted">never</span>;
  return (
    <Tooltip label={new Date(at).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" })}>
      <time dateTime={at}>{ago(new Date(at).getTime(), now)}</time>
    </Tooltip>
  );
}
