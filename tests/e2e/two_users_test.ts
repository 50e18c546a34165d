import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing, OTHER_USER } from "../support/optional.ts";

const ignore = await isMissing(OTHER_USER);
const OWN_USER = 65532;

/** How a user starts a program, under a umask. */
type User = (umask: string) => string[];

const root: User = (umask) => ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"];
const ownUser: User = (umask) => [
  ...root(umask),
  ...["setpriv", `--reuid=${OWN_USER}`, `--regid=${OWN_USER}`, "--clear-groups", "--inh-caps=-all"],
];
const ORDERS: Record<string, [User, User]> = {
  "root first": [root, ownUser],
  "the agent's own user first": [ownUser, root],
};

/** A health directory in which the agent's own user may write. */
async function openToBoth(home: AgentHome): Promise<void> {
  await Deno.chmod(home.dir, 0o755);
  await Deno.mkdir(home.healthDir);
  await Deno.chown(home.healthDir, OWN_USER, OWN_USER);
}

for (const umask of ["022", "077"]) {
  for (const [order, [first, second]] of Object.entries(ORDERS)) {
    Deno.test({
      name: `pause, resume and status work for root and for the agent's own user: ${order}, umask ${umask}`,
      ignore,
      fn: async () => {
        await using db = await testDatabase("two users");
        await using home = await agentHome({ db });
        await openToBoth(home);
        await home.startReady({ wrapper: ownUser(umask) });
        for (const args of [["pause"], ["status"], ["resume"]]) {
          for (const user of [first, second, first]) {
            const { code, stderr } = await home.runWith({ args, wrapper: user(umask) });
            assertEquals([code, stderr], [0, ""], args.join(" "));
          }
        }
      },
    });

    Deno.test({
      name:
        `HEALTH_DIR of an agent that was killed is taken over by another user's: ${order}, umask ${umask}`,
      ignore,
      fn: async () => {
        await using db = await testDatabase("two users' agents");
        await using home = await agentHome({ db });
        await openToBoth(home);
        for (const user of [first, second, first]) {
          const agent = await home.startReady({ wrapper: user(umask) });
          assertEquals((await home.runWith({ args: ["pause"], wrapper: user(umask) })).stderr, "");
          await agent.kill9();
        }
        const last = await home.startReady({ wrapper: second(umask) });
        last.signal("SIGTERM");
        assertEquals((await last.exit()).code, 0);
        assertEquals(last.stderr, "");
      },
    });
  }
}

Deno.test({
  name: "pause by root makes no file at the end of a link in the health directory",
  ignore,
  fn: async () => {
    await using db = await testDatabase("lock link");
    await using home = await agentHome({ db });
    await openToBoth(home);
    await home.startReady({ wrapper: ownUser("022") });
    await Deno.symlink(`${home.dir}/made`, `${home.healthDir}/commands.lock`);
    const { code, stdout, stderr } = await home.run("pause");
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^pulling-agent: .*commands\.lock is a link: remove it\n$/);
    await assertRejects(() => Deno.lstat(`${home.dir}/made`), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "pause says which file is in its way if another user keeps it to itself",
  ignore,
  fn: async () => {
    await using db = await testDatabase("lock of another user");
    await using home = await agentHome({ db });
    await openToBoth(home);
    await home.startReady({ wrapper: ownUser("022") });
    await Deno.writeTextFile(`${home.healthDir}/commands.lock`, "", { mode: 0o600 });
    const { code, stderr } = await home.runWith({ args: ["pause"], wrapper: ownUser("022") });
    assertEquals(code, 1);
    assertMatch(stderr, /^pulling-agent: .*commands\.lock belongs to another user and cannot be read: .*\n$/);
  },
});
