/** Runs a conversation: finds it again, sends, follows, retries and cancels its messages. */

import { announce } from "./announcer.js";
import { eventsUrl, statusUrl } from "./api.js";
import { byId } from "./dom.js";
import { Exchange } from "./exchange.js";
import { Follower } from "./follow.js";
import { Outbox } from "./outbox.js";
import { isFinal } from "./poll.js";
import { statusLine } from "./words.js";

/** One conversation at a time; `composer`, `scroll` and `sources` are its views. */
export class Conversation {
  #api;
  #memory;
  #views;
  #outbox;
  #exchanges = new Map(); // message id or, before it is accepted, idempotency key → {view, …}
  #log = byId("log");
  #new = byId("new");

  constructor({ api, memory, views }) {
    this.#api = api;
    this.#memory = memory;
    this.#views = views;
    this.#outbox = new Outbox({ api, memory, on: this.#outboxEvents() });
    this.#new.onclick = () => this.startNew();
  }

  /** Show what a reload must bring back, then go on with what was running. */
  async open() {
    const unsent = this.#outbox.items.map((item) => this.#addUnsent(item));
    await this.#loadHistory();
    for (const entry of unsent) this.#log.append(entry.view.node);
    this.#views.scroll.toEnd();
    this.#outbox.sendNow();
  }

  /** Send what a person wrote. */
  ask(content) {
    this.#addUnsent(this.#outbox.add(content));
    this.#views.scroll.toEnd();
    this.#outbox.sendNow();
  }

  /** Leave this conversation; what it still runs goes on without us. */
  startNew() {
    for (const entry of this.#exchanges.values()) this.#remove(entry);
    this.#exchanges.clear();
    this.#outbox.clear();
    this.#memory.sessionId = null;
    this.#notice("");
    this.#showStarted();
    this.#views.composer.focus();
    announce("New conversation");
  }

  async #loadHistory() {
    const sessionId = this.#memory.sessionId;
    if (!sessionId) return;
    this.#log.setAttribute("aria-busy", "true");
    try {
      let cursor = null;
      do {
        const page = await this.#api.history(sessionId, cursor);
        if (this.#memory.sessionId !== sessionId) return; // left meanwhile
        for (const message of page.messages) this.#addKnown(message);
        cursor = page.next;
      } while (cursor);
      this.#notice("");
    } catch (error) {
      this.#historyFailed(error);
    } finally {
      this.#log.removeAttribute("aria-busy");
    }
  }

  #historyFailed(error) {
    if (error.status === 404) this.#memory.sessionId = null; // deleted since: begin anew
    else this.#notice(`The earlier conversation cannot be shown. ${error.message} Reload the page to try again.`);
  }

