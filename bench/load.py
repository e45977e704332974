"""A closed-loop HTTP load generator: `clients` connections, each posts as soon as its last reply came."""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """Latencies in milliseconds, in the order of their ends, and the time that all took in seconds."""

    latencies_ms: list[float]
    took_s: float
    statuses: dict[str, int]


async def run(host: str, port: int, path: str, clients: int, requests: int) -> Result:
    """Post `requests` small messages from `clients` connections."""
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    body = json.dumps({"content": "How does Relais recover when a worker dies?"}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body

    async def client(count: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(count):
            started = time.perf_counter()
            writer.write(request)
            header = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[15:]) for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            latencies.append((time.perf_counter() - started) * 1000)
            status = header[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client(requests // clients) for _ in range(clients)))
    return Result(latencies, time.perf_counter() - started, statuses)


if __name__ == "__main__":
    host, port, path, clients, requests = sys.argv[1:]
    print(json.dumps(asdict(asyncio.run(run(host, int(port), path, int(clients), int(requests))))))
