"""The same endpoints as others would write them, one call of DynamoDB each, to be measured beside ours."""
