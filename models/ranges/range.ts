/** A range of documents that an agent has claimed: those after `from`, up to `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly token: number;
  readonly isLive: boolean;
}

export type ModeName = "document" | "range";
