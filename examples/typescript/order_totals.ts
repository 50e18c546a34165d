/**
 * A processor in TypeScript with a package: adds up an order after it was checked with zod. The agent loads one file of
 * JavaScript, so bundle it:
 *
 *     npm install && npm run build                                                  # with Node.js
 *     deno install && deno bundle --platform deno -o order_totals.js order_totals.ts  # with Deno
 */

import * as z from "zod";

const Order = z.object({
  lines: z.array(z.object({
    quantity: z.int().positive(),
    unit_price: z.number().nonnegative(),
  })).min(1, "the order has no lines"),
});

export default function orderTotals(document: unknown): { set: { total: number } } {
  const { success, data, error } = Order.safeParse(document);
  // No retry would mend such an order: it becomes a dead letter at once.
  if (!success) throw Object.assign(new Error(z.prettifyError(error)), { permanent: true });
  const cents = data.lines.reduce((sum, line) => sum + line.quantity * Math.round(line.unit_price * 100), 0);
  return { set: { total: cents / 100 } };
}
