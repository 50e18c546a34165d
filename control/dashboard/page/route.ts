import { useEffect, useState } from "preact/hooks";

/** Where the viewer is: it stands behind the `#`, so that it works under any base and reaches no log of a server. */
export interface Route {
  page: PageName;
  params: URLSearchParams;
}

/** The pages, in the order of the navigation. */
export const PAGES = ["overview", "document", "letters", "actions"] as const;
export type PageName = typeof PAGES[number];

/** The address of a page, for a link. */
export function hrefOf(page: PageName, params: Record<string, string> = {}): string {
  const query = new URLSearchParams(params).toString();
  return `#/${page}${query === "" ? "" : `?${query}`}`;
}

/** Goes to a page. */
export function go(page: PageName, params: Record<string, string> = {}): void {
  location.hash = hrefOf(page, params);
}

function current(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const page = PAGES.find((name) => name === path) ?? "overview";
  return { page, params: new URLSearchParams(query) };
}

/** The route, and a new drawing when it changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const changed = () => setRoute(current());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
