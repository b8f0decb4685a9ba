"""The checker of statements for all weights of a shape: the standard library and the kernel's strict reader alone.

Read polynomials, networks, certificates in this order.
"""
