"""One module a file format; `load` and `save` choose by the end of the file's name."""

from exactformer.formats.files import load, save
from exactformer.formats.network_json import digest

__all__ = ["digest", "load", "save"]
