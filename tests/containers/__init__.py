"""docker-compose.yml as it is, on podman, under faults: `make test-containers`."""
