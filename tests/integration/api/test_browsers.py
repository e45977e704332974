"""Browsers get the chat page, and pages of other origins only what the operator allows."""

from relais.broker import make_broker
from relais_api.main import make_server
from support.api import TOKEN, serving, settings
from support.seeding import make_agent

PREFLIGHT = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}


def test_one_address_serves_the_page_and_the_public_face(api):
    """`text/html` gets the page under its own policy; a program gets JSON without anything an operator set."""
    page = api.http.get("/c/demo-token", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    face = api.http.get("/c/demo-token")
    assert face.json() == {"name": "Demo", "greeting": "Ask me.", "max_content_chars": 32768}
    assert page.headers["vary"] == face.headers["vary"] == "Accept"


def test_only_allowed_origins_may_call(database_url, engine):
    """A preflight from the origin in the setting passes, one from elsewhere gets no permission."""
    make_agent(engine, token=TOKEN)
    wanted = settings(database_url, cors_origins="https://shop.example, https://other.example")
    with serving(make_server(wanted, make_broker("memory://"))) as client:
        allowed = client.options(f"/c/{TOKEN}/message", headers=PREFLIGHT)
        refused = client.options(f"/c/{TOKEN}/message", headers=PREFLIGHT | {"Origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in refused.headers
