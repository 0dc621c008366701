"""Random JSON texts, the same for the same seed, as odd as the grammar allows."""
import random

from harness import exact_json

# The first and last code points of planes and of what is special; never a surrogate.
CHARACTERS = [0, 1, 8, 9, 10, 12, 13, 0x1f, 0x20, 0x22, 0x2f, 0x5c, 0x7f, 0x80, 0xa0, 0x7ff, 0x800, 0x2028, 0x2029,
              0xd7ff, 0xe000, 0xfdd0, 0xfeff, 0xfffd, 0xfffe, 0xffff] + \
             [plane * 0x10000 + offset for plane in range(1, 17) for offset in (0, 0x1234, 0xfffe, 0xffff)]
SHORT_ESCAPES = {'"': '"', '\\': '\\', '/': '/', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
NUMBERS = ['0', '-0', '0.0', '-0.0', '1', '1.0', '1.00', '1e2', '1E2', '1e+2', '1E-2', '0e0', '0E+5', '100', '1e308',
           '-1e-400', '5e-324', '9007199254740993', '-9223372036854775809', '18446744073709551616', '0.1', '0.30000000000000004',
           '3.141592653589793238462643383279502884197', '123456789012345678901234567890', '-' + '9' * 60, '1' + '0' * 400]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def space(self):
        return ''.join(self.random.choice(' \t\r\n') for _ in range(self.random.randrange(3))) \
            if self.random.random() < 0.2 else ''

    def number(self):
        chance = self.random.random()
        if chance < 0.5:
            return self.random.choice(NUMBERS)
        text = self.random.choice(['', '-']) + str(self.random.randrange(10 ** self.random.randrange(1, 40)))
        if chance < 0.8:
            return text
        return text + '.' + str(self.random.randrange(10 ** 9)).zfill(self.random.randrange(1, 20))

    def character(self):
        chance = self.random.random()
        if chance < 0.6:
            return chr(self.random.randrange(0x20, 0x7f))
        if chance < 0.8:
            return chr(self.random.choice(CHARACTERS))
        code = self.random.randrange(0x110000 - 0x800)
        return chr(code if code < 0xd800 else code + 0x800)

    def escaped(self, character):
        if character in SHORT_ESCAPES and self.random.random() < 0.7:
            return '\\' + SHORT_ESCAPES[character]
        if character in '"\\' or character < ' ' or self.random.random() < 0.2:
            units = character.encode('utf-16-be').hex()
            if self.random.random() < 0.5:
                units = units.upper()
            return ''.join('\\u' + units[i:i + 4] for i in range(0, len(units), 4))
        return character

    def string(self):
        length = self.random.choice([0, 1, 2, 5, 12, 40])
        return '"%s"' % ''.join(self.escaped(self.character()) for _ in range(length))

    def value(self, depth):
        chance = self.random.random()
        if depth > 0 and chance < 0.25:
            return self.object(depth - 1)
        if depth > 0 and chance < 0.45:
            return '[%s%s]' % (self.space(), ','.join(
                self.space() + self.value(depth - 1) + self.space() for _ in range(self.random.randrange(5))))
        if chance < 0.7:
            return self.number()
        return self.string() if chance < 0.92 else self.random.choice(['true', 'false', 'null'])

    def object(self, depth):
        """Sometimes with equal names, written the same way or another."""
        members, names = [], []
        for _ in range(self.random.randrange(6)):
            if names and self.random.random() < 0.15:
                name = self.random.choice(names)
            else:
                name = ''.join(self.character() for _ in range(self.random.randrange(6)))
            names.append(name)
            members.append('%s"%s"%s:%s%s%s' % (self.space(), ''.join(self.escaped(c) for c in name), self.space(),
                                                self.space(), self.value(depth), self.space()))
        return '{%s%s}' % (','.join(members), self.space())

    def document(self):
        """The text of an object whose own members do not begin with an underscore."""
        members = ','.join('%s"m%d"%s:%s' % (self.space(), self.random.randrange(6), self.space(), self.value(4))
                           for _ in range(self.random.randrange(6)))
        return '%s{%s%s}%s' % (self.space(), members, self.space(), self.space())


def meaning(text):
    """What a text stands for: of equal names the last one stays, where it stands."""
    return without_replaced(exact_json.loads(text))


def without_replaced(value):
    if isinstance(value, exact_json.Object):
        last = {name: at for at, (name, _) in enumerate(value)}
        return exact_json.Object((name, without_replaced(item)) for at, (name, item) in enumerate(value)
                                 if last[name] == at)
    if isinstance(value, list):
        return [without_replaced(item) for item in value]
    return value
