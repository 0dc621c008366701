"""A proxy on loopback that misbehaves as a test says, for one connection or for some requests.

    with FaultProxy(server.origin) as proxy:
        proxy.plan([Fault('cut_down', amount=1000), Fault('pass')])  # the next two connections
        proxy.answer(503, count=2, path='/_bulk_docs')               # two requests, on any connection
        ...
        proxy.clear()                                                # behaves well from now on

A connection takes the next fault of the plan when it is accepted; without one it passes. Everything runs
in one thread of the proxy; the methods may be called from any thread.
"""
import asyncio
import collections
import re
import socket
import struct
import threading

from harness.fault_connection import Connection, Cut, swallow
from harness.fault_plan import Fault, Rule
from harness.http_relay import HEAD_BYTES_MAX, HeadTooLarge

STOP_LIMIT_S = 10
CLOSE_LIMIT_S = 5
REQUESTS_KEPT_MAX = 100000
HALF_OPEN_MS_MAX = 10000
LINGER_NONE = struct.pack('ii', 1, 0)


class FaultProxy:
    """Use it in a `with`, or call start() and stop(). `upstream` is http://host:port or a Server, whose
    port may change when it is started again.

    counts    {kind of fault: how many connections had it}, {status: how often it was answered}, 'connections',
              'requests', 'bytes_up', 'bytes_down', 'cut': connections that a cut has ended
    requests  (method, target) of every request that came, the oldest first
    """

    def __init__(self, upstream):
        self.upstream = upstream
        self.counts = collections.Counter()
        self.requests = collections.deque(maxlen=REQUESTS_KEPT_MAX)
        self.lock = threading.Lock()
        self.faults, self.rules = collections.deque(), []
        self.tasks = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.listener = self.acceptor = None
        self.port = 0

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ------------------------------------------------------------ what a test calls

    def start(self):
        self.listener = listening_socket()
        self.port = self.listener.getsockname()[1]
        self.thread.start()
        self._run(self._begin())
        return self

    def stop(self):
        """Ends all connections and the thread."""
        if self.thread.is_alive():
            self._run(self._end())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(STOP_LIMIT_S)
            self.loop.close()
            self.listener.close()

    @property
    def origin(self):
        return 'http://127.0.0.1:%d' % self.port

    def url(self, url):
        """A URL of the upstream server, with its credentials, that leads through the proxy."""
        return re.sub(r'^(http://(?:[^/@]*@)?)[^/]*', lambda match: '%s127.0.0.1:%d' % (match[1], self.port), url)

    def plan(self, faults):
        """Faults for the connections to come, behind those that are planned already."""
        with self.lock:
            self.faults.extend(faults)

    def answer(self, status, count=1, method=None, path='', body_over=None, headers=None):
        """The next `count` requests that fit are answered with this status; a 429 says Retry-After: 1. `path`
        is searched for in the target, a regular expression; `body_over`: only bodies with more bytes."""
        with self.lock:
            self.rules.append(Rule(status, count, method, path, body_over, headers or {}))

    def clear(self):
        """No faults from now on; connections that are under one keep it to their end."""
        with self.lock:
            self.faults.clear()
            self.rules.clear()

    def cut_all(self):
        """Resets all connections that are open now."""
        self._run(self._cancel_tasks())

    @property
    def planned(self):
        """Faults that no connection has taken yet; those that pass count too."""
        with self.lock:
            return len(self.faults)

    def matching(self, method, path):
        """How many requests came of this method to a target in which the regular expression is found."""
        return sum(1 for seen, target in list(self.requests) if seen == method and re.search(path, target))

    # ------------------------------------------------------------ the thread of the proxy

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(STOP_LIMIT_S)

    async def _begin(self):
        self.acceptor = self.loop.create_task(self._accept())

    async def _cancel_tasks(self):
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self):
        self.acceptor.cancel()
        await asyncio.gather(self.acceptor, return_exceptions=True)
        await self._cancel_tasks()

    async def _accept(self):
        while True:
            client, _ = await self.loop.sock_accept(self.listener)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.counts['connections'] += 1
            with self.lock:
                fault = self.faults.popleft() if self.faults else Fault('pass')
            self.counts[fault.kind] += 1
            if fault.kind == 'refuse':
                reset(client)
                # A socket that was shut down keeps its port, and the kernel refuses for it.
                self.listener.shutdown(socket.SHUT_RDWR)
                await asyncio.sleep(fault.amount / 1000)
                self.listener.listen()
                continue
            task = self.loop.create_task(self._serve(client, fault))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _serve(self, client, fault):
        if fault.kind == 'reset':
            reset(client)
            return
        if fault.kind == 'close':
            client.close()
            return
        reader, writer = await asyncio.open_connection(sock=client, limit=HEAD_BYTES_MAX)
        try:
            if fault.kind == 'half_open':
                await swallow(reader, min(fault.amount, HALF_OPEN_MS_MAX) / 1000)
            else:
                if fault.kind == 'delay':
                    await asyncio.sleep(fault.amount / 1000)
                await Connection(self, fault, reader, writer).run()
        except Cut:
            self.counts['cut'] += 1
        except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.TimeoutError, HeadTooLarge):
            pass
        finally:
            await self._close(writer, fault)

    async def _close(self, writer, fault):
        """What was written is sent before the end, as far as the client reads it."""
        writer.transport.set_write_buffer_limits(0)
        try:
            await asyncio.wait_for(writer.drain(), CLOSE_LIMIT_S)
        except (OSError, asyncio.TimeoutError):
            pass
        if fault.kind == 'reset_down':
            writer.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        writer.transport.abort()

    def upstream_place(self):
        origin = self.upstream if isinstance(self.upstream, str) else self.upstream.origin
        host, port = origin.split('//')[1].rsplit(':', 1)
        return host, int(port)

    def rule_for(self, head):
        with self.lock:
            return next((rule for rule in self.rules if rule.fits(head)), None)

    def take(self, rule):
        """Whether the rule still has an answer to give; the answer is taken."""
        with self.lock:
            rule.left -= 1
            return rule.left >= 0


def listening_socket():
    """A socket on a free loopback port. It is bound to the port by its number: only such a socket keeps the
    port when it is shut down."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(('127.0.0.1', port))
        except OSError:
            made.close()
            continue
        made.listen()
        made.setblocking(False)
        return made
    raise OSError('no free port')


def reset(client):
    """Closes a socket so that the other side sees a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    client.close()
