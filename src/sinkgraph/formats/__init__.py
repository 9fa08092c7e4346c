"""How payloads are read from and written to bytes; nothing here waits or knows a sink."""
