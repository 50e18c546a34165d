/**
 * A module that writes its effect itself, with a client of its own: at least once, as a killed process may have written
 * it before the agent has marked the document.
 */
import { MongoClient, type ObjectId } from "mongodb";

const client = new MongoClient(Deno.env.get("EFFECTS_URI")!);
const effects = client.db(Deno.env.get("EFFECTS_DATABASE")).collection("effects");

export default async function insert({ _id }: { _id: ObjectId }): Promise<void> {
  await effects.insertOne({ of: _id });
}
