"""The worker: claims jobs, runs their pipelines, settles them; beside it the sweeper."""
