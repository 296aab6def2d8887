"""The check of requests and pictures: rules, findings and suggestions."""
