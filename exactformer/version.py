"""The version of the package, which programs and reports state."""

__version__ = "0.1.0"
