/**
 * Sample documents: orders as a shop might leave them for the agent.
 *
 * @module
 */

const ARTICLES = [
  { sku: "TEA-GREEN-100", name: "Green tea, 100 g", unit_price: 6.9 },
  { sku: "TEA-EARL-250", name: "Earl Grey, 250 g", unit_price: 12.45 },
  { sku: "CUP-BLUE", name: "Blue cup", unit_price: 9.99 },
  { sku: "POT-IRON-1L", name: "Cast iron pot, 1 l", unit_price: 54 },
  { sku: "SIEVE", name: "Tea sieve", unit_price: 4.25 },
  { sku: "HONEY-500", name: "Honey, 500 g", unit_price: 8.15 },
];
const COUNTRIES = ["AT", "DE", "FR", "IT", "NL"];
const CUSTOMERS = ["Ada", "Björn", "Chiara", "Dmitri", "Eszter", "Fatima", "Gil", "Hana"];
const FIRST_ORDER_MS = Date.UTC(2026, 0, 5, 8);

/** One line of an order; prices in euros. */
export interface OrderLine {
  sku: string;
  name: string;
  quantity: number;
  unit_price: number;
}

/** An order that waits for its totals. */
export interface Order {
  _id: string;
  status: "pending";
  customer: string;
  country: string;
  ordered_at: Date;
  lines: OrderLine[];
  /** Makes `order_totals.js` fail at the first attempt, so that there is a retry to see. */
  fails_once?: true;
}

/** Whether the order with this number has no lines, which `order_totals.js` does not forgive: 8 in 1,000. */
function isInvalid(number: number): boolean {
  return number % 125 === 8;
}

/** Whether the order with this number fails at its first attempt: 20 in 1,000. */
function failsOnce(number: number): boolean {
  return number % 50 === 5;
}

/** Makes the orders numbered `first` to `first + count - 1`; a number always gives the same order. */
export function sampleOrders(count: number, first = 1): Order[] {
  return Array.from({ length: count }, (_, index) => sampleOrder(first + index));
}

function sampleOrder(number: number): Order {
  const random = seeded(number);
  const pick = <T>(from: T[]): T => from[Math.floor(random() * from.length)]!;
  const lineCount = isInvalid(number) ? 0 : 1 + Math.floor(random() * 3);
  return {
    _id: `order-${String(number).padStart(6, "0")}`,
    status: "pending",
    customer: pick(CUSTOMERS),
    country: pick(COUNTRIES),
    ordered_at: new Date(FIRST_ORDER_MS + number * 60_000),
    lines: Array.from(
      { length: lineCount },
      () => ({ ...pick(ARTICLES), quantity: 1 + Math.floor(random() * 4) }),
    ),
    ...(failsOnce(number) ? { fails_once: true as const } : {}),
  };
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function seeded(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
