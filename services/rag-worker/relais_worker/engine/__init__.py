"""The job engine: claims, runs under a lease, settles."""
