"""The library's version, read by the build, the ``User-Agent`` and the fixtures' meta files."""

__all__ = ["__version__"]

__version__ = "0.1.0"
