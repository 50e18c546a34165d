/** The ids of documents that hold what waits, among the entries of the agents, begin with this. */
export const BACKLOG_PREFIX = "backlog ";
