"""The use cases: they drive the decisions of the domain through its ports, for a client, an export or the command."""
