import { useEffect, useState } from "react";

/**
 * Has the hosts that a selector chooses report every second, for as long as the page is to be seen. False once the controller refused: no such
 * hosts may be watched, or too many.
 */
export function useWatch(selector: string | null): boolean {
  const [accepted, setAccepted] = useState(true);
  useEffect(() => {
    setAccepted(true);
    if (selector === null) return;
    let source: EventSource | null = null;
    const follow = () => {
      source?.close();
      source = null;
      if (document.visibilityState !== "visible") return;
      source = new EventSource(`/api/v1/events?watch=${encodeURIComponent(selector)}`);
      // A connection that was lost is made again by the browser; one that was refused stays closed.
      source.onerror = () => source?.readyState === EventSource.CLOSED && setAccepted(false);
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      source?.close();
    };
  }, [selector]);
  return accepted;
}
