import { drainBurst, drainLargeResults } from "../support/result_bytes.ts";

Deno.test("Results: 80 small documents with results of 4 MiB each do not exhaust the heap at CONCURRENCY=1", async () => {
  await drainLargeResults({ concurrency: 1 });
});

Deno.test("Results: 24 handlers that return 15 MiB each before any weight is known do not exhaust the heap", async () => {
  await drainBurst({ handlers: 24 });
});
