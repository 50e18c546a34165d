import { bsonJson } from "./bson_json.ts";
import { elementsApart } from "./bson_elements.ts";

/** A document as people read it. */
export interface DocumentText {
  /** Indented Extended JSON, also if not all is there. */
  readonly json: string;
  /** Some of its fields are too large, and only named, or missing. */
  readonly isCut: boolean;
}

/** So many times as much as is shown is rendered at most: what turns out too long was rendered in vain. */
const RENDERED = 2;
/** Fields that are shown or named, at most. */
const MAX_FIELDS = 5000;

/**
 * A document as indented Extended JSON of about `limit` UTF-16 units at most: what does not fit is named with its size, as
 * far as the names fit. So the largest document costs little, and stays JSON. Never throws.
 */
export function documentText(bytes: Uint8Array, limit: number): DocumentText {
  const parts: string[] = [];
  let left = limit;
  let toRender = RENDERED * limit;
  let isCut = false;
  try {
    for (const [name, alone] of elementsApart(bytes)) {
      if (parts.length >= MAX_FIELDS) {
        isCut = true;
        break;
      }
      const mayFit = alone.length <= Math.min(left, toRender);
      if (mayFit) toRender -= alone.length;
      const shown = mayFit ? fieldJson(alone) : undefined;
      if (shown !== undefined && shown.length <= left) {
        parts.push(shown);
        left -= shown.length;
        continue;
      }
      isCut = true;
      const missing = `  ${JSON.stringify(name)}: "(${alone.length} bytes, not shown)"`;
      if (missing.length > left) break;
      parts.push(missing);
      left -= missing.length;
    }
  } catch {
    // The fields behind one that cannot be read are missing.
    isCut = true;
  }
  return { json: parts.length === 0 ? "{}" : `{\n${parts.join(",\n")}\n}`, isCut };
}

/** The line or lines of one field. */
function fieldJson(alone: Uint8Array): string {
  return bsonJson(alone, 2).replace(/^\{\n|\n\}$/g, "");
}
