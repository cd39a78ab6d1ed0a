"""MySQL and MariaDB: discovery, keyset queries, what is under way, and the wire reader."""
