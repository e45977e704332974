/** Speaks HTTP with the monitor: reads without a key, acts with one. */

import { key, signOut } from "./key.js";

const TIMEOUT_MS = 35_000;

/** A call that failed: `status` 0 when nobody answered; `message` says what to do. */
export class CallError extends Error {
  constructor(message, { status = 0, code = "", body = {} } = {}) {
    super(message);
    Object.assign(this, { name: "CallError", status, code, body });
  }
}

/** Read JSON that everybody may see. */
export function read(path, signal) {
  return call("GET", path, { signal });
}

/** Ask the API through the monitor, with the operator's key, or with one that is only tried. */
export async function operate(method, path, { query, body, tried } = {}) {
  const search = query ? `?${new URLSearchParams(query)}` : "";
  try {
    return await call(method, `/operate${path}${search}`, { body, headers: { Authorization: `Bearer ${tried ?? key()}` } });
  } catch (error) {
    if (error.status === 401 && !tried) signOut(); // revoked meanwhile
    throw error;
  }
}

async function call(method, path, { body, headers = {}, signal } = {}) {
  const request = { method, headers: { Accept: "application/json", ...headers }, cache: "no-store" };
  request.signal = signal ? AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) : AbortSignal.timeout(TIMEOUT_MS);
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CallError("The monitor does not answer. Check your connection, and whether the monitor runs.");
  }
  const answer = await readJson(response);
  if (response.ok) return answer;
  throw new CallError(messageOf(answer, response.status), { status: response.status, code: answer.code, body: answer });
}

async function readJson(response) {
  try {
    return (await response.json()) ?? {};
  } catch {
    return {}; // a proxy answered with a page of its own, or there is no body
  }
}

function messageOf(problem, status) {
  const fields = Array.isArray(problem.errors) ? problem.errors.map((error) => error?.message ?? error?.detail) : [];
  const found = [fields.filter((text) => typeof text === "string").join(" "), problem.detail, problem.title];
  return found.find((text) => typeof text === "string" && text) ?? `The server answered with an error (${status}).`;
}
