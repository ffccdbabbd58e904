"""Endpoints as other frameworks write them, with one DynamoDB call each, for comparison."""
