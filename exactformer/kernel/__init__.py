"""The trusted part: standard library only, exact, no search.

Read forms, atoms, cell, networks, semantics, statements, claims in this order; counts stands beside them.
"""
