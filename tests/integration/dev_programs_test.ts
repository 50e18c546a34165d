import { EJSON } from "bson";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { spawnTied } from "../../scripts/tied_process.ts";
import { PYTHON } from "../support/languages.ts";
import { makeDev } from "../support/make_dev.ts";
import { testDatabase } from "../support/mongod.ts";
import { isMissing } from "../support/optional.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const noPython = await isMissing(PYTHON);
const NOWHERE = { uri: "mongodb://127.0.0.1:1/", name: "none" };
const ORDER = { lines: [{ quantity: 2, unit_price: 1.1 }] };

const sampleOrders = async () =>
  (await Deno.readTextFile(`${ROOT}/examples/orders.jsonl`)).trim().split("\n").map((line) =>
    JSON.parse(line)
  );

Deno.test({
  name: "make dev drains the sample orders with the worker of README.md, as it stands there",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("dev worker");
    await using dir = await TempDir.make();
    const readme = await Deno.readTextFile(`${ROOT}/README.md`);
    const worker = /Put this into `worker\.py`[^`]*```python\n([^]*?)```\n/.exec(readme)![1]!;
    const [, PROCESSOR] = /^make dev FILE=examples\/orders\.jsonl PROCESSOR="(.*)"$/m.exec(readme)!;
    assert(worker.split("\n").filter((line) => line !== "").length <= 15);
    await dir.write("worker.py", worker);
    // Where the user is, relative paths start.
    const env = { PROCESSOR: PROCESSOR!, INIT_CWD: dir.path, PYTHONUNBUFFERED: "" };
    const { code, output } = await makeDev(db, dir, await sampleOrders(), { env });
    assertEquals(code, 0, output);
    assertMatch(output, /10 processed, 0 failed, 0 to do/);
    const [first] = await db.db.collection("documents").find().sort({ _id: 1 }).toArray();
    assertEquals(first!.total, 224.5, EJSON.stringify(first));
  },
});

Deno.test({
  name: "make dev lists the documents that a program refuses, and ends with status 1",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("dev program");
    await using dir = await TempDir.make();
    const env = { PROCESSOR: "exec:python3 examples/order_totals.py", INIT_CWD: ROOT };
    const { code, output } = await makeDev(db, dir, [{ _id: 1, ...ORDER }, { _id: 2 }], { env });
    assertEquals(code, 1, output);
    assertMatch(
      output,
      /dev: Failed:\n {2}2: the order has no 'lines'\ndev: Stopped\. 1 processed, 1 failed/,
    );
  },
});

Deno.test({
  name: "make dev posts the documents to a service, and shows what it answers to those that fail",
  ignore: noPython,
  async fn() {
    await using db = await testDatabase("dev service");
    await using dir = await TempDir.make();
    const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const PORT = String((free.addr as Deno.NetAddr).port);
    free.close();
    const service = await spawnTied("python3", [`${ROOT}/examples/order_service.py`], { env: { PORT } });
    try {
      await waitFor("the service", async () => {
        const connection = await Deno.connect({ port: Number(PORT) }).catch(() => undefined);
        connection?.close();
        return connection;
      });
      const PROCESSOR = `http://127.0.0.1:${PORT}/orders`;
      const { code, output } = await makeDev(db, dir, [{ _id: 1, ...ORDER }, { _id: 2 }], {
        env: { PROCESSOR },
      });
      assertEquals(code, 1, output);
      assertStringIncludes(
        output,
        `dev: Failed:\n  2: ${PROCESSOR} answered 422: {"message": "the order has no lines"}\ndev: Stopped. 1 processed, 1 failed`,
      );
    } finally {
      service.kill("SIGTERM");
      assertEquals((await service.status).code, 0);
    }
  },
});

for (
  const [PROCESSOR, mistake] of [
    ["exec:./gone", "PROCESSOR=exec: names ./gone, which does not exist: check the path"],
    ["exec:", "PROCESSOR"],
    ["http://", "PROCESSOR"],
    ["exec:python3 'worker.py", "PROCESSOR"],
  ] as const
) {
  Deno.test(`make dev refuses PROCESSOR=${PROCESSOR} in one line, before it inserts anything`, async () => {
    await using dir = await TempDir.make();
    const { code, output } = await makeDev(NOWHERE, dir, [{}], { env: { PROCESSOR, INIT_CWD: dir.path } });
    assertEquals(code, 2, output);
    assertStringIncludes(output, `dev: ${mistake}`);
    assertEquals(output.trim().split("\n").length, 1, output);
  });
}
