/**
 * The first client of a process looks whether it runs in a container, and does not wait for the answer. A test file that
 * imports this waits for it before its tests, so that none of them leaves an operation behind.
 *
 * @module
 */

import { MongoClient } from "mongodb";

const { options } = new MongoClient("mongodb://127.0.0.1/");
const { metadata } = options as { metadata?: Promise<unknown> };
if (metadata === undefined) throw new Error("The driver keeps its look for a container in another place now");
await metadata;
