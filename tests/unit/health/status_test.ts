import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CommandError } from "../../../agent/errors.ts";
import { Counters } from "../../../health/counters.ts";
import { readStatus, type Status } from "../../../health/status.ts";
import { TempDir } from "../../support/temp_dir.ts";

const STATUS: Status = {
  pid: 7,
  answers: 0,
  name: "pod-1",
  version: "1.2.3",
  state: "running",
  control: { state: "running", source: "start", since: "2026-01-01T00:00:00.000Z" },
  ready: true,
  connected: true,
  loop: { stage: "idle", stuck: false },
  held: { documents: 0, running: 0 },
  counters: new Counters().values,
  started_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
  heartbeat_ms: 5000,
};

Deno.test("readStatus() returns nothing if there is no status, or none yet", async () => {
  await using dir = await TempDir.make();
  assertEquals(await readStatus(dir.path), undefined);
  for (const content of ["", "{}", " {} \n"]) {
    await dir.write("status.json", content);
    assertEquals(await readStatus(dir.path), undefined, content);
  }
  await dir.write("status.json", JSON.stringify(STATUS));
  assertEquals(await readStatus(dir.path), STATUS);
});

Deno.test("readStatus() reports a file that is not a status of this version, and never returns a part of one", async () => {
  await using dir = await TempDir.make();
  const strange: unknown[] = ["x", null, [], 7, { pid: "7" }, { pid: 7 }, {
    version: "9.9.9",
    state: "resting",
  }];
  for (const key of ["pid", "answers", "state", "control", "held", "counters", "loop", "updated_at"]) {
    strange.push({ ...STATUS, [key]: undefined }, { ...STATUS, [key]: null }, { ...STATUS, [key]: {} });
  }
  // An object of counters may be empty: what is not counted is shown as 0.
  const refused = strange.filter((each) =>
    JSON.stringify(each) !== JSON.stringify({ ...STATUS, counters: {} })
  );
  for (const each of refused) {
    await dir.write("status.json", JSON.stringify(each));
    const error = await assertRejects(
      () => readStatus(dir.path),
      CommandError,
      undefined,
      JSON.stringify(each),
    );
    assertMatch(
      error.message,
      /status\.json is not a status that this version understands.*: run the executable/,
    );
    const version = (each as Status | null)?.version;
    assertEquals(error.message.includes(`but one of version ${version}`), version !== undefined);
  }
  await dir.write("status.json", "{");
  await assertRejects(() => readStatus(dir.path), CommandError);
});
