/** The product's mark: a hull with two bulkheads, their doors open. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      stroke="var(--allowed)"
      strokeWidth={2.5}
      aria-hidden
    >
      <path d="M3 6h26v8c0 8-5.500 13-13 13S3 22 3 14z" strokeLinejoin="round" />
      <path d="M12 6v8m0 6v6M20 6v3m0 6v11" strokeLinecap="round" />
    </svg>
  );
}
