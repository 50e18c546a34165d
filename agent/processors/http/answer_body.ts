import { joined } from "../../lib/joined.ts";
import { AnswerTextError, MAX_ANSWER_BYTES } from "../answers/extended_json.ts";

/**
 * All bytes of an answer.
 *
 * @throws {AnswerTextError} If it is larger than an answer may be; the rest is not read.
 */
export async function wholeBody(response: Response): Promise<Uint8Array> {
  const { bytes, isCut } = await firstBytes(response, MAX_ANSWER_BYTES);
  if (isCut) throw new AnswerTextError("is larger than 16 MiB");
  return bytes;
}

/** The first bytes of an answer as text. A short answer is read to its end, so that its connection can be used again. */
export async function beginning(response: Response, maxBytes: number): Promise<string> {
  const { bytes } = await firstBytes(response, maxBytes);
  return new TextDecoder().decode(bytes);
}

async function firstBytes(
  response: Response,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // To leave the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return { bytes: joined(chunks, length).subarray(0, maxBytes), isCut: length > maxBytes };
}
