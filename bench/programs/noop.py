"""A program for PROCESSOR=exec: that does nothing with its documents; the first argument is its concurrency."""

import json
import sys

if len(sys.argv) > 1:
    print(json.dumps({"concurrency": int(sys.argv[1])}), flush=True)
for line in sys.stdin:
    call = json.loads(line)
    answer = {"id": call["id"], "ok": True}
    if "batch" in call:
        answer["result"] = [{} for _ in call["batch"]]
    print(json.dumps(answer), flush=True)
