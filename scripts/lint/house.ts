/**
 * A plugin of `deno lint`: rules of this house that a parser can check. CONTRIBUTING.md has the others.
 *
 * @module
 */

const ROOT = new URL("../..", import.meta.url).pathname;
const PRODUCT = /^(main\.ts|agent\/|control\/|health\/)/;
/** The one place that ends the process. */
const EXIT = /^agent\/processors\/exit_guard\.ts$/;
/** The places that take time and chance from the runtime: the browser has its own. */
const TIME = /^(agent\/lib\/(builtins|clock)\.ts$|control\/dashboard\/page\/)/;
const TESTS = /^tests\/(unit|integration|e2e)\/.*_test\.ts$/;

/** Whether a file is one of those; the checkout itself may be in a folder called agent. */
function isAmong(files: RegExp, filename: string): boolean {
  const path = filename.replaceAll("\\", "/");
  return files.test(path.startsWith(ROOT) ? path.slice(ROOT.length) : path);
}

/** Whether the argument of an error's constructor hands the caught error on. */
function keeps(argument: string, name: string): boolean {
  return argument === name || /\bcause\b/.test(argument);
}

/** The name of the error in the innermost `catch` that a node stands in; undefined if that does not name it. */
function caughtBy(node: Deno.lint.NewExpression): string | undefined {
  // deno-lint-ignore no-explicit-any -- which fields there are is asked each time
  let outer: any = node;
  while (outer && outer.type !== "CatchClause") outer = outer.parent;
  return outer?.param?.name;
}

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    /** The console belongs to the processor: it waits for a reader, and an error there shows a stack, or is lost. */
    "no-console": {
      create(context) {
        if (!isAmong(PRODUCT, context.filename)) return {};
        return {
          "MemberExpression[object.name='console']"(node: Deno.lint.MemberExpression) {
            context.report({
              node,
              message: "The program prints nothing by the console",
              hint: "agent/ emits an event or logs; a command prints by answers, confirmations or remarks",
            });
          },
        };
      },
    },
    /** A command returns its exit status or throws a `CommandError`; `main.ts` prints, and ends the process by `leave()`. */
    "no-exit": {
      create(context) {
        if (!isAmong(PRODUCT, context.filename) || isAmong(EXIT, context.filename)) return {};
        return {
          "MemberExpression[object.name=/^(Deno|process)$/][property.name=/^(exit|exitCode)$/]"(
            node: Deno.lint.MemberExpression,
          ) {
            context.report({
              node,
              message: "Only main.ts ends the process",
              hint: "return the exit status, or throw a CommandError",
            });
          },
        };
      },
    },
    /**
     * Time and chance come by a `Clock` and a `Chance`: tests control those, and a user's module cannot replace them.
     */
    "no-own-time": {
      create(context) {
        if (!isAmong(PRODUCT, context.filename) || isAmong(TIME, context.filename)) return {};
        const report = (node: Deno.lint.Node) =>
          context.report({
            node,
            message: "Time and chance are handed in",
            hint:
              "take a Clock and a Chance, of agent/lib/time_and_chance.ts; for waits see agent/lib/deadline.ts",
          });
        return {
          "CallExpression[callee.name=/^(set|clear)(Timeout|Interval)$/]": report,
          "MemberExpression[object.name='globalThis'][property.name=/^(set|clear)(Timeout|Interval)$/]":
            report,
          "MemberExpression[object.name=/^(performance|Date)$/][property.name='now']": report,
          "MemberExpression[object.name='Math'][property.name='random']": report,
          "MemberExpression[object.name='AbortSignal'][property.name='timeout']": report,
        };
      },
    },
    /** Developers need the first error, with its stack; what users see is the message of the last. */
    "keep-cause": {
      create(context) {
        if (!isAmong(PRODUCT, context.filename)) return {};
        return {
          "CatchClause ThrowStatement > NewExpression"(node: Deno.lint.NewExpression) {
            const name = caughtBy(node);
            const isKept = (argument: Deno.lint.Node) => keeps(context.sourceCode.getText(argument), name!);
            if (name === undefined || node.arguments.some(isKept)) return;
            context.report({
              node,
              message: "An error that takes the place of another keeps it as its cause",
              hint: `add { cause: ${name} }`,
            });
          },
        };
      },
    },
    /** A test that waits for a time instead of an event is slow on a fast machine and fails on a slow one. */
    "no-fixed-sleep": {
      create(context) {
        if (!isAmong(TESTS, context.filename)) return {};
        return {
          "NewExpression[callee.name='Promise'] CallExpression[callee.name='setTimeout']"(
            node: Deno.lint.CallExpression,
          ) {
            const [callback, ms] = node.arguments;
            if (callback?.type !== "Identifier" || ms?.type !== "Literal" || ms.value === 0) return;
            context.report({
              node,
              message: "A test waits for an event, not for a time",
              hint: "use waitFor, a checkpoint or EventRecorder",
            });
          },
        };
      },
    },
  },
};
export default plugin;
