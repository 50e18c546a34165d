import { assert, assertEquals, assertRejects } from "@std/assert";
import { RunCheckpoints } from "../../agent/leases/run_checkpoints.ts";
import type { DocumentStore, LeasedDocument } from "../../agent/ports.ts";
import { type Case, type Cases, claimed, claimOne, it, takeOver } from "./cases.ts";
import type { Subject } from "./subject.ts";

/** A write that brings the last checkpoint of a run. */
type Write = (store: DocumentStore, documents: readonly LeasedDocument[]) => Promise<unknown>;

/** The run of a document makes a checkpoint; the promise tells whether it is written. */
export function checkpoint(document: LeasedDocument, data: unknown): Promise<void> {
  document.checkpoints ??= new RunCheckpoints(document.saved, () => {});
  return document.checkpoints.add(data);
}

async function savedOf(subject: Subject, ...ids: string[]): Promise<unknown[]> {
  return await Promise.all(ids.map(async (id) => (await subject.stored(id)).saved));
}

/** What holds for each write that brings the last checkpoint of a run. */
function savesCheckpoints(write: Write): readonly Case[] {
  return [
    it("writes the last checkpoint of each run, says so, and writes it once", async (subject) => {
      const [a, b, c] = await claimed(subject, "a", "b", "c");
      const written = [checkpoint(a!, { page: 1 }), checkpoint(a!, { page: 2 }), checkpoint(b!, "half")];
      await write(subject.store, [a!, b!, c!]);
      // It is settled by now.
      await Promise.all(
        written.map((each) => Promise.race([each, Promise.reject(new Error("not written"))])),
      );
      assertEquals(await savedOf(subject, "a", "b", "c"), [
        { n: 2, data: { page: 2 } },
        { n: 1, data: "half" },
        undefined,
      ]);
      assertEquals([a!.checkpoints!.hasUnwritten, b!.checkpoints!.hasUnwritten], [false, false]);
    }),
    it("writes no checkpoint on a document that another agent has taken over", async (subject) => {
      const [lost, kept] = await claimed(subject, "a", "b");
      checkpoint(lost!, "of the former holder");
      checkpoint(kept!, "of the holder");
      await takeOver(subject, "a");
      await write(subject.store, [lost!, kept!]);
      assertEquals(await savedOf(subject, "a", "b"), [undefined, { n: 1, data: "of the holder" }]);
      assert(lost!.checkpoints!.hasUnwritten);
    }),
  ];
}

/** What holds for each of these writes that ends a lease. */
export function carriesCheckpoints(write: Write): readonly Case[] {
  return [
    ...savesCheckpoints(write),
    it("leaves the checkpoint of an earlier run if this one made none, and the next run gets it", async (subject) => {
      const [first] = await claimed(subject, "a");
      checkpoint(first!, { page: 1 });
      await subject.store.release([first!]);
      await write(subject.store, [await claimOne(subject.store)]);
      assertEquals(await savedOf(subject, "a"), [{ n: 1, data: { page: 1 } }]);
    }),
  ];
}

export const RENEW_CHECKPOINTS: readonly Case[] = [
  ...savesCheckpoints((store, documents) => store.renew(documents)),
  it("writes a checkpoint again whose write was not answered, and leaves one that is newer", async (subject) => {
    const [document] = await claimed(subject, "a");
    const first = checkpoint(document!, 1);
    subject.loseAnswer("save");
    await assertRejects(() => subject.store.renew([document!]));
    const second = checkpoint(document!, 2);
    await subject.store.renew([document!]);
    await Promise.all([first, second]);
    assertEquals(await savedOf(subject, "a"), [{ n: 2, data: 2 }]);
  }),
];

export const SAVED: Cases = [
  it("is undefined for a document without a checkpoint", async (subject) => {
    assertEquals((await claimed(subject, "a"))[0]!.saved, undefined);
  }),
  it("is the last checkpoint that was written, also for the agent that takes the lease over", async (subject) => {
    const [first] = await claimed(subject, "a");
    checkpoint(first!, { page: 3, done: ["a", new Date(5)] });
    await subject.store.renew([first!]);
    const second = await takeOver(subject, "a");
    assertEquals(second.saved, { n: 1, data: { page: 3, done: ["a", new Date(5)] } });
    checkpoint(second, { page: 4 });
    await subject.other.nack([{ document: second, error: "it broke", delayMs: 0 }]);
    assertEquals((await claimOne(subject.store)).saved, { n: 2, data: { page: 4 } });
  }),
];

export const CHECKPOINTS: Cases = [
  it("is undefined as long as the run has made none", async (subject) => {
    assertEquals((await claimed(subject, "a"))[0]!.checkpoints, undefined);
  }),
];

/** What becomes of the checkpoint when a document is done. */
export const ACK_CHECKPOINTS: readonly Case[] = [
  it("removes the checkpoint of an earlier run, and writes none of this one", async (subject) => {
    const [first] = await claimed(subject, "a");
    checkpoint(first!, 1);
    await subject.store.release([first!]);
    const document = await claimOne(subject.store);
    checkpoint(document, 2);
    await subject.store.ack([{ document }]);
    assertEquals(await savedOf(subject, "a"), [undefined]);
  }),
];

export const DEAD_LETTER_CHECKPOINTS: readonly Case[] = [
  it("leaves the checkpoint on the document, which tells how far it came", async (subject) => {
    const [document] = await claimed(subject, "a");
    checkpoint(document!, { page: 1 });
    await subject.store.renew([document!]);
    await subject.store.deadLetter(document!, "it is bad");
    assertEquals(await savedOf(subject, "a"), [{ n: 1, data: { page: 1 } }]);
  }),
];
