import type { Db, Document } from "mongodb";

/** The user that the agent has logged in as, and what it may do. */
export interface UserRights {
  readonly name: string;
  /** The database that the user is kept in. */
  readonly database: string;
  /** Whether it may carry out an action on a collection. */
  may(action: string, on: { database: string; collection: string }): boolean;
}

/**
 * Asks the server who this connection is; undefined if it has not logged in, as on a server that asks for no login. The
 * question needs no right. Throws what the driver throws.
 */
export async function userRights(admin: Db): Promise<UserRights | undefined> {
  const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true });
  const [user] = authInfo.authenticatedUsers as Document[];
  if (user === undefined) return undefined;
  const privileges = (authInfo.authenticatedUserPrivileges ?? []) as Document[];
  return {
    name: user.user,
    database: user.db,
    may: (action, on) =>
      privileges.some(({ actions, resource }) =>
        covers(resource, on) && (actions.includes(action) || actions.includes("anyAction"))
      ),
  };
}

/** Whether a privilege on `resource` counts for a collection. An empty name stands for any, but for none of the system. */
function covers(
  resource: Document,
  { collection, database }: { database: string; collection: string },
): boolean {
  if (resource.anyResource) return true;
  const { collection: on, db } = resource;
  if (typeof db !== "string" || typeof on !== "string") return false;
  return (db === "" || db === database) &&
    (on === collection || (on === "" && !collection.startsWith("system.")));
}
