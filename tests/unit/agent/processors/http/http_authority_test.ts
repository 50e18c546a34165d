import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Certificates } from "../../../../support/certificates.ts";
import { contextOf, type Failure, opened, post } from "../../../../support/http_processor.ts";
import { HttpService } from "../../../../support/http_service.ts";
import { TempDir } from "../../../../support/temp_dir.ts";
import { waitFor } from "../../../../support/wait.ts";

Deno.test("httpProcessor() trusts the authority of HTTP_CA_FILE, and no unknown one", async () => {
  await using certificates = await Certificates.ofServer();
  const read = (name: string) => Deno.readTextFile(certificates.path(name));
  await using service = new HttpService(() => new Response(), {
    cert: await read("server.crt"),
    key: await read("server.key"),
  });
  const url = `https://localhost:${service.port}/orders`;
  assertEquals(await post(url, { httpCaFile: certificates.path("ca.pem") }), {});
  const error = await assertRejects(() => post(url), Error) as Failure;
  assertMatch(error.message, /^https:\/\/localhost:\d+\/orders cannot be reached: .*certificate/);
  assertEquals(error.permanent, undefined);
});

Deno.test("httpProcessor() trusts another authority as soon as HTTP_CA_FILE holds it", async () => {
  await using certificates = await Certificates.ofServer();
  await using dir = await TempDir.make();
  const read = (name: string) => Deno.readTextFile(certificates.path(name));
  await using service = new HttpService(() => new Response(), {
    cert: await read("server.crt"),
    key: await read("server.key"),
  });
  const httpCaFile = await dir.write("ca.pem", await read("other-ca.pem"));
  await using processor = await opened(`https://localhost:${service.port}/orders`, { httpCaFile });
  await assertRejects(() => processor.process({ _id: 1 }, contextOf(1)), Error, "cannot be reached");
  await dir.write("ca.pem", await read("ca.pem"));
  await waitFor(
    "the new authority",
    () => processor.process({ _id: 1 }, contextOf(1)).then(() => true, () => undefined),
  );
});
