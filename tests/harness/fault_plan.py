"""What goes wrong in a FaultProxy: faults of connections, schedules of them, and answers to requests."""
import random
import re

TRICKLE_BYTES_MAX = 1000
# What `amount` means for each kind.
KINDS = {
    'pass': None,            # nothing goes wrong
    'delay': 'ms',           # it takes so long until bytes are forwarded
    'refuse': 'ms',          # reset, and further connections are refused for so long
    'close': None,           # closed at once
    'reset': None,           # reset at once
    'cut_up': 'bytes',       # closed when the client has sent so many
    'cut_down': 'bytes',     # closed when the server has sent so many
    'reset_down': 'bytes',   # reset when the server has sent so many
    'half_open': 'ms',       # what comes is swallowed for so long, then closed
    'trickle': 'bytes',      # the first so many bytes of the answers come one at a time
    'status': 'requests',    # so many requests are answered with `status`
    'garbage': 'seed',       # the first request is answered with bytes that are no HTTP
}


class Fault:
    """What happens to one connection."""

    def __init__(self, kind, amount=0, status=503):
        if kind not in KINDS:
            raise ValueError('no fault named %r' % kind)
        self.kind, self.amount, self.status = kind, amount, status

    def __repr__(self):
        return self.kind + ('(%d)' % self.amount if KINDS[self.kind] else '') + \
            (' %d' % self.status if self.kind == 'status' else '')

    def __eq__(self, other):
        return repr(self) == repr(other)

    __hash__ = None


class Schedule(list):
    """Faults for the connections to come, made from a seed: the same seed makes the same faults.

    There are `faults` of them, and connections that pass in between: who tries often enough gets through.
    """

    @classmethod
    def from_seed(cls, seed, faults=8, passes_max=2):
        chance = random.Random('faults %s' % seed)
        made = cls()
        for _ in range(faults):
            made.append(cls.one(chance))
            made.extend([Fault('pass')] * chance.randint(0, passes_max))
        return made

    @staticmethod
    def one(chance):
        kind = chance.choice([kind for kind in KINDS if kind != 'pass'])
        amount = {'ms': chance.randint(20, 400),
                  'bytes': int(10 ** chance.uniform(0, 5)),  # in a head, in a body, behind several answers
                  'requests': chance.randint(1, 3),
                  'seed': chance.randint(0, 2 ** 32), None: 0}[KINDS[kind]]
        if kind == 'half_open':
            amount *= 5
        if kind == 'trickle':
            amount = min(amount, TRICKLE_BYTES_MAX)
        return Fault(kind, amount, chance.choice([500, 503, 429]))


class Rule:
    """Requests that are answered by the proxy instead of the server."""

    def __init__(self, status, count, method, path, body_over, headers):
        self.status, self.left, self.method = status, count, method
        self.path, self.body_over, self.headers = re.compile(path), body_over, headers

    def fits(self, head):
        return self.left > 0 and self.method in (None, head.method) and self.path.search(head.target)
