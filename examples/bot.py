"""A bot: it sits in a room, and answers who greets it.

python examples/bot.py http://127.0.0.1:8000 tea:1
"""

import sys

import trio

import rtcore

NAME = "bot"


async def main(url: str, room: str) -> None:
    async with rtcore.connect(url, token=NAME) as client:
        joined = await client.join(room)
        async for item in joined:
            if isinstance(item, rtcore.Gap):
                print(f"missed {item.first} to {item.last}: {item.reason}")
            elif item.session != client.session and "hello" in str(item.data):
                await joined.publish("say", f"hello, {item.user or 'whoever you are'}")


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:3])
