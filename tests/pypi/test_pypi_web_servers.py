"""Flask (threaded), uvicorn + starlette, tornado and aiohttp serve, unmodified; their clients get their answers."""

from __future__ import annotations

from typing import Any


def test_flask_threaded_answers_slow_requests_side_by_side(pair: Any) -> None:
    def server() -> None:
        import logging
        import time

        import flask

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = flask.Flask("shop")

        @app.route("/slow/<int:number>")
        def slow(number: int) -> dict[str, int]:
            time.sleep(2)
            return {"number": number}

        flask.cli.show_server_banner = lambda *args: None
        app.run("0.0.0.0", 8000, threaded=True, use_reloader=False)

    def client() -> tuple[list[int], float]:
        import time
        from concurrent.futures import ThreadPoolExecutor

        import requests

        began = time.monotonic()
        with ThreadPoolExecutor(5) as workers:
            answers = list(
                workers.map(lambda n: requests.get(f"http://10.0.0.1:8000/slow/{n}", timeout=60), range(5))
            )
        return [answer.json()["number"] for answer in answers], time.monotonic() - began

    pair.serve(server)
    numbers, seconds = pair.ask(client)
    assert numbers == [0, 1, 2, 3, 4]
    assert 2 < seconds < 9


def test_uvicorn_and_starlette(pair: Any) -> None:
    def server() -> None:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        async def greet(request: Request) -> JSONResponse:
            return JSONResponse({"hello": (await request.body()).decode(), "from": request.client.host})  # type: ignore[union-attr]

        app = Starlette(routes=[Route("/greet", greet, methods=["POST"])])
        uvicorn.run(app, host="0.0.0.0", port=8000, log_level="warning")

    async def client() -> Any:
        import httpx

        async with httpx.AsyncClient(timeout=60, trust_env=False) as session:
            return (await session.post("http://10.0.0.1:8000/greet", content=b"net")).json()

    service = pair.serve(server)
    assert pair.ask(client) == {"hello": "net", "from": "10.0.0.2"}
    assert service.at_rest


def test_tornado_server_and_client(pair: Any) -> None:
    async def server() -> None:
        import asyncio

        import tornado.web

        class Main(tornado.web.RequestHandler):
            async def get(self) -> None:
                await asyncio.sleep(0.5)
                self.write("tornado says " + self.get_argument("q"))

        tornado.web.Application([("/", Main)], log_function=lambda handler: None).listen(8000)
        await asyncio.Event().wait()

    async def client() -> bytes:
        from tornado.httpclient import AsyncHTTPClient

        answer = await AsyncHTTPClient().fetch(
            "http://10.0.0.1:8000/?q=hi", connect_timeout=60, request_timeout=60
        )
        return answer.body

    pair.serve(server)
    assert pair.ask(client) == b"tornado says hi"


def test_aiohttp_with_a_websocket(pair: Any) -> None:
    async def server() -> None:
        import asyncio

        from aiohttp import WSMsgType, web

        async def page(request: web.Request) -> web.Response:
            return web.json_response({"path": request.path})

        async def talk(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await socket.send_str(message.data.upper())
            return socket

        app = web.Application()
        app.add_routes([web.get("/page", page), web.get("/talk", talk)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", 8000).start()
        await asyncio.Event().wait()

    async def client() -> list[Any]:
        import aiohttp

        seen: list[Any] = []
        async with aiohttp.ClientSession("http://10.0.0.1:8000") as session:
            async with session.get("/page") as answer:
                seen.append(await answer.json())
            async with session.ws_connect("/talk") as socket:
                for text in ("one", "two"):
                    await socket.send_str(text)
                    seen.append(await socket.receive_str())
        return seen

    pair.serve(server)
    assert pair.ask(client) == [{"path": "/page"}, "ONE", "TWO"]
