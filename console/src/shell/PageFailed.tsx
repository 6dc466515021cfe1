import { Button } from "@mantine/core";
import { Link, useRouteError } from "react-router";
import { Empty } from "../ui/Empty";

export function PageFailed() {
  const error = useRouteError();
  return (
    <main className="page">
      <Empty
        title="This page failed"
        text={`${error instanceof Error ? error.message : String(error)}. Nothing was changed.`}
      >
        <Button onClick={() => window.location.reload()}>Load it again</Button>
      </Empty>
    </main>
  );
}

export function NotFound() {
  return (
    <div className="page">
      <Empty title="There is no such page" text="The address may be mistyped, or what it named may be gone.">
        <Button component={Link} to="/map">
          Go to the map
        </Button>
      </Empty>
    </div>
  );
}
