"""Storage: the only part of the layer that knows DynamoDB."""
