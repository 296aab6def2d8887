"""The provider's rules for a chart request, as data written down from its documentation."""
