"""From when on something is worth a finding; ages in seconds."""

from relais.queues import AI_MESSAGES, DOCUMENTS

# That of messages is the alerts' too; documents come by the folder.
WAIT_OBJECTIVE_S = {AI_MESSAGES.name: 60.0, DOCUMENTS.name: 1_800.0}
WORKER_SILENT_S = 10.0  # twenty beats

# What the sweeper mends takes it a round or two; after a start of the database it waits for a lease's time first.
MENDED_WITHIN_S = 5.0
SURELY_MENDED_WITHIN_S = 60.0
# A run that the worker can't end by itself loses its lease, then the sweeper takes it.
BEYOND_DEADLINE_S = 45.0
TAKEN_WITHIN_S = 10.0
ANNOUNCED_WITHIN_S = 10.0
POISON_FROM = 2
