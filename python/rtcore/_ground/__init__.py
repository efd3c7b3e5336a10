"""What everything stands on: text as it may leave, failures as they are told, the run that things live in."""
