import type { LineOutput } from "../../agent/telemetry/line_queue.ts";

/** Keeps the lines of a log. */
export class RecordedLines implements LineOutput {
  readonly lines: string[] = [];
  /** Why lines could not be made, if any. */
  readonly lost: string[] = [];

  add(line: string): void {
    this.lines.push(line);
  }

  lose(_lines: number, reason: string): void {
    this.lost.push(reason);
  }
}
