"""Redshift SQL to PostgreSQL SQL: a token rewriter that knows what Redshift accepts.

There is no grammar of expressions here. A statement is cut into tokens (`lexer`), its head decides
what it is (`statements`), definitions are read in full (`create_table`, `alter_table`, `types`),
and inside expressions every function, operator and cast is looked up (`expressions`): what is not
known to work on Redshift is refused.
"""
