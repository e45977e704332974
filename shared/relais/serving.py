"""What the HTTP servers of Relais have in common."""

from typing import Final

KEEP_ALIVE_S: Final = 75
"""How long a connection may rest before the server ends it, in seconds.

Longer than those before it let one rest: nginx and the load balancers of the clouds 60 s, httpx 5 s. Else both ends may
close in the same instant, and a request on its way is lost: a proxy answers it with 502. Uvicorn's own 5 s invite that.
"""
