"""Streams of the tables. The tests send the records to `update_counters` in events like those of Lambda."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import boto3

from tests.support import api


class Shard:
    """A shard of a table's stream."""

    def __init__(self, client: Any, stream: str, shard_id: str) -> None:
        self._client, self.stream, self.id = client, stream, shard_id

    def records(self) -> list[dict[str, Any]]:
        """Return all records of the shard, in their order."""
        found: list[dict[str, Any]] = []
        iterator = self._client.get_shard_iterator(
            StreamArn=self.stream, ShardId=self.id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = self._client.get_records(ShardIterator=iterator)
            found += page["Records"]
            iterator = page.get("NextShardIterator") if page["Records"] else None
        return found

    def event(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Build the event in which Lambda sends these records."""
        named = [{**record, "eventSourceARN": self.stream} for record in records]
        return {"Records": named, "shardId": self.id, "state": {}, "eventSourceARN": self.stream}


def shards(dynamodb: Any) -> Iterator[Shard]:
    """Yield the shards of all streams."""
    client = create_streams_client(dynamodb)
    for stream in client.list_streams()["Streams"]:
        described = client.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
        for shard in described["Shards"]:
            yield Shard(client, stream["StreamArn"], shard["ShardId"])


def create_streams_client(dynamodb: Any) -> Any:
    """Create a client for the streams of the tables of `dynamodb`."""
    return _create_client(dynamodb.meta.endpoint_url, dynamodb._request_signer._credentials.access_key)


def count_changes(dynamodb: Any) -> None:
    """Send all records of all streams to `update_counters`, including records that were sent before."""
    for shard in shards(dynamodb):
        if records := shard.records():
            api.handler("update_counters")(shard.event(records), None)


@lru_cache
def _create_client(endpoint: str, access_key: str) -> Any:
    own_engine = "127.0.0.1" in endpoint
    return boto3.client(
        "dynamodbstreams",
        region_name="eu-west-1",
        endpoint_url=endpoint if own_engine else None,
        aws_access_key_id=access_key,
        aws_secret_access_key="test",
    )
