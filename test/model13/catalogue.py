"""All rows: CLIENTS for a server under test, SERVERS for a client under test."""
from . import variants_client, variants_client_flow, variants_server, variants_server_flow
from .variants import CLIENTS, SERVERS

__all__ = ["CLIENTS", "SERVERS", "variants_client", "variants_client_flow", "variants_server",
           "variants_server_flow"]
