import { assertEquals } from "@std/assert";
import { UntilEmpty } from "../../../../agent/claiming/until_empty.ts";
import { CANNOT_CLAIM, NOTHING_LEFT } from "../../../../agent/drain.ts";
import { Events } from "../../../../agent/events.ts";
import { Ledger } from "../../../../agent/leases/ledger.ts";
import type { LookMoment } from "../../../../agent/ports.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { FakeStore, TransientError } from "../../../support/fake_store.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { PollLoopSetup } from "../../../support/poll_loop_setup.ts";

/** What ends an agent, the reasons it gave, and how often it woke the loop. */
class Setup {
  readonly ledger = new Ledger();
  readonly reasons: string[] = [];
  readonly retries = { isEmpty: true };
  readonly store = new FakeStore(new ManualClock());
  readonly recorder: EventRecorder;
  readonly untilEmpty: UntilEmpty;
  woken = 0;

  constructor() {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    this.untilEmpty = new UntilEmpty({
      agent: { drain: (reason) => void this.reasons.push(reason) },
      events,
      ledger: this.ledger,
      retries: this.retries,
      store: this.store,
      wakeup: { wake: () => void (this.woken += 1) },
    });
  }
}

Deno.test("UntilEmpty gives up after five failures in a row that do not pass by themselves", async () => {
  const { reasons, untilEmpty } = new Setup();
  const setup = new PollLoopSetup({ untilEmpty });
  const lasting = (times: number) => setup.store.fail("claim", new Error("unknown operator"), { times });
  lasting(4);
  setup.store.fail("claim", new TransientError("no primary"));
  lasting(5);
  const running = setup.run();
  for (let failure = 1; failure <= 10; failure++) {
    const { isLasting, retryInMs } = await setup.recorder.next("claim_failed");
    await settled();
    assertEquals([isLasting, reasons], [failure !== 5, failure === 10 ? [CANNOT_CLAIM] : []]);
    await setup.clock.advance(retryInMs);
  }
  await setup.end(running);
});

Deno.test("UntilEmpty begins its count anew after a claim that works", () => {
  const setup = new Setup();
  for (let failure = 1; failure <= 4; failure++) setup.untilEmpty.claimFailed(true);
  setup.untilEmpty.claimed();
  for (let failure = 1; failure <= 4; failure++) setup.untilEmpty.claimFailed(true);
  assertEquals(setup.reasons, []);
});

Deno.test("UntilEmpty.foundNothing() ends the agent, and says first what is left alone", async () => {
  const setup = new Setup();
  const group = { documents: 3, isMore: false, example: "a", reason: "no date" };
  const looks: LookMoment[] = [];
  setup.store.leftAlone = (moment) => (looks.push(moment), Promise.resolve([group]));
  await setup.untilEmpty.foundNothing();
  assertEquals([setup.reasons, looks], [[NOTHING_LEFT], ["last"]]);
  assertEquals(setup.recorder.of("left_alone").map(({ groups }) => groups), [[group]]);
});

Deno.test("UntilEmpty.foundNothing() waits for retries that the agent has scheduled", async () => {
  const setup = new Setup();
  setup.retries.isEmpty = false;
  await setup.untilEmpty.foundNothing();
  assertEquals([setup.reasons, setup.recorder.all], [[], []]);
});

Deno.test("UntilEmpty wakes the loop when the last document leaves, and not before", () => {
  const setup = new Setup();
  const held = [fakeDocument(), fakeDocument()].map((document) => setup.ledger.add(document));
  setup.ledger.remove(held[0]!);
  assertEquals(setup.woken, 0);
  setup.ledger.remove(held[1]!);
  assertEquals(setup.woken, 1);
});
