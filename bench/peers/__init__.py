"""Peers of `bench.cold`: the same endpoints with other frameworks, an empty function, and single DynamoDB calls."""
