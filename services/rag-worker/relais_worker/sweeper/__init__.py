"""The sweeper: repairs what was forgotten, alone, every second."""
