import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { exists } from "@std/fs";
import { podFacts } from "../../control/doctor/pod_facts.ts";
import { Patient } from "../support/doctor.ts";
import { KUBECTL, objectsIn } from "../support/manifests.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { jobs, makeIndexes, openStore, pending } from "../support/store.ts";

const MINUTE_MS = 60_000;

Deno.test("doctor finds that the clocks of this machine and of the server are apart, and how far", async () => {
  await using database = await testDatabase("doctor");
  let mended = () => Promise.resolve(false);
  let aheadMs = 0;
  const now = () => new Date(Date.now() + aheadMs);
  await using patient = await Patient.of(database, {}, { now });
  // As the command would, it sets the clock.
  await patient.install(
    "sudo",
    `test "$*" = "timedatectl set-ntp true" && touch "${patient.dir}/clock-is-set"`,
  );
  mended = () => exists(`${patient.dir}/clock-is-set`);
  for (
    const [ms, is, level, text] of [
      [10 * MINUTE_MS, "clock_far", "hurts", "10 minutes ahead of"],
      [-30_000, "clock_apart", "note", "30 s behind"],
    ] as const
  ) {
    aheadMs = ms;
    const finding = await patient.finding(is);
    assertEquals(finding.level, level);
    assertMatch(
      finding.says,
      new RegExp(`^The clock of this machine is ${text} that of 127\\.0\\.0\\.1:\\d+$`),
    );
    await patient.mend(finding);
    assert(await mended());
    aheadMs = 0;
    assertFalse((await patient.found()).some((each) => each.startsWith("clock_")));
  }
});

Deno.test("doctor finds what is wrong with HEALTH_DIR and CONTROL_FILE, and leaves nothing behind there", async () => {
  await using database = await testDatabase("doctor");
  await using patient = await Patient.of(database);
  const healthDir = patient.env.HEALTH_DIR!;
  assertFalse((await patient.found()).some((each) => /health|control|paused/.test(each)));
  assertFalse(await exists(healthDir));
  await Deno.mkdir(healthDir);
  await patient.diagnose();
  assertEquals([...Deno.readDirSync(healthDir)], []);

  await Deno.writeTextFile(`${patient.dir}/file`, "");
  patient.env.HEALTH_DIR = `${patient.dir}/file/health`;
  const unwritable = await patient.finding("health_dir");
  assertEquals(unwritable.level, "stops");
  await patient.mend(unwritable);
  assertFalse((await patient.found()).includes("health_dir"));

  await Deno.mkdir(`${patient.dir}/control`);
  for (
    const [content, is, says] of [
      ["Pause\n", "paused_by_file", /says pause: an agent that starts claims nothing$/],
      ["paus", "control_file", /controls nothing: it says "paus"$/],
      ["", "control_file", /controls nothing: it is empty$/],
    ] as const
  ) {
    await Deno.writeTextFile(patient.env.CONTROL_FILE!, content);
    const finding = await patient.finding(is);
    assertEquals(finding.level, "hurts");
    assertMatch(finding.says, says);
    await patient.mend(finding);
    assertFalse((await patient.found()).includes(is));
  }
});

Deno.test({
  name:
    "doctor finds a grace period below SHUTDOWN_TIMEOUT and a memory limit below the heap, in the Deployment",
  ignore: await isMissing(KUBECTL),
  async fn() {
    await using database = await testDatabase("doctor");
    const [deployment] = await objectsIn("k8s/deployment.yaml");
    await using patient = await Patient.of(database, { SHUTDOWN_TIMEOUT: "60" });
    const path = `${patient.dir}/deployment.json`;
    deployment!.spec.template.spec.containers[0].resources.limits.memory = "256Mi";
    deployment!.spec.template.spec.containers[0].lifecycle = { preStop: { sleep: { seconds: 10 } } };
    await Deno.writeTextFile(path, JSON.stringify(deployment));
    // The real one, on the file instead of a cluster.
    const kubectl = new TextDecoder().decode(
      (await new Deno.Command("sh", { args: ["-c", "command -v kubectl"] }).output()).stdout,
    ).trim();
    await patient.install(
      "kubectl",
      `verb=$1; object=$2; shift 2
[ "$verb $object" = "patch deployment/pulling-agent" ]
"${kubectl}" patch --local -f "${path}" "$@" -o json >"${path}.new" && mv "${path}.new" "${path}"`,
    );
    for (const is of ["grace_period", "memory_limit"]) {
      await using judged = await Patient.of(database, patient.env, { pod: await podFacts(path) });
      const finding = await judged.finding(is);
      assertEquals(finding.level, "hurts");
      await patient.mend(finding);
      await using after = await Patient.of(database, patient.env, { pod: await podFacts(path) });
      assertFalse((await after.found()).includes(is));
    }
    const { spec } = JSON.parse(await Deno.readTextFile(path)).spec.template;
    assertEquals([spec.terminationGracePeriodSeconds, spec.containers[0].resources.limits.memory], [
      80,
      "512Mi",
    ]);
  },
});

Deno.test("doctor says of the manifests of this project that they fit the defaults", async () => {
  await using database = await testDatabase("doctor");
  await using store = openStore(database);
  await makeIndexes(database, store);
  await jobs(database).insertMany(pending(1));
  await using made = await Patient.of(database);
  const path = `${made.dir}/deployment.json`;
  await Deno.writeTextFile(path, JSON.stringify((await objectsIn("k8s/deployment.yaml"))[0]));
  await using patient = await Patient.of(database, {}, { pod: await podFacts(path) });
  const { findings, unseen } = await patient.diagnose();
  assertEquals([findings, unseen], [[], []]);
});
