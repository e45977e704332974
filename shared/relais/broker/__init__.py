"""The wake-ups: tokens on RabbitMQ or in memory, and who publishes them."""

from relais.broker.connect import AnyBroker, make_broker
from relais.broker.publisher import Publisher

__all__ = ["AnyBroker", "Publisher", "make_broker"]
