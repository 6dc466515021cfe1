import { Button, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "../api/client";
import { queryClient, sessionQuery } from "../api/queries";
import type { SessionView } from "../api/types";
import { Failure } from "../ui/Failure";
import { Mark } from "./Mark";

export function SignIn() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => api.post<SessionView>("/session", { user, password }),
    onSuccess: (session) => queryClient.setQueryData(sessionQuery.queryKey, session),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <Stack gap="md">
          <Title order={1} className="brand" p={0}>
            <Mark size={24} /> Bulkhead
          </Title>
          <TextInput
            label="Account"
            autoComplete="username"
            required
            autoFocus
            value={user}
            onChange={(e) => setUser(e.target.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(e) => setPassword(e.target.value)}
          />
          {signIn.error && <Failure error={signIn.error} />}
          <Button type="submit" size="sm" loading={signIn.isPending}>
            Sign in
          </Button>
          <p className="muted" style={{ margin: 0, fontSize: 12 }}>
            First time here? The controller printed a one-time password for <span className="mono">admin</span> when it
            first started.
          </p>
        </Stack>
      </form>
    </main>
  );
}
