import { Button, CopyButton } from "@mantine/core";
import type { CreatedPairingKey } from "../api/types";

/** The only time that the secret is seen: into a file that only root reads, never onto a command line. */
export function ShowSecret({ created, onClose }: { created: CreatedPairingKey; onClose: () => void }) {
  const file = /--key-file\s+(\S+)/.exec(created.command)?.[1] ?? "pairing-key";
  return (
    <>
      <p className="notice" style={{ marginTop: 0 }}>
        The secret is shown this once. If it is lost, revoke the key and create another.
      </p>
      <Step
        number={1}
        text="On the host, as root, start this and paste the secret, then press Ctrl-D:"
        code={`install -m 0600 /dev/stdin ${file}`}
      />
      <Step number={2} text="The secret:" code={created.secret} />
      <Step number={3} text="Pair the host:" code={created.command} />
      <Button mt={16} onClick={onClose}>
        I have it
      </Button>
    </>
  );
}

function Step({ number, text, code }: { number: number; text: string; code: string }) {
  return (
    <div style={{ marginTop: 14 }}>
      <div>
        {number}. {text}
      </div>
      <div style={{ display: "flex", gap: 8, alignItems: "start", marginTop: 4 }}>
        <code
          className="mono"
          style={{ flex: 1, padding: "6px 8px", background: "var(--raised)", overflowWrap: "anywhere" }}
        >
          {code}
        </code>
        <CopyButton value={code}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} aria-label={`Copy step ${number}`}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
      </div>
    </div>
  );
}
