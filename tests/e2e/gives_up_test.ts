import { assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome, CALM } from "../support/agent_home.ts";
import { testUri } from "../support/mongod.ts";

const replica = () => new URL(testUri().replace("mongodb:", "http:")).host;

/** Connection strings that no time mends, and what the agent says of each. */
const CAUSES: Record<string, { uri(): string; says: string }> = {
  "a set of another name": {
    uri: () => `mongodb://${replica()}/?replicaSet=nope`,
    says: 'is a member of the set "rs0", and MONGODB_URI asks for replicaSet=nope: correct the name',
  },
  "a wrong password": {
    uri: () => `mongodb://someone:s3cr3t-Passw0rd@${replica()}/?replicaSet=rs0`,
    says: "refuses the user or the password in MONGODB_URI: check both, and authSource",
  },
};

Deno.test("run --until-empty with a wrong password or a wrong set name gives up after a minute, with the cause", async () => {
  await Promise.all(
    Object.values(CAUSES).map(async ({ uri, says }) => {
      await using home = await agentHome({ db: { uri: uri(), name: "nowhere" }, env: CALM });
      const agent = await home.start({ args: ["run", "--until-empty"] });
      assertEquals((await agent.exit()).code, 1);
      const { error } = await agent.log("Gave up before nothing was left");
      assertStringIncludes(String(error), says);
    }),
  );
});
