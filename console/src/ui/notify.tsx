import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { asFailure } from "../api/client";

/** Says what was done; with an undo while it can be undone. */
export function done(message: string, undo?: () => void) {
  const id = crypto.randomUUID();
  notifications.show({
    closeButtonProps: { "aria-label": "Dismiss" },
    id,
    message: undo ? (
      <span style={{ display: "flex", alignItems: "center", gap: 12 }}>
        {message}
        <Button
          variant="subtle"
          size="compact-xs"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          Undo
        </Button>
      </span>
    ) : (
      message
    ),
    autoClose: undo ? 10_000 : 4_000,
    withBorder: true,
  });
}

/** Says what failed, what was not changed, and what to do. */
export function failed(error: unknown) {
  const failure = asFailure(error);
  const problems = failure.diagnostics.map((d) => d.message).join(" ");
  notifications.show({
    closeButtonProps: { "aria-label": "Dismiss" },
    color: "red",
    title: failure.message,
    message: [failure.detail, problems].filter(Boolean).join(" "),
    autoClose: 12_000,
    withBorder: true,
  });
}
