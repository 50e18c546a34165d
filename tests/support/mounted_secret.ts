/**
 * Writes files as the kubelet writes a mounted secret: behind two symbolic links, the first of which is swapped.
 *
 * @param version the name of the folder of these files, another one each time
 */
export async function mountSecret(
  dir: string,
  version: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await Deno.mkdir(`${dir}/${version}`, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeTextFile(`${dir}/${version}/${name}`, content);
  }
  await Deno.symlink(version, `${dir}/..new`);
  await Deno.rename(`${dir}/..new`, `${dir}/..data`);
  for (const name of Object.keys(files)) {
    await Deno.symlink(`..data/${name}`, `${dir}/${name}`).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }
}
