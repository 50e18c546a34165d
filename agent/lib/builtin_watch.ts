/**
 * The built-ins as they were before a user's module could change them.
 *
 * Nothing here may depend on what a module can change: no iteration, no method of an array, and functions of `Reflect` as
 * they were at the start.
 *
 * @module
 */

const { defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const toText = String;

/** Global functions and namespaces that the agent, its driver and the runtime beneath them use, with their prototypes. */
const GLOBALS = [
  "AbortController",
  "AbortSignal",
  "Array",
  "ArrayBuffer",
  "BigInt",
  "Boolean",
  "DataView",
  "Date",
  "Error",
  "Event",
  "EventTarget",
  "Function",
  "Iterator",
  "JSON",
  "Map",
  "Math",
  "Number",
  "Object",
  "Promise",
  "Proxy",
  "Reflect",
  "RegExp",
  "Set",
  "String",
  "Symbol",
  "TextDecoder",
  "TextEncoder",
  "TypeError",
  "URL",
  "Uint8Array",
  "WeakMap",
  "WeakRef",
  "WeakSet",
];

/** Prototypes that have no name of their own. */
const NAMELESS: readonly (readonly [name: string, prototype: object])[] = [
  ["%TypedArray%", getPrototypeOf(Uint8Array)!],
  ["%TypedArray%.prototype", getPrototypeOf(Uint8Array.prototype)!],
  ["%ArrayIterator%.prototype", getPrototypeOf([].values())!],
  ["%MapIterator%.prototype", getPrototypeOf(new Map().values())!],
  ["%SetIterator%.prototype", getPrototypeOf(new Set().values())!],
];

/** One property of something built in. */
interface BuiltIn {
  readonly name: string;
  readonly holder: object;
  readonly key: PropertyKey;
  readonly descriptor: PropertyDescriptor;
}

/** The change of a property: it was removed, or it was replaced. */
type Change = "removed" | "replaced";

/**
 * The watch checks after each of the first runs of a handler. Later it checks from time to time, until it finds
 * something.
 */
const FIRST_RUNS = 10;
/** Runs from one check to the next then: a check takes 40 µs, and to read a clock would cost more than it saves. */
const LOOK_EVERY = 1024;
/** Names in a message, at most. */
const MAX_NAMED = 5;

/**
 * Notices if a user's module removes a built-in, and puts it back: without `Array.prototype.map` neither the agent nor
 * its driver can write an outcome. A module may replace a function by its own, as tracing libraries do. That is undone
 * only after the agent itself has failed for no other reason.
 */
export class BuiltinWatch {
  #all: BuiltIn[] = [];
  #ofObjects: PropertyKey[] = [];
  readonly #found: string[] = [];
  #runs = 0;
  #isSuspicious = false;
  /** Gets the names of the built-ins that were put back after a handler's run. */
  onPutBack: ((names: readonly string[]) => void) | undefined;
  /** Gets the names of the built-ins that were put back after an error that no code caught. */
  onFailure: ((names: readonly string[]) => void) | undefined;

  /** All that was put back so far, each once. */
  get found(): readonly string[] {
    return this.#found;
  }

  /** Notes the state of all built-ins: to be called before the module is loaded. */
  note(): void {
    if (this.#all.length > 0) return;
    const { length } = GLOBALS;
    for (let at = 0; at < length; at++) {
      const name = GLOBALS[at]!;
      const value = (globalThis as Record<string, unknown>)[name] as { prototype?: object } | undefined;
      if (value === undefined) continue;
      this.#noteOne(name, globalThis, name);
      this.#noteAll(name, value);
      if (value.prototype) this.#noteAll(`${name}.prototype`, value.prototype);
    }
    for (let at = 0; at < NAMELESS.length; at++) this.#noteAll(NAMELESS[at]![0], NAMELESS[at]![1]);
    this.#ofObjects = ownKeys(Object.prototype);
  }

  /** Puts back what the module has removed, or has added to all objects; returns the names. Never throws. */
  putBackRemoved(): string[] {
    return this.#putBack(false);
  }

  /** The same for built-ins that it has replaced, too: to be called after a failure that nothing else explains. */
  putBackAll(): string[] {
    const names = this.#putBack(true);
    if (names.length > 0) this.#isSuspicious = true;
    return names;
  }

  /** After a part of a handler's run: puts back what it has removed, before the agent goes on. Never throws. */
  afterHandler(): void {
    this.#runs += 1;
    if (this.#runs > FIRST_RUNS && !this.#isSuspicious && this.#runs % LOOK_EVERY !== 0) return;
    const names = this.#putBack(false);
    if (names.length === 0) return;
    this.#isSuspicious = true;
    this.onPutBack?.(names);
  }

  /** After an error that no code caught: puts back what is removed, before anything else is done. Never throws. */
  afterFailure(): void {
    const names = this.#putBack(false);
    if (names.length === 0) return;
    this.#isSuspicious = true;
    this.onFailure?.(names);
  }

  #noteAll(name: string, holder: object): void {
    const keys = ownKeys(holder);
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at]!;
      this.#noteOne(typeof key === "symbol" ? `${name}[${toText(key)}]` : `${name}.${key}`, holder, key);
    }
  }

  #noteOne(name: string, holder: object, key: PropertyKey): void {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    // What cannot be changed need not be checked, nor what only describes something, such as Error.stackTraceLimit.
    if (!descriptor || (!descriptor.configurable && !descriptor.writable)) return;
    const kind = typeof descriptor.value;
    if (kind !== "function" && kind !== "object" && !descriptor.get) return;
    this.#all[this.#all.length] = { name, holder, key, descriptor };
  }

  #putBack(isReplacedToo: boolean): string[] {
    const names: string[] = [];
    for (let at = 0; at < this.#all.length; at++) {
      const each = this.#all[at]!;
      const change = changeOf(each);
      if (change === undefined || (change === "replaced" && !isReplacedToo)) continue;
      defineProperty(each.holder, each.key, each.descriptor);
      names[names.length] = each.name;
    }
    const keys = ownKeys(Object.prototype);
    for (let at = 0; keys.length > this.#ofObjects.length && at < keys.length; at++) {
      const key = keys[at]!;
      if (isAmong(this.#ofObjects, key) || !isTrap(getOwnPropertyDescriptor(Object.prototype, key))) continue;
      deleteProperty(Object.prototype, key);
      names[names.length] = `Object.prototype.${toText(key)}`;
    }
    for (let at = 0; at < names.length; at++) {
      if (!isAmong(this.#found, names[at]!)) this.#found[this.#found.length] = names[at]!;
    }
    return names;
  }
}

/** A few names, and how many more there are. */
export function namesOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function changeOf({ descriptor, holder, key }: BuiltIn): Change | undefined {
  const isFunction = typeof descriptor.value === "function";
  // Most are the same functions as before: this finds that out without making an object.
  if (isFunction && (holder as Record<PropertyKey, unknown>)[key] === descriptor.value) return undefined;
  const found = getOwnPropertyDescriptor(holder, key);
  if (found === undefined) return "removed";
  if (found.value === descriptor.value && found.get === descriptor.get) return undefined;
  return isFunction && typeof found.value !== "function" && found.get === undefined ? "removed" : "replaced";
}

/** Whether a property of all objects changes what it means to set a field of that name on one of them. */
function isTrap(descriptor: PropertyDescriptor | undefined): boolean {
  return descriptor !== undefined && (descriptor.set !== undefined || descriptor.writable !== true);
}

function isAmong(keys: readonly PropertyKey[], key: PropertyKey): boolean {
  for (let at = 0; at < keys.length; at++) if (keys[at] === key) return true;
  return false;
}

/** The watch of this process. */
export const builtins = new BuiltinWatch();
