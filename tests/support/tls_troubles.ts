import { startMongod } from "../../scripts/mongod.ts";
import { testUri } from "./mongod.ts";
import { TlsFront } from "./tls_front.ts";
import { EARLY, ENDED, FOR_CLIENTS, TlsGuarded } from "./tls_guarded.ts";

/** A password of these that no output may show. */
export const PASSWORD = "s3cr3t-Passw0rd";

/** A connection string that does not lead to MongoDB, and what is said of it. */
export interface Trouble {
  readonly uri: string;
  readonly says: RegExp;
}

/** Certificates that servers show, each by a front of its own before a server without TLS; and what is said of them. */
const SHOWN: Record<string, { issue: Parameters<TlsGuarded["certificates"]["issue"]>[1]; says: RegExp }> = {
  "a server's certificate that has ended": {
    issue: ENDED,
    says:
      /^The certificate of \S+ ended on \d{4}-\d\d-\d\dT[\d:.]+Z: renew it, or set the clock of this machine right$/,
  },
  "a server's certificate that has not begun": {
    issue: EARLY,
    says: /^The certificate of \S+ is not valid yet, but from \d{4}-\d\d-\d\dT[\d:.]+Z on: set the clock/,
  },
  "a server's certificate for other hosts": {
    issue: { extensions: "subjectAltName=DNS:db.example.net,DNS:*.db.example.net\n" },
    says: /is for another name \(db.example.net, \*.db.example.net\): name the host in MONGODB_URI as the/,
  },
  "a server's certificate by another authority": {
    issue: { ca: "other-ca" },
    says:
      /was issued by CN=other-ca, and not by an authority that this agent trusts: give the certificate of its authority with tlsCAFile/,
  },
  "a server's certificate that names no host": {
    issue: { subject: "/CN=db", extensions: "extendedKeyUsage=serverAuth\n" },
    says: /is for another name|does not name this host \(subjectAltName\): have it issued with the name/,
  },
};

/** Certificates of clients that the server does not accept, and what is said of them. */
const CLIENTS: Record<string, { issue: Parameters<TlsGuarded["certificates"]["issue"]>[1]; says: RegExp }> = {
  "a client's certificate that has ended": {
    issue: { ...ENDED, subject: "/CN=agent/O=shop", extensions: FOR_CLIENTS },
    says:
      /: the client certificate of O=shop,CN=agent \(tlsCertificateKeyFile\) ended on \d{4}-.*, have it renewed$/,
  },
  "a client's certificate that has not begun": {
    issue: { ...EARLY, subject: "/CN=agent/O=shop", extensions: FOR_CLIENTS },
    says: /: the client certificate of O=shop,CN=agent .* is not valid before \d{4}-/,
  },
  "a client's certificate by another authority": {
    issue: { ca: "other-ca", subject: "/CN=agent/O=shop", extensions: FOR_CLIENTS },
    says: /: it may not accept the client certificate of O=shop,CN=agent .* issued for clients/,
  },
  "a client's certificate that is for servers": {
    issue: { subject: "/CN=agent/O=shop", extensions: "extendedKeyUsage=serverAuth\n" },
    says: /: it may not accept the client certificate of O=shop,CN=agent .* \(clientAuth\)/,
  },
  "a client's certificate without a user": {
    issue: { subject: "/CN=renamed/O=shop", extensions: FOR_CLIENTS },
    says:
      /has no user for the certificate in tlsCertificateKeyFile: create the user "O=shop,CN=renamed" in the database \$external$/,
  },
};

/** All kinds of trouble with TLS and logins, on real servers. */
export class TlsTroubles implements AsyncDisposable {
  readonly guarded: TlsGuarded;
  readonly all: Readonly<Record<string, Trouble>>;
  readonly #started: readonly AsyncDisposable[];

  private constructor(
    guarded: TlsGuarded,
    all: Record<string, Trouble>,
    started: readonly AsyncDisposable[],
  ) {
    this.guarded = guarded;
    this.all = all;
    this.#started = started;
  }

