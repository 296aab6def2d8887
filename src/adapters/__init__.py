"""The technologies behind the ports of :mod:`chartimg.domain.ports`. Each module is public at its own path."""
