import { exists } from "@std/fs";
import { ROOT, TOOLS } from "./bench.ts";
import { runToEnd } from "./programs.ts";

const REQUIREMENTS = `${ROOT}/bench/requirements.txt`;

/**
 * A Python that has Motor, in an environment of its own under the project's tools. Undefined, after a line that says so,
 * if that is not available.
 *
 * @throws {Error} instead, with `REQUIRE_ALL=1`
 */
export async function pythonWithMotor(): Promise<string | undefined> {
  const wanted = await Deno.readTextFile(REQUIREMENTS);
  const dir = `${TOOLS}/python`;
  const python = `${dir}/bin/python`;
  const made = `${dir}/requirements.txt`;
  try {
    if (await exists(made) && await Deno.readTextFile(made) === wanted) return python;
    await runToEnd("python3", ["-m", "venv", "--clear", dir]);
    await runToEnd(python, ["-m", "pip", "install", "--quiet", "--no-deps", "-r", REQUIREMENTS]);
    await Deno.writeTextFile(made, wanted);
    return python;
  } catch (error) {
    if (Deno.env.get("REQUIRE_ALL") === "1") throw error;
    console.log(
      "SKIP the loop in Python, python3 or its packages cannot be had here, apt-get install python3-venv " +
        "and let pip reach a package index",
    );
    return undefined;
  }
}