  static async start(): Promise<TlsTroubles> {
    const guarded = await TlsGuarded.start(PASSWORD);
    const { certificates } = guarded;
    const [server, ca] = [certificates.path("server.pem"), certificates.path("ca.pem")];
    const tls = ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", server];
    const strict = await startMongod({ args: [...tls, "--tlsCAFile", ca] });
    const old = await startMongod({ args: [...tls, "--tlsDisabledProtocols", "TLS1_2,TLS1_3"] });
    const fronts: TlsFront[] = [];
    const at = (port: number, options = "") =>
      `mongodb://localhost:${port}/?directConnection=true&tls=true&tlsCAFile=${ca}${options}`;
    const front = async (file: string) => {
      const front = new TlsFront(plainServer(), await Deno.readTextFile(certificates.path(file)));
      fronts.push(front);
      return at(front.port);
    };
    const all: Record<string, Trouble> = { ...logins(guarded) };
    for (const [index, [what, { issue, says }]] of Object.entries(Object.entries(SHOWN))) {
      await certificates.issue(`shown-${index}`, issue);
      all[what] = { uri: await front(`shown-${index}.pem`), says };
    }
    for (const [index, [what, { issue, says }]] of Object.entries(Object.entries(CLIENTS))) {
      await certificates.issue(`client-${index}`, issue);
      all[what] = { uri: guarded.uri({ clientFile: `client-${index}.pem` }), says };
    }
    await certificates.selfSign("self");
    Object.assign(all, {
      "a self-signed certificate": {
        uri: await front("self.pem"),
        says: /is self-signed \(CN=localhost\), and not by an|is that of an authority \(CA:TRUE\)/,
      },
      "no client's certificate": {
        uri: at(strict.port),
        says: /: it may ask for a client certificate \(tlsCertificateKeyFile\)$/,
      },
      "a server that takes TLS 1.1 at most": {
        uri: at(old.port),
        says: /neither TLS 1.2 nor TLS 1.3/,
      },
      "TLS to a server without it": {
        uri: at(plainServer().port),
        says: /does not answer in TLS: it may be a server without it \(then remove tls=true\)/,
      },
      "no TLS to a server that requires it": {
        uri: `mongodb://localhost:${strict.port}/?directConnection=true`,
        says: /closes the connection before it has answered: it may ask for TLS \(add tls=true\)/,
      },
    });
    return new TlsTroubles(guarded, all, [...fronts, strict, old]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [...this.#started, this.guarded]) await each[Symbol.asyncDispose]();
  }
}

/** What goes wrong with the login itself. */
function logins(guarded: TlsGuarded): Record<string, Trouble> {
  const refused = (authSource: string) =>
    new RegExp(
      `refuses the user or the password in MONGODB_URI: check both, and authSource, .* \\(now ${authSource}\\)$`,
    );
  return {
    "a wrong password": { uri: guarded.uri({ as: `agent:wrong-${PASSWORD}` }), says: refused("admin") },
    "an unknown user": { uri: guarded.uri({ as: `stranger:${PASSWORD}` }), says: refused("admin") },
    "a wrong authSource": {
      uri: guarded.uri({ as: `agent:${PASSWORD}`, more: "&authSource=shop" }),
      says: refused("shop"),
    },
    "no login": {
      uri: guarded.uri(),
      says: /asks for a user and a password, and MONGODB_URI holds none: write USER:PASSWORD@/,
    },
    "a mechanism that the server does not take": {
      uri: guarded.uri({ as: `agent:${PASSWORD}`, more: "&authMechanism=PLAIN" }),
      says: /does not take this authMechanism: take it out of MONGODB_URI/,
    },
    "no token for MONGODB-OIDC": {
      uri: guarded.uri({ more: "&authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:k8s" }),
      says: /^The token that MONGODB-OIDC logs in with cannot be read from \/\S+ \(ENOENT\): mount the token/,
    },
    "a name without SRV records": {
      uri: `mongodb+srv://agent:${PASSWORD}@cluster0.nowhere.invalid/`,
      says: /^DNS (has no record _mongodb._tcp.cluster0|does not answer for _mongodb._tcp.cluster0)/,
    },
  };
}

function plainServer(): { hostname: string; port: number } {
  const { hostname, port } = new URL(testUri().replace("mongodb:", "http:"));
  return { hostname, port: Number(port) };
}
