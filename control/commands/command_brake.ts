import { Brake } from "../changes/brake.ts";
import { Interruption } from "../interruption.ts";

/** What holds the work of a command back, and what ends it. */
export interface CommandBrake {
  readonly brake: Brake;
  /** A dry run changes nothing: a signal ends it, even while it waits for the reader of its lines. */
  readonly interruption: Interruption | undefined;
}

/** The brake of a command that works in batches of `atOnce` at most: a signal that asks for a stop ends it between two. */
export function commandBrake(
  { isDry, perSecond }: { isDry: boolean; perSecond: number | undefined },
  atOnce: number,
): CommandBrake {
  const interruption = isDry ? undefined : new Interruption();
  const signal = interruption?.aborted;
  return { brake: new Brake({ atOnce, perSecond: isDry ? undefined : perSecond, signal }), interruption };
}
