import os
import random
import secrets
import uuid

print(
    random.random(), random.Random().randrange(10**9), os.urandom(4).hex(), secrets.token_hex(4), uuid.uuid4()
)
