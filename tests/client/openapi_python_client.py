"""Program that creates, lists, reads, updates and deletes a session with the client of openapi-python-client.

The program prints the results as JSON.
"""

import datetime
import json
import os
import sys
import uuid

from sessions_api_client import AuthenticatedClient
from sessions_api_client.api.sessions import (
    create_session,
    delete_session,
    get_session,
    list_sessions,
    update_session,
)
from sessions_api_client.models import (
    CreateSession,
    SchedulingConflict,
    SessionPage,
    SessionResponse,
    SessionType,
    SortOrder,
    UpdateSession,
)

client = AuthenticatedClient(os.environ["API"], os.environ["TOKEN"], httpx_args={"trust_env": False})
timeline_id = os.environ["TIMELINE"]

start = datetime.datetime(2031, 1, 1, 9, tzinfo=datetime.UTC)
body = CreateSession(
    type_=SessionType.ONE_TIME,
    timeline_id=timeline_id,
    name="Workshop",
    start_date_time=start,
    end_date_time=start + datetime.timedelta(hours=1),
)
created = create_session.sync(client=client, body=body, idempotency_key=str(uuid.uuid4()))
if not isinstance(created, SessionResponse):
    sys.exit(str(created))
session_id = created.data.id
refused = create_session.sync(client=client, body=body)
listed = list_sessions.sync(
    client=client, timeline_id=[timeline_id], start_date_time_sort_order=SortOrder.ASC, take=1
)
read = get_session.sync(session_id, client=client)
updated = update_session.sync(session_id, client=client, body=UpdateSession(name="Seminar"))
deleted = delete_session.sync(session_id, client=client)

assert isinstance(listed, SessionPage)
assert isinstance(read, SessionResponse)
assert isinstance(updated, SessionResponse)
assert isinstance(deleted, SessionResponse)
assert isinstance(refused, SchedulingConflict)
first = listed.data[0].start_date_time
print(
    json.dumps(
        {
            "created": created.data.name,
            "listed": first and first.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "count": listed.meta.meta.count,
            "read": read.data.type_.value,
            "updated": updated.data.name,
            "deleted": deleted.data.removed_at is not None,
            "refused": [conflict.name for conflict in refused.details],
        }
    )
)
