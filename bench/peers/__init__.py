"""Peers: the endpoints of `bench.cold` with other frameworks, for comparison. Each request makes one DynamoDB call."""
