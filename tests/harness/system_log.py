"""A system log for one server: in its own mount namespace /dev/log is a socket of the test."""
import pathlib
import socket
import subprocess

from harness.audit import AuditedServer

RUN_LIMIT_S = 60
DEVICES = ('null', 'zero', 'random', 'urandom')
# A /dev with these devices and the socket, then the command.
SCRIPT = ('for device in %s; do mount --bind "/dev/$device" "$0/$device" || exit; done; '
          'mount --rbind "$0" /dev && exec "$@"' % ' '.join(DEVICES))
NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c']


class LoggedServer(AuditedServer):
    """An audited server whose lines to the system log come to received()."""

    def __init__(self, settings='', **arguments):
        super().__init__(settings, **arguments)
        self.devices = pathlib.Path(self.folder, 'dev')
        self.devices.mkdir()
        for device in DEVICES:
            (self.devices / device).touch()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.devices / 'log'))
        self.socket.setblocking(False)

    def command(self):
        return [*NAMESPACE, SCRIPT, str(self.devices), *super().command()]

    def why_not(self):
        """Why this machine cannot make such a namespace; empty: it can."""
        tried = subprocess.run([*NAMESPACE, SCRIPT, str(self.devices), 'true'], capture_output=True, text=True,
                               timeout=RUN_LIMIT_S)
        return tried.stderr if tried.returncode else ''

    def received(self):
        """Lines that have come since it was called last."""
        lines = []
        while True:
            try:
                lines.append(self.socket.recv(1 << 16).decode())
            except BlockingIOError:
                return lines

    def close(self):
        super().close()
        self.socket.close()
