import { MongoClient } from "mongodb";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { Certificates } from "./certificates.ts";

const ROOT = "root:of-the-admin";
const DAY_MS = 86_400_000;

/** What the certificate of a client says it may be used for. */
export const FOR_CLIENTS = "extendedKeyUsage=clientAuth\n";

/**
 * A server that lets no one in without TLS and a login, by an authority of its own: by password, or by the certificate
 * `agent.pem`, whose user is `O=shop,CN=agent`.
 */
export class TlsGuarded implements AsyncDisposable {
  readonly certificates: Certificates;
  readonly server: RunningMongod;
  readonly client: MongoClient;

  readonly #caFile: string;

  private constructor(certificates: Certificates, server: RunningMongod, caFile: string) {
    this.certificates = certificates;
    this.server = server;
    this.#caFile = caFile;
    this.client = new MongoClient(this.uri({ as: ROOT }));
  }

  /**
   * @param password of the user `agent`
   * @param caFile the authorities that the server and its administrator trust; `all-ca.pem` has both
   */
  static async start(password: string, caFile = "ca.pem"): Promise<TlsGuarded> {
    const certificates = await Certificates.ofServer();
    await certificates.issue("agent", { subject: "/CN=agent/O=shop", extensions: FOR_CLIENTS });
    await certificates.join("all-ca.pem", "ca.pem", "other-ca.pem");
    const server = await startMongod({
      args: [
        ...["--auth", "--tlsMode", "requireTLS", "--tlsAllowConnectionsWithoutCertificates"],
        ...[
          "--tlsCertificateKeyFile",
          certificates.path("server.pem"),
          "--tlsCAFile",
          certificates.path(caFile),
        ],
      ],
    });
    const guarded = new TlsGuarded(certificates, server, caFile);
    await guarded.#makeUsers(password);
    return guarded;
  }

  /** @param as the user and the password; or a file of a client's certificate as `clientFile` */
  uri({ as, clientFile, more = "" }: { as?: string; clientFile?: string; more?: string } = {}): string {
    const login = clientFile === undefined
      ? ""
      : `&authMechanism=MONGODB-X509&tlsCertificateKeyFile=${this.certificates.path(clientFile)}`;
    return `mongodb://${as === undefined ? "" : `${as}@`}localhost:${this.server.port}/` +
      `?tls=true&tlsCAFile=${this.certificates.path(this.#caFile)}${login}${more}`;
  }

  async #makeUsers(password: string): Promise<void> {
    const [user, pwd] = ROOT.split(":");
    // Without a user yet, a server lets its own machine make the first.
    await using first = new MongoClient(this.uri());
    await first.db("admin").command({ createUser: user, pwd, roles: ["root"] });
    const roles = [{ role: "readWrite", db: "shop" }];
    await this.client.db("admin").command({ createUser: "agent", pwd: password, roles });
    await this.client.db("$external").command({ createUser: "O=shop,CN=agent", roles });
    await this.client.db("shop").createCollection("documents");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.server.stop();
    await this.certificates[Symbol.asyncDispose]();
  }
}

/** Certificates that are not valid now: ended, or not begun. */
export const ENDED = { fromMs: -10 * DAY_MS, untilMs: -2 * DAY_MS };
export const EARLY = { fromMs: 2 * DAY_MS, untilMs: 20 * DAY_MS };
