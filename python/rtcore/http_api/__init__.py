"""The publish API: what other servers and scripts say over plain HTTP, with an API key.

keys       who may: API keys, kept as digests
rates      how often: a bucket of tokens for each key
messages   what is said and answered: the types that are read, checked and described
faults     what is wrong: codes, and the HTTP status of each
exchange   one request and its answer over ASGI: a body within its bounds
operations what is done with it
service    the ASGI application: path, method, key, rate, right, body, operation
openapi    the description of it all, made from `messages`
"""
