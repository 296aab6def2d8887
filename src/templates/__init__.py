"""The chart templates that are there as soon as chartimg is installed, one JSON file each."""
