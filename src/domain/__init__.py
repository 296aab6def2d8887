"""What chartimg knows, as pure values and functions: time and chance come in as arguments, decisions go out as values."""
