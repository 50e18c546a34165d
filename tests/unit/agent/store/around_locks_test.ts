import { assertEquals } from "@std/assert";
import { MongoServerError } from "mongodb";
import type { LeasedDocument } from "../../../../agent/ports.ts";
import { writeAroundLocks } from "../../../../agent/store/outcomes/around_locks.ts";
import { fakeDocument } from "../../../support/fake_document.ts";

/** What the server answers if a command takes longer than it may. */
const outOfTime = () => new MongoServerError({ message: "operation exceeded time limit", code: 50 });

/** Writes that are made before the server gives the command up, until a locked one is in the way. */
function slowWrites(locked: ReadonlySet<LeasedDocument>) {
  const written = new Set<LeasedDocument>();
  const sent: number[] = [];
  const write = {
    send: (documents: readonly LeasedDocument[]) => {
      sent.push(documents.length);
      for (const document of documents) {
        if (locked.has(document)) break;
        written.add(document);
      }
      return Promise.reject(outOfTime());
    },
    unreached: (documents: readonly LeasedDocument[]) =>
      Promise.resolve(documents.filter((document) => !written.has(document))),
  };
  return { sent, write };
}

Deno.test("writeAroundLocks() counts a single document as written that the server wrote before its time was over", async () => {
  const document = fakeDocument();
  const { sent, write } = slowWrites(new Set());
  const { matched, unanswered } = await writeAroundLocks([document], write);
  assertEquals([matched, unanswered, sent], [1, undefined, [1]]);
});

Deno.test("writeAroundLocks() leaves a single document open that is locked", async () => {
  const document = fakeDocument();
  const { matched, unanswered } = await writeAroundLocks([document], slowWrites(new Set([document])).write);
  assertEquals([matched, unanswered?.documents, unanswered?.isLocked], [0, [document], true]);
});
