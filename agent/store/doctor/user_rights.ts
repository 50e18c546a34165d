import type { Db, Document } from "mongodb";
import { Unseen } from "./unseen.ts";

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
 * question needs no right. {@linkcode Unseen} if the server names no privileges. Throws what the driver throws.
 */
export async function userRights(admin: Pick<Db, "command">): Promise<UserRights | Unseen | undefined> {
  const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true });
  const [user] = authInfo.authenticatedUsers as Document[];
  if (user === undefined) return undefined;
  const { authenticatedUserPrivileges: privileges, authenticatedUserRoles: roles = [] } = authInfo as {
    authenticatedUserPrivileges?: Document[];
    authenticatedUserRoles?: Document[];
  };
  // Some compatible servers name roles alone.
  if (privileges === undefined || (privileges.length === 0 && roles.length > 0)) return UNTOLD;
  return {
    name: user.user,
    database: user.db,
    may: (action, on) =>
      privileges.some(({ actions, resource }) =>
        covers(resource, on) && (actions.includes(action) || actions.includes("anyAction"))
      ),
  };
}

const UNTOLD = new Unseen("the server does not name the privileges of a user");

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
