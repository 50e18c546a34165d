/**
 * Who has opened a connection to a MongoDB server, by its first message.
 *
 * @module
 */

import { BSON } from "bson";
import type { Peer } from "./member_link.ts";

const [OP_QUERY, OP_MSG] = [2004, 2013];
const HEADER_BYTES = 16;

/**
 * The peer that sent this message. Members of a replica set with test commands tell their own address in it; clients tell the
 * name of their application.
 */
export function peerOf(message: Uint8Array): Peer {
  const { hostInfo, client } = hello(message);
  if (typeof hostInfo === "string") return { port: Number(hostInfo.split(":").at(-1)) };
  return { appName: client?.application?.name ?? "" };
}

interface Hello {
  hostInfo?: string;
  client?: { application?: { name?: string } };
}

function hello(message: Uint8Array): Hello {
  const view = new DataView(message.buffer, message.byteOffset);
  const opCode = view.getInt32(12, true);
  let at: number;
  // Behind four bytes of flags: the kind of the section in one byte, or a name that ends with 0 and two numbers.
  if (opCode === OP_MSG) at = HEADER_BYTES + 4 + 1;
  else if (opCode === OP_QUERY) at = message.indexOf(0, HEADER_BYTES + 4) + 1 + 8;
  else return {};
  return BSON.deserialize(message.subarray(at, at + view.getInt32(at, true))) as Hello;
}
