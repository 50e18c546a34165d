import { assertEquals, assertMatch } from "@std/assert";
import { MongoClient } from "mongodb";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "../support/agent_home.ts";
import { Certificates } from "../support/certificates.ts";
import { FOR_CLIENTS } from "../support/tls_guarded.ts";
import { waitFor } from "../support/wait.ts";

/** How long certificates are valid that end in the test, in milliseconds: an agent has to start before. */
const CLIENT_LIFE_MS = 15_000;
const SERVER_LIFE_MS = 3000;

Deno.test("Certificates that end while the agent runs are warned of, and lead to no loss once they are replaced", async () => {
  await using certificates = await Certificates.ofServer();
  const client = { subject: "/CN=agent/O=shop", extensions: FOR_CLIENTS };
  await using server = await startMongod({
    testCommands: true,
    args: [
      ...["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", certificates.path("server.pem")],
      ...["--tlsCAFile", certificates.path("ca.pem"), "--tlsAllowConnectionsWithoutCertificates"],
    ],
  });
  const uri = `mongodb://localhost:${server.port}/?tls=true&tlsCAFile=${certificates.path("ca.pem")}`;
  await using admin = new MongoClient(uri);
  const documents = admin.db("shop").collection<{ _id: string; _pull: { attempts: number } }>("documents");
  await admin.db("shop").createCollection("documents");
  await certificates.issue("client", { ...client, untilMs: CLIENT_LIFE_MS });
  await using home = await agentHome({
    db: { uri: `${uri}&tlsCertificateKeyFile=${certificates.path("client.pem")}`, name: "shop" },
    env: { PROCESSOR: "log", AGENT_NAME: "tls" },
  });
  const agent = await home.startReady();
  const soon = await agent.log("ends soon");
  assertEquals([soon.level, soon.certificate], [
    "WARNING",
    `CN=agent, O=shop in ${certificates.path("client.pem")} (tlsCertificateKeyFile)`,
  ]);
  await certificates.issue("server", { untilMs: SERVER_LIFE_MS });
  const ends = Date.now() + SERVER_LIFE_MS;
  await admin.db("admin").command({ rotateCertificates: 1 });
  await agent.log("A certificate has ended", { after: soon });
  await waitFor("the server's certificate to end", () => Date.now() > ends);
  await processed("on a connection that was open");

  // The connections break: no new one comes about.
  const failCommands = ["hello", "isMaster", "find", "findAndModify", "update", "aggregate", "ping"];
  await admin.db("admin").command({
    configureFailPoint: "failCommand",
    mode: "alwaysOn",
    data: { failCommands, closeConnection: true, appName: `pulling-agent/tls` },
  });
  const lost = await agent.log(({ error }) => / ended on /.test(String(error)));
  await admin.db("admin").command({ configureFailPoint: "failCommand", mode: "off" });
  // Which of the two is met first depends on whether the session is resumed.
  assertMatch(
    String(lost.error),
    /^The certificate of localhost:\d+ ended on \d{4}-\S+: renew it|the client certificate of O=shop,CN=agent \(tlsCertificateKeyFile\) ended on \d{4}-/,
  );
  await certificates.issue("server");
  await admin.db("admin").command({ rotateCertificates: 1 });
  await certificates.issue("client", client);
  await agent.log("MongoDB is in reach", { after: lost });
  await processed("with new certificates");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);

  async function processed(_id: string): Promise<void> {
    await documents.insertOne({ _id, status: "pending" } as never);
    const done = await waitFor(`${_id}`, () => documents.findOne({ _id, status: "processed" } as never));
    assertEquals(done._pull.attempts, 1);
  }
});
