"""Tickets of both ends. The server of the model keeps state; what it checks is what a stateless
server would have sealed into the ticket."""
import os
import time
from dataclasses import dataclass, field

DAY = 24 * 3600


@dataclass
class Ticket:
    """What a client keeps of a NewSessionTicket (RFC 8446 4.6.1)."""
    identity: bytes
    psk: bytes
    suite: object
    lifetime: int
    age_add: int
    received: float = field(default_factory=time.time)

    def obfuscated_age(self):
        """RFC 8446 4.2.11.1"""
        return (int((time.time() - self.received) * 1000) + self.age_add) & 0xFFFFFFFF


@dataclass
class Issued:
    psk: bytes
    suite: object
    user: bytes
    device_id: bytes
    verifier: object
    proved: float


class TicketBox:
    """What a server remembers. A ticket dies 24 hours after the proof of the password, renewals
    included, and at once when the verifier changes. clock: a test can shift it."""

    def __init__(self, clock=time.time):
        self.clock = clock
        self._issued = {}

    def issue(self, entry):
        """Returns identity and lifetime."""
        identity = os.urandom(48)
        self._issued[identity] = entry
        return identity, max(0, int(entry.proved + DAY - self.clock()))

    def find(self, identity, device_id, verifiers):
        """The entry when it is still good, else None: an unknown ticket is no error."""
        entry = self._issued.get(identity)
        if entry is None or self.clock() >= entry.proved + DAY or entry.device_id != device_id:
            return None
        return entry if verifiers.get(entry.user) == entry.verifier else None
