import { assertEquals, assertStringIncludes } from "@std/assert";
import { certificatesIn, uriProblem } from "../../agent/store/connection/uri.ts";
import { agentHome } from "../support/agent_home.ts";
import { Certificates } from "../support/certificates.ts";
import "../support/first_client.ts";

/** What a client's file may be, and what is said of it; nothing of one that works. */
const CLIENT_FILES: Record<string, string | undefined> = {
  "client.pem": undefined,
  "client.key": "which holds no certificate as PEM: put the certificate and its key into this one file",
  "client.crt": "which holds no private key as PEM",
  "encrypted.pem":
    "whose key is encrypted, which this program cannot read, with its password neither: decrypt it",
  "encrypted1.pem": "whose key is encrypted",
  "mismatched.pem": "whose key belongs to another certificate: put the two that belong together into it",
  "version1.pem":
    "whose certificate is of X.509 version 1, which is not accepted: have it issued as version 3",
  "joined.pem": "in which a block of PEM begins on the line on which another ends: put a line break between",
  "after-authority.pem": "whose key belongs to another certificate: put the two that belong together into it",
  "ca.srl": "which holds no certificate and no private key as PEM",
  "missing.pem": "which does not exist: check the path and the mount",
};

Deno.test(
  "uriProblem() says of each kind of file of certificates what is wrong with it",
  async () => {
    await using certificates = await Certificates.make();
    const text = (name: string) => Deno.readTextFile(certificates.path(name));
    const [key, certificate] = [await text("client.key"), await text("client.crt")];
    await Deno.writeTextFile(certificates.path("joined.pem"), key.trimEnd() + certificate);
    await certificates.join("after-authority.pem", "ca.pem", "client.crt", "client.key");
    for (const [name, says] of Object.entries(CLIENT_FILES)) {
      for (const more of ["", "&tlsCertificateKeyFilePassword=sesame"]) {
        const problems = uriProblem(
          `mongodb://host/?tls=true&tlsCertificateKeyFile=${certificates.path(name)}${more}`,
        );
        assertEquals(problems.length, says === undefined ? 0 : 1, `${name}: ${problems}`);
        if (says !== undefined) {
          assertStringIncludes(problems[0]!, `names "${certificates.path(name)}", ${says}`);
        }
      }
    }
    const authority = (name: string) =>
      uriProblem(`mongodb://host/?tls=true&tlsCAFile=${certificates.path(name)}`);
    assertEquals([authority("ca.pem"), authority("client.pem")], [[], []]);
    const [one, other] = [await text("ca.pem"), await text("other-ca.pem")];
    await Deno.writeTextFile(certificates.path("joined-ca.pem"), one.trimEnd() + other);
    assertStringIncludes(authority("joined-ca.pem")[0]!, "in which a block of PEM begins on the line");
    assertStringIncludes(authority("ca.key")[0]!, "which holds no certificate as PEM");
  },
);

Deno.test("certificatesIn() leaves out a certificate that cannot be read, as a file may be replaced by a broken one, and authorities that nothing is verified by", async () => {
  await using certificates = await Certificates.make();
  const broken = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n";
  const [key, certificate] = await Promise.all(
    ["client.key", "client.crt"].map((name) => Deno.readTextFile(certificates.path(name))),
  );
  await Deno.writeTextFile(certificates.path("half.pem"), `${key}${certificate}${broken}`);
  const found = certificatesIn(
    `mongodb://host/?tls=true&tlsCertificateKeyFile=${certificates.path("half.pem")}`,
  );
  assertEquals(found.map(({ subject }) => subject), ["CN=client"]);
  const authority = `mongodb://host/?tls=true&tlsCAFile=${certificates.path("ca.pem")}`;
  assertEquals(certificatesIn(authority).length, 1);
  assertEquals(certificatesIn(`${authority}&tlsInsecure=true`), []);
});

Deno.test("check and run refuse a client's key that cannot be used, and the password of it is not shown", async () => {
  await using certificates = await Certificates.make();
  const options = `tlsCertificateKeyFile=${
    certificates.path("encrypted.pem")
  }&tlsCertificateKeyFilePassword=sesame`;
  await using home = await agentHome({ db: { uri: `mongodb://host/?tls=true&${options}`, name: "nowhere" } });
  for (const command of ["check", "run"]) {
    const { code, stderr, stdout } = await home.run(command);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, "whose key is encrypted");
    assertEquals(stderr.includes("sesame"), false, stderr);
  }
});
