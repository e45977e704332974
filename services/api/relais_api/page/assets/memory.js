/** Remembers the conversation, the draft and what is not sent yet, across reloads. */

/**
 * The draft and the unsent belong to one tab (`sessionStorage`); the conversation is also found again in a new tab
 * (`localStorage`). A browser that forbids storage only loses the memory.
 */
export class Memory {
  #prefix;

  constructor(token) {
    this.#prefix = `relais:${token}:`;
  }

  get sessionId() {
    return read(() => sessionStorage, this.#prefix + "session") ?? read(() => localStorage, this.#prefix + "session");
  }

  set sessionId(id) {
    write(() => sessionStorage, this.#prefix + "session", id);
    write(() => localStorage, this.#prefix + "session", id);
  }

  get draft() {
    return read(() => sessionStorage, this.#prefix + "draft") ?? "";
  }

  set draft(text) {
    write(() => sessionStorage, this.#prefix + "draft", text || null);
  }

  get unsent() {
    try {
      const items = JSON.parse(read(() => sessionStorage, this.#prefix + "unsent") ?? "[]");
      return Array.isArray(items) ? items : [];
    } catch {
      return [];
    }
  }

  set unsent(items) {
    write(() => sessionStorage, this.#prefix + "unsent", items.length ? JSON.stringify(items) : null);
  }
}

function read(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // forbidden or full
  }
}
