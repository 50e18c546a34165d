"""Works through the pages of a document, and says after each how far it is. Needs nothing but Python.

PROCESSOR="exec:python3 long_work.py"
"""

import json
import sys
import time


def say(line):
    print(json.dumps(line), flush=True)


for line in sys.stdin:
    call = json.loads(line)
    pages = call["document"].get("pages", 10)
    page = call.get("saved", {"page": 0})["page"]
    while page < pages:
        time.sleep(0.1)  # The work on one page, which may run again if the process ends before it has said so.
        page += 1
        say({"id": call["id"], "checkpoint": {"page": page}, "progress": page / pages, "text": f"page {page}"})
    say({"id": call["id"], "ok": True, "result": {"set": {"done": page}}})
