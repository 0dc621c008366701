"""Runs the binary as a person in a terminal would, to its end."""
import os
import subprocess

from harness.server import BINARY

RUN_LIMIT_S = 60


class Done:
    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    def __repr__(self):
        return 'status %d\n%s\n%s' % (self.status, self.output, self.errors)


def clean_environment(more=None):
    """The environment without what tells the server a name or an admin."""
    return {**{name: value for name, value in os.environ.items()
               if not name.startswith('COUCHDB_') and name != 'NODENAME'}, **(more or {})}


def divan(*arguments, environment=None, **options):
    done = subprocess.run([str(BINARY), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=RUN_LIMIT_S, env=clean_environment(environment), **options)
    return Done(done.returncode, done.stdout, done.stderr)
