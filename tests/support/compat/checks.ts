/**
 * What has to work on a server, in the words of the table of servers, and how it is tried.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Document } from "../../../agent/ports.ts";
import type { CheckName } from "../../../scripts/servers/server_lines.ts";
import { elementNamed } from "../raw_bson.ts";
import { OverlapRecorder } from "../suspects.ts";
import { all, redrive } from "../letters_for_commands.ts";
import { type AnyDocument, LONG_AGO } from "../store.ts";
import { waitFor } from "../wait.ts";
import type { Collection } from "mongodb";
import type { CheckWorld } from "./check_world.ts";

/** Something that an agent does. */
export interface Check {
  /** In the table, and in the name of its collection. */
  readonly name: CheckName;
  /** What is tried. */
  readonly doc: string;
  /** Throws if it does not work; else says how it does, in a word, if that differs between servers. */
  run(world: CheckWorld): Promise<string | void>;
}

const HOUR_MS = 3_600_000;
const TARGET = "compat_invoices";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => ({ _id: index }));
const left = (_id: number, bookkeeping: Document = {}): AnyDocument => ({
  _id,
  status: "processing",
  _pull: { token: `gone-${_id}`, owner: "gone", visible_at: LONG_AGO, attempts: 1, ...bookkeeping },
});

/** The only document of a collection, as it is stored. */
async function bytesOf(collection: Collection<AnyDocument>): Promise<Uint8Array> {
  const [bytes] = await collection.find<Uint8Array>({ _id: 0 }, { raw: true }).toArray();
  return bytes!;
}

/** The bytes of some fields, by their names. */
function fieldsOf(document: Uint8Array, names: readonly string[]): (string | undefined)[] {
  return names.map((name) => elementNamed(document, name)?.value.toHex());
}

