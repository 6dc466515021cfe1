import type { Labels } from "../api/types";

const order = ["app", "env", "role", "loc"];
const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);

export function LabelList({ labels }: { labels: Labels }) {
  const entries = Object.entries(labels).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  if (entries.length === 0) return <span className="muted">no labels</span>;
  return entries.map(([key, value]) => (
    <span key={key} className="label">
      <span className="key">{key}</span>
      {value}
    </span>
  ));
}
