import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";
import { OidcServer } from "../support/oidc_server.ts";
import { waitFor } from "../support/wait.ts";

const token = (name: string) => `header-${name}.claims-${name}.signature-${name}`;

Deno.test("MONGODB_URI with MONGODB-OIDC and ENVIRONMENT:k8s logs in by the token of the pod, and by the next one when it ends", async () => {
  await using db = await testDatabase("oidc");
  await using server = new OidcServer();
  await using home = await agentHome({
    db: { uri: server.uri, name: db.name },
    env: { PROCESSOR: "log", LOG_LEVEL: "DEBUG" },
  });
  const file = await home.write("token", token("first"));
  server.acceptOnly(token("first"));
  const agent = await home.startReady({ env: { AWS_WEB_IDENTITY_TOKEN_FILE: file } });
  const documents = db.db.collection<{ _id: string; _pull: { attempts: number } }>("documents");
  const processed = async (_id: string) => {
    await documents.insertOne({ _id, status: "pending" } as never);
    const done = await waitFor(
      `${_id} to be processed`,
      () => documents.findOne({ _id, status: "processed" } as never),
    );
    assertEquals(done._pull.attempts, 1);
  };
  await processed("by the first token");

  // The kubelet writes a new token long before the old one ends, and the server asks for it when that has ended.
  await home.write("token", token("second"));
  server.acceptOnly(token("second"));
  await processed("by the second token");
  assertFalse(agent.hasLogged("out of reach"), agent.output);

  // No token that the server takes: the agent waits, says why, and goes on with the next one.
  server.acceptOnly(token("third"));
  const lost = await agent.log("MongoDB is out of reach");
  assertStringIncludes(String(lost.error), "refuses the token of this pod: compare the issuer");
  await home.write("token", token("third"));
  await agent.log("MongoDB is in reach", { after: lost });
  await processed("by the third token");
  assertEquals(server.sent(token("first")) > 0 && server.sent(token("second")) > 0, true);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertFalse(/signature-/.test(agent.output), agent.output);
});
