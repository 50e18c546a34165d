import { neededOfFiles } from "../../../agent/store/connection/needed_certificates.ts";
import type { ServerCertificate } from "../../../agent/store/connection/server_certificate.ts";
import { protectionOf } from "../../../agent/store/connection/uri.ts";
import { Unseen } from "../../../agent/store/doctor/unseen.ts";
import { concern, type Found, type Step } from "../concern.ts";
import { isDatabase } from "../examined.ts";
import { byHand, changeUri, runCommands, withoutOption } from "../steps.ts";

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
    certificate_early: {
      level: "stops",
      doc: "A certificate is not valid yet: the server, or this program, refuses it.",
    },
    certificate_ends: { level: "hurts", doc: "A certificate ends within two weeks." },
    trusts_all: {
      level: "hurts",
      doc: "Any server is taken for the right one, and gets the password and the documents.",
    },
    not_encrypted: { level: "note", doc: "Documents travel as they are." },
  },
  *look({ certificates, database, now, settings }) {
    const { isLocal, isTls, isVerified, trustsAll } = protectionOf(settings.mongodbUri);
    const shown = isDatabase(database) ? database.certificates : NONE_SHOWN;
    for (const { option, path, subject, ...times } of neededOfFiles(certificates, shown, now)) {
      yield* validity(`The certificate of ${subject} in ${path} (${option})`, times, now, [
        byHand(`put a new one into ${path}: the agent takes it over without a restart`),
      ]);
    }
    if (isTls && isVerified && isDatabase(database)) {
      if (database.certificates.size === 0) yield NOT_SHOWN;
      for (const [server, shown] of database.certificates) {
        yield* validity(`The certificate of the MongoDB server ${server}`, shown, now, [
          byHand("renew it in the files that net.tls of mongod.conf names, then let that server read them:"),
          runCommands("admin", { rotateCertificates: 1 }),
        ]);
      }
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

const NONE_SHOWN: ReadonlyMap<string, ServerCertificate> = new Map();
const NOT_SHOWN = new Unseen(
  "when the server's certificate ends: this build's runtime does not show it",
);

/** A certificate that has ended, is about to, or is not valid yet. */
function* validity(
  what: string,
  { begins, expires }: { begins: Date; expires: Date },
  now: Date,
  steps: readonly Step[],
): Generator<Found<"certificate_early" | "certificate_ended" | "certificate_ends">> {
  const leftMs = expires.getTime() - now.getTime();
  if (begins > now) {
    yield { is: "certificate_early", says: `${what} is not valid before ${begins.toISOString()}`, steps };
  } else if (leftMs <= 0) {
    yield { is: "certificate_ended", says: `${what} ended on ${expires.toISOString()}`, steps };
  } else if (leftMs <= SOON_MS) {
    yield { is: "certificate_ends", says: `${what} ends in ${Math.floor(leftMs / DAY_MS)} days`, steps };
  }
}

/** Turns the option on that says no, or adds it, in front of others or as the first. */
const TLS_ON =
  "s/([?&](tls|ssl)=)false/\\1true/I; t; s/\\?/?tls=true\\&/; t; s#^([^:]*://[^/]*)/?(.*)$#\\1/\\2?tls=true#";
