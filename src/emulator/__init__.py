"""The provider's side of the wire: a server on loopback that answers as CHART-IMG does (extra ``emulator``).

- ``accounts``: the keys it knows; ``quota``: how often each may call, and the tallies of its calls.
- ``rules``: a body is accepted or refused; ``scenario``: faults and delays by script.
- ``sessions``, ``layout``, ``storage``, ``listings``: TradingView sessions, layouts, pictures at an address, and the lists.
- ``provider``: the endpoints, and the answer to a request, without sockets; ``answer``: requests and answers as values.
- ``server``: HTTP; ``running``: the thread, and its handle.
- ``drawing``: the pictures.

It reads the client's catalog and plans and decides with code of its own, so that each side can test the other.
"""
