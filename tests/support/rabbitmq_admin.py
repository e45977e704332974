"""RabbitMQ's HTTP API, as far as the tests need it."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from relais_cli.parts.rabbitmq_node import USER, RabbitMQNode


@dataclass(frozen=True)
class RabbitMQAdmin:
    """Looks into a node and changes it; counts of the API lag, so queue depths are asked by AMQP elsewhere."""

    client: httpx.Client

    @classmethod
    def of(cls, node: RabbitMQNode) -> Self:
        """Log in to a node that has the plugin `rabbitmq_management`."""
        return cls(httpx.Client(base_url=node.management_url, auth=(USER, node.password), timeout=15.0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def make_vhost(self, name: str) -> None:
        """Make a virtual host in which our user may do everything."""
        self.put(f"/vhosts/{_part(name)}", {})
        self.put(f"/permissions/{_part(name)}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"})

    def drop_vhost(self, name: str) -> None:
        """Remove a virtual host with its queues and connections."""
        self.client.delete(f"/vhosts/{_part(name)}").raise_for_status()

    def queues(self, vhost: str) -> dict[str, dict[str, Any]]:
        """The queues of a virtual host by name, with type and arguments."""
        reply = self.client.get(f"/queues/{_part(vhost)}").raise_for_status()
        return {queue["name"]: queue for queue in reply.json()}

    def connections(self, vhost: str) -> list[str]:
        """The names of the open connections of a virtual host; the list lags by seconds."""
        reply = self.client.get(f"/vhosts/{_part(vhost)}/connections").raise_for_status()
        return [connection["name"] for connection in reply.json()]

    def drop_queue(self, vhost: str, name: str) -> None:
        """Delete a queue with what is in it; one that isn't there is no error."""
        self._delete(f"/queues/{_part(vhost)}/{_part(name)}")

    def purge_queue(self, vhost: str, name: str) -> None:
        """Throw away what is ready in a queue."""
        self._delete(f"/queues/{_part(vhost)}/{_part(name)}/contents")

    def close_connections(self) -> None:
        """Cut every client connection, as an operator or a failing network would."""
        for connection in self.client.get("/connections").raise_for_status().json():
            self.client.delete(f"/connections/{_part(connection['name'])}")

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Create or change an object."""
        self.client.put(path, json=body).raise_for_status()

    def import_definitions(self, definitions: dict[str, Any]) -> None:
        """Load users, permissions, policies and virtual hosts, as a node does at its start."""
        self.client.post("/definitions", json=definitions).raise_for_status()

    def _delete(self, path: str) -> None:
        reply = self.client.delete(path)
        if reply.status_code != httpx.codes.NOT_FOUND:
            reply.raise_for_status()


def _part(name: str) -> str:
    return quote(name, safe="")
