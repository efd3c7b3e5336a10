"""The promises of `docs/protocol.md`, each tested against a real server process over real TCP.

Nothing in here uses rtcore's own codec: frames, handshake and client are written a second time.
"""
