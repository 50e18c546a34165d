import { MongoClient } from "mongodb";
import { testUri } from "./mongod.ts";

/** Has the server of the tests fail commands of the client that gives `appName`; `await using` ends it. */
export async function failCommand(
  appName: string,
  data: Record<string, unknown>,
  mode: "alwaysOn" | { times: number } | { skip: number },
): Promise<AsyncDisposable> {
  const client = new MongoClient(testUri());
  const admin = client.db("admin");
  await admin.command({ configureFailPoint: "failCommand", mode, data: { ...data, appName } });
  return {
    async [Symbol.asyncDispose]() {
      await admin.command({ configureFailPoint: "failCommand", mode: "off" });
      await client.close();
    },
  };
}