  #addUnsent(item) {
    const entry = { item, view: null, follower: null, status: null };
    entry.view = this.#view(item.content, entry);
    this.#add(item.key, entry);
    entry.view.showHeld();
    return entry;
  }

  #addKnown({ question, ...status }) {
    if (this.#exchanges.has(status.message_id)) return;
    const entry = { item: null, view: null, follower: null, status };
    entry.view = this.#view(question ?? "", entry);
    this.#add(status.message_id, entry);
    this.#update(entry, status, { quiet: true });
  }

  #add(key, entry) {
    this.#exchanges.set(key, entry);
    this.#log.append(entry.view.node);
    this.#showStarted();
  }

  #view(question, entry) {
    return new Exchange(question, {
      resend: () => this.#outbox.sendNow(),
      discard: () => this.#discard(entry),
      edit: () => (this.#discard(entry), this.#views.composer.edit(question)),
      cancel: () => this.#act(entry, () => this.#api.cancel(entry.status.message_id)),
      retry: () => this.#act(entry, () => this.#api.retry(entry.status.message_id)),
      openSource: (citation, citations) => this.#views.sources.open(citation, citations),
    });
  }

  #outboxEvents() {
    const view = (item) => this.#exchanges.get(item.key)?.view;
    return {
      sending: (item) => view(item)?.showSending(),
      held: (item) => view(item)?.showHeld(),
      busy: (item, error, seconds) => view(item)?.showBusy(error.message, seconds),
      unsent: (item, error) => (view(item)?.showUnsent(error.message), announce(`Not sent. ${error.message}`)),
      refused: (item, error) => (view(item)?.showRefused(error.message), announce(`Not sent. ${error.message}`)),
      accepted: (item, receipt) => this.#accepted(item, receipt),
      newSession: () => this.#sessionGone(),
    };
  }

  #accepted(item, receipt) {
    const entry = this.#exchanges.get(item.key);
    if (!entry) return;
    this.#exchanges.delete(item.key);
    if (this.#exchanges.has(receipt.message_id)) return this.#remove(entry); // the history knew it already
    this.#exchanges.set(receipt.message_id, entry);
    entry.urls = { statusUrl: receipt.status_url, eventsUrl: receipt.events_url };
    this.#update(entry, receipt);
  }

  /** The outbox gave its items new keys. */
  #sessionGone() {
    const unsent = [...this.#exchanges.values()].filter((entry) => entry.item);
    for (const [key, entry] of [...this.#exchanges]) if (entry.item) this.#exchanges.delete(key);
    for (const entry of unsent) this.#exchanges.set(entry.item.key, entry);
    this.#notice("The earlier conversation no longer exists. Your message starts a new one.");
  }

  /** Show a status, and follow the message until its last one. */
  #update(entry, status, { quiet = false } = {}) {
    const before = entry.status?.status;
    entry.status = status;
    entry.item = null;
    entry.view.showStatus(status);
    if (!quiet && before !== status.status) announceStatus(status);
    if (isFinal(status)) {
      entry.follower?.stop(); // else what it hears late would undo a retry
      entry.follower = null;
    }
    this.#followOldest();
  }

  /**
   * Only the oldest open message is watched live, since it is the one that runs (a session keeps its order) and a
   * browser allows six connections to a host over HTTP/1.1, live ones included.
   */
  #followOldest() {
    const open = [...this.#exchanges.values()].filter((entry) => entry.status && !isFinal(entry.status));
    open.forEach((entry, place) => this.#follow(entry, place === 0));
  }

  #follow(entry, live) {
    if (entry.follower && entry.live === live) return;
    entry.follower?.stop();
    entry.live = live;
    const id = entry.status.message_id;
    entry.follower = new Follower({
      api: this.#api,
      statusUrl: entry.urls?.statusUrl ?? statusUrl(id),
      eventsUrl: entry.urls?.eventsUrl ?? eventsUrl(id),
      onStatus: (status) => this.#update(entry, status),
      onText: (text) => entry.view.showText(text),
      onTrouble: (error) => this.#troubled(entry, error),
    });
    if (live) entry.follower.watch();
    else entry.follower.poll();
  }

  #troubled(entry, error) {
    if (error?.status === 404) entry.follower = null;
    entry.view.showTrouble(error && (error.kind === "offline" ? "Connection lost. Trying again" : error.message));
  }

  /** Ask the server to retry or cancel, then show what it made of that. */
  async #act(entry, call) {
    entry.view.showTrouble(null);
    try {
      await call();
    } catch (error) {
      if (error.status !== 409) return entry.view.showTrouble(error.message); // 409: it had moved on by itself
    }
    await this.#refresh(entry);
  }

  async #refresh(entry) {
    try {
      const reply = await this.#api.status(statusUrl(entry.status.message_id), null);
      this.#update(entry, await reply.json());
    } catch (error) {
      entry.view.showTrouble(error.message);
    }
  }

  #discard(entry) {
    this.#remove(entry);
    for (const [key, other] of this.#exchanges) if (other === entry) this.#exchanges.delete(key);
    if (entry.item) this.#outbox.discard(entry.item);
    this.#showStarted();
    this.#views.composer.focus();
  }

  #remove(entry) {
    entry.follower?.stop();
    entry.view.dispose();
    entry.view.node.remove();
  }

  #showStarted() {
    const started = this.#exchanges.size > 0;
    byId("greeting").classList.toggle("small", started);
    this.#new.hidden = !started;
  }

  #notice(text) {
    const notice = byId("notice");
    notice.textContent = text;
    notice.hidden = !text;
  }
}

function announceStatus(status) {
  if (status.status === "completed") announce(`Answer: ${status.content ?? ""}`);
  else if (status.status === "failed") announce(`No answer. ${status.error ?? ""}`);
  else if (status.status === "cancelled") announce("Cancelled");
  else announce(statusLine(status));
}
