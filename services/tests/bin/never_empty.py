"""A guardian whose program has ended as soon as it was started, and whose tree is never empty: as where the system holds what
was killed. It ends with its lease."""

import json
import os
import socket
import struct

lease = socket.socket(fileno=0)
lease.recv(1)
reports = [{"Started": {"pid": os.getpid(), "started": 1}}, {"Exited": 0}]
texts = [json.dumps(report).encode() for report in reports]
# At once: who has heard the one has the other.
lease.sendall(b"".join(struct.pack("<I", len(text)) + text for text in texts))
while lease.recv(1 << 16):
    pass
