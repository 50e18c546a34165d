"""The loop that people write by hand, in Python with Motor: read a hundred pending documents, work on each, update each."""

import asyncio
import datetime
import sys

from motor.motor_asyncio import AsyncIOMotorClient


async def work(document):
    pass


async def main(uri, database, collection):
    client = AsyncIOMotorClient(uri)
    documents = client[database][collection]
    while True:
        batch = await documents.find({"status": "pending"}).limit(100).to_list(100)
        if not batch:
            break
        for document in batch:
            await work(document)
            now = datetime.datetime.now(datetime.timezone.utc)
            update = {"$set": {"status": "processed", "processed_at": now}}
            await documents.update_one({"_id": document["_id"]}, update)
    client.close()


asyncio.run(main(*sys.argv[1:4]))
