"""What replication means, free of any driver: cursors, ceilings, states, extract and load."""
