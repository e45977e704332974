"""What the page reads: lists and single jobs, without a whole id and without any text of a message."""
