/** Follows one message to its end: live by server-sent events, by polling where those fail. */

import { Draft } from "./draft.js";
import { isFinal, poll } from "./poll.js";

const FAILURES_BEFORE_POLLING = 3;
const GAPS_BEFORE_POLLING = 3;
const SILENCE_MS = 20_000;

/** Follows one message; `stop` ends it. Callbacks: `onStatus(status)`, `onText(text)`, `onTrouble(error|null)`. */
export class Follower {
  #api;
  #urls;
  #on;
  #draft = new Draft();
  #source = null;
  #failures = 0;
  #gaps = 0;
  #silence = 0;
  #stopped = new AbortController();

  constructor({ api, statusUrl, eventsUrl, onStatus, onText, onTrouble }) {
    this.#api = api;
    this.#urls = { statusUrl, eventsUrl };
    this.#on = { onStatus, onText, onTrouble };
  }

  /** Follow live. */
  watch() {
    if (typeof EventSource === "undefined") return this.poll();
    this.#connect();
  }

  /** Follow by polling. */
  poll() {
    this.#disconnect();
    poll({
      api: this.#api,
      url: this.#urls.statusUrl,
      signal: this.#stopped.signal,
      onStatus: (status) => this.#tell(status),
      onTrouble: this.#on.onTrouble,
    });
  }

  stop() {
    this.#stopped.abort();
    this.#disconnect();
  }

  #connect() {
    this.#disconnect();
    const source = new EventSource(this.#urls.eventsUrl);
    this.#source = source;
    const listen = (name, handle) =>
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return; // replaced while the event was on its way
        this.#heard();
        handle(JSON.parse(event.data));
      });
    listen("status", (status) => this.#tell(status));
    listen("done", (status) => this.#tell(status));
    listen("delta", (piece) => this.#add(piece));
    listen("reset", (reset) => this.#reset(reset));
    source.onerror = () => this.#failed();
    this.#restartSilence();
  }

  #disconnect() {
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #heard() {
    this.#failures = 0;
    this.#on.onTrouble(null);
    this.#restartSilence();
  }

  #failed() {
    this.#failures += 1; // until the next event: a connection that opens and says nothing is no success
    // The browser gives up (CLOSED) when the server answers with an error; else it reconnects by itself.
    if (this.#source.readyState === EventSource.CLOSED || this.#failures >= FAILURES_BEFORE_POLLING) this.poll();
  }

  /** A connection can die without a sign (sleep, a NAT that forgot it), so silence is questioned. */
  #restartSilence() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#connect(), SILENCE_MS);
  }

  #add(piece) {
    if (this.#draft.add(piece)) this.#on.onText(this.#draft.text);
    else this.#fillGap();
  }

  /** Pieces are missing: a new connection starts with the whole text. */
  #fillGap() {
    this.#gaps += 1;
    this.#draft.reset();
    if (this.#gaps > GAPS_BEFORE_POLLING) this.poll();
    else this.#connect();
  }

  #reset({ attempt }) {
    this.#draft.reset(attempt);
    this.#on.onText("");
  }

  #tell(status) {
    if (isFinal(status)) this.stop();
    this.#on.onStatus(status);
  }
}
