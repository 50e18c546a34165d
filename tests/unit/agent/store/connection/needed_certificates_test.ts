import { assertEquals } from "@std/assert";
import { neededOfFiles } from "../../../../../agent/store/connection/needed_certificates.ts";
import type { ServerCertificate } from "../../../../../agent/store/connection/server_certificate.ts";
import type { CertificateFile } from "../../../../../agent/store/connection/tls_files.ts";

const DAY_MS = 86_400_000;
const NOW = new Date(1000 * DAY_MS);

/** A certificate that holds from one day to another, counted from now. */
function certificate(option: string, subject: string, from: number, to: number): CertificateFile {
  const [begins, expires] = [from, to].map((days) => new Date(NOW.getTime() + days * DAY_MS));
  return { option, path: "/tls/file.pem", subject, begins: begins!, expires: expires! };
}

function needed(files: readonly CertificateFile[], issuers: readonly string[] = []): string[] {
  const shown = issuers.map((issuer): [string, ServerCertificate] => [issuer, {
    subject: "CN=db",
    issuer,
    begins: NOW,
    expires: NOW,
    hosts: [],
  }]);
  return neededOfFiles(files, new Map(shown), NOW).map(({ subject, expires }) =>
    `${subject} ${(expires.getTime() - NOW.getTime()) / DAY_MS}`
  );
}

const authority = (subject: string, from: number, to: number) => certificate("tlsCAFile", subject, from, to);

Deno.test("neededOfFiles() leaves out authorities that no server needs: ended ones of a bundle, and those that follow or are followed", () => {
  const bundle = [
    authority("CN=ended", -9, -1),
    authority("CN=ours, O=shop", -9, 3),
    authority("CN=long", -9, 90),
  ];
  assertEquals(needed(bundle), ["CN=long 90"]);
  assertEquals(needed(bundle, ["CN=ours,O=shop"]), ["CN=ours, O=shop 3"]);
  assertEquals(needed(bundle, ["CN=ended", "CN=long"]), ["CN=ended -1", "CN=long 90"]);
  assertEquals(needed(bundle, ["CN=between"]), ["CN=long 90"]);
  const renewed = [authority("CN=ca", -9, 2), authority("CN=ca", -1, 90), authority("CN=ca", 1, 99)];
  assertEquals(needed(renewed, ["CN=ca"]), ["CN=ca 90"]);
});

Deno.test("neededOfFiles() keeps the only authority, ended or not, and each certificate of the client", () => {
  const client = certificate("tlsCertificateKeyFile", "CN=agent", -9, -2);
  assertEquals(needed([authority("CN=ca", -9, -1), client]), ["CN=ca -1", "CN=agent -2"]);
  assertEquals(needed([]), []);
});
