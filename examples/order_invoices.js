/**
 * A processor: makes an invoice of each order. It is the first stage of a pipeline, and `invoice_service.py` the second.
 *
 *     MONGODB_COLLECTION=orders PROCESSOR=module:examples/order_invoices.js pulling-agent
 *     MONGODB_COLLECTION=invoices PROCESSOR=http://127.0.0.1:8000/invoices pulling-agent
 */

/**
 * Called once for each order. What is under `writes` is written in one transaction with `status: "processed"`: an order
 * makes one invoice, however often it runs.
 *
 * @param {{ _id: unknown, customer?: string, lines: { quantity: number, unit_price: number }[] }} order
 */
export default function orderInvoices(order) {
  // In cents, since sums of fractions are not exact.
  const cents = order.lines.reduce((sum, line) => sum + line.quantity * Math.round(line.unit_price * 100), 0);
  const invoice = { status: "pending", order: order._id, customer: order.customer, total: cents / 100 };
  return { set: { total: invoice.total }, writes: [{ collection: "invoices", insertOne: invoice }] };
}
