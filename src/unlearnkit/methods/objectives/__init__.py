"""Objectives: losses on splits that are minimized.

`forget/` and `retain/` have single terms; this package has compositions of them.
"""
