import { assertHidden } from "../support/odd_passwords.ts";

for (const password of ["true", "e", 'pässwörd "x" \\ y', "level", '"', "\\", "p@ss:w/rd%?#", "two\nlines"]) {
  Deno.test(`Secrets: the password ${JSON.stringify(password)} reaches neither documents, letters, lines nor commands by an error`, async () => {
    await assertHidden(password);
  });
}
