import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DocumentAnswer, OverviewAnswer, SessionAnswer } from "../../control/dashboard/api.ts";
import { TempDir } from "../support/temp_dir.ts";
import { TextLineStream } from "../support/text_lines.ts";
import { waitFor } from "../support/wait.ts";

/** The agents write into the registry every ten seconds. */
const BEATS = { timeoutMs: 60_000 };

Deno.test("make dev prints the address of a dashboard, where a newcomer sees orders flow, fail and be acted on", async () => {
  await using dir = await TempDir.make();
  const script = new URL("../../scripts/dev.ts", import.meta.url).pathname;
  const dev = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script],
    clearEnv: true,
    env: {
      ...newcomersEnv(),
      NO_COLOR: "1",
      HEALTH_DIR: `${dir.path}/health`,
      CONTROL_FILE: `${dir.path}/control/state`,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines: string[] = [];
  const read = (async () => {
    for await (
      const line of dev.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    ) {
      lines.push(line);
    }
  })();
  try {
    const address = await waitFor("the address", () => {
      return lines.map((line) => /^dev: Look at it in a browser: (http:\S+)$/.exec(line)?.[1]).find(Boolean);
    }, BEATS);
    const page = await fetch(address);
    assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    assertStringIncludes(await page.text(), "page.js");
    const get = async <T>(path: string): Promise<T> => await (await fetch(`${address}api/${path}`)).json();
    const { about } = await get<SessionAnswer>("session");
    assertEquals([about?.source, about?.actions.allowed], ["pulling_agent_dev.orders", true]);
    // After the samples two orders come each second.
    await waitFor("the flow of orders", async () => {
      const { overview } = await get<OverviewAnswer>("overview");
      const isSeen = (overview?.work.processed_per_s ?? 0) > 0 && overview!.errors.length > 0;
      return isSeen && overview!.agents.some(({ presence }) => presence === "alive");
    }, BEATS);
    const { documents: [failed] } = await get<DocumentAnswer>("document?id=order-000008");
    assertEquals(failed?.story.state, "failed");
    const hint = await waitFor(
      "the hints",
      () => lines.find((line) => line.includes("shows all of it in a browser")),
    );
    assert(hint.includes(address), hint);
  } finally {
    dev.kill("SIGINT");
    await Promise.all([dev.status, read]);
  }
});

/** What a newcomer has set: nothing that says on what to work. */
function newcomersEnv(): Record<string, string> {
  const isSet = ([name]: [string, string]) => !/^(MONGODB_.*|PROCESSOR|FILE|FILTER)$/.test(name);
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(isSet));
}
