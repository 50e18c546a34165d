import { assertEquals } from "@std/assert";
import { queryOf } from "../../../../../agent/store/requeue/selection.ts";

const AT_REST = { status: { $in: ["failed", "canceled"] } };

/** Whether a filter is restricted to documents that wait for an operator. */
function isRestricted(filter: Record<string, unknown>): boolean {
  const { $and } = queryOf({ by: "filter", filter }, new Date(0), undefined);
  return $and!.some((part) => JSON.stringify(part) === JSON.stringify(AT_REST));
}

Deno.test("requeue takes the statuses of a filter only if it names the status of the document itself", () => {
  for (
    const filter of [
      { status: "processed" },
      { customer: 7, status: { $ne: "failed" } },
      { $or: [{ customer: 7 }, { status: "processed" }] },
      { $and: [{ $nor: [{ status: "failed" }] }] },
      { $expr: { $eq: ["$status", "$wanted"] } },
    ]
  ) assertEquals(isRestricted(filter), false, JSON.stringify(filter));
  for (
    const filter of [
      {},
      { order: { status: "paid" } },
      { "order.status": "paid" },
      { items: { $elemMatch: { status: "paid" } } },
      { items: { $all: [{ $elemMatch: { status: "paid" } }] } },
      { $and: [{ order: { $eq: { status: "paid" } } }, { order: { $in: [{ status: "paid" }] } }] },
      { note: "$status" },
      { $expr: { $eq: ["$order.status", "paid"] } },
      { $or: [null, 7] },
    ]
  ) assertEquals(isRestricted(filter), true, JSON.stringify(filter));
});
