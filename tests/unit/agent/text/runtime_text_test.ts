import { assertEquals } from "@std/assert";
import { runtimeText } from "../../../../agent/text/runtime_text.ts";

Deno.test("runtimeText() leaves out the runtime's advice on its own flags, for each kind of permission", () => {
  const compiled = "specify the required permissions during compilation using `deno compile --allow-all`";
  for (const advice of [compiled, "run again with the --allow-all flag"]) {
    assertEquals(
      runtimeText(`Requires all access to "/sys", ${advice}`),
      '"/sys" belongs to the kernel, and the runtime opens none of its files',
    );
    assertEquals(
      runtimeText(`Requires run access to "ls, or so", ${advice}`),
      'Requires run access to "ls, or so", which the agent does not have',
    );
    assertEquals(
      runtimeText(`Requires ffi access, ${advice}`),
      "Requires ffi access, which the agent does not have",
    );
  }
});

Deno.test("runtimeText() leaves any other text as it is", () => {
  for (const text of ["", "Requires all access", "Requires patience, run again later", "disk full"]) {
    assertEquals(runtimeText(text), text);
  }
});
