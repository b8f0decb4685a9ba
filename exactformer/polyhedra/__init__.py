"""Polyhedra, exactly: linear programs, points inside, volumes. A row (a, b) of integers stands for a . x + b >= 0."""
