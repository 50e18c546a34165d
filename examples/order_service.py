"""A service that adds up orders, as a processor over HTTP. It needs nothing but Python.

    python3 examples/order_service.py &
    make dev FILE=my_orders.json PROCESSOR=http://127.0.0.1:8000/orders
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection open for the next document

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not order.get("lines"):
            return self.answer(422, {"message": "the order has no lines"})  # A dead letter, at once
        total = sum(line["quantity"] * line["unit_price"] for line in order["lines"])
        self.answer(200, {"set": {"total": round(total, 2)}})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # the agent logs each failure


if __name__ == "__main__":
    # The first process of a container ignores SIGTERM unless it says what to do.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Orders).serve_forever()
