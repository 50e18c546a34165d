import { assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const ignore = await isMissing({
  what: "tests of a disk that does not answer",
  why: "this user cannot mount and freeze a file system",
  install: "run them as root, with mount, mkfs.ext4 and fsfreeze",
  probe: [
    "sh",
    "-euc",
    `dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; command -v fsfreeze; truncate -s 4M "$dir/image"; mkdir "$dir/disk"
     mkfs.ext4 -q "$dir/image"; mount -o loop "$dir/image" "$dir/disk"; umount "$dir/disk"`,
  ],
});

/** A small disk of its own that can be stopped. */
class Disk implements AsyncDisposable {
  readonly #dir: TempDir;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async mount(): Promise<Disk> {
    const disk = new Disk(await TempDir.make());
    await Deno.mkdir(disk.path);
    const image = `${disk.#dir.path}/image`;
    await run("truncate", "-s", "4M", image);
    await run("mkfs.ext4", "-q", image);
    await run("mount", "-o", "loop", image, disk.path);
    return disk;
  }

  get path(): string {
    return `${this.#dir.path}/disk`;
  }

  /** From now on writes wait. */
  async freeze(): Promise<void> {
    await run("fsfreeze", "--freeze", this.path);
  }

  async thaw(): Promise<void> {
    await run("fsfreeze", "--unfreeze", this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", this.path);
    await this.#dir[Symbol.asyncDispose]();
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(program, { args }).output();
  assertEquals(code, 0, `${program}: ${new TextDecoder().decode(stderr)}`);
}

Deno.test({
  name: "doctor finds a HEALTH_DIR whose disk does not answer, and tells all the rest",
  ignore,
  async fn() {
    await using db = await testDatabase("hung disk");
    await documentsOf(db).insertOne({ _id: 1, status: "pending" });
    await using disk = await Disk.mount();
    await using home = await agentHome({ db, module: "export default () => {};" });
    await disk.freeze();
    try {
      const file = `${home.dir}/report`;
      const doctor = await home.start({
        args: ["doctor"],
        env: { HEALTH_DIR: `${disk.path}/health` },
        wrapper: ["sh", "-c", 'exec "$@" >"$0"', file],
      });
      const report = () => Deno.readTextFile(file).catch(() => "");
      await waitFor("the report", async () => (await report()).includes("\nThe agent cannot work"));
      assertMatch(
        await report(),
        /^Stops the agent:\n- The health directory .*\/disk\/health cannot be written: its disk has not answered within 3 s\. \[health_dir\]\n {2}Setting: HEALTH_DIR=\/tmp\/health$/m,
      );
      assertMatch(await report(), /^ {2}collection +/m);
      await disk.thaw();
      // A thread waits for the disk as long as the kernel lets it.
      assertEquals((await doctor.exit()).code, 1);
    } finally {
      await disk.thaw().catch(() => {});
    }
  },
});
