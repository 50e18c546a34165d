import { assert, assertEquals, assertMatch } from "@std/assert";
import "../../../support/first_client.ts";
import { checkedSettings } from "../../../../control/commands/checked_settings.ts";
import { Unseen } from "../../../../agent/store/doctor/unseen.ts";
import { userRights } from "../../../../agent/store/doctor/user_rights.ts";
import type { Heartbeat } from "../../../../agent/store/doctor/heartbeats.ts";
import type { DatabaseFacts } from "../../../../agent/store/doctor/database_facts.ts";
import { protectionOf } from "../../../../agent/store/connection/uri.ts";
import { diagnosisOf, type Finding } from "../../../../control/doctor/diagnosis.ts";
import { diagnosisText } from "../../../../control/doctor/diagnosis_text.ts";
import { CONCERNS } from "../../../../control/doctor/concerns.ts";
import type { Examined } from "../../../../control/doctor/examined.ts";
import { LEVELS } from "../../../../control/doctor/concern.ts";

const HEALTHY: DatabaseFacts = {
  names: { database: "shop", source: "orders", letters: "orders_dead_letters" },
  version: "7.0.1",
  certificates: new Map(),
  server: {
    kind: { product: "MongoDB", version: "7.0.14" },
    lacking: [],
    streamsOff: false,
    isWithoutRetries: false,
  },
  isStandalone: false,
  heartbeats: [{
    address: "a:27017",
    isPrimary: true,
    isElectable: true,
    setName: "rs0",
    isRouter: false,
    aheadMs: 0,
  }],
  withoutMajority: undefined,
  user: { name: "agent", database: "admin", may: () => true },
  sourceProblem: undefined,
  sourceWarning: undefined,
  source: { name: "orders", type: "collection", options: {} },
  letters: undefined,
  indexes: [
    { name: "_id_", key: { _id: 1 } },
    { name: "one", key: { status: 1, "_pull.visible_at": 1, _id: 1 } },
    { name: "two", key: { "_pull.takeovers": 1, "_pull.visible_at": 1 } },
  ],
  letterIndexes: [],
  ttlOfWaiting: ["ttl"],
  plans: [],
  shards: undefined,
  fleet: {
    isOfOthers: false,
    control: undefined,
    claimMode: undefined,
    hasOtherFilter: false,
    modeUntilFar: undefined,
    waitsUntil: undefined,
  },
  sizes: { documents: 0, averageBytes: 0, largestBytes: 0 },
  refusedWrites: [],
};

function examined(
  database: Partial<DatabaseFacts> = {},
  env: Record<string, string> = {},
  others: Partial<Examined> = {},
): Examined {
  const given: Record<string, string> = {
    MONGODB_URI: "mongodb://127.0.0.1/",
    MONGODB_DATABASE: "shop",
    MONGODB_COLLECTION: "orders",
    PROCESSOR: "log",
    ...env,
  };
  return {
    ...checkedSettings((name) => given[name]),
    uriWarnings: [],
    processorProblem: undefined,
    heapLimitMiB: 268,
    health: { path: "/tmp/health", agent: undefined, problem: undefined, disk: undefined },
    control: { path: "/tmp/control/state", content: undefined, problem: undefined },
    certificates: [],
    now: new Date(),
    pod: undefined,
    database: { ...HEALTHY, ...database },
    ...others,
  };
}

const found = (...args: Parameters<typeof examined>): readonly Finding[] =>
  diagnosisOf(examined(...args)).findings;

Deno.test("CONCERNS have names of their own, and so have their findings", () => {
  const names = CONCERNS.map(({ name }) => name);
  const findings = CONCERNS.flatMap(({ findings }) => Object.keys(findings));
  assertEquals([names.length, findings.length], [new Set(names).size, new Set(findings).size]);
});

Deno.test("CONCERNS are a file each, and each file is among them", () => {
  const folder = new URL("../../../../control/doctor/concerns/", import.meta.url);
  assertEquals(Array.from(Deno.readDirSync(folder)).length, CONCERNS.length);
});

Deno.test("diagnosisOf() finds nothing about a sound set-up, and puts the worst first", () => {
  assertEquals(found(), []);
  const all = found({ isStandalone: true, withoutMajority: "No majority" }, { LEASE_DURATION: "5" });
  assertEquals(all.map(({ level }) => level), [...LEVELS]);
});

Deno.test("diagnosisOf() says what could not be looked at, and goes on", () => {
  const missing = new Unseen("no such command: 'explain'");
  const { canWork, unseen } = diagnosisOf(examined({ plans: missing, user: missing, version: missing }));
  assertEquals([canWork, unseen.map(({ concern }) => concern)], [true, ["pod", "rights", "plans"]]);
});

