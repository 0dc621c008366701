"""A small HTTP/1.1 client over sockets, for load and for streams: a request costs a tenth of what
it does with `requests`, and nothing is read ahead, so that a test decides how fast it takes an
answer. It speaks to our own server only and understands what that sends."""
import base64
import json
import socket
import urllib.parse

RECEIVE_BYTES = 64 << 10
LIMIT_S = 60


class Lost(ConnectionError):
    """The connection ended before the answer was whole: it is not known what the server did."""


class Connection:
    """One keep-alive connection, opened when first used and again after it was lost.

    Of one thread at a time. `receive_bytes` sets the socket's buffer for what the server sends.
    """

    def __init__(self, server, limit_s=LIMIT_S, receive_bytes=None):
        place = urllib.parse.urlsplit(server.url)
        self.address = (place.hostname, place.port)
        self.limit_s, self.receive_bytes = limit_s, receive_bytes
        login = base64.b64encode(('%s:%s' % (server.user, server.password)).encode()).decode()
        self.common = 'Host: %s\r\nAuthorization: Basic %s\r\n' % (place.netloc, login)
        self.socket = None
        self.buffer = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket, self.buffer = None, b''

    def connect(self):
        self.socket = socket.socket(socket.AF_INET6 if ':' in self.address[0] else socket.AF_INET)
        self.socket.settimeout(self.limit_s)
        if self.receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(self.address)

    # ------------------------------------------------------------ requests

    def request(self, method, path, body=None, headers=()):
        """Sends a request and reads the whole answer: (status, bytes)."""
        answer = self.open(method, path, body, headers)
        return answer.status, answer.read()

    def json(self, method, path, value=None, headers=()):
        """A request with a JSON body and a JSON answer: (status, value)."""
        body = None if value is None else json.dumps(value).encode()
        status, text = self.request(method, path, body, headers)
        return status, json.loads(text) if text else None

    def open(self, method, path, body=None, headers=()):
        """Sends a request and reads the head of the answer.

        body: bytes, or an iterable of bytes: then chunked, unless headers has a Content-Length.
        headers: pairs.
        """
        head = '%s %s HTTP/1.1\r\n%s' % (method, path, self.common)
        names = {name.lower() for name, _ in headers}
        head += ''.join('%s: %s\r\n' % pair for pair in headers)
        whole = body is None or isinstance(body, bytes)
        if body is not None and 'content-type' not in names:
            head += 'Content-Type: application/json\r\n'
        chunked = not whole and 'content-length' not in names
        if chunked:
            head += 'Transfer-Encoding: chunked\r\n'
        elif 'content-length' not in names and (body is not None or method in ('PUT', 'POST')):
            head += 'Content-Length: %d\r\n' % len(body or b'')
        head = (head + '\r\n').encode()
        try:
            if self.socket is None:
                self.connect()
            self.socket.sendall(head + (body or b'') if whole else head)
            if not whole:
                self.send_parts(body, chunked)
            return self.read_head()
        except (OSError, Lost) as error:
            self.close()
            raise error if isinstance(error, Lost) else Lost(repr(error)) from error

    def send_parts(self, parts, chunked):
        for part in parts:
            if chunked:
                self.socket.sendall(b'%x\r\n' % len(part))
            self.socket.sendall(part)
            if chunked:
                self.socket.sendall(b'\r\n')
        if chunked:
            self.socket.sendall(b'0\r\n\r\n')

    # ------------------------------------------------------------ answers

    def fill(self):
        part = self.socket.recv(RECEIVE_BYTES)
        if not part:
            raise Lost('the server closed the connection')
        self.buffer += part

    def take_line(self):
        while True:
            line, end, rest = self.buffer.partition(b'\r\n')
            if end:
                self.buffer = rest
                return line
            self.fill()

    def take_some(self, bytes_max):
        if not self.buffer:
            self.fill()
        part, self.buffer = self.buffer[:bytes_max], self.buffer[bytes_max:]
        return part

    def read_head(self):
        while b'\r\n\r\n' not in self.buffer:
            self.fill()
        head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(': ')
            headers[name.lower()] = value
        return Answer(self, int(lines[0].split(' ', 2)[1]), headers)


class Answer:
    """The head of an answer; its body is read as it is asked for."""

    def __init__(self, connection, status, headers):
        self.connection, self.status, self.headers = connection, status, headers
        self.chunked = headers.get('transfer-encoding') == 'chunked'
        self.length = int(headers.get('content-length', 0))

    def parts(self):
        """The bytes of the body as they come, in parts of any size."""
        connection = self.connection
        try:
            if not self.chunked:
                left = self.length
                while left > 0:
                    part = connection.take_some(left)
                    left -= len(part)
                    yield part
            else:
                while left := int(connection.take_line(), 16):
                    while left > 0:
                        part = connection.take_some(left)
                        left -= len(part)
                        yield part
                    connection.take_line()
                connection.take_line()
        except (OSError, AttributeError) as error:  # AttributeError: closed by another thread
            connection.close()
            raise error if isinstance(error, Lost) else Lost(repr(error)) from error
        if self.headers.get('connection') == 'close':
            connection.close()

    def lines(self):
        """The lines of the body, without their ends; what follows the last end is a line too."""
        rest = b''
        for part in self.parts():
            *lines, rest = (rest + part).split(b'\n')
            yield from lines
        if rest:
            yield rest

    def read(self):
        return b''.join(self.parts())

    def json(self):
        return json.loads(self.read())
