# A processor in Python, with nothing but its standard library: PROCESSOR="exec:python3 examples/order_totals.py"
import json
import sys

for line in sys.stdin:  # One line for each document, until the agent stops.
    call = json.loads(line)
    try:
        lines = call["document"]["lines"]
        total = sum(each["quantity"] * round(each["unit_price"] * 100) for each in lines) / 100
        answer = {"ok": True, "result": {"set": {"total": total}}}
    except KeyError as error:
        answer = {"ok": False, "error": f"the order has no {error}", "permanent": True}
    except Exception as error:
        answer = {"ok": False, "error": str(error)}
    print(json.dumps({"id": call["id"], **answer}), flush=True)
