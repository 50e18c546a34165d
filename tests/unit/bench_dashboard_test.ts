import { assertRejects } from "@std/assert";
import { measureAnswers } from "../../bench/dashboard/answers.ts";

Deno.test("measureAnswers() takes no time of an answer that tells nothing", async () => {
  const answer = { overview: null, letters: [], next: null, trouble: "MongoDB is out of reach" };
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => Response.json(answer),
  );
  const address = `http://127.0.0.1:${server.addr.port}/`;
  await assertRejects(
    () => measureAnswers(address, () => Promise.resolve(0)),
    Error,
    "letters tells nothing: MongoDB is out of reach",
  );
});
