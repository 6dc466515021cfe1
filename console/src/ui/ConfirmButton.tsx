import { Button, Popover } from "@mantine/core";
import { useState } from "react";

interface Props {
  action: string;
  question: string;
  loading: boolean;
  onConfirm: () => void;
}

/** A button that says what it will do before it does it. */
export function ConfirmButton({ action, question, loading, onConfirm }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <Popover opened={open} onChange={setOpen} width={300} position="bottom-end" trapFocus>
      <Popover.Target>
        <Button variant="subtle" color="red" loading={loading} onClick={() => setOpen(!open)}>
          {action}…
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <p style={{ margin: "0 0 10px" }}>{question}</p>
        <Button
          color="red"
          onClick={() => {
            setOpen(false);
            onConfirm();
          }}
        >
          {action}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
