"""One module a file format; `load` and `save` choose by the file's name."""

from exactformer.formats.files import load, save

__all__ = ["load", "save"]
