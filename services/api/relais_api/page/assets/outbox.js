/** Hands messages to the API one after another, each exactly once. */

/**
 * Every item has its own idempotency key and keeps the session it was first sent with, so that sending it again after a
 * lost reply gives the same message. The first item of a conversation learns the session for those behind it.
 */
export class Outbox {
  #api;
  #memory;
  #on;
  #items;
  #busy = false;
  #timer = 0;

  /**
   * @param {{api: import("./api.js").Api, memory: import("./memory.js").Memory, on: {
   *   sending(item), held(item), busy(item, error, seconds), unsent(item, error), refused(item, error),
   *   accepted(item, receipt), newSession() }}} options
   */
  constructor({ api, memory, on }) {
    this.#api = api;
    this.#memory = memory;
    this.#on = on;
    this.#items = memory.unsent;
    addEventListener("online", () => this.sendNow());
  }

  /** What a reload found unsent. */
  get items() {
    return [...this.#items];
  }

  /** Make an item; it is sent with the next `sendNow`. */
  add(content) {
    const item = { key: newKey(), content };
    this.#items.push(item);
    this.#save();
    return item;
  }

  /** Send what is there, beginning with the oldest. */
  async sendNow() {
    clearInterval(this.#timer);
    if (this.#busy) return this.#hold();
    this.#busy = true;
    try {
      while (this.#items.length && (await this.#sendFirst()));
    } finally {
      this.#busy = false;
    }
  }

  /** Forget an item. */
  discard(item) {
    const first = this.#items[0] === item;
    this.#items = this.#items.filter((other) => other !== item);
    this.#save();
    if (first) this.sendNow();
  }

  /** Forget everything. */
  clear() {
    clearInterval(this.#timer);
    this.#items = [];
    this.#save();
  }

  async #sendFirst() {
    const item = this.#items[0];
    if (item.sessionId === undefined) item.sessionId = this.#memory.sessionId;
    this.#save(); // before sending: a reload must repeat the very same request
    this.#on.sending(item);
    this.#hold();
    try {
      const receipt = await this.#api.send(item);
      if (!this.#items.includes(item)) return true; // the conversation was left meanwhile
      this.#accepted(item, receipt);
      return true;
    } catch (error) {
      return this.#items.includes(item) ? this.#failed(item, error) : true;
    }
  }

  #accepted(item, receipt) {
    this.#memory.sessionId = receipt.session_id;
    this.#drop(item);
    this.#on.accepted(item, receipt);
  }

  /** @returns {boolean} whether to go on sending */
  #failed(item, error) {
    if (error.code === "unknown_session" && item.sessionId) return this.#startAnew(item);
    if (error.kind === "busy") return this.#wait(item, error);
    if (error.kind !== "refused") return this.#on.unsent(item, error), false;
    this.#drop(item);
    this.#on.refused(item, error);
    return true;
  }

  /** The session is gone: the message begins a new one, which makes it another request with another key. */
  #startAnew(item) {
    this.#memory.sessionId = null;
    for (const other of this.#items) Object.assign(other, { key: newKey(), sessionId: undefined });
    this.#save();
    this.#on.newSession(item);
    return true;
  }

  #wait(item, error) {
    let seconds = Math.max(1, Math.ceil(error.retryAfterS));
    this.#on.busy(item, error, seconds);
    this.#timer = setInterval(() => {
      seconds -= 1;
      if (seconds > 0) this.#on.busy(item, error, seconds);
      else this.sendNow();
    }, 1000);
    return false;
  }

  #hold() {
    for (const item of this.#items.slice(1)) this.#on.held(item);
  }

  #drop(item) {
    this.#items = this.#items.filter((other) => other !== item);
    this.#save();
  }

  #save() {
    this.#memory.unsent = this.#items;
  }
}

/** `randomUUID` exists only in secure contexts; a page served over plain HTTP in a local network has none. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
