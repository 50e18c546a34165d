/**
 * What to do about the WARNING and ERROR lines of the log that do not tell it themselves, because they come for many
 * documents, or because the advice is too long for a line. The keys are the messages as they are read from the sources;
 * docs/messages.md is made of this.
 */
export const WHAT_TO_DO: Record<string, string> = {
  "Cannot claim documents":
    "Read `error`. If MongoDB is out of reach, nothing: the agent tries again. If every claim is refused, `error` " +
    "names the validator, the right or the `FILTER` to mend.",
  "MongoDB is out of reach":
    "Read `error`: it says what was tried and what to look at. The agent tries again until it gets through, and costs " +
    "no document an attempt.",
  "Processing failed and will be retried":
    "Nothing for a few: `error` says what the processor threw, and `delayMs` when it runs again. For many, mend the " +
    "processor or what it calls; `LOG_LEVEL=DEBUG` adds the stack.",
  "The control file <path> <what>; the agent stays as it is":
    "Write `pause` or `resume` into the file, or give the agent's user the right to read it.",
  "Document is a dead letter":
    "Read `error`, mend the cause, then `pulling-agent dead-letters redrive --id ID`.",
  "Cannot confirm a write whose answer was lost; most likely it was applied":
    "Nothing. If it was not applied, the lease runs out and the document runs again.",
  "Cannot write the outcome (<kind>), trying again":
    "Read `error`. The outcome is kept, its lease renewed, and the write repeated until MongoDB answers.",
  "Cannot renew leases":
    "Nothing for a moment. If it goes on, MongoDB is out of reach or the process is blocked; documents whose lease runs " +
    "out are processed again.",
  "The processor took longer than PROCESS_TIMEOUT":
    "Raise `PROCESS_TIMEOUT` if the work needs it, or give the processor's own calls a timeout. It counts as a failed " +
    "attempt.",
  "An error that no code caught, of the processor's module or of the agent, belongs to no document":
    "Look at `at` and `error` for a timer or a callback in the processor that throws: catch the error there. No document " +
    "fails for it.",
  "A document cannot be claimed and is left alone":
    "Read `error` and mend the document, or the validator or index that refuses it. It is tried again after a minute, " +
    "later less often.",
  "More documents cannot be claimed and are left alone": "As for the line before: `ids` names ten of them.",
  "MongoDB refuses to set documents back to pending: an agent takes them over when their lease runs out":
    'Nothing is lost: `ids` names all of them. Let the validator or index allow `status: "pending"` with `_pull`, as ' +
    "`error` says.",
  "Documents wait that cannot be claimed":
    "Read `reason` and mend the documents like `example`. They stay as they are until then.",
  "Stopped before nothing was left: run it again to do the rest":
    "Nothing if Kubernetes runs the Job again: see `backoffLimit` and `podFailurePolicy`. Otherwise start it anew.",
  "Documents are left that cannot be claimed":
    "Read `reason` and mend the documents like `example`, then run the Job again.",
  "Cannot follow the changes of the collection: documents are found by polling alone":
    "Read `error`. New documents wait up to `POLL_INTERVAL` until the agent can listen again; it goes on trying.",
  "Forced to stop: handing back what is in flight":
    "If it was `SHUTDOWN_TIMEOUT`: raise it together with the pod's grace period, or shorten the work of a document.",
  "Gave up before nothing was left: the collection is not there, or is none":
    "Read `error`: it names what may be meant. If the collection was renamed or dropped while the Job ran, what it held " +
    "stays leased under the new name until its leases expire.",
  "Gave up before nothing was left: outcomes cannot be written, and no wait mends it":
    "Read `error`, mend what it names, then run the Job again.",
  "Gave up before nothing was left: claims fail, and no wait mends it":
    "Read `error`, mend what it names, then run the Job again.",
  "Lost the lease on documents: what they became is up to their new holder":
    "Look for what blocked the process for longer than `LEASE_DURATION`: a handler that never yields, a CPU limit that " +
    "is too low, MongoDB out of reach. Or another program changed the documents.",
  "The connection string or its certificates have changed and cannot be used: the earlier ones stay in use":
    "Read `error` and correct the content of `MONGODB_URI_FILE`, or the files of `tlsCAFile` and `tlsCertificateKeyFile`.",
  "Processing failed and will be retried; others have changed the documents since":
    "As for a lost lease: another agent or program changed some documents of `among`. Their errors are on the documents.",
  "The processor returned after it had been told to stop: its result is not used":
    "Let the processor stop when `context.signal` aborts: pass it on to `fetch` and the like.",
  "Released documents whose results found no room in memory: they run again from the start":
    "Lower `CONCURRENCY`: 96 MiB of results are held, and as many handlers may return theirs at once.",
  "Released documents whose handler was aborted: they run again from the start":
    "Raise `SHUTDOWN_TIMEOUT` if handlers need longer, and use the idempotency key for what must not happen twice.",
};
