const IMPORT = /\b(?:from|import)\s*\(?\s*(["'])([^"'\n]+)\1/g;

/** What the source of a module imports, as it is written there. For messages: it may take a comment for an import. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map(([, , specifier]) => specifier!);
}
