"""The parts that `relais up` and the tests run themselves: PostgreSQL, RabbitMQ, the model server."""
