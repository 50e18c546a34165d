import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MongoServerError } from "mongodb";
import { diagnose } from "../../../../../agent/store/connection/diagnosis.ts";
import type { Facts } from "../../../../../agent/store/connection/cause.ts";
import type { ServerCertificate } from "../../../../../agent/store/connection/server_certificate.ts";
import { isForbidden, isLasting } from "../../../../../agent/store/mongo_errors.ts";

const FACTS: Facts = {
  hosts: ["shop.example:27017"],
  isTls: true,
  isDirect: false,
  hasCredentials: true,
  authSource: "admin",
  replicaSet: "rs0",
  seenSet: "rs0",
};

/** What Atlas says under its one code for all that its proxy refuses. */
const atlas = (errmsg: string) => new MongoServerError({ ok: 0, code: 8000, codeName: "AtlasError", errmsg });

const QUOTA = "you are over your space quota, using 513 MB of 512 MB";
const NO_RIGHT = "user is not allowed to do action [update] on [shop.orders]";

Deno.test("diagnose() takes AtlasError for a wrong password only if its text says so", () => {
  for (
    const text of ["bad auth : Authentication failed.", "bad auth : authentication failed", "auth error"]
  ) {
    for (const isConnecting of [true, false]) {
      const diagnosis = diagnose(atlas(text), FACTS, isConnecting)!;
      assertStringIncludes(diagnosis.text, "refuses the user or the password in MONGODB_URI");
      assertEquals([diagnosis.isLasting, diagnosis.isRefusal], [true, true]);
    }
  }
});

Deno.test("diagnose() quotes any other AtlasError, and takes none for a refused password", () => {
  const others = [QUOTA, NO_RIGHT, "no SNI name sent, make sure using a MongoDB 4.0+ driver/shell."];
  for (const text of others) {
    assertEquals(diagnose(atlas(text), FACTS, false), undefined, "the operation's own error says it");
    const connecting = diagnose(atlas(text), FACTS, true)!;
    assertEquals(connecting, {
      text: `MongoDB at shop.example:27017 cannot be used: ${text}`,
      isLasting: false,
      isRefusal: false,
    });
  }
});

Deno.test("isForbidden() knows a missing right by the text of an AtlasError", () => {
  assertEquals([isForbidden(atlas(NO_RIGHT)), isLasting(atlas(NO_RIGHT))], [true, true]);
  assertEquals([isForbidden(atlas(QUOTA)), isLasting(atlas(QUOTA))], [false, false]);
});

/** An error of a runtime's TLS library. */
const ofTls = (message: string, code?: string) => Object.assign(new Error(message), { code });
const PEER = "invalid peer certificate: ";

/** What the libraries say of a certificate, and what is said of it without a look at it. */
const UNVERIFIED: [Error, RegExp][] = [
  [
    ofTls(
      `${PEER}certificate expired: verification time 1795712793 (UNIX), but certificate is not valid after 1595539992`,
    ),
    /^The certificate of shop.example:27017 ended on 2020-07-23T21:33:12.000Z: renew it/,
  ],
  [ofTls(`${PEER}Expired`), /^The certificate of shop.example:27017 ended: renew it/],
  [ofTls("certificate has expired", "CERT_HAS_EXPIRED"), /:27017 ended: renew it, or set the clock/],
  [
    ofTls(
      `${PEER}certificate not valid yet: verification time 1795712795 (UNIX), but certificate is not valid before 4795885592`,
    ),
    /is not valid yet, but from 2121-\S+Z on: set the clock of this machine right, or wait$/,
  ],
  [ofTls("certificate is not yet valid", "CERT_NOT_YET_VALID"), /is not valid yet: set the clock/],
  [
    ofTls(
      "Hostname/IP does not match certificate's altnames: Host: b. is not in the cert's altnames: DNS:a",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ),
    /is for another name \(a\): name the host in MONGODB_URI as the certificate does$/,
  ],
  [
    ofTls(
      `${PEER}certificate not valid for name "b"; certificate is not valid for any names (according to its subjectAltName extension)`,
    ),
    /does not name this host \(subjectAltName\): have it issued with the name that MONGODB_URI uses$/,
  ],
  [
    ofTls(
      `${PEER}certificate does not allow extended key usage for server authentication, allows client authentication`,
    ),
    /may not be used by a server: have it issued for serverAuth/,
  ],
  [ofTls(`${PEER}Other(OtherError(CaUsedAsEndEntity))`), /is that of an authority \(CA:TRUE\)/],
  [
    ofTls("unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    /was not issued by an authority that this agent trusts \(unable to verify the first certificate\): give/,
  ],
];

Deno.test("diagnose() says why a server's certificate is not accepted, in the words of either TLS library", () => {
  for (const [error, says] of UNVERIFIED) {
    const { isLasting, text } = diagnose(error, FACTS, true)!;
    assertMatch(text, says);
    assert(isLasting);
  }
});

Deno.test("diagnose() tells what the server's certificate shows, if it was looked at", () => {
  const error = ofTls("unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const told = (shown: Partial<ServerCertificate>) => {
    const certificate = {
      subject: "CN=a",
      issuer: "CN=b",
      begins: new Date(0),
      expires: new Date(1e14),
      hosts: [],
    };
    const serverCertificates = new Map([["shop.example:27017", { ...certificate, ...shown }]]);
    return diagnose(error, { ...FACTS, serverCertificates }, true)!.text;
  };
  assertStringIncludes(told({ expires: new Date(0) }), "ended on 1970-01-01T00:00:00.000Z: renew it");
  assertStringIncludes(told({ begins: new Date(9e13) }), "is not valid yet, but from 4821-");
  assertStringIncludes(told({ issuer: "CN=a" }), "is self-signed (CN=a), and not by an authority");
  assertStringIncludes(told({}), "was issued by CN=b, and not by an authority that this agent trusts");
});

Deno.test("diagnose() names the user of a client's certificate as the server or the certificate has it", () => {
  const facts: Facts = {
    ...FACTS,
    mechanism: "MONGODB-X509",
    clientCertificate: { user: "O=shop,CN=own", begins: new Date(0), expires: new Date(1e14) },
  };
  const user = (code: number, errmsg: string) =>
    /create the user (.*) in/.exec(
      diagnose(new MongoServerError({ ok: 0, code, errmsg }), facts, true)!.text,
    )![1];
  assertEquals(user(11, 'Could not find user "O=shop,CN=agent" for db "$external"'), '"O=shop,CN=agent"');
  assertEquals(user(11, "Could not find user CN=agent@$external"), '"CN=agent"');
  assertEquals(user(18, "Authentication failed."), '"O=shop,CN=own"');
});
