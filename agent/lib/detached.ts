/** As they were before a user's module could change them: they make the text that is written. */
const { parse, stringify } = JSON;

/** A shorter text is copied when it is cut out of another. For a longer one, V8 only notes its place in the other. */
const COPIED_ANYWAY = 13;

/** Above this length a text is left as it is: the copy would cost more than it is likely to save, in UTF-16 units. */
const MAX_LENGTH = 16 * 1024;

/**
 * A copy of a text that may be a part of a larger one. The part alone would keep all of the larger text in memory, such
 * as a page of which a handler returns the title.
 */
export function detached<T extends string>(text: T): T {
  if (text.length < COPIED_ANYWAY || text.length > MAX_LENGTH) return text;
  return parse(stringify(text));
}
