import { Skeleton } from "@mantine/core";
import { useEffect, useState } from "react";

/** The shape of what comes, shown only when it takes more than 200 ms. */
export function Waiting({ rows = 6 }: { rows?: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => `row${i}`).map((key, i) => (
        <Skeleton key={key} height={14} my={18} width={`${92 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
}
