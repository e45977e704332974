"""The fault suite: real processes, every fault we can make, and a checker over what is left (`make faults`)."""
