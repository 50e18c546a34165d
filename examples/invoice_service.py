"""A service that sends invoices, as a processor over HTTP: the second stage of a pipeline (order_invoices.js is the
first). It needs nothing but Python.

    python3 examples/invoice_service.py
"""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sent = set()  # a real service keeps these keys in its database
lock = threading.Lock()


class Invoices(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection open for the next document

    def do_POST(self):
        invoice = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            # An agent that was killed before it noted the answer sends the invoice again, with the same key.
            if self.headers["Idempotency-Key"] not in sent:
                print(f"Sent the invoice of order {invoice['order']} over {invoice['total']}", flush=True)
                sent.add(self.headers["Idempotency-Key"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass  # the agent logs each failure


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Invoices).serve_forever()
