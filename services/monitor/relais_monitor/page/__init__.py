"""The status page and the page of a job: two documents with static files beside them, alive through the JSON."""
