"""What the services of Relais share: lifecycle, store, broker, settings, telemetry."""