export const CHECKS: readonly Check[] = [
  {
    name: "claims",
    doc: "three agents process 300 documents, each once",
    async run(world) {
      await world.insert(...numbers(300));
      const runs: unknown[] = [];
      const agents = await Promise.all(
        [1, 2, 3].map(() => world.agent(({ _id }) => void runs.push(_id), { batchSize: 20 })),
      );
      await world.until("processed", 300);
      for (const agent of agents) await agent.drain();
      assertEquals(runs.length, 300, "runs of 300 documents");
      const { _pull, processed_at } = (await world.documents.findOne({ _id: 7 }))!;
      assertEquals(_pull, { attempts: 1 });
      assert(processed_at instanceof Date, "processed_at is a date");
    },
  },
  {
    name: "retries",
    doc: "a document that fails runs again after its backoff, and one that is put off after its time",
    async run(world) {
      await world.insert(...numbers(2));
      const runs: number[] = [];
      await world.agent(({ _id }) => {
        runs.push(_id);
        const isFirst = runs.filter((each) => each === _id).length === 1;
        if (_id === 0 && isFirst) throw new Error("once");
        return isFirst ? { snoozeMs: 50 } : undefined;
      });
      await world.until("processed", 2);
      assertEquals(runs.toSorted(), [0, 0, 1, 1]);
    },
  },
  {
    name: "leases",
    doc:
      "leases are renewed while handlers run, expired ones are taken over, and the first holder writes no more",
    async run(world) {
      const gone = await world.store();
      await world.insert({ _id: 0 });
      const { documents } = await gone.take();
      await world.documents.updateOne({ _id: 0 }, { $set: { "_pull.visible_at": LONG_AGO } });
      const running = Promise.withResolvers<void>();
      const agent = await world.agent(() => running.promise, { leaseMs: 1500 });
      await agent.event("claimed");
      const leaseOf = async () => (await world.documents.findOne({ _id: 0 }))!._pull.visible_at.getTime();
      const first = await leaseOf();
      await waitFor("the lease to be renewed", async () => await leaseOf() > first);
      assertEquals((await gone.ack(documents.map((document) => ({ document })))).matched, 0);
      assertEquals((await gone.renew(documents)).length, 1);
      running.resolve();
      await world.until("processed", 1);
      assertEquals(agent.count("lease_lost"), 0);
    },
  },
  {
    name: "suspects",
    doc: "documents whose lease has expired twice run alone",
    async run(world) {
      await world.documents.insertMany([left(0, { takeovers: 1 }), left(1, { takeovers: 1 }), left(2)]);
      await world.insert({ _id: 3 });
      const recorder = new OverlapRecorder();
      await world.agent(({ _id }) =>
        recorder.run(_id, () => new Promise((resolve) => setTimeout(resolve, 20)))
      );
      await world.until("processed", 4);
      assertEquals([...recorder.company.keys()].filter((id) => id === 0 || id === 1), []);
      assertEquals(recorder.runs.length, 4);
    },
  },
  {
    name: "dead letters",
    doc: "a document that fails for good is kept with its error, and its copy is complete",
    async run(world) {
      const kept = { text: "é", list: [1, { deep: null }], when: new Date(0), big: 2 ** 53, none: null };
      await world.insert({ _id: 0, ...kept });
      const before = await bytesOf(world.documents);
      await world.agent(() => {
        throw new Error("never");
      }, { maxAttempts: 2 });
      await world.until("failed", 1);
      const letter = await world.letters.findOne({ _id: 0 });
      assertEquals([letter?.error, letter?.attempts, letter?.errors.length], ["never", 2, 2]);
      assertEquals(letter?.by_reference, undefined, "the letter only refers to its document");
      const copy = elementNamed(await bytesOf(world.letters), "document");
      const kinds = Object.keys(kept);
      assertEquals(fieldsOf(copy!.value, kinds), fieldsOf(before, kinds), "the copy, byte for byte");
      assertEquals(fieldsOf(await bytesOf(world.documents), kinds), fieldsOf(before, kinds), "the document");
    },
  },
  {
    name: "redrive",
    doc: "a dead letter is set back, and its document processed",
    async run(world) {
      await world.insert({ _id: 0 });
      const store = await world.store();
      let isBroken = true;
      await world.agent(
        () => {
          if (isBroken) throw new Error("not yet");
        },
        { maxAttempts: 1 },
        store,
      );
      await world.until("failed", 1);
      isBroken = false;
      const box = await store.forCommands.letters();
      const [letter] = await all(box);
      assertEquals(await redrive(box, letter!), true);
      await world.until("processed", 1);
      assertEquals(await world.letters.countDocuments(), 0);
    },
  },
  {
    name: "requeue, cancel, why",
    doc: "commands set documents back, cancel them and tell why one waits",
    async run(world) {
      await world.documents.insertMany([
        { _id: 0, status: "processed" },
        { _id: 1, status: "pending", _pull: { visible_at: new Date(Date.now() + HOUR_MS) } },
        { _id: 2, status: "pending", _pull: { visible_at: new Date(Date.now() + HOUR_MS) } },
      ]);
      const store = await world.store();
      const documents = await store.forCommands.documentsToRequeue();
      for await (const page of documents.pages(documents.planById("0"), 1)) {
        assertEquals((await documents.requeue(page)).count, 1);
      }
      assertEquals((await world.documents.findOne({ _id: 0 }))!.status, "pending");
      const told = await (await store.forCommands.documentStories()).of("1");
      assertMatch(JSON.stringify(told), /pending/);
      assertEquals(await (await store.forCommands.cancellation()).cancel(2, "not needed"), true);
      await world.agent(() => {}, {}, store);
      await world.until("processed", 1);
      await world.until("canceled", 1);
    },
  },
  {
    name: "pick-up",
    doc: "an idle agent notices a new document by the change stream, or with its next look",
    async run(world) {
      const store = await world.store();
      let how = "";
      const agent = await world.agent(() => {}, { pollIntervalMs: 1000 }, store);
      await using stack = new AsyncDisposableStack();
      const stream = store.streams.wake({
        onHint: () => agent.agent.wake(),
        onListening: (isListening) => how ||= isListening ? "stream" : "",
        onUnsupported: () => how = "polling",
        onTrouble: () => how = "polling",
      });
      stack.defer(() => stream.stop());
      stream.start();
      await waitFor("the stream to be open or refused", () => how);
      await world.insert({ _id: 0 });
      await world.until("processed", 1);
      return how;
    },
  },
  {
    name: "effect writes",
    doc: "writes that a processor asks for are made in one transaction with the ack, or not at all",
    async run(world) {
      await world.insert({ _id: 0 });
      await world.db.collection(TARGET).deleteMany({});
      if ((await world.db.listCollections({ name: TARGET }).toArray()).length === 0) {
        await world.db.createCollection(TARGET);
      }
      const writes = [{ collection: TARGET, insertOne: { order: 0 } }];
      const agent = await world.agent(() => ({ writes }), { maxAttempts: 1, retryBackoffMs: 10 });
      await agent.until(
        "the outcome of writes",
        () =>
          agent.count("processed") > 0 || agent.all("settle_failed").length > 0 ||
          agent.all("dead_lettered")[0],
        { timeoutMs: 20_000 },
      );
      const isWritten = await world.db.collection(TARGET).countDocuments() === 1;
      assertEquals(isWritten, agent.count("processed") === 1, "all or nothing");
      return isWritten ? "yes" : "no";
    },
  },
];
