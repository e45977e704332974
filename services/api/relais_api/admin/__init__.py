"""What operators do with a key: agents, documents, jobs, queues."""
