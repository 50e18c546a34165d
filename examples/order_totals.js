/**
 * A processor: adds up an order. Copy it, change it, and run it on documents of your own:
 *
 *     make dev FILE=my_orders.json PROCESSOR=module:my_processor.js
 *
 * It is one self-contained file of JavaScript, which the agent imports by path.
 */

const TAX_PERCENT = { AT: 20, DE: 19, FR: 20, IT: 22, NL: 21 };

/**
 * Called once for each document. What is under `set` is written into the document together with `status: "processed"`.
 * Whatever is thrown makes it a failure, which is retried later, unless the error says `permanent`.
 *
 * @param {{ country: string, lines: { quantity: number, unit_price: number }[], fails_once?: boolean }} order
 * @param {{ attempt: number, idempotencyKey: string, signal: AbortSignal }} context
 */
export default function orderTotals(order, context) {
  if (!Array.isArray(order.lines) || order.lines.length === 0) {
    throw permanent("the order has no lines: there is nothing to add up");
  }
  const percent = TAX_PERCENT[order.country];
  if (percent === undefined) throw permanent(`no tax rate is known for the country ${order.country}`);
  if (order.fails_once && context.attempt === 1) throw new Error("the price service did not answer");

  // In cents, since sums of fractions are not exact.
  const subtotal = order.lines.reduce(
    (sum, line) => sum + line.quantity * Math.round(line.unit_price * 100),
    0,
  );
  const tax = Math.round(subtotal * percent / 100);
  return { set: { subtotal: subtotal / 100, tax: tax / 100, total: (subtotal + tax) / 100 } };
}

/** An error which a retry would not mend: the document becomes a dead letter at once. */
function permanent(message) {
  return Object.assign(new Error(message), { permanent: true });
}
