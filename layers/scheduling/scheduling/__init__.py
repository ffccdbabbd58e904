"""Shared code of the Sessions API's functions. docs/architecture.md describes the modules."""
