"""What `relais up` runs: private servers, the services, and the agent `demo`."""
