/** Speaks HTTP with the Relais API. */

import { ApiError, fromResponse, unreachable } from "./problems.js";

const TIMEOUT_MS = 20_000;

/** The calls that the page makes, for one agent. */
export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  /** Hand a message in; the same key and body give the same receipt again. */
  async send({ key, content, sessionId }) {
    const path = `/c/${encodeURIComponent(this.#token)}/message`;
    const reply = await call("POST", path, {
      body: { content, session_id: sessionId },
      headers: { "Idempotency-Key": key },
    });
    return receipt(await reply.json());
  }

  /** One page of a conversation, oldest first: `{messages, next}`. */
  async history(sessionId, cursor) {
    const query = cursor ? `?${new URLSearchParams({ cursor })}` : "";
    const reply = await call("GET", `/api/sessions/${encodeURIComponent(sessionId)}/messages${query}`);
    const body = await reply.json();
    return { messages: body.messages ?? body.items ?? [], next: body.next_cursor ?? null };
  }

  /** The raw reply with a message's status; 304 when it still is what `etag` names. */
  status(url, etag) {
    return call("GET", url, { headers: etag ? { "If-None-Match": etag } : {} });
  }

  /** Put a failed or cancelled message back into the queue. */
  async retry(messageId) {
    await call("POST", `${messagePath(messageId)}/retry`);
  }

  /** Cancel a waiting or running message. */
  async cancel(messageId) {
    await call("POST", `${messagePath(messageId)}/cancel`);
  }
}

function messagePath(messageId) {
  return `/api/messages/${encodeURIComponent(messageId)}`;
}

/** Where a message of the history is followed. */
export function statusUrl(messageId) {
  return `${messagePath(messageId)}/status`;
}

/** Where a message of the history is watched live. */
export function eventsUrl(messageId) {
  return `${messagePath(messageId)}/events`;
}

function receipt(body) {
  if (typeof body?.message_id === "string") return body;
  throw new ApiError({ kind: "broken", message: "The reply of the server makes no sense. Try again." });
}

async function call(method, path, { body, headers = {} } = {}) {
  const request = { method, headers: { Accept: "application/json", ...headers }, cache: "no-store" };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  const response = await reach(path, request);
  if (response.ok || response.status === 304) return response;
  throw await fromResponse(response);
}

async function reach(path, request) {
  try {
    return await fetch(path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw unreachable(); // no network, refused, or no reply in time
  }
}
