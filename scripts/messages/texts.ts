/**
 * A plugin of `deno lint` whose one rule reports every text for people as a {@linkcode Text}, in JSON: the runtime's own
 * parser reads the sources, so that no package has to.
 *
 * @module
 */

/** How a message reaches people. */
export type Channel = "refusal" | "failure" | "log" | "error" | "output" | "piece";

/** A text that the program can print. */
export interface Text {
  /** Values that are filled in are in angle brackets. */
  readonly text: string;
  readonly channel: Channel;
  /** Severity of a log line. */
  readonly level?: string;
  /** The log line has a field that tells how to mend it. */
  readonly hasMend?: boolean;
}

/** Errors that end a command with exit status 2: the user gave it something wrong. */
const REFUSALS = new Set(["UsageError"]);
/** Lists whose entries become refusals. */
const REFUSAL_LISTS = new Set(["problems", "found", "warnings"]);
const FAILURES = new Set(["CommandError"]);
const LEVELS: Record<string, string> = { debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" };

/** Properties of the tables of settings and commands: documentation, which the help prints as it is. */
const DOCUMENTATION = new Set(["doc", "usage", "defaultText", "accepts"]);

/** Nodes of types that still contain expressions. */
const TYPED_EXPRESSIONS = new Set(["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression"]);

// deno-lint-ignore no-explicit-any -- one shape for all kinds of nodes: which fields there are is asked each time
type Node = any;

const plugin: Deno.lint.Plugin = {
  name: "messages",
  rules: {
    text: {
      create(context) {
        const sourceOf = (node: Node): string => context.sourceCode.getText(node);
        const report = (node: Node) => {
          if (isText(node.parent) || !isPrinted(node, sourceOf)) return;
          const text = textOf(node, sourceOf).trim();
          if (!isForPeople(text)) return;
          const found: Text = { text, ...channelOf(node, sourceOf) };
          context.report({ node, message: JSON.stringify(found) });
        };
        return {
          Literal: (node) => typeof node.value === "string" && report(node),
          TemplateLiteral: report,
          BinaryExpression: (node) => isText(node) && report(node),
        };
      },
    },
  },
};
export default plugin;

/** A literal, a template, or a concatenation with one of them. */
function isText(node: Node): boolean {
  if (node.type === "Literal") return typeof node.value === "string";
  if (node.type === "TemplateLiteral") return true;
  return node.type === "BinaryExpression" && node.operator === "+" &&
    (isText(node.left) || isText(node.right));
}

/** No specifier of a module, type, or documentation of a table. */
function isPrinted(node: Node, sourceOf: (node: Node) => string): boolean {
  for (let outer = node.parent; outer; outer = outer.parent) {
    if (/^(Import|Export(All|Named))/.test(outer.type) && outer.source) return false;
    if (outer.type.startsWith("TS") && !TYPED_EXPRESSIONS.has(outer.type)) return false;
    if (outer.type === "Property" && DOCUMENTATION.has(sourceOf(outer.key))) return false;
  }
  return true;
}

function textOf(node: Node, sourceOf: (node: Node) => string): string {
  if (node.type === "TemplateLiteral") {
    const [head, ...tails] = node.quasis.map(({ cooked }: Node) => cooked as string);
    return head +
      tails.map((tail: string, at: number) => nameOf(node.expressions[at], sourceOf) + tail).join("");
  }
  if (!isText(node)) return nameOf(node, sourceOf);
  if (node.type === "Literal") return node.value;
  return textOf(node.left, sourceOf) + textOf(node.right, sourceOf);
}

/** The placeholder of a value that is filled in: its name if it has a plain one. */
function nameOf(expression: Node, sourceOf: (node: Node) => string): string {
  const name = /([A-Za-z]\w*)(?:\(.*\))?!?$/s.exec(sourceOf(expression))?.[1];
  return `<${name ?? "value"}>`;
}

/** At least two words in a row: a shorter text is a name, a key or a word of the protocol. */
function isForPeople(text: string): boolean {
  return /[A-Za-z>"'`)][,:;]? [a-z<"(]/.test(text) && !/^[a-z]+=[^ ]*$/.test(text);
}

/** Looks outwards for how a text is used, up to the function that contains it. */
function channelOf(node: Node, sourceOf: (node: Node) => string): Omit<Text, "text"> {
  for (let inner = node, outer = node.parent; outer; inner = outer, outer = outer.parent) {
    if (/Function|Statement|Declaration/.test(outer.type) || isText(outer)) break;
    if (!/^(New|Call)Expression$/.test(outer.type) || inner === outer.callee) continue;
    const { callee, arguments: args } = outer;
    const name = sourceOf(callee);
    if (outer.type === "NewExpression") {
      if (REFUSALS.has(name)) return { channel: "refusal" };
      if (FAILURES.has(name)) return { channel: "failure" };
      if (name.endsWith("Error")) return { channel: "error" };
      continue;
    }
    // The kinds of lines that may come often: eventLine("WARNING", "...").
    if (/^\w+Line$/.test(name) && inner === args[1]) {
      return { channel: "log", level: args[0].value, hasMend: false };
    }
    const [, object, method] = /^(?:.*[.#])?(\w+)[.[](\w+)\]?$/s.exec(name) ?? [];
    if (object === "log" && method !== undefined) {
      if (inner !== args[0]) return { channel: "piece" };
      return { channel: "log", level: LEVELS[method] ?? "WARNING", hasMend: hasMend(args[1], sourceOf) };
    }
    if (object === "console") return { channel: "output" };
    if (method === "push" && REFUSAL_LISTS.has(object!)) return { channel: "refusal" };
  }
  return { channel: "piece" };
}

function hasMend(fields: Node | undefined, sourceOf: (node: Node) => string): boolean {
  return fields?.type === "ObjectExpression" &&
    fields.properties.some(({ key }: Node) => key && sourceOf(key) === "mend");
}
