"""Asset checks: what a person would look at to trust a table, looked at by itself.

Those that need nothing but what a run knows anyway are evaluated in its steps (`steps`). Those that
ask the systems for more run by a schedule of their own (`audit`). None of them holds up a load:
rows are proven inside the load's transaction, and a check is what tells people.
"""
