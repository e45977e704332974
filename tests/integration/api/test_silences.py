"""Operators silence an alert for a while."""

import pytest

from support.operating import audit, sql


def test_an_alert_is_silenced_for_a_while(api):
    """It is listed with who wanted it, ends by itself or when told, and both are recorded."""
    new = {"rule": "RelaisBacklogLarge", "minutes": 30, "reason": "Known: the import of May."}
    made = api.http.post("/api/silences", headers=api.admin, json=new)
    assert made.status_code == 201, made.text
    silence = made.json()
    assert (silence["rule"], silence["actor"], silence["reason"]) == (
        "RelaisBacklogLarge", "RELAIS_ADMIN_KEY", "Known: the import of May."
    )  # fmt: skip
    ended = api.http.post("/api/silences", headers=api.admin, json=new | {"rule": "RelaisNoWorker"}).json()
    sql(api, "UPDATE silences SET ends_at = now() WHERE id = :id", id=ended["id"])
    assert api.http.get("/api/silences", headers=api.admin).json() == {"silences": [silence]}
    assert api.http.delete(f"/api/silences/{silence['id']}", headers=api.admin).status_code == 204
    again = api.http.delete(f"/api/silences/{silence['id']}", headers=api.admin)
    assert (again.status_code, again.json()["code"]) == (404, "unknown_silence")
    assert api.http.get("/api/silences", headers=api.admin).json() == {"silences": []}
    assert [one["action"] for one in audit(api)] == ["silence.end", "silence.add", "silence.add"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule": ""}, "rule"),
        ({"rule": "x" * 101}, "rule"),
        ({"rule": "RelaisQueueLong"}, "rule"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 43_201}, "minutes"),
        ({"reason": "a\x00"}, "reason"),
        ({"until": "never"}, "until"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:24],
)
def test_a_wrong_silence_is_named(refusing_api, change, field):
    """422 names the field."""
    sent = {"rule": "RelaisBacklogLarge", "minutes": 5} | change
    refused = refusing_api.http.post("/api/silences", headers=refusing_api.admin, json=sent)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
