"""A pytest plugin: the package `exactformer.kernel` is the folder in the environment variable MUTATED_KERNEL."""

import os

import exactformer.kernel

_FOLDER = os.environ["MUTATED_KERNEL"]
exactformer.kernel.__path__ = [_FOLDER]
exactformer.kernel.__file__ = os.path.join(_FOLDER, "__init__.py")
