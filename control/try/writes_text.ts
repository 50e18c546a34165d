import { shortened } from "../../agent/text/shortened.ts";
import type { Document, EffectWrite } from "../../agent/ports.ts";

/** Writes of a document that are shown, at most. */
const MAX_WRITES = 5;

/** This much of what a write writes is shown, in UTF-16 units. */
const MAX_SHOWN = 100;

/** What writes would do, in short: `--json` shows all of it. `json` writes a document as text. */
export function writesText(writes: readonly EffectWrite[], json: (document: Document) => string): string[] {
  const shown = (value: unknown) => cut(json({ v: value }).slice(`{"v":`.length, -1));
  const texts = writes.slice(0, MAX_WRITES).map((write) => {
    const { collection } = write;
    if ("insertOne" in write) return `insert into ${collection} ${shown(write.insertOne)}`;
    if ("deleteOne" in write) return `delete from ${collection} ${shown(write.deleteOne.filter)}`;
    const [verb, { filter, upsert }, by] = "updateOne" in write
      ? ["update", write.updateOne, write.updateOne.update]
      : ["replace", write.replaceOne, write.replaceOne.replacement];
    return `${verb}${upsert ? " or insert" : ""} in ${collection} ${shown(filter)} by ${shown(by)}`;
  });
  return writes.length > texts.length ? [`${writes.length} writes`, ...texts] : texts;
}

function cut(text: string): string {
  return shortened(text, MAX_SHOWN);
}
