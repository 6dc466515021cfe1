import { Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

export function PageHead({ title, lead, children }: { title: string; lead?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Bulkhead`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <Title order={1}>{title}</Title>
        {children && <div className="actions">{children}</div>}
      </header>
      {lead && <p className="lead">{lead}</p>}
    </>
  );
}
