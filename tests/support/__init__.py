"""What the tests stand on: servers, waiting, clean databases and virtual hosts."""
