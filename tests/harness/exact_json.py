"""JSON without loss: member order, equal names and the text of numbers are kept.

An object becomes an Object of (name, value) pairs and a number a Number with its text, so that two
values are equal only when what was sent is what came back.
"""
import json


class Number(str):
    """A number as it was written; 1.0 and 1 differ."""


class Object(tuple):
    """The members of an object in their order."""

    def get(self, name, default=None):
        for member, value in self:
            if member == name:
                return value
        return default

    def without(self, *names):
        return Object(pair for pair in self if pair[0] not in names)


def loads(text):
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number,
                      object_pairs_hook=Object)


def dumps(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Object):
        return '{%s}' % ','.join(json.dumps(name) + ':' + dumps(item) for name, item in value)
    if isinstance(value, list):
        return '[%s]' % ','.join(dumps(item) for item in value)
    return json.dumps(value)


def difference(one, other, path=''):
    """The path and the values of the first difference, or None."""
    if isinstance(one, Object) and isinstance(other, Object):
        names, others = [name for name, _ in one], [name for name, _ in other]
        if names != others:
            return '%s: members %s, not %s' % (path or '/', others, names)
        pairs = [(name, a, b) for (name, a), (_, b) in zip(one, other)]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(str(at), a, b) for at, (a, b) in enumerate(zip(one, other))]
    else:
        same = type(one) is type(other) and one == other
        return None if same else '%s: %.200r, not %.200r' % (path or '/', other, one)
    for name, a, b in pairs:
        found = difference(a, b, path + '/' + name)
        if found:
            return found
    return None
