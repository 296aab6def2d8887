"""The rules of chartimg, as pure values and functions: time and chance are arguments, decisions are values."""
