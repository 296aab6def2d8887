"""CHART-IMG over HTTP for hosts in any language: the provider's own paths, statuses and bodies, over the asynchronous client."""
