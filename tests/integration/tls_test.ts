import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../agent/lib/clock.ts";
import { Link } from "../../agent/store/connection/link.ts";
import { ServerClock } from "../../agent/store/connection/server_clock.ts";
import { UnreachableError } from "../../agent/store/connection/unreachable.ts";
import { TlsTroubles } from "../support/tls_troubles.ts";

const linkTo = (uri: string) =>
  new Link(uri, { agentName: "tls", leaseMs: 2000, serverClock: new ServerClock(systemClock) });

// The same as with the executable, which may have a runtime with another TLS library.
Deno.test("Link says what is wrong with TLS or a login, and how to mend it, for each kind of trouble", async () => {
  await using troubles = await TlsTroubles.start();
  const found = await Promise.all(
    Object.entries(troubles.all).map(async ([what, { uri, says }]) => {
      const link = linkTo(uri);
      const error = await assertRejects(() => link.connect(), UnreachableError, undefined, what);
      await link.close();
      return says.test(error.message) ? undefined : `${what}: ${error.message}`;
    }),
  );
  assertEquals(found.filter((each) => each !== undefined), []);
});
