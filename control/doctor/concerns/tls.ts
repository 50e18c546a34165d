import { protectionOf } from "../../../agent/store/connection/uri.ts";
import { concern } from "../concern.ts";
import { byHand, changeUri, withoutOption } from "../steps.ts";

const DAY_MS = 86_400_000;
/** A certificate that ends before this is to be replaced soon, in milliseconds. */
const SOON_MS = 14 * DAY_MS;

/** How the connection is protected. */
export const tls = concern({
  name: "TLS",
  doc: "whether the connection is encrypted, and when the certificates end that MONGODB_URI names",
  findings: {
    certificate_ended: {
      level: "stops",
      doc: "The server, or this program, refuses a certificate that has ended.",
    },
    certificate_ends: { level: "hurts", doc: "A certificate ends within two weeks." },
    trusts_all: {
      level: "hurts",
      doc: "Any server is taken for the right one, and gets the password and the documents.",
    },
    not_encrypted: { level: "note", doc: "Documents travel as they are." },
  },
  *look({ certificates, now, settings }) {
    const { isLocal, isTls, trustsAll } = protectionOf(settings.mongodbUri);
    for (const { expires, option, path, subject } of certificates) {
      const leftMs = expires.getTime() - now.getTime();
      if (leftMs > SOON_MS) continue;
      const days = Math.floor(leftMs / DAY_MS);
      const when = leftMs <= 0 ? `ended on ${expires.toISOString()}` : `ends in ${days} days`;
      yield {
        is: leftMs <= 0 ? "certificate_ended" : "certificate_ends",
        says: `The certificate of ${subject} in ${path} (${option}) ${when}`,
        steps: [byHand(`put a new one into ${path}: the agent takes it over without a restart`)],
      };
    }
    if (trustsAll !== undefined) {
      yield {
        is: "trusts_all",
        says: `MONGODB_URI has ${trustsAll}=true: any server is taken for the right one`,
        steps: [
          changeUri(withoutOption(trustsAll), settings),
          byHand("name the authority of the server by tlsCAFile, if it is your own"),
        ],
      };
    }
    if (!isTls && !isLocal) {
      yield {
        is: "not_encrypted",
        says:
          "The connection is not encrypted: what travels between the agent and MongoDB can be read on the way",
        steps: [
          byHand("let the server take TLS (net.tls.mode: allowTLS), then:"),
          changeUri(TLS_ON, settings),
        ],
      };
    }
  },
});

/** Adds the option, behind others or as the first. */
const TLS_ON = "s/\\?/?tls=true\\&/; t; s#(://[^/]*)/?#\\1/?tls=true#";
