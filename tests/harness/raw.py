"""HTTP by the byte: what no client library would send."""
import base64
import json
import socket

READ_LIMIT_S = 30


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        for field, value in self.headers:
            if field.lower() == name.lower():
                return value
        return None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return '%d %r' % (self.status, self.body[:500])


class RawConnection:
    """A TCP connection to a Server. Use it in a `with`."""

    def __init__(self, server):
        host, port = server.origin.split('//')[1].rsplit(':', 1)
        self.socket = socket.create_connection((host, int(port)), timeout=READ_LIMIT_S)
        self.buffer = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b''
        self.buffer += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.buffer:
            if not self._more():
                raise EOFError('the connection ended in the middle of an answer: %r' % self.buffer[:500])
        part, _, self.buffer = self.buffer.partition(mark)
        return part

    def _take(self, count):
        while len(self.buffer) < count:
            if not self._more():
                raise EOFError('the connection ended in the middle of an answer: %r' % self.buffer[:500])
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def answer(self, head=False):
        """Reads one answer. `head`: it is the answer to a HEAD, without a body."""
        lines = self._until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        version, status = lines[0].split(' ')[:2]
        assert version == 'HTTP/1.1', lines[0]
        headers = [tuple(line.split(': ', 1)) for line in lines[1:]]
        answer = Answer(int(status), headers, b'')
        if head or answer.status in (100, 204, 304):
            return answer
        if answer.header('Transfer-Encoding') == 'chunked':
            while True:
                size = int(self._until(b'\r\n'), 16)
                answer.body += self._take(size)
                assert self._take(2) == b'\r\n'
                if size == 0:
                    return answer
        if answer.header('Content-Length') is not None:
            answer.body = self._take(int(answer.header('Content-Length')))
            return answer
        while self._more():
            pass
        answer.body, self.buffer = self.buffer, b''
        return answer

    def at_end(self):
        """Whether the server has closed the connection and nothing is left to read. Waits for either."""
        return not self.buffer and not self._more()


def basic(server):
    """The Authorization header line of the server's admin."""
    pair = '%s:%s' % (server.user, server.password)
    return 'Authorization: Basic ' + base64.b64encode(pair.encode()).decode() + '\r\n'
