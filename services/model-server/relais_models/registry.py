"""Finding a model by the name that a request gives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from relais_models.contract import Card, ChatModel, EmbeddingModel, ModelError

_DEFAULT_TAG = ":latest"


@dataclass(frozen=True)
class Registry:
    """The served models by name, in the order in which they are listed."""

    chat_models: Mapping[str, ChatModel]
    embedding_models: Mapping[str, EmbeddingModel]

    def cards(self) -> Iterator[Card]:
        """The cards of all models."""
        yield from (model.card for model in self.chat_models.values())
        yield from (model.card for model in self.embedding_models.values())

    def card(self, name: str) -> Card:
        """The card of the model called `name`.

        Raises:
            ModelError: 400 without a name; 404, in Ollama's words, when there is no such model.
        """
        if not name:
            raise ModelError("model is required", 400)
        for card in self.cards():
            if card.name == _short(name):
                return card
        raise ModelError(f'model "{name}" not found, try pulling it first', 404)

    def chat_model(self, name: str) -> ChatModel:
        """The model called `name`; raises ModelError as `card` does, and with 400 when it doesn't chat."""
        known = self.card(name)
        if known.name not in self.chat_models:
            raise ModelError(f'"{name}" does not support chat', 400)
        return self.chat_models[known.name]

    def embedding_model(self, name: str) -> EmbeddingModel:
        """The model called `name`; raises ModelError as `card` does, and with 400 when it doesn't embed."""
        known = self.card(name)
        if known.name not in self.embedding_models:
            raise ModelError(f'"{name}" does not support embeddings', 400)
        return self.embedding_models[known.name]


def _short(name: str) -> str:
    return name.lower().removesuffix(_DEFAULT_TAG)
