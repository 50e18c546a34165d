/**
 * The work of the programs that are killed: it takes a moment, and writes down when it begins and when it ends, as
 * `tests/witness/run_log.ts` does for modules.
 */
const WORK_MS = 100;
let count = 0;

/** Works on the document with this key. */
export async function work(key: string): Promise<void> {
  const run = `${Deno.pid}:${count++}`;
  write({ run, what: "begin", key, attempt: 1 });
  await new Promise((resolve) => setTimeout(resolve, WORK_MS));
  write({ run, what: "done" });
}

function write(line: Record<string, unknown>): void {
  const text = JSON.stringify({ ...line, at: Date.now(), agent: Deno.env.get("AGENT_NAME") });
  Deno.writeTextFileSync(Deno.env.get("WITNESS_RUNS")!, `${text}\n`, { append: true });
}
