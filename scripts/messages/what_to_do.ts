/**
 * What to do about the WARNING and ERROR lines of the log that do not tell it themselves, because they come for many
 * documents, or because the advice is too long for a line. The keys are the messages as they are read from the sources;
 * docs/messages.md is made of this.
 */
export const WHAT_TO_DO: Record<string, string> = {
  "Cannot claim documents":
    "Read `error`. If MongoDB is out of reach, do nothing: the agent retries. If every claim is refused, `error` " +
    "names the validator, the right or the `FILTER` to mend.",
  "MongoDB is out of reach":
    "Read `error`: it names the address that was tried, and what to check. The agent retries until it gets through. No " +
    "document loses an attempt.",
  "Processing failed and will be retried":
    "If there are few, do nothing: `error` is what the processor threw, and `delayMs` the wait before the next run. If " +
    "there are many, mend the processor or the service that it calls. `LOG_LEVEL=DEBUG` adds the stack.",
  "The control file <path> <what>; the agent stays as it is":
    "Write `pause` or `resume` into the file, or give the agent's user the right to read it.",
  "A document runs alone: agents have ended or frozen while they held it, and it may be the cause":
    "If it is the last line before the agent ends, the document in `id` ends it: `pulling-agent cancel ID` takes it out at once. Otherwise nothing: it is done, or fails, as any other.",
  "Document is a dead letter":
    "Read `error`, mend the cause, then `pulling-agent dead-letters redrive --id ID`.",
  "Cannot report dead letters to ON_DEAD_LETTER":
    "Read `error`. The agent sends them later, with those that come meanwhile. If it goes on, correct the address, or the " +
    "service behind it.",
  "Cannot confirm a write whose answer was lost; most likely it was applied":
    "Do nothing. If the write was not applied, the lease runs out and the document runs again.",
  "Cannot write the outcome (<kind>), trying again":
    "Read `error`. The agent keeps the outcome, renews the lease, and repeats the write until MongoDB answers.",
  "MongoDB refuses the checkpoint of a run, which goes on without":
    "Read `error`: the document has no room for it, or a validator does not allow `_pull.saved`. The next run of the " +
    "document starts at an older checkpoint, or at the beginning.",
  "Cannot renew leases":
    "At first, do nothing. If it goes on, MongoDB is out of reach or the process is blocked. Documents whose lease runs " +
    "out are processed again.",
  "The processor took longer than PROCESS_TIMEOUT":
    "Raise `PROCESS_TIMEOUT` if the work needs it, or give the processor's own calls a timeout. The run counts as a " +
    "failed attempt.",
  "The agent may not join the fleet, so that it claims nothing: grant find, insert, update and remove, or set RATE_LIMIT_SCOPE=agent":
    "Grant the agent's user these rights on the collection in `collection`: `pulling-agent doctor` prints the command. The " +
    "agent goes on by itself. With `RATE_LIMIT_SCOPE=agent`, each agent has the whole limit.",
  "Cannot use the registry of the fleet, so that `pause --fleet` may not reach the agent: mend what the error says, or set FLEET=off":
    "If a right is missing, grant the agent's user `find`, `insert`, `update`, `remove`, `createIndex` and `changeStream` " +
    "on the collection in `collection`: `pulling-agent doctor` prints the command. If that collection holds documents of " +
    "yours, agents write nothing into it: rename it, or set `FLEET=off`. The agent works meanwhile, and goes on by itself. " +
    "With neither `find` nor `update`, an agent in document mode does not see what agents with `CLAIM_MODE=range` hold: if " +
    "there are any, it runs that a second time.",
  "The processor fails for one document after the other: claims wait":
    "Read `error`. If a service that the processor calls is down or being replaced, do nothing: the agent tries a few " +
    "documents after `retryInMs`, and goes on when one succeeds. Otherwise mend the processor, the address or the " +
    "credentials. Documents that wait lose no attempt.",
  "The processor still fails: claims wait":
    "See the line before: the documents of the last trial failed as well.",
  "Gave up before nothing was left: the processor fails for one document after the other":
    "Read `error`, mend the processor or the service that it calls, then run the Job again.",
  "The program ended between two documents":
    "Read `error`. No document failed by it, and the next document starts another process. Mend the program if it " +
    "should not end.",
  "The program wrote more lines on standard error than are logged in a second":
    "Have the program write less, or to a place of its own. `lines` were not logged; nothing else depends on it.",
  "An error that no code caught, of the processor's module or of the agent, belongs to no document":
    "A timer or a callback in the processor probably throws: find it by `at` and `error`, and catch the error there. No " +
    "document fails because of it.",
  "A document cannot be claimed and is left alone":
    "Read `error` and mend the document, or the validator or index that refuses it. The agent retries after a minute, " +
    "and later less often.",
  "MongoDB refuses to set documents back to pending: an agent takes them over when their lease runs out":
    'Nothing is lost: `ids` names all of them. Change the validator or index to allow `status: "pending"` with `_pull`, as ' +
    "`error` says.",
  "Documents wait that cannot be claimed":
    "Read `reason`, and mend all documents that are like `example`. The agent does not change them.",
  "Stopped before nothing was left: run it again to do the rest":
    "If Kubernetes runs the Job again, do nothing: see `backoffLimit` and `podFailurePolicy`. Otherwise start it again.",
  "Documents are left that cannot be claimed":
    "Read `reason`, mend all documents that are like `example`, then run the Job again.",
  "Cannot follow the changes of the collection: documents are found by polling alone":
    "Read `error`. New documents wait up to `POLL_INTERVAL`. The agent goes on trying to listen.",
  "Forced to stop: releasing what is in flight":
    "If it was `SHUTDOWN_TIMEOUT`: raise it together with the pod's grace period, or shorten the work of a document.",
  "Gave up before nothing was left: the collection is not there, or is none":
    "Read `error`: it names collections that may be meant. If the collection was renamed while the Job ran, the documents " +
    "that it held stay leased under the new name until their leases expire.",
  "Gave up before nothing was left: outcomes cannot be written, and no wait mends it":
    "Read `error`, mend what it names, then run the Job again.",
  "Gave up before nothing was left: claims fail, and no wait mends it":
    "Read `error`, mend what it names, then run the Job again.",
  "Lost the lease on documents: what they became is up to their new holder":
    "Find out what blocked the process for longer than `LEASE_DURATION`: a handler that never yields, a CPU limit that " +
    "is too low, MongoDB out of reach. Or another program changed the documents.",
  "The connection string or its certificates have changed and cannot be used: the earlier ones stay in use":
    "Read `error` and correct the content of `MONGODB_URI_FILE`, or the files of `tlsCAFile` and `tlsCertificateKeyFile`.",
  "Processing failed and will be retried; others have changed the documents since":
    "As for a lost lease: another agent or program changed some of the documents in `among`. Their errors are on the " +
    "documents.",
  "The processor returned after it had been told to stop: its result is not used":
    "Make the processor stop when `context.signal` aborts: pass the signal to `fetch` and similar calls.",
  "Released documents whose results found no room in memory: they run again, from their last checkpoint if they have one":
    "Lower `CONCURRENCY`: the agent holds 96 MiB of results, and `CONCURRENCY` handlers may return theirs at once.",
  "Released documents whose handler was aborted: they run again, from their last checkpoint if they have one":
    "Raise `SHUTDOWN_TIMEOUT` if handlers need longer, and use the idempotency key for side effects that must not happen twice.",
};
