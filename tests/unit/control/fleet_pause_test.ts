import { assertEquals, assertRejects } from "@std/assert";
import type { FleetControl } from "../../../agent/fleet/fleet_view.ts";
import { UnusableControl } from "../../../agent/fleet/unusable_control.ts";
import { FleetPause } from "../../../control/fleet_pause.ts";
import { PauseController } from "../../../control/pause_controller.ts";

/** What the operators want, in a registry that fails or waits as a test wants. */
class Setup {
  readonly gate = new PauseController();
  readonly pause: FleetPause;
  wanted: FleetControl | UnusableControl | undefined;
  readonly told: string[] = [];
  error: Error | undefined;
  reads = 0;
  /** A reading has its answer by then, and gives it once this has resolved. */
  answers = Promise.resolve();

  constructor() {
    const registry = {
      control: async () => {
        this.reads += 1;
        const { error, wanted } = this;
        await this.answers;
        if (error) throw error;
        return wanted;
      },
      name: "shop.jobs_agents",
      isTransient: ({ message }: Error) => message === "out of reach",
    };
    this.pause = new FleetPause({
      gate: this.gate,
      log: { warn: (_, { collection, problem }) => this.told.push(`${collection}: ${problem}`) },
      registry: registry as never,
    });
  }

  want(id: string, state: FleetControl["state"]): void {
    this.wanted = { id, state, by: "alice", reason: `reason of ${id}`, at: new Date(0) };
  }

  get current() {
    const { since: _, ...current } = this.gate.current;
    return current;
  }
}

Deno.test("FleetPause pauses at the start, with who asked for it and why", async () => {
  const setup = new Setup();
  setup.want("1", "paused");
  await setup.pause.know();
  assertEquals(setup.current, { state: "paused", source: "fleet", by: "alice", reason: "reason of 1" });
  assertEquals([setup.pause.areKnown, setup.pause.actedOn], [true, "1"]);
});

Deno.test("FleetPause at the start resumes nothing that another source has paused; a later request does", async () => {
  const setup = new Setup();
  setup.gate.pause("file");
  setup.want("1", "running");
  await setup.pause.know();
  assertEquals([setup.current.source, setup.gate.isOpen, setup.pause.actedOn], ["file", false, "1"]);
  setup.want("2", "running");
  await setup.pause.read();
  assertEquals([setup.current.source, setup.gate.isOpen], ["fleet", true]);
});

Deno.test("FleetPause acts on each request once: a resume by signal holds until another one comes", async () => {
  const setup = new Setup();
  setup.want("1", "paused");
  await setup.pause.read();
  setup.gate.resume("signal");
  await setup.pause.read();
  assertEquals(setup.gate.isOpen, true);
  setup.want("2", "paused");
  await setup.pause.read();
  assertEquals(setup.gate.isOpen, false);
  // An old request comes back, as a server does that was restored from a backup.
  setup.want("3", "running");
  await setup.pause.read();
  setup.want("2", "paused");
  await setup.pause.read();
  assertEquals([setup.gate.isOpen, setup.pause.actedOn], [true, "3"]);
});

Deno.test("FleetPause without any request leaves the agent as it is, and so does one whose document is gone", async () => {
  const setup = new Setup();
  await setup.pause.know();
  assertEquals([setup.current, setup.pause.actedOn], [{ state: "running", source: "start" }, undefined]);
  setup.want("1", "paused");
  await setup.pause.read();
  setup.wanted = undefined;
  await setup.pause.read();
  assertEquals(setup.gate.isOpen, false);
});

Deno.test("FleetPause knows nothing while the database is out of reach, and goes without if the registry cannot be used", async () => {
  const setup = new Setup();
  setup.error = new Error("out of reach");
  await assertRejects(() => setup.pause.know(), Error, "out of reach");
  assertEquals(setup.pause.areKnown, false);
  setup.error = new Error("not authorized");
  await setup.pause.know();
  assertEquals([setup.pause.areKnown, setup.gate.isOpen], [true, true]);
  // The right is granted: that is a start again, which pauses.
  setup.error = undefined;
  setup.want("1", "paused");
  await setup.pause.read();
  assertEquals(setup.gate.isOpen, false);
});

Deno.test("FleetPause reads again for a change that comes while an answer is under way", async () => {
  const setup = new Setup();
  const answer = Promise.withResolvers<void>();
  setup.answers = answer.promise;
  const first = setup.pause.know();
  setup.want("1", "paused");
  const second = setup.pause.read();
  answer.resolve();
  await Promise.all([first, second]);
  assertEquals([setup.reads, setup.gate.isOpen], [2, false]);
});

Deno.test("FleetPause tells once of a request that it cannot act on, and acts on the next that it can", async () => {
  const setup = new Setup();
  setup.wanted = new UnusableControl("its state is odd");
  await setup.pause.know();
  await setup.pause.read();
  assertEquals([setup.told, setup.gate.isOpen, setup.pause.areKnown], [
    ["shop.jobs_agents: its state is odd"],
    true,
    true,
  ]);
  setup.want("1", "paused");
  await setup.pause.read();
  assertEquals([setup.gate.isOpen, setup.pause.actedOn], [false, "1"]);
  // It was edited by hand: the agent takes it for the same request.
  setup.want("1", "running");
  await setup.pause.read();
  await setup.pause.read();
  assertEquals(setup.gate.isOpen, false);
  setup.want("2", "running");
  await setup.pause.read();
  setup.want("1", "running");
  await setup.pause.read();
  assertEquals([setup.gate.isOpen, setup.told.length], [true, 3]);
});
