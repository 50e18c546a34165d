import { MongoBulkWriteError, MongoNetworkTimeoutError, MongoWriteConcernError } from "mongodb";
import { OperationTimeoutError } from "./operation_timeout.ts";

/** What is known of a server of the set, from the driver's descriptions. */
export interface Member {
  readonly address: string;
  /** In the driver's words. */
  readonly type: string;
}

/** Codes by which a server reports that too few members have a write, in time or at all. */
const CONCERN_CODES = new Set([64, 100]);

/** A write was made, but with the members as they are no majority acknowledges it: it may yet be rolled back. */
class NoMajorityError extends OperationTimeoutError {
  override readonly name = "NoMajorityError";
}

/**
 * The error to throw for a write that no majority acknowledges; undefined for other errors, and if the members are not
 * the reason.
 */
export function noMajority(error: unknown, members: readonly Member[]): NoMajorityError | undefined {
  if (error instanceof NoMajorityError || !isUnacknowledged(error)) return undefined;
  const why = whyNoMajority(members);
  return why === undefined ? undefined : new NoMajorityError(why);
}

/** Why no majority of the members can acknowledge a write, in a sentence; undefined if one can. */
export function whyNoMajority(members: readonly Member[]): string | undefined {
  const ofType = (...types: string[]) => members.filter(({ type }) => types.includes(type));
  const primary = ofType("RSPrimary");
  const alive = [...primary, ...ofType("RSSecondary")];
  const majority = Math.floor(members.length / 2) + 1;
  if (primary.length === 0 || members.length < 2 || alive.length >= majority) return undefined;
  const arbiters = ofType("RSArbiter");
  const gone = members.filter((each) => !alive.includes(each) && !arbiters.includes(each));
  const parts = [
    gone.length > 0 && `${listed(gone)} ${gone.length > 1 ? "do" : "does"} not answer or is no secondary now`,
    arbiters.length > 0 &&
    `${listed(arbiters)} ${
      arbiters.length > 1 ? "are arbiters, which hold" : "is an arbiter, which holds"
    } no data`,
  ].filter((part) => part !== false);
  return `The primary ${
    listed(primary)
  } takes writes, and no majority of the replica set acknowledges them: ` +
    `${parts.join(", and ")}. Start the members that are down, and look at rs.status()`;
}

function isUnacknowledged(error: unknown): boolean {
  if (error instanceof OperationTimeoutError || error instanceof MongoNetworkTimeoutError) return true;
  if (error instanceof MongoBulkWriteError) {
    return CONCERN_CODES.has(Number(error.result?.getWriteConcernError()?.code));
  }
  return error instanceof MongoWriteConcernError && CONCERN_CODES.has(Number(error.code));
}

function listed(members: readonly Member[]): string {
  return members.map(({ address }) => address).join(", ");
}