Deno.test("doctor finds that MongoDB does not answer, and never calls a set-up sound of which it saw nothing", () => {
  const reason = new Unseen("MongoDB did not answer within 16000 ms");
  const frozen = { sourceProblem: reason, source: reason, letters: reason, indexes: reason, plans: reason };
  const { canWork, findings, unseen } = diagnosisOf(examined(frozen));
  assertEquals([canWork, findings.map(({ is }) => is)], [false, ["no_answer"]]);
  assertEquals(unseen.filter(({ concern }) => concern === "collection").length, 1);

  const last = (database: Partial<DatabaseFacts>) =>
    diagnosisText(diagnosisOf(examined(database))).split("\n").at(-1);
  assertEquals(last({}), "Nothing is wrong: the agent can work.");
  assertEquals(last({ indexes: reason }), "Nothing is wrong with what was looked at.");
});

Deno.test("doctor calls clocks not looked at if a load balancer keeps the servers' heartbeats", () => {
  const { findings, unseen } = diagnosisOf(examined({ heartbeats: [] }));
  assertEquals([findings, unseen.map(({ concern }) => concern)], [[], ["pod", "clocks"]]);
});

Deno.test("doctor judges no plans without the index that they would go by, and calls them not looked at", () => {
  const { fine, unseen } = diagnosisOf(examined({ indexes: [] }));
  assertEquals(fine.some(({ concern }) => concern === "plans"), false);
  assertEquals(unseen.map(({ concern }) => concern), ["pod", "plans"]);
});

Deno.test("doctor takes a user whose privileges the server does not name neither for one without rights nor for one who may make no index", async () => {
  const authInfo = { authenticatedUsers: [{ user: "agent", db: "admin" }] };
  const roles = { authenticatedUserRoles: [{ role: "readWrite", db: "shop" }] };
  for (const more of [{}, roles, { ...roles, authenticatedUserPrivileges: [] }]) {
    const user = await userRights({ command: () => Promise.resolve({ authInfo: { ...authInfo, ...more } }) });
    assert(user instanceof Unseen);
    const { canWork, findings } = diagnosisOf(
      examined({ user, indexes: [{ name: "_id_", key: { _id: 1 } }] }),
    );
    assertEquals([canWork, findings.map(({ is }) => is)], [true, ["index_to_come", "index_to_come"]]);
  }
  const none = { ...authInfo, authenticatedUserRoles: [], authenticatedUserPrivileges: [] };
  const user = await userRights({ command: () => Promise.resolve({ authInfo: none }) });
  assertEquals(found({ user: user! }).map(({ is }) => is), [
    "may_not_pull",
    "may_not_keep_letters",
    "may_not_join",
    "may_not_see_ranges",
    "may_not_follow",
  ]);
});

Deno.test("doctor finds that clocks of members are apart, and what an election would do to leases", () => {
  const member = { address: "b:27017", isPrimary: false, isElectable: true, setName: "rs0", isRouter: false };
  for (
    const [aheadMs, says] of [
      [
        20_000,
        /b:27017 is 20 s ahead of that of the primary a:27017: leases that their agents still hold end/,
      ],
      [-20_000, /b:27017 is 20 s behind that of the primary a:27017: leases of killed agents last longer/],
    ] as const
  ) {
    const [finding, ...others] = found({ heartbeats: [...HEALTHY.heartbeats, { ...member, aheadMs }] });
    assertEquals([finding?.is, finding?.level, others], ["members_apart", "hurts", []]);
    assertMatch(finding!.says, says);
  }
  const besides = (other: Partial<Heartbeat>) =>
    found({ heartbeats: [...HEALTHY.heartbeats, { ...member, aheadMs: 20_000, ...other }] });
  assertEquals(besides({ aheadMs: 900 }), []);
  assertEquals(besides({ isElectable: false }), [], "an arbiter, or a member without a priority");
  const router = { ...member, setName: undefined, isPrimary: true, isRouter: true };
  const [ofRouters] = found({ heartbeats: [{ ...router, aheadMs: 0 }, { ...router, aheadMs: 20_000 }] });
  assertMatch(ofRouters!.says, /the router b:27017 is 20 s ahead .* ends early or late for the other$/);
});

