import { assert, assertEquals, assertMatch } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, letters, openStore, pending } from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

/** Options of a URI, and what is said about each. */
const OPTIONS: Record<string, string[]> = {
  "w=0": ["w=0"],
  "w=1": ["w=1"],
  "w=majority": [],
  "journal=false": ["journal=false"],
  "w=0&journal=false": ["w=0", "journal=false"],
  "w=1&wtimeoutMS=1": ["w=1"],
  "readPreference=secondary": ["readPreference=secondary"],
  "readPreference=secondaryPreferred&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=": [
    "readPreference=secondaryPreferred",
  ],
  "readPreference=nearest&maxStalenessSeconds=120": ["readPreference=nearest"],
  "readConcernLevel=linearizable": [],
  "readConcernLevel=available": [],
  "retryWrites=false": [],
  "retryWrites=true": [],
  "retryReads=false": [],
  "appName=mine": [],
  "j=true&timeoutMS=60000": ["timeoutMS=60000"],
  "maxPoolSize=1": [],
  "socketTimeoutMS=1&connectTimeoutMS=60000": [],
  "W=0&READPREFERENCE=SECONDARY": ["w=0", "readPreference=SECONDARY"],
};

for (const [options, overridden] of Object.entries(OPTIONS)) {
  Deno.test(`MONGODB_URI: a URI with ${options} works; options that would break the protocol are overridden and reported`, async () => {
    await using database = await testDatabase("connection options");
    await using proxy = new TcpProxy(database.uri);
    await using store = openStore({ uri: `${proxy.uri}&${options}`, name: database.name });
    await jobs(database).insertMany(pending(6));

    const commands = await proxy.record(async () => {
      const { documents: [a, b, c, ...rest] } = await store.take();
      assertEquals(await store.renew([a!]), []);
      assertEquals((await store.ack([{ document: a! }, { document: b!, set: { n: 1 } }])).matched, 2);
      assertEquals((await store.nack([{ document: c!, error: "fails", delayMs: 3_600_000 }])).matched, 1);
      assertEquals(await store.deadLetter(rest[0]!, "fails"), 1);
      assertEquals((await store.release(rest.slice(1))).matched, 2);
      assertEquals(idsOf(await store.take()), [4, 5]);
    });
    assertEquals(await letters(database).countDocuments(), 1);
    const warned = store.warnings.map((warning) =>
      /^MONGODB_URI asks for (\S+), which is (?:overridden|ignored)/.exec(warning)?.[1]
    );
    assertEquals(warned, overridden);
    // What the server was asked for, not what the driver was told.
    const writes = commands.filter(({ command }) => command === "update" || command === "aggregate");
    assert(writes.some(({ command }) => command === "aggregate"), "no copy was seen");
    assert(writes.length > 5, "no write was seen");
    for (const { body: { writeConcern } } of writes) {
      assertEquals([writeConcern?.w, writeConcern?.j], ["majority", true]);
      assert(writeConcern.wtimeout >= 1000, `wtimeout is ${writeConcern.wtimeout}`);
    }
    const reads = commands.filter(({ command }) => command === "find");
    assert(reads.length > 2, "no read was seen");
    for (const { body: { readConcern, $readPreference } } of reads) {
      assert(["local", "majority"].includes(readConcern?.level), `read concern ${readConcern?.level}`);
      // On a direct connection the driver sends primaryPreferred although it means primary.
      const mode = $readPreference?.mode ?? "primary";
      assert(["primary", "primaryPreferred"].includes(mode), `read preference ${mode}`);
      assertEquals($readPreference?.tags, undefined);
    }
  });
}

for (
  const [what, agentName, uriName] of [
    ["an AGENT_NAME of letters of two bytes", "ä".repeat(128), undefined],
    ["an AGENT_NAME of surrogate pairs", "😀".repeat(64), undefined],
    ["an appName of letters of three bytes", "pod", "€".repeat(43)],
    ["an appName of surrogate pairs at an odd place", "pod", "x" + "😀".repeat(40)],
  ] as const
) {
  Deno.test(`connect() cuts ${what} to what the server takes, within no letter`, async () => {
    await using database = await testDatabase("app name");
    const uri = uriName === undefined
      ? database.uri
      : `${database.uri}&appName=${encodeURIComponent(uriName)}`;
    await using store = openStore({ uri, name: database.name }, { agentName });
    await jobs(database).insertMany(pending(1));
    assertEquals(idsOf(await store.take()), [0]);
    const { inprog } = await database.client.db("admin").command({ currentOp: 1, $all: true });
    const whole = uriName ?? `pulling-agent/${agentName}`;
    const name = inprog.map(({ appName }: { appName?: string }) => appName ?? "").find((each: string) =>
      each.length > 30 && whole.startsWith(each)
    );
    assert(name !== undefined, "the server lists no connection of that name");
    const bytes = new TextEncoder().encode(name).length;
    assert(bytes > 124 && bytes <= 128, `${bytes} bytes`);
  });
}

Deno.test("connect() says of a URI from MONGODB_URI_FILE that the content of the file asks for what is overridden", async () => {
  const mongodbUriFile = "/run/secrets/uri";
  const uri = "mongodb://localhost/?w=1&timeoutMS=5&promoteLongs=true";
  await using store = openStore({ uri, name: "nothing" }, { mongodbUriFile });
  assertEquals(store.warnings.length, 3);
  for (const warning of store.warnings) assertMatch(warning, /^The content of MONGODB_URI_FILE asks for /);
});
