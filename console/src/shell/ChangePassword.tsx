import { Button, PasswordInput, Stack, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "../api/client";
import { queryClient, sessionQuery } from "../api/queries";
import type { SessionView } from "../api/types";
import { Failure } from "../ui/Failure";
import { Mark } from "./Mark";

const shortest = 12;

/** A one-time password opens nothing but this. */
export function ChangePassword({ user }: { user: string }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useMutation({
    mutationFn: () => api.post<SessionView>("/session/password", { current, new: next }),
    onSuccess: (session) => queryClient.setQueryData(sessionQuery.queryKey, session),
  });
  const tooShort = next.length > 0 && next.length < shortest;
  const differs = again.length > 0 && again !== next;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (next.length >= shortest && next === again) change.mutate();
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <Stack gap="md">
          <Title order={1} className="brand" p={0}>
            <Mark size={24} /> Choose a password
          </Title>
          <p className="muted" style={{ margin: 0 }}>
            The password of {user} was for one use. Choose your own before going on.
          </p>
          <input type="text" autoComplete="username" value={user} readOnly hidden />
          <PasswordInput
            label="One-time password"
            autoComplete="current-password"
            required
            autoFocus
            value={current}
            onChange={(e) => setCurrent(e.target.value)}
          />
          <PasswordInput
            label="New password"
            description={`At least ${shortest} characters; a sentence is good`}
            autoComplete="new-password"
            required
            value={next}
            onChange={(e) => setNext(e.target.value)}
            error={tooShort && `${shortest - next.length} more characters`}
          />
          <PasswordInput
            label="The same again"
            autoComplete="new-password"
            required
            value={again}
            onChange={(e) => setAgain(e.target.value)}
            error={differs && "Differs from the one above"}
          />
          {change.error && <Failure error={change.error} />}
          <Button type="submit" size="sm" loading={change.isPending}>
            Change password
          </Button>
        </Stack>
      </form>
    </main>
  );
}
