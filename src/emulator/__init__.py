"""A CHART-IMG of one's own: a server on loopback that behaves like the real one on the wire (extra ``emulator``)."""
