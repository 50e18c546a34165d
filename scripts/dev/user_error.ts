/** Something the user can mend: its message is all there is to print. */
export class UserError extends Error {
  override name = "UserError";
}
