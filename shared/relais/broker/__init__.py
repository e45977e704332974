"""The wake-ups: tokens on RabbitMQ or in memory, and who publishes them."""
