/**
 * The text of a file that the kernel makes, such as those below `/proc`: Deno itself reads them only with all
 * permissions there are.
 *
 * @throws {Error} if it cannot be read
 */
export async function readProc(path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("cat", { args: [path] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
