"""Peers: the same endpoints with other frameworks, with one DynamoDB call each, for comparison."""
