import { type TestDatabase, testDatabase } from "./mongod.ts";
import { openStore, type TestStore } from "./store.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** A store, the proxy through which it reaches its database, and the store of another agent that needs none. */
export interface ProxiedStore extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly proxy: TcpProxy;
  readonly store: TestStore;
  readonly other: TestStore;
}

/** Opens a fresh database named after the test that uses it, and its stores; `await using` closes all of them. */
export async function proxiedStore(
  name: string,
  overrides: Parameters<typeof openStore>[1] = {},
): Promise<ProxiedStore> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase(name));
  const proxy = stack.use(new TcpProxy(database.uri));
  const store = stack.use(openStore({ uri: proxy.uri, name: database.name }, overrides));
  const other = stack.use(openStore(database, overrides));
  return { database, proxy, store, other, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
