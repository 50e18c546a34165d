import type { RuleName } from "./rules.ts";
import type { Fault } from "./faults.ts";

/** Leases of a document that may expire beside other documents: from the next one on it is a suspect. */
export const TAKEOVERS_IN_COMPANY = 1;

/** The protocol as one scenario runs it. */
export interface Protocol {
  readonly maxAttempts: number;
  /** `READ_BACK=always`: no claim uses documents as they were read. */
  readonly readsAllBack: boolean;
  /**
   * The server knows no `$$NOW`: the mark of a suspect names the latest time that the server's clock may show as it is sent.
   */
  readonly marksByLiteral: boolean;
  /** Documents that an agent holds at most. */
  readonly room: number;
  /** Documents that a transaction acks at most. */
  readonly perTransaction: number;
  /** The rule that is switched off. */
  readonly without: RuleName | undefined;
  readonly faults: ReadonlySet<Fault>;
}

/** Whether the protocol has the rule. */
export function has(protocol: Protocol, rule: RuleName): boolean {
  return protocol.without !== rule;
}

/** How many leases expire while the document is alone until it is a dead letter. */
export function expiriesAlone(protocol: Protocol): number {
  return has(protocol, "twoExpiries") ? 2 : 1;
}
