"""The tables, one module per noun, with the named queries that turn rows into rule inputs and back."""
