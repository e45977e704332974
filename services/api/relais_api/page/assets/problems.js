/** Turns whatever went wrong with a call into one `ApiError` that says what to do next. */

const DEFAULT_PAUSE_S = 5;

/**
 * A call that failed.
 * `kind`: `offline` (no reply; the same call may be sent again), `busy` (again after `retryAfterS`),
 * `broken` (the server failed; again when the person wants), `refused` (again only when something changes).
 */
export class ApiError extends Error {
  constructor({ kind, message, status = 0, code = "", retryAfterS = 0 }) {
    super(message);
    Object.assign(this, { name: "ApiError", kind, status, code, retryAfterS });
  }
}

/** The error for a call that got no reply. */
export function unreachable() {
  return new ApiError({ kind: "offline", message: "The server cannot be reached. Check your connection." });
}

/** The error for a reply that isn't a success. */
export async function fromResponse(response) {
  const problem = await readProblem(response);
  const kind = kindOf(response.status);
  return new ApiError({
    kind,
    message: kind === "busy" ? `${problem.title ?? "The service is busy"}.` : messageOf(problem, response.status),
    status: response.status,
    code: typeof problem.code === "string" ? problem.code : "",
    retryAfterS: retryAfterS(response),
  });
}

/** The seconds that a `Retry-After` header asks for, or `fallback`. */
export function retryAfterS(response, fallback = DEFAULT_PAUSE_S) {
  const value = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(value) && value >= 0 ? value : fallback;
}

function kindOf(status) {
  if (status === 429 || status === 503) return "busy";
  return status >= 500 ? "broken" : "refused";
}

async function readProblem(response) {
  try {
    const body = await response.json();
    return body && typeof body === "object" ? body : {};
  } catch {
    return {}; // a proxy answered with a page of its own
  }
}

function messageOf(problem, status) {
  const fields = Array.isArray(problem.errors) ? problem.errors.map(fieldError).filter(Boolean) : [];
  if (fields.length) return fields.join(" ");
  const text = [problem.detail, problem.title].find((part) => typeof part === "string" && part);
  return text ?? `The server answered with an error (${status}).`;
}

function fieldError(error) {
  const text = error?.detail ?? error?.message ?? error?.msg;
  return typeof text === "string" ? text : "";
}
