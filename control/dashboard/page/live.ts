import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, textOf } from "./api_client.ts";

/** What was read last, and whether that is still so. */
export interface Live<Answer> {
  /** Undefined until the first answer. */
  answer: Answer | undefined;
  /** Why the latest request failed; undefined if it did not. */
  error: ApiError | undefined;
  /** Since when requests fail. */
  failingSince: Date | undefined;
  /** Reads now, and waits for it. */
  refresh: () => Promise<void>;
}

interface Seen<Answer> {
  path: string | undefined;
  answer: Answer | undefined;
  error: ApiError | undefined;
  failingSince: Date | undefined;
}

/**
 * Reads a path again and again while the tab is seen. A failure keeps the last answer. Another path drops it.
 *
 * @param path undefined: nothing is read
 * @param everyMs between an answer and the next request; undefined: once
 */
export function useLive<Answer>(path: string | undefined, everyMs: number | undefined): Live<Answer> {
  const [seen, setSeen] = useState<Seen<Answer>>({
    path,
    answer: undefined,
    error: undefined,
    failingSince: undefined,
  });
  const refresh = useRef<() => Promise<void>>(() => Promise.resolve());
  useEffect(() => {
    if (path === undefined) return;
    const ended = new AbortController();
    let timer: number | undefined;
    let isReading = false;
    const read = async (): Promise<void> => {
      clearTimeout(timer);
      if (isReading) return;
      isReading = true;
      try {
        const answer = await get<Answer>(path, ended.signal);
        if (!ended.signal.aborted) setSeen({ path, answer, error: undefined, failingSince: undefined });
      } catch (thrown) {
        if (ended.signal.aborted) return;
        const error = thrown instanceof ApiError ? thrown : new ApiError("bug", textOf(thrown));
        setSeen((before) => ({
          path,
          answer: before.path === path ? before.answer : undefined,
          error,
          failingSince: before.failingSince ?? new Date(),
        }));
      } finally {
        isReading = false;
        if (!ended.signal.aborted) schedule();
      }
    };
    const schedule = () => {
      clearTimeout(timer);
      if (everyMs !== undefined && !document.hidden) timer = setTimeout(read, everyMs);
    };
    const shown = () => document.hidden ? clearTimeout(timer) : read();
    refresh.current = read;
    if (everyMs !== undefined) document.addEventListener("visibilitychange", shown);
    read();
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [path, everyMs]);
  const fits = seen.path === path;
  return {
    answer: fits ? seen.answer : undefined,
    error: fits ? seen.error : undefined,
    failingSince: seen.failingSince,
    refresh: () => refresh.current(),
  };
}
