"""One connection through a FaultProxy."""
import asyncio
import random

from harness.http_relay import HEAD_BYTES_MAX, read_body, read_head

CONNECT_LIMIT_S = 30
PIECE_BYTES = 65536
GARBAGE_BYTES = 300
TRICKLE_PAUSE_S = 0.001
REASONS = {413: 'Request Entity Too Large', 429: 'Too Many Requests', 500: 'Internal Server Error',
           503: 'Service Unavailable'}


class Cut(OSError):
    """A fault ends the connection."""


class Connection:
    """One connection of a client, and the one to the server that it leads to."""

    def __init__(self, proxy, fault, reader, writer):
        self.proxy, self.fault = proxy, fault
        self.reader, self.writer = reader, writer
        self.server_reader = self.server_writer = None
        self.connected = asyncio.Event()
        self.statuses_left = fault.amount if fault.kind == 'status' else 0
        self.up_left = fault.amount if fault.kind == 'cut_up' else None
        self.down_left = fault.amount if fault.kind in ('cut_down', 'reset_down') else None
        self.trickle_left = fault.amount if fault.kind == 'trickle' else 0

    async def run(self):
        """Returns when either side has closed the connection; Cut when the fault did."""
        tasks = [asyncio.ensure_future(self._requests()), asyncio.ensure_future(self._answers())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.server_writer:
                self.server_writer.transport.abort()

    async def _requests(self):
        while True:
            head = await read_head(self.reader)
            if head is None:  # the client is done
                return
            self.proxy.counts['requests'] += 1
            self.proxy.requests.append((head.method, head.target))
            if self.fault.kind == 'garbage':
                self.writer.write(garbage(self.fault.amount))
                await self.writer.drain()
                return
            if not await self._answered_here(head):
                await self._forward(head.raw)
                async for piece in read_body(self.reader, head):
                    await self._forward(piece)

    async def _answered_here(self, head):
        """Answers the request if a fault or a rule says so; reads its body then."""
        if self.statuses_left > 0:
            self.statuses_left -= 1
            await self._answer(head, self.fault.status, {})
            return True
        rule = self.proxy.rule_for(head)
        if rule is None:
            return False
        pieces = []
        if rule.body_over is not None:
            if head.expects_continue:
                self.writer.write(b'HTTP/1.1 100 Continue\r\n\r\n')
            pieces = [piece async for piece in read_body(self.reader, head)]
        if (rule.body_over is None or sum(map(len, pieces)) > rule.body_over) and self.proxy.take(rule):
            await self._answer(head, rule.status, rule.headers, body_read=rule.body_over is not None)
            return True
        if rule.body_over is None:
            return False
        for piece in [head.raw_without_expect] + pieces:
            await self._forward(piece)
        return True

    async def _answer(self, head, status, headers, body_read=False):
        self.proxy.counts[status] += 1
        ends = head.expects_continue and not body_read
        if not body_read and not ends:
            async for _ in read_body(self.reader, head):
                pass
        body = b'' if head.method == 'HEAD' else b'{"error":"injected","reason":"by the proxy"}\n'
        lines = {'Content-Type': 'application/json', 'Content-Length': str(len(body)),
                 **({'Retry-After': '1'} if status == 429 else {}), **({'Connection': 'close'} if ends else {}), **headers}
        text = 'HTTP/1.1 %d %s\r\n' % (status, REASONS.get(status, 'Injected'))
        text += ''.join('%s: %s\r\n' % line for line in lines.items()) + '\r\n'
        self.writer.write(text.encode() + body)
        await self.writer.drain()
        if ends:
            raise Cut

    async def _forward(self, data):
        if self.server_writer is None:
            host, port = self.proxy.upstream_place()
            self.server_reader, self.server_writer = await asyncio.wait_for(
                asyncio.open_connection(host, port, limit=HEAD_BYTES_MAX), CONNECT_LIMIT_S)
            self.server_writer.transport.set_write_buffer_limits(0)
            self.connected.set()
        cut = self.up_left is not None and len(data) >= self.up_left
        if cut:
            data = data[:self.up_left]
        elif self.up_left is not None:
            self.up_left -= len(data)
        self.server_writer.write(data)
        self.proxy.counts['bytes_up'] += len(data)
        await self.server_writer.drain()
        if cut:
            raise Cut

    async def _answers(self):
        await self.connected.wait()
        while True:
            data = await self.server_reader.read(PIECE_BYTES)
            if not data:
                return
            cut = self.down_left is not None and len(data) >= self.down_left
            if cut:
                data = data[:self.down_left]
            elif self.down_left is not None:
                self.down_left -= len(data)
            slow = min(len(data), self.trickle_left)
            self.trickle_left -= slow
            for byte in data[:slow]:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(TRICKLE_PAUSE_S)  # else the kernel hands out several at once
            self.writer.write(data[slow:])
            self.proxy.counts['bytes_down'] += len(data)
            await self.writer.drain()
            if cut:
                raise Cut


async def swallow(reader, seconds):
    """Reads for so long, and answers nothing."""
    async def read_all():
        while await reader.read(PIECE_BYTES):
            pass
    try:
        await asyncio.wait_for(read_all(), seconds)
    except asyncio.TimeoutError:
        pass


def garbage(seed):
    """Bytes that do not begin as HTTP does."""
    return b'\x16\x03' + random.Random(seed).randbytes(GARBAGE_BYTES)
