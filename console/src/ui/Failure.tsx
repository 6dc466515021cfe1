import { asFailure } from "../api/client";

/** What happened, what was not changed, what to do. */
export function Failure({ error }: { error: unknown }) {
  const failure = asFailure(error);
  return (
    <div className="failure" role="alert">
      <strong>{failure.message}</strong>
      {failure.detail && <div>{failure.detail}</div>}
      {failure.diagnostics.length > 0 && (
        <ul style={{ margin: "4px 0 0", paddingLeft: 16 }}>
          {failure.diagnostics.map((d) => (
            <li key={`${d.path}${d.code}${d.message}`}>
              {d.message} {d.path && <span className="mono muted">{d.path}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
