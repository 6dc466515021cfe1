import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { whenSignedOut } from "../api/client";
import { queryClient, sessionQuery } from "../api/queries";
import { Failure } from "../ui/Failure";
import { ChangePassword } from "./ChangePassword";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

/** Shows the console to who is signed in, and the way in to everybody else. */
export function Gate() {
  const session = useQuery(sessionQuery);
  useEffect(() => whenSignedOut(() => void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey })), []);
  if (session.error) return <Failure error={session.error} />;
  if (session.data === undefined) return null;
  if (session.data === null) return <SignIn />;
  if (session.data.mustChangePassword) return <ChangePassword user={session.data.user} />;
  return <Shell session={session.data} />;
}
