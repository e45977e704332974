"""What every answer of the API has to be beside what its OpenAPI says; Schemathesis loads this as its hooks."""

import re

import schemathesis
from schemathesis import Case
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response

_LEAKS = re.compile(r"Traceback \(most recent|File \"/|psycopg|sqlalchemy|site-packages|postgresql://|relais_api\.")
_MEMBERS = {"type", "title", "status", "code", "detail"}
_FIRST_ERROR = 400
_HEADERS = ("x-content-type-options", "referrer-policy", "content-security-policy", "cache-control")


@schemathesis.check
def refusals_are_problems(_ctx: CheckContext, response: Response, _case: Case) -> None:
    """Every refusal is a problem document (RFC 9457) with a code, of the status that was sent."""
    if response.status_code < _FIRST_ERROR:
        return
    assert response.headers["content-type"] == ["application/problem+json"], "a refusal is no problem document"
    problem = response.json()
    assert problem.keys() >= _MEMBERS, "a member of the problem is missing"
    assert problem["status"] == response.status_code, "the problem has another status than the answer"
    assert problem["type"] == f"urn:relais:problem:{problem['code']}", "the type isn't that of the code"


@schemathesis.check
def nothing_of_the_inside_shows(_ctx: CheckContext, response: Response, _case: Case) -> None:
    """No answer holds a stack trace, a path of the server or the name of a part that it is made of."""
    assert not _LEAKS.search(response.text or ""), "the answer shows the inside of the server"


@schemathesis.check
def security_headers_are_there(_ctx: CheckContext, response: Response, _case: Case) -> None:
    """Every answer carries the headers that make browsers careful, and allows no other origin."""
    assert all(name in response.headers for name in _HEADERS), "a security header is missing"
    assert "access-control-allow-origin" not in response.headers, "another origin is allowed"
