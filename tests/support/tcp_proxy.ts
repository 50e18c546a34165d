/**
 * A proxy before a MongoDB server that understands just enough of the wire protocol to hold back a command, or to have
 * it applied and its answer lost.
 *
 * @module
 */

import { BSON, type Document } from "bson";
import { Acceptor, targetOf } from "./acceptor.ts";
import { commandOf, headerOf, messages, send } from "./wire_messages.ts";

/** Which command is meant: its name, and where it matters the collection it is about, and a part of its Extended JSON. */
export interface CommandMatch {
  command: string;
  collection?: string;
  part?: string;
}

/** A command as a client sent it. */
export interface RecordedCommand extends CommandMatch {
  /** All of it. */
  body: Document;
}

/** A command on its way, which only the proxy has seen yet; or the answer to one. */
export interface HeldCommand {
  /** Resolves when it has come. */
  readonly arrived: Promise<void>;
  /** Lets it through. */
  pass(): void;
}

/** Answers that are lost: their commands are applied. */
export interface LostAnswers {
  /** Resolves when the first answer has been lost; its connection is cut. */
  readonly first: Promise<void>;
  /** How many were lost so far. */
  readonly count: number;
  /** Loses none any more. */
  stop(): void;
}

interface Rule extends CommandMatch {
  /** Applies to this many more commands. */
  left: number;
  arrived: PromiseWithResolvers<void>;
  /** Where the command, or its answer, is to wait. */
  passed?: PromiseWithResolvers<void>;
  /** What happens to the answer. */
  answer: "passes" | "waits" | "is lost";
  lost: number;
}

/** Forwards connections to a server; `await using` ends all of them. */
export class TcpProxy implements AsyncDisposable {
  readonly #acceptor: Acceptor;
  #rules: Rule[] = [];
  #recorded: RecordedCommand[] | undefined;
  #recordsProbes = false;

  /** Forwards to the first host of `uri`. */
  constructor(uri: string) {
    const target = targetOf(new URL(uri));
    this.#acceptor = Acceptor.plain(async (client, dial) => await this.#serve(client, await dial(target)));
  }

  /** Connects through the proxy; the driver must not go round it to the address that the server knows itself by. */
  get uri(): string {
    return `mongodb://127.0.0.1:${this.#acceptor.port}/?directConnection=true`;
  }

  /** How many connections clients have opened so far. */
  get accepted(): number {
    return this.#acceptor.accepted;
  }

  /** Holds back the next such command until it is passed, or for good. */
  hold(match: CommandMatch): HeldCommand {
    const passed = Promise.withResolvers<void>();
    const { arrived } = this.#rule(match, { left: 1, passed, answer: "passes" });
    return { arrived: arrived.promise, pass: () => passed.resolve() };
  }

  /** Has the next such command applied, and holds its answer back until it is passed, or for good. */
  holdAnswer(match: CommandMatch): HeldCommand {
    const passed = Promise.withResolvers<void>();
    const { arrived } = this.#rule(match, { left: 1, passed, answer: "waits" });
    return { arrived: arrived.promise, pass: () => passed.resolve() };
  }

  /** Has the next `times` such commands applied, then cuts the connection instead of answering. */
  loseAnswers(match: CommandMatch, times = 1): LostAnswers {
    const rule = this.#rule(match, { left: times, answer: "is lost" });
    return {
      first: rule.arrived.promise,
      get count() {
        return rule.lost;
      },
      stop: () => rule.left = 0,
    };
  }

  /** The commands that clients send while `work` runs, each a round trip. */
  async record(
    work: () => Promise<unknown>,
    { withProbes = false }: { withProbes?: boolean } = {},
  ): Promise<RecordedCommand[]> {
    const recorded: RecordedCommand[] = this.#recorded = [];
    this.#recordsProbes = withProbes;
    await work();
    this.#recorded = undefined;
    this.#recordsProbes = false;
    return recorded;
  }

  /** Cuts all connections; new ones are welcome. */
  cut(): void {
    this.#acceptor.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#acceptor.close();
    // Too late for what is still held back: its connections are gone.
    for (const rule of this.#rules) rule.passed?.resolve();
    await this.#acceptor[Symbol.asyncDispose]();
  }

  #rule(match: CommandMatch, fields: Pick<Rule, "answer" | "left" | "passed">): Rule {
    const rule: Rule = { ...match, ...fields, arrived: Promise.withResolvers<void>(), lost: 0 };
    this.#rules.push(rule);
    return rule;
  }

  async #serve(client: Deno.Conn, server: Deno.Conn): Promise<void> {
    /** Requests of this connection whose answer does not simply pass. */
    const answers = new Map<number, Rule>();
    await Promise.race([
      this.#forward(client, server, async (message) => {
        const rule = this.#ruleFor(message);
        if (rule && rule.answer !== "passes") answers.set(headerOf(message).requestId, rule);
        else if (rule) await waitAt(rule);
        return true;
      }),
      this.#forward(server, client, async (message) => {
        const rule = answers.get(headerOf(message).responseTo);
        if (!rule) return true;
        if (rule.answer === "waits") {
          await waitAt(rule);
          return true;
        }
        rule.lost += 1;
        rule.arrived.resolve();
        return false;
      }),
    ]);
  }

  /** Forwards message by message for as long as `accept` lets it. */
  async #forward(
    from: Deno.Conn,
    to: Deno.Conn,
    accept: (message: Uint8Array) => boolean | Promise<boolean>,
  ): Promise<void> {
    for await (const message of messages(from)) {
      if (!await accept(message)) return;
      await send(to, message);
    }
  }

  #ruleFor(message: Uint8Array): Rule | undefined {
    if (this.#recorded === undefined && this.#rules.every(({ left }) => left <= 0)) return undefined;
    const body = commandOf(message);
    if (isProbe(body) && !this.#recordsProbes) return undefined;
    const [command, collection] = Object.entries(body)[0] ?? [];
    if (command !== undefined) this.#recorded?.push({ command, collection: String(collection), body });
    const rule = this.#rules.find((rule) =>
      rule.left > 0 && rule.command === command &&
      (rule.collection === undefined || rule.collection === collection) &&
      (rule.part === undefined || BSON.EJSON.stringify(body).includes(rule.part))
    );
    if (rule) rule.left -= 1;
    return rule;
  }
}

/** Whether a command only finds out what the server lacks: tests mean those that do the work. */
function isProbe({ filter, find, update, writeConcern }: Document): boolean {
  return (find !== undefined && filter?._id?.$in?.length === 0) ||
    (update !== undefined && writeConcern?.w === 1);
}

async function waitAt({ arrived, passed }: Rule): Promise<void> {
  arrived.resolve();
  await passed?.promise;
}
