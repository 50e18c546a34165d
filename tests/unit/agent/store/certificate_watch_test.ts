import { assertEquals } from "@std/assert";
import { CertificateWatch } from "../../../../agent/store/certificate_watch.ts";
import { Logger } from "../../../../agent/telemetry/logger.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { RecordedLines } from "../../../support/recorded_lines.ts";

const DAY_MS = 86_400_000;

Deno.test("CertificateWatch warns each day of what ends within two weeks, and at the moment when it has ended", async () => {
  const clock = new ManualClock(0);
  const output = new RecordedLines();
  let looks = 0;
  const watch = new CertificateWatch({
    certificates: () => {
      looks += 1;
      return Promise.resolve([
        { what: "later", expires: new Date(100 * DAY_MS) },
        { what: "soon", expires: new Date(15.5 * DAY_MS) },
      ]);
    },
    clock,
    log: new Logger({ level: "INFO", format: "json", output }),
    now: () => new Date(clock.monotonicMs()),
  });
  const said = () =>
    output.lines.splice(0).map((line) => {
      const { certificate, ends, level, message } = JSON.parse(line);
      return [level, certificate, ends, /ends soon|has ended/.exec(message)?.[0]];
    });
  const ends = new Date(15.5 * DAY_MS).toISOString();
  await watch.run();
  await clock.advance(1.5 * DAY_MS);
  assertEquals([said(), looks], [[], 2]);
  await clock.advance(DAY_MS);
  assertEquals(said(), [["WARNING", "soon", ends, "ends soon"]]);
  await clock.advance(12 * DAY_MS);
  assertEquals(said().length, 12);
  await clock.advance(DAY_MS);
  assertEquals(said(), [
    ["WARNING", "soon", ends, "ends soon"],
    ["WARNING", "soon", ends, "has ended"],
  ]);
  watch.stop();
  assertEquals(clock.pending, 0);
});
