"""Connections that rest between two requests."""

from pydantic import SecretStr

from relais.broker import make_broker
from relais_api.main import make_server as make_api
from relais_monitor.main import make_server as make_monitor
from relais_monitor.settings import MonitorSettings
from support.api import settings

_LONGEST_OF_PROXIES_S = 60  # nginx' and the clouds' load balancers' own default


def test_a_proxy_ends_a_resting_connection_before_we_do(database_url):
    """Whoever sends a request ends the connection it rests on; else it may be on its way while the server closes."""
    own = MonitorSettings(_env_file=None, database_url=SecretStr(database_url))
    servers = (make_api(settings(database_url), make_broker("memory://")), make_monitor(own))
    assert [server.config.timeout_keep_alive > _LONGEST_OF_PROXIES_S for server in servers] == [True, True]
