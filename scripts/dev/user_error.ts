/** Something the user can mend: its message is all there is to print. The executable's own, as it reads the same files. */
export { UsageError as UserError } from "../../agent/errors.ts";
