"""The configuration files of a private RabbitMQ node."""

import secrets
from pathlib import Path

_MEGABYTE = 1_000_000


def node_password(folder: Path) -> str:
    """The password of the node's only user, made at the first start; survives restarts as the node's data do."""
    path = folder / "password"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


def write_configuration(
    folder: Path, *, host: str, port: int, user: str, password: str, plugins: tuple[str, ...], management_port: int
) -> None:
    """Write `rabbitmq.conf` and `enabled_plugins` afresh; readable by us alone, since the first holds the password."""
    lines = [
        f"listeners.tcp.1 = {host}:{port}",
        "num_acceptors.tcp = 2",
        f"default_user = {user}",
        f"default_pass = {password}",
        "default_permissions.configure = .*",
        "default_permissions.read = .*",
        "default_permissions.write = .*",
        # Below it RabbitMQ blocks publishers for good; the default of 50 MB is too late to still stop in order.
        f"disk_free_limit.absolute = {200 * _MEGABYTE}",
        # A small node: the default write-ahead log of quorum queues alone may take 512 MB of memory.
        f"raft.wal_max_size_bytes = {32 * _MEGABYTE}",
        "consumer_timeout = 1800000",
        "log.console = false",
        "log.file.level = warning",
    ]
    if "rabbitmq_management" in plugins:
        lines += [f"management.tcp.ip = {host}", f"management.tcp.port = {management_port}"]
    configuration = folder / "rabbitmq.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n")
    (folder / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")


def node_environment(folder: Path, *, nodename: str, dist_port: int, epmd_port: int) -> dict[str, str]:
    """Everything that keeps the node inside `folder` and on loopback, whatever `/etc/rabbitmq` says."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin",
        "HOME": str(folder),  # the Erlang cookie is made here
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": nodename,
        "RABBITMQ_DIST_PORT": str(dist_port),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false",
        # The start script then replaces itself by Erlang, so that our signals reach the node itself.
        "RUNNING_UNDER_SYSTEMD": "true",
        # An own port mapper in the foreground: one that Erlang starts would stay behind for ever.
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd_port),
    }
