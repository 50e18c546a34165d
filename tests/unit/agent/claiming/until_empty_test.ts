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
import { PollLoopHarness } from "../../../support/poll_loop_harness.ts";

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

Deno.test("UntilEmpty gives up after five failures in a row that no wait mends", async () => {
  const { reasons, untilEmpty } = new Setup();
  const s = new PollLoopHarness({ untilEmpty });
  const lasting = (times: number) => s.store.fail("claim", new Error("unknown operator"), { times });
  lasting(4);
  s.store.fail("claim", new TransientError("no primary"));
  lasting(5);
  const running = s.run();
  for (let failure = 1; failure <= 10; failure++) {
    const { isLasting, retryInMs } = await s.recorder.next("claim_failed");
    await settled();
    assertEquals([isLasting, reasons], [failure !== 5, failure === 10 ? [CANNOT_CLAIM] : []]);
    await s.clock.advance(retryInMs);
  }
  await s.end(running);
});

Deno.test("UntilEmpty begins its count anew after a claim that works", () => {
  const s = new Setup();
  for (let failure = 1; failure <= 4; failure++) s.untilEmpty.claimFailed(true);
  s.untilEmpty.claimed();
  for (let failure = 1; failure <= 4; failure++) s.untilEmpty.claimFailed(true);
  assertEquals(s.reasons, []);
});

Deno.test("UntilEmpty.foundNothing() ends the agent, and says first what is left alone", async () => {
  const s = new Setup();
  const group = { documents: 3, isMore: false, example: "a", reason: "no date" };
  const looks: LookMoment[] = [];
  s.store.leftAlone = (moment) => (looks.push(moment), Promise.resolve([group]));
  await s.untilEmpty.foundNothing();
  assertEquals([s.reasons, looks], [[NOTHING_LEFT], ["last"]]);
  assertEquals(s.recorder.of("left_alone").map(({ groups }) => groups), [[group]]);
});

Deno.test("UntilEmpty.foundNothing() waits for retries that the agent has scheduled", async () => {
  const s = new Setup();
  s.retries.isEmpty = false;
  await s.untilEmpty.foundNothing();
  assertEquals([s.reasons, s.recorder.all], [[], []]);
});

Deno.test("UntilEmpty wakes the loop when the last document leaves, and not before", () => {
  const s = new Setup();
  const held = [fakeDocument(), fakeDocument()].map((document) => s.ledger.add(document));
  s.ledger.remove(held[0]!);
  assertEquals(s.woken, 0);
  s.ledger.remove(held[1]!);
  assertEquals(s.woken, 1);
});
