import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { TlsGuarded } from "../support/tls_guarded.ts";
import { PASSWORD, TlsTroubles } from "../support/tls_troubles.ts";
import { waitFor } from "../support/wait.ts";

/** Troubles that an agent is started with: its log and its status show the words that `doctor` has for all. */
const SHOWN_BY_RUN = [
  "a server's certificate that has ended",
  "a client's certificate without a user",
  "a wrong password",
  "no TLS to a server that requires it",
];
/** At the same time; most of it is waiting for the driver to give up. */
const AT_ONCE = 6;

Deno.test("run, status and doctor say what is wrong with TLS or a login, and never show the password", async () => {
  await using troubles = await TlsTroubles.start();
  const left = Object.entries(troubles.all);
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [what, { uri, says }] = next;
      await using home = await agentHome({ db: { uri, name: "shop" }, env: { PROCESSOR: "log" } });
      const { code, stderr, stdout } = await home.run("doctor", "--json");
      const finding = JSON.parse(stdout).findings.find(({ is }: { is: string }) => is === "out_of_reach");
      assertEquals(code, 1, what + stderr);
      assertMatch(String(finding?.text), says, what);
      let said = stdout + stderr;
      if (SHOWN_BY_RUN.includes(what)) {
        const agent = await home.start();
        assertMatch(String((await agent.log("Cannot claim")).error), says, what);
        await agent.untilStatus(
          `${what} in the status`,
          ({ connected, last_error }) => !connected && says.test(last_error?.message ?? ""),
        );
        said += agent.output + (await home.run("status")).stdout;
        agent.signal("SIGTERM");
        assertEquals((await agent.exit()).code, 0);
      }
      assertFalse(said.includes(PASSWORD), said);
      assertFalse(/Topology is closed|this is a bug|rustls/.test(said), said);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});

Deno.test("run pulls over TLS by SCRAM-SHA-256 and by a client's certificate", async () => {
  await using guarded = await TlsGuarded.start(PASSWORD);
  const uris = {
    scram: guarded.uri({ as: `agent:${PASSWORD}`, more: "&authMechanism=SCRAM-SHA-256" }),
    certificate: guarded.uri({ clientFile: "agent.pem" }),
  };
  const documents = guarded.client.db("shop").collection<{ _id: string }>("documents");
  for (const [by, uri] of Object.entries(uris)) {
    await using home = await agentHome({ db: { uri, name: "shop" }, env: { PROCESSOR: "log" } });
    const agent = await home.startReady();
    await documents.insertOne({ _id: by, status: "pending" } as never);
    await waitFor(
      `${by} to be processed`,
      () => documents.findOne({ _id: by, status: "processed" } as never),
    );
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);
    assertFalse(agent.output.includes(PASSWORD));
  }
});
