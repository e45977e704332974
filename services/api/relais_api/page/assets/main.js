/** Puts the page together from its parts. */

import { Api } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Memory } from "./memory.js";
import { Scroll } from "./scroll.js";
import { SourceView } from "./source-view.js";

const { token, maxChars } = document.body.dataset;
const memory = new Memory(token);
const views = { scroll: new Scroll(), sources: new SourceView(), composer: null };
const conversation = new Conversation({ api: new Api(token), memory, views });
views.composer = new Composer({ limit: Number(maxChars), memory, onSend: (content) => conversation.ask(content) });
// On a phone the focus would open the keyboard over the greeting.
if (matchMedia("(pointer: fine)").matches) views.composer.focus();
conversation.open();
