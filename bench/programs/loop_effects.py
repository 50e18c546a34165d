"""The hand-written loop with an effect for each document, exactly once: a transaction has both the effect and the mark."""

import asyncio
import datetime
import sys

from motor.motor_asyncio import AsyncIOMotorClient


async def main(uri, database, collection):
    client = AsyncIOMotorClient(uri)
    documents = client[database][collection]
    effects = client[database]["effects"]

    async def process(document, session):
        async def both(session):
            await effects.insert_one({"of": document["_id"]}, session=session)
            now = datetime.datetime.now(datetime.timezone.utc)
            update = {"$set": {"status": "processed", "processed_at": now}}
            await documents.update_one({"_id": document["_id"]}, update, session=session)

        await session.with_transaction(both)

    async with await client.start_session() as session:
        while True:
            batch = await documents.find({"status": "pending"}).limit(100).to_list(100)
            if not batch:
                break
            for document in batch:
                await process(document, session)
    client.close()


asyncio.run(main(*sys.argv[1:4]))
