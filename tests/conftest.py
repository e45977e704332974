"""The fixtures that all tests share."""

pytest_plugins = ["support.postgres_fixtures", "support.rabbitmq_fixtures", "support.model_fixtures"]
