"""The technologies behind the ports of :mod:`chartimg.domain.ports`; each module is public at its own path."""
