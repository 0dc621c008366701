"""Finds where requests end in a stream of bytes that is only passed on."""
import re

HEAD_BYTES_MAX = 1 << 20
PIECE_BYTES = 65536


class HeadTooLarge(Exception):
    pass


class Head:
    """The head of a request: its bytes and what decides where its body ends."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode('latin-1').split('\r\n')
        self.method, self.target = (lines[0].split(' ') + ['', ''])[:2]
        self.headers = {name.strip().lower(): value.strip() for name, _, value in
                        (line.partition(':') for line in lines[1:] if line)}

    @property
    def chunked(self):
        return self.headers.get('transfer-encoding', '').lower() == 'chunked'

    @property
    def length(self):
        return int(self.headers.get('content-length', '0'))

    @property
    def expects_continue(self):
        return self.headers.get('expect', '').lower() == '100-continue'

    @property
    def raw_without_expect(self):
        return re.sub(rb'(?i)\r\nexpect:[^\r\n]*', b'', self.raw)


async def read_head(reader):
    """The next head, or None when the stream ended before it."""
    raw = b''
    while not raw.endswith(b'\r\n\r\n'):
        line = await reader.readline()
        if not line:
            return None
        raw += line
        if len(raw) > HEAD_BYTES_MAX:
            raise HeadTooLarge
    return Head(raw)


async def read_body(reader, head):
    """The bytes of the body as they came, chunk heads and all."""
    if not head.chunked:
        async for piece in read_exactly(reader, head.length):
            yield piece
        return
    while True:
        line = await reader.readline()
        if not line:
            raise EOFError
        yield line
        size = int(line.split(b';')[0], 16)
        if size == 0:
            break
        async for piece in read_exactly(reader, size + 2):
            yield piece
    while True:  # trailers
        line = await reader.readline()
        yield line
        if line in (b'\r\n', b''):
            return


async def read_exactly(reader, count):
    while count > 0:
        piece = await reader.read(min(count, PIECE_BYTES))
        if not piece:
            raise EOFError
        count -= len(piece)
        yield piece
