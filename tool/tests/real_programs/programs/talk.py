import asyncio
import sys


async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def ask(number, host):
    reader, writer = await asyncio.open_connection(host, 4007)
    sent = bytes([number]) * 100_000
    writer.write(sent)
    writer.write_eof()
    got = await asyncio.wait_for(reader.read(-1), 30)
    assert got == sent, (number, len(got))
    writer.close()


async def main():
    if sys.argv[1] == "serve":
        server = await asyncio.start_server(serve, None, 4007)
        await server.serve_forever()
    else:
        await asyncio.gather(*(ask(number, sys.argv[2]) for number in range(20)))


asyncio.run(main())
