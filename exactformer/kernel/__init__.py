"""The trusted part: standard library only, exact, no search. Read forms, cell, semantics, claims in this order."""
