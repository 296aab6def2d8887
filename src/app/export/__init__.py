"""The export of many charts into a folder: its order, its journal, its manifest, and its drivers."""

from .manifest import ExportFailure, ExportItem, Manifest

__all__ = ["ExportFailure", "ExportItem", "Manifest"]
