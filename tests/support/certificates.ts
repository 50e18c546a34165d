/**
 * Certificates for tests, made by `openssl`.
 *
 * @module
 */

import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";

/** Two authorities, a server's certificate for `localhost`, and a client's in several shapes; `await using` removes them. */
export class Certificates implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** @throws {Error} if `openssl` fails */
  static async make(): Promise<Certificates> {
    const certificates = await Certificates.ofServer();
    await certificates.#makeClient();
    return certificates;
  }

  /**
   * Those that need no client's, which takes `openssl` four times as long.
   *
   * @throws {Error} if `openssl` fails
   */
  static async ofServer(): Promise<Certificates> {
    const certificates = new Certificates(await newScratchDir("certificates"));
    await certificates.#makeServer();
    return certificates;
  }

  /**
   * Has an authority of these issue `NAME.pem`, which holds a new key and its certificate, for any time.
   *
   * @throws {Error} if `openssl` fails
   */
  async issue(name: string, options: IssueOptions = {}): Promise<void> {
    const { ca = "ca", extensions = SERVER, fromMs = -HOUR_MS, untilMs = 100 * 24 * HOUR_MS } = options;
    const { subject: whose = `/CN=${name}` } = options;
    await this.#openssl("req", ...NEW_EC_KEY, ...[
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      whose,
    ]);
    await Deno.writeTextFile(this.path(`${name}.ext`), extensions);
    await Deno.writeTextFile(this.path(`${name}.cnf`), CA_CONFIG.replaceAll("NAME", name));
    await Deno.writeTextFile(this.path(`${name}.index`), "");
    const times = ["-startdate", stamp(fromMs), "-enddate", stamp(untilMs)];
    await this.#openssl(
      ...["ca", "-batch", "-notext", "-config", `${name}.cnf`, "-cert", `${ca}.pem`, "-keyfile", `${ca}.key`],
      ...["-in", `${name}.csr`, "-out", `${name}.crt`, "-extfile", `${name}.ext`, ...times],
    );
    await this.join(`${name}.pem`, `${name}.key`, `${name}.crt`);
  }

  /** Makes `NAME.pem`, a key and a certificate for `localhost` that no authority has issued. */
  async selfSign(name: string): Promise<void> {
    const more = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    await this.#selfSigned(name, `${name}.crt`, more);
    await this.join(`${name}.pem`, `${name}.key`, `${name}.crt`);
  }

  path(name: string): string {
    return `${this.dir}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeScratchDir(this.dir);
  }

  async #selfSigned(name: string, certificate: string, more: readonly string[]): Promise<void> {
    const files = ["-keyout", `${name}.key`, "-out", certificate];
    await this.#openssl("req", "-x509", ...NEW_EC_KEY, ...files, ...more);
  }

  async #makeServer(): Promise<void> {
    for (const name of ["ca", "other-ca"]) await this.#selfSigned(name, `${name}.pem`, subject(name));
    await this.#certify("server", NEW_EC_KEY, "subjectAltName=DNS:localhost\n");
    await this.join("server.pem", "server.key", "server.crt");
  }

  async #makeClient(): Promise<void> {
    await this.#certify("client", NEW_RSA_KEY, "extendedKeyUsage=clientAuth\n");
    await this.#sign("client", "client-v1.crt");
    await this.#openssl(
      "pkcs8",
      "-topk8",
      "-in",
      "client.key",
      "-passout",
      "pass:sesame",
      "-out",
      "encrypted.key",
    );
    await this.#openssl(
      ...[
        "rsa",
        "-aes128",
        "-traditional",
        "-in",
        "client.key",
        "-passout",
        "pass:sesame",
        "-out",
        "encrypted1.key",
      ],
    );
    await this.join("client.pem", "client.key", "client.crt");
    await this.join("encrypted.pem", "encrypted.key", "client.crt");
    await this.join("encrypted1.pem", "client.crt", "encrypted1.key");
    await this.join("mismatched.pem", "client.key", "server.crt");
    await this.join("version1.pem", "client.key", "client-v1.crt");
  }

  /** A key of its own, and what the authority says of it. */
  async #certify(name: string, newKey: string[], extensions: string): Promise<void> {
    await this.#openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, ...subject(name));
    await Deno.writeTextFile(this.path(`${name}.ext`), extensions);
    await this.#sign(name, `${name}.crt`, "-extfile", `${name}.ext`);
  }

  async #sign(name: string, out: string, ...more: string[]): Promise<void> {
    const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    await this.#openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...authority,
      "-days",
      "3650",
      "-out",
      out,
      ...more,
    );
  }

  /** Makes a file of the contents of others. */
  async join(name: string, ...parts: string[]): Promise<void> {
    const texts = await Promise.all(parts.map((part) => Deno.readTextFile(this.path(part))));
    await Deno.writeTextFile(this.path(name), texts.join(""));
  }

  async #openssl(...args: string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: this.dir }).output();
    if (!success) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
  }
}

/** What is certified: by default a server's certificate for `localhost` that is valid now. */
export interface IssueOptions {
  /** The authority that issues it. */
  ca?: string;
  /** Its extensions, a line each. */
  extensions?: string;
  subject?: string;
  /** When it begins and ends, in milliseconds from now. */
  fromMs?: number;
  untilMs?: number;
}

const HOUR_MS = 3_600_000;
const SERVER = "subjectAltName=DNS:localhost\n";
const CA_CONFIG = `[ca]
default_ca = default
[default]
database = NAME.index
unique_subject = no
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = policy
[policy]
commonName = supplied
organizationName = optional
`;

/** A time from now, as `openssl ca` takes it. */
function stamp(fromNowMs: number): string {
  const time = new Date(Date.now() + fromNowMs).toISOString();
  return time.replace(/[-:T]|\.\d+/g, "").slice(2);
}

const NO_PASSWORD = ["-nodes", "-days", "3650"];
const NEW_RSA_KEY = ["-newkey", "rsa:2048", ...NO_PASSWORD];
/** Takes openssl a fiftieth of the time. */
const NEW_EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", ...NO_PASSWORD];
const subject = (name: string) => ["-subj", `/CN=${name}`];
