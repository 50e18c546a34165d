import { integerFrom, pick } from "./random.ts";

function refuse(): never {
  throw new Error("not even this can be read");
}

/** Any value that a user's module may throw or log: errors of errors, circles, values that refuse to be read, and plain ones. */
export function randomThrown(random: () => number, depth = 0, above: object[] = []): unknown {
  const inner = () => randomThrown(random, depth + 1, above);
  const text = () =>
    "<".repeat(integerFrom(random, 0, 3)) + pick(random, ["", "it broke", "a\nb", "\u001b[31m", "é😀\ud800"]);
  const plain = [
    text,
    () => "long ".repeat(integerFrom(random, 0, 50_000)),
    () => random() * 1e20,
    () => pick(random, [NaN, Infinity, -0, 7n, null, undefined, true, Symbol("s"), refuse, class {}]),
    () => new Date(pick(random, [0, NaN])),
    () => new Uint8Array(integerFrom(random, 0, 100)),
    () => new Proxy({}, { get: refuse, ownKeys: refuse, getPrototypeOf: refuse }),
    () => ({ toJSON: refuse, toString: refuse, [Symbol.toPrimitive]: refuse }),
    () => Object.defineProperty({ a: 1 }, "b", { get: refuse, enumerable: true }),
    () => Object.create(null),
    () => above.length > 0 ? pick(random, above) : {},
  ];
  const composed = [
    () => new Error(text(), { cause: inner() }),
    () => new AggregateError([inner(), inner()], text()),
    () => new SuppressedError(inner(), inner(), text()),
    () => new DOMException(text(), "AbortError"),
    () => Object.assign(new Error(text()), { message: inner(), stack: inner(), name: inner() }),
    () => Object.defineProperty(new Error(text()), "cause", { get: refuse }),
    () => ({
      message: inner(),
      code: inner(),
      errmsg: inner(),
      errInfo: inner(),
      name: pick(random, ["MongoX", inner()]),
    }),
    () => [inner(), inner()],
    () => new Map([[inner(), inner()]]),
    () => new Set([inner()]),
    () => ({ [text()]: inner(), toJSON: pick(random, [undefined, inner]) }),
  ];
  const made = pick(random, depth > 4 || random() < 0.4 ? plain : composed)();
  if (typeof made === "object" && made !== null) above.push(made);
  return made;
}
