import type { ApiError } from "./api_client.ts";
import { timeOfDay } from "./format.ts";
import { Ago } from "./time.tsx";

interface TroubleProps {
  /** Why the dashboard gave no answer. */
  error: ApiError | undefined;
  since: Date | undefined;
  /** Why the dashboard's answer is an old one. */
  trouble?: string | undefined;
  /** From when the data that is still shown is. */
  seenAt?: string | undefined;
}

/** What stands between the viewer and the data: in plain sight, and since when. */
export function Trouble({ error, since, trouble, seenAt }: TroubleProps) {
  if (error === undefined && trouble === undefined) return null;
  const isLost = error?.kind === "connection";
  return (
    <div class="banner bad" role="alert">
      <strong>
        {isLost
          ? "The connection to the dashboard is lost"
          : error
          ? "The dashboard refused"
          : "What is shown is old"}
        {since && ` since ${timeOfDay(since)}`}
      </strong>
      <span>
        {error?.message ?? trouble}. {seenAt !== undefined && (
          <>
            What is shown was seen <Ago at={seenAt} />.
          </>
        )} It is asked again every few seconds.
      </span>
    </div>
  );
}
