import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { OverviewAnswer } from "../../control/dashboard/api.ts";
import { buildImages, CONTAINERS, startContainer } from "../support/container.ts";
import { insertEntry } from "../support/fleet_entries.ts";
import { freePort } from "../support/metrics.ts";
import { mountSecret } from "../support/mounted_secret.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";
import { AFTER, TMUX_IS_MISSING, TmuxTerminal } from "../support/tmux.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing(CONTAINERS);
const NAME = "localhost/pulling-agent-screens-under-test";
const DISTROLESS = `${NAME}:latest`;
/** What k8s/examples/dashboard.yaml asks for: not even a health directory can be written. */
const RESTRICTED = [
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
];

const settingsOf = (db: TestDatabase) => ({ MONGODB_DATABASE: db.name, MONGODB_COLLECTION: "documents" });

Deno.test({
  name:
    "Images: dashboard serves as PID 1 of a container in which nothing can be written, its probe answers, and SIGTERM ends it with status 0",
  ignore,
  fn: async () => {
    await buildImages(NAME);
    await using db = await testDatabase("dashboard in a container");
    await insertEntry(db, "documents_agents", { name: "busy", lives_ms: 600_000 });
    await using folder = await TempDir.make();
    // No process in the container runs as root.
    await Deno.chmod(folder.path, 0o755);
    const token = "0123456789abcdef";
    await mountSecret(folder.path, "v1", { uri: db.uri, token });
    const listen = `127.0.0.1:${freePort()}`;
    await using container = await startContainer({
      image: DISTROLESS,
      args: ["dashboard", "--listen", listen],
      env: {
        ...settingsOf(db),
        MONGODB_URI_FILE: "/etc/dashboard/uri",
        DASHBOARD_TOKEN_FILE: "/etc/dashboard/token",
      },
      options: [...RESTRICTED, `--volume=${folder.path}:/etc/dashboard:ro`],
    });
    const probe = () => container.exec("dashboard", "--probe", "--listen", listen);
    const { stdout } = await waitFor("the probe", async () => {
      const answer = await probe();
      if (answer.code !== 0) throw new Error(answer.stdout + answer.stderr + container.agent.output);
      return answer;
    });
    assertEquals(stdout, `dashboard: yes, it answers at http://${listen}/\n`);
    const ask = (path: string, headers = {}) => fetch(`http://${listen}/${path}`, { headers });
    assertStringIncludes((await (await ask("")).text()).toLowerCase(), "<!doctype html>");
    const refused = await ask("api/overview");
    assertEquals([refused.status, (await refused.json()).error.kind], [401, "login"]);
    const overview = await waitFor("the overview", async () => {
      const answer = await ask("api/overview", { Authorization: `Bearer ${token}` });
      return (await answer.json() as OverviewAnswer).overview;
    });
    assertEquals(overview.agents.map(({ name }) => name), ["busy"]);
    await container.kill("SIGTERM");
    assertEquals((await container.agent.exit()).code, 0);
  },
});

Deno.test({
  name:
    "Images: top shows the fleet on a terminal of the distroless image, fits its size, and q ends it with status 0",
  ignore: ignore || TMUX_IS_MISSING,
  fn: async () => {
    await buildImages(NAME);
    await using db = await testDatabase("top in a container");
    await using container = await startContainer({
      image: DISTROLESS,
      env: {
        ...settingsOf(db),
        MONGODB_URI: db.uri,
        PROCESSOR: "log",
        AGENT_NAME: "in-a-container-with-a-long-name",
      },
      options: [...RESTRICTED, "--tmpfs=/tmp/health:rw,size=1m"],
    });
    await container.untilReady();
    const once = await container.exec("top", "--once");
    assertEquals([once.code, once.stderr], [0, ""]);
    assertMatch(once.stdout, /^1 agent: 1 running {3}by trouble$/m);
    await using folder = await TempDir.make();
    await using terminal = await TmuxTerminal.startProgram(folder.path, [
      ...["podman", "--runtime", "runc", "exec", "-it", container.name, "pulling-agent", "top"],
    ]);
    const small = await terminal.until(/^1 agent: 1 running[^]* q quits/m);
    assertEquals(small.length, 24);
    await terminal.resize(130, 30);
    const wide = await terminal.until(/^in-a-container-with-a-long-name +running[^]*\n q quits/m);
    assertEquals(wide.length, 30);
    await terminal.press("q");
    const lines = await terminal.until(new RegExp(`${AFTER} \\d`));
    assertEquals(lines.at(-1), `${AFTER} 0`);
    const [before, after] = await terminal.modes();
    assertEquals(after, before);
  },
});
