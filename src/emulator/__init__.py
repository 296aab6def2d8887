"""The provider's side of the wire: a server on loopback that answers as CHART-IMG does (extra ``emulator``).

- ``accounts``: the keys it knows; ``quota``: how often each may call, and the tallies of its calls.
- ``rules``: a body is accepted or refused; ``scenario``: faults and delays by script.
- ``provider``: the answer to a request, without sockets; ``server``: HTTP; ``running``: the thread, and its handle.
- ``drawing``: the pictures.

It reads the client's catalog and plans and decides with code of its own, so that each side can test the other.
"""
