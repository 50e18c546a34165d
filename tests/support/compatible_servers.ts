/**
 * The executable on compatible servers: what it does on one, and that it refuses one without what claims need.
 *
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { agentHome } from "./agent_home.ts";
import { documentsOf, insertPending, upTo } from "./documents.ts";
import type { Profile } from "./profiles/profile.ts";
import { ProfileServer } from "./profiles/profile_server.ts";

const MODULE = `export default ({ _id }) => { if (_id === 3) throw new Error("always"); };`;

/** How the log, the status and the doctor call a server, and whether it lacks anything. */
const NAMES: Record<string, [name: RegExp, lacks: boolean]> = {
  "amazon-5.0": [/Amazon DocumentDB 5\.0\.0/, true],
  "amazon-8.0": [/Amazon DocumentDB 8\.0\.0/, true],
  "documentdb-0.107": [/DocumentDB 7\.0\.0/, true],
  "azure": [/Azure DocumentDB/, true],
  "ferretdb-2.7": [/FerretDB 2\.7\.0/, true],
  "sharded-6.0": [/MongoDB 6\.0\.27/, false],
};

async function homeOn(profile: Profile) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(new ProfileServer(profile));
  const database = stack.use(server.database());
  await insertPending(database, upTo(20));
  const home = stack.use(
    await agentHome({
      db: { uri: server.uri, name: database.name },
      module: MODULE,
      env: { MAX_ATTEMPTS: "2" },
    }),
  );
  return { database, home, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Checks that a Job drains a collection of this server, says once what the server lacks, and that doctor and dead letters work. */
export async function assertDrains(profile: Profile): Promise<void> {
  await using setup = await homeOn(profile);
  const { database, home } = setup;
  const [name, lacks] = NAMES[profile.name]!;
  const { code, stdout } = await home.run("run", "--until-empty");
  assertEquals(code, 0, `${profile.name}: ${stdout}`);
  const documents = documentsOf(database);
  assertEquals(await documents.countDocuments({ status: "processed" }), 19, profile.name);
  assertEquals((await documents.findOne({ status: "failed" }))?._id, 3, profile.name);
  const told = stdout.split("\n").filter((line) =>
    line.includes("The server lacks some of what MongoDB has")
  );
  assertEquals(told.length, lacks ? 1 : 0, `${profile.name}: ${stdout}`);
  if (lacks) assertMatch(told[0]!, name);
  const errors = stdout.split("\n").filter((line) => /"level":"(ERROR|CRITICAL)"/.test(line));
  assertEquals(errors.map((line) => JSON.parse(line).message), ["Document is a dead letter"], profile.name);

  const letters = await home.run("dead-letters", "list");
  assertMatch(letters.stdout, /always/, profile.name);
  assertEquals((await home.run("dead-letters", "redrive", "--id", "3")).code, 0, profile.name);
  assertEquals((await documents.findOne({ _id: 3 }))?.status, "pending", profile.name);
  const doctor = await home.run("doctor");
  assertEquals(doctor.code, 0, `${profile.name}: ${doctor.stdout}${doctor.stderr}`);
}

/** Checks that the agent refuses this server, and that doctor says which servers work. */
export async function assertRefuses(profile: Profile): Promise<void> {
  await using setup = await homeOn(profile);
  const { database, home } = setup;
  const agent = await home.start();
  await agent.log((entry) => /has no \$expr, which claims need/.test(JSON.stringify(entry)));
  assertEquals((await agent.exit()).code, 2, agent.output);
  assertFalse(agent.hasLogged("the agent does without it"), agent.output);
  assertEquals(
    await documentsOf(database).countDocuments({ status: "pending", _pull: { $exists: false } }),
    20,
  );
  const doctor = await home.run("doctor");
  assertEquals(doctor.code, 1, doctor.stdout);
  assert(/\$expr/.test(doctor.stdout), doctor.stdout);
}
