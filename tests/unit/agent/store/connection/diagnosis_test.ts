import { assertEquals, assertStringIncludes } from "@std/assert";
import { MongoServerError } from "mongodb";
import { diagnose } from "../../../../../agent/store/connection/diagnosis.ts";
import type { Facts } from "../../../../../agent/store/connection/diagnosis_causes.ts";
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
