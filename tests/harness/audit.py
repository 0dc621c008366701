"""A server that keeps an audit log, and what reads and verifies it."""
import json
import pathlib
import shutil
import tempfile

from harness.command import divan
from harness.server import Server

ALL_KINDS = ('authentication, refusal, configuration, security, policy, design, replication, document_read, '
             'document_write, database, anomaly, audit')


class AuditedServer(Server):
    """Key and anchors lie in a folder beside the data, as they should lie on another disk."""

    def __init__(self, settings='', config='', **arguments):
        self.safe = pathlib.Path(tempfile.mkdtemp(prefix='divan-audit-'))
        self.key_file, self.anchor_file = self.safe / 'audit.key', self.safe / 'anchors.jsonl'
        super().__init__(config='%s\n[audit]\nenable = true\nkey_file = %s\nanchor_file = %s\n%s\n' % (
            config, self.key_file, self.anchor_file, settings), **arguments)

    def close(self):
        super().close()
        shutil.rmtree(self.safe, ignore_errors=True)

    def records(self, **parameters):
        """Every record that passes the filters, whatever their number."""
        text = self.get('/_audit', params={'format': 'jsonl', **parameters}).text
        return [json.loads(line) for line in text.splitlines()]

    def verify(self, *options, data_dir=None, anchors=True):
        """The exit status of `divan audit verify --json` and what it found."""
        if anchors and self.anchor_file.exists():
            options += ('--anchors', str(self.anchor_file))
        done = divan('audit', 'verify', '--data-dir', str(data_dir or self.data_dir), '--key-file',
                     str(self.key_file), '--json', *options)
        return done.status, json.loads(done.output) if done.output else done.errors
