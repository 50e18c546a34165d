import { BSON, type Document } from "bson";
import { Acceptor, targetOf } from "./acceptor.ts";
import { testUri } from "./mongod.ts";
import { answerTo, headerOf, messages, send, wholeCommandOf } from "./wire_messages.ts";

const HELLO = new Set(["hello", "isMaster", "ismaster", "endSessions"]);

/**
 * A real server behind a proxy that asks for tokens, as an Enterprise server does: MONGODB-OIDC in one step. A token
 * that is taken back has to be replaced on each connection that has used it. `await using` ends its connections.
 */
export class OidcServer implements AsyncDisposable {
  /** The tokens that let a client in, and how often each was sent. */
  readonly #accepted = new Set<string>();
  readonly #sent = new Map<string, number>();
  readonly #target = targetOf(new URL(testUri()));
  readonly #acceptor = Acceptor.plain(async (client, dial) => {
    const server = await dial(this.#target);
    await Promise.race([this.#fromClient(client, server), server.readable.pipeTo(client.writable)]);
  });

  get uri(): string {
    return `mongodb://127.0.0.1:${this.#acceptor.port}/?directConnection=true&authMechanism=MONGODB-OIDC` +
      "&authMechanismProperties=ENVIRONMENT:k8s";
  }

  /** Lets only this token in from now on, also on connections that stand. */
  acceptOnly(token: string): void {
    this.#accepted.clear();
    this.#accepted.add(token);
  }

  /** How often clients have sent a token. */
  sent(token: string): number {
    return this.#sent.get(token) ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }

  async #fromClient(client: Deno.Conn, server: Deno.Conn): Promise<void> {
    let token: string | undefined;
    for await (const message of messages(client)) {
      const command = wholeCommandOf(message);
      const [name = ""] = Object.keys(command);
      if (name === "saslStart") {
        token = tokenIn(command);
        this.#sent.set(token, this.sent(token) + 1);
      }
      const own = name === "saslStart"
        ? this.#accepted.has(token!) ? LET_IN : REFUSED
        : HELLO.has(name) || this.#accepted.has(token ?? "")
        ? undefined
        : token === undefined
        ? { ok: 0, code: 13, codeName: "Unauthorized", errmsg: `Command ${name} requires authentication` }
        : ENDED;
      if (own) await send(client, answerTo(headerOf(message), own));
      else await send(server, message);
    }
  }
}

const LET_IN = { ok: 1, conversationId: 1, done: true, payload: new BSON.Binary(new Uint8Array()) };
const REFUSED = { ok: 0, code: 18, codeName: "AuthenticationFailed", errmsg: "Authentication failed." };
const ENDED = {
  ok: 0,
  code: 391,
  codeName: "ReauthenticationRequired",
  errmsg: "Caller's authentication session has expired",
};

function tokenIn({ payload }: Document): string {
  return String(BSON.deserialize(payload.buffer).jwt);
}
