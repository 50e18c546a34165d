/** How many documents a claim takes. */
export interface BatchSize {
  /** Documents that the next claim takes, at most. The agent claims while it holds no more than that. */
  readonly documents: number;
  /** A claim is sent. */
  claimed(): void;
}

/** `BATCH_SIZE`, if it is a number. */
export class FixedBatchSize implements BatchSize {
  readonly documents: number;

  constructor(documents: number) {
    this.documents = documents;
  }

  claimed(): void {}
}
