/** What a text is if it is not JavaScript, as a clause of a sentence; undefined if that is not known. */
export function otherThanJavaScript(source: string): string | undefined {
  if (isJson(source)) return "is JSON, not JavaScript: name the .js file itself";
  if (source.includes("\0") || source.includes("\uFFFD")) {
    return "is not text: name the .js file itself, in UTF-8";
  }
  if (/^\s*</.test(source)) return "is HTML or XML, not JavaScript: name the .js file itself";
  if (TYPESCRIPT.some((pattern) => pattern.test(source))) {
    return "has TypeScript in it, which the agent cannot load: bundle it to JavaScript";
  }
  return undefined;
}

/** Asked only for sources that cannot be parsed: in valid JavaScript some of it may stand in a text. */
const TYPESCRIPT = [
  /^\s*(export\s+)?(declare\s+|abstract\s+)?(interface|enum|namespace|abstract class)\s+\w+/m,
  /^\s*(export\s+)?type\s+\w+(<[^>]*>)?\s*=/m,
  /^\s*(import|export)\s+type\b/m,
  /[\w)\]}?]\s*:\s*(any|unknown|string|number|boolean|void|never|object|bigint)\b/,
  /\w\??\s*:\s*[A-Z]\w*(<[^>()]*>)?(\[\])*\s*[,)=]/,
  /\)\s*:\s*[A-Z]\w*(<[^>()]*>)?\s*(=>|\{)/,
  /\bas\s+(const|any|unknown|string|number|[A-Z]\w*)\b/,
  /^\s*(private|public|protected|readonly)\s+\w+/m,
];

function isJson(source: string): boolean {
  try {
    JSON.parse(source.replace(/^\uFEFF/, ""));
    return true;
  } catch {
    return false;
  }
}