Deno.test("doctor turns TLS on in a connection string of any form by what it prints, and shows no secret", async () => {
  for (
    const uri of [
      "mongodb://db.example.com",
      "mongodb://me:secret%2Fword@db.example.com:27017/",
      "mongodb://me:secret%2Fword@db.example.com:27017/?replicaSet=rs0",
      "mongodb://me:secret%2Fword@a.example.com,b.example.com/shop",
      "mongodb://me:secret%2Fword@a.example.com/shop?replicaSet=rs0&retryWrites=true",
      "mongodb://me:secret%2Fword@a.example.com/shop?replicaSet=rs0&ssl=false",
    ]
  ) {
    const [finding] = found({}, { MONGODB_URI: uri }).filter(({ is }) => is === "not_encrypted");
    const script = finding!.steps.find(({ tool }) => tool === "shell")!.text;
    assert(!script.includes("secret"));
    const { stdout } = await new Deno.Command("sh", {
      args: ["-euc", `${script}\nprintf %s "$MONGODB_URI"`],
      env: { MONGODB_URI: uri },
    }).output();
    const changed = new TextDecoder().decode(stdout);
    assertEquals(protectionOf(changed), { ...protectionOf(uri), isTls: true }, changed);
    assertEquals(found({}, { MONGODB_URI: changed }).filter(({ is }) => is === "not_encrypted"), []);
  }
  assertEquals(found({}, { MONGODB_URI: "mongodb+srv://db.example.com/" }), []);
});

Deno.test("doctor finds a server of another machine that asks for no login, and asks the privileges of a user what it may do", () => {
  assertEquals(found({ user: undefined }).map(({ is }) => is), ["no_login"]);
  const heartbeats = [{ ...HEALTHY.heartbeats[0]!, address: "127.0.0.1:27017" }];
  assertEquals(found({ user: undefined, heartbeats }), []);
  const user = { name: "agent", database: "$external", may: (action: string) => action !== "changeStream" };
  const [finding] = found({ user });
  assertEquals([finding?.is, finding?.level], ["may_not_follow", "note"]);
  assertEquals(finding?.steps, [{
    tool: "mongosh",
    text:
      `db.getSiblingDB("$external").runCommand({ grantRolesToUser: "agent", roles: [{ role: "readWrite", db: "shop" }] })`,
  }]);
  assertEquals(found({ user }, { CHANGE_STREAM: "off" }), []);
});

Deno.test("doctor leaves TTL and unique indexes alone that have documents which are done alone", () => {
  const ttl = { name: "ttl", key: { at: 1 }, expireAfterSeconds: 60 };
  const unique = { name: "unique", key: { customer: 1, status: 1 }, unique: true };
  const names = (index: object) =>
    found({ indexes: [...HEALTHY.indexes as object[], index] }).map(({ is }) => is);
  assertEquals(names(ttl), ["ttl"]);
  for (const status of ["processed", { $in: ["processed", "failed"] }, { $eq: "failed" }]) {
    assertEquals(names({ ...ttl, partialFilterExpression: { status } }), []);
  }
  assertEquals(names({ ...ttl, key: { processed_at: 1 } }), []);
  assertEquals(names({ ...ttl, partialFilterExpression: { status: { $in: ["processed", "pending"] } } }), [
    "ttl",
  ]);
  assertEquals(names(unique), ["one_processed"]);
  for (const status of ["processing", { $in: ["pending", "processing"] }]) {
    assertEquals(names({ ...unique, partialFilterExpression: { status } }), []);
  }
  assertEquals(names({ ...unique, partialFilterExpression: { status: { $gt: "a" } } }), ["one_processed"]);
});

Deno.test("doctor replaces a unique index by one that takes the same keys for the same", () => {
  const unique = { name: "unique", key: { customer: 1, status: 1 }, unique: true };
  for (const collation of [{ locale: "en", strength: 2 }, undefined]) {
    const [finding] = found({ indexes: [...HEALTHY.indexes as object[], { ...unique, collation }] });
    const expected = collation
      ? 'collation: { locale: "en", strength: 2 }'
      : 'collation: { locale: "simple" }';
    assert(finding!.steps[0]!.text.includes(expected), finding!.steps[0]!.text);
  }
});

Deno.test("doctor finds another agent in HEALTH_DIR, and takes the agent itself for none", () => {
  // deno-lint-ignore no-explicit-any -- only these fields are asked for
  const agent = (name: string, isAlive = true): any => ({ isAlive, status: { name } });
  const health = (name: string, isAlive?: boolean) => ({
    health: { path: "/tmp/health", agent: agent(name, isAlive), problem: undefined, disk: undefined },
  });
  const env = { AGENT_NAME: "pod-1" };
  assertEquals(found({}, env, health("pod-1")), []);
  assertEquals(found({}, env, health("pod-2", false)), []);
  const [finding] = found({}, env, health("pod-2"));
  assertEquals([finding?.is, finding?.level], ["health_dir_used", "stops"]);
  assertEquals(finding?.steps, [{ tool: "setting", text: "HEALTH_DIR=/tmp/health-pod-1" }]);
  const disk = { isRemote: true, freeBytes: 0 };
  assertEquals(
    found({}, {}, { health: { path: "/x", agent: undefined, problem: undefined, disk } }).map(({ is }) => is),
    ["disk_full", "remote_disk"],
  );
});
