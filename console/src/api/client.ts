import type { DiagnosticView, Problem } from "./types";

/** An error answer of the controller, or none at all (status 0). */
export class ApiFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string | null;
  readonly diagnostics: DiagnosticView[];

  constructor(problem: Problem) {
    super(problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.diagnostics = problem.diagnostics ?? [];
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;

/** Called when the session has ended, wherever that is noticed. */
let onSignedOut = () => {};
export const whenSignedOut = (action: () => void) => {
  onSignedOut = action;
};

async function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  return (await callTagged<T>(method, path, body, headers)).body;
}

/** An answer with its version, which a later edit may be made to depend on. */
export interface Tagged<T> {
  body: T;
  tag: string | null;
}

async function callTagged<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Tagged<T>> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    credentials: "same-origin",
    headers: {
      accept: "application/json, application/problem+json",
      ...(method === "GET" ? {} : { "X-Bulkhead": "1" }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new ApiFailure(unreachable);
  });
  if (response.ok)
    return {
      body: response.status === 204 ? (undefined as T) : ((await response.json()) as T),
      tag: response.headers.get("etag"),
    };
  const problem = (await response.json().catch(() => null)) as Problem | null;
  const failure = new ApiFailure(problem?.code ? problem : { ...unreadable, status: response.status });
  if ((failure.status === 401 || failure.code === "must-change-password") && path !== "/session") onSignedOut();
  throw failure;
}

const unreachable: Problem = {
  status: 0,
  code: "unreachable",
  title: "The controller cannot be reached. Nothing was changed.",
  detail: "Check that it runs and that the network lets you through; hosts keep enforcing meanwhile.",
  diagnostics: [],
};
const unreadable: Problem = {
  status: 0,
  code: "unreadable",
  title: "The controller answered with an error it did not explain.",
  detail: "Look at the controller's log.",
  diagnostics: [],
};

const withQuery = (path: string, query: Query = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text ? `${path}?${text}` : path;
};

const ifMatch = (tag: string | null | undefined): Record<string, string> => (tag ? { "if-match": tag } : {});

export const api = {
  get: <T>(path: string, query?: Query) => call<T>("GET", withQuery(path, query)),
  post: <T>(path: string, body?: unknown) => call<T>("POST", path, body),
  getTagged: <T>(path: string) => callTagged<T>("GET", path),
  /** With a tag, the edit is refused (409) if what it edits is no longer of that version. */
  put: <T>(path: string, body: unknown, tag?: string | null) => call<T>("PUT", path, body, ifMatch(tag)),
  delete: <T>(path: string, tag?: string | null) => call<T>("DELETE", path, undefined, ifMatch(tag)),
};

export const asFailure = (error: unknown): ApiFailure =>
  error instanceof ApiFailure ? error : new ApiFailure({ ...unreadable, detail: String(error) });
