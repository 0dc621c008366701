"""What Mango queries answer, computed plainly: an independent reading of CouchDB's rules for selectors.

Values are those of Python; numbers with a point or an exponent are Decimals, so that nothing is lost.
Strings are of an alphabet whose order in ICU's root collation is stated here.
"""
import decimal
import json
import re
import unicodedata

MISSING, BAD_PATH = object(), object()

# Primary weights: white space, punctuation, digits, Latin, Greek, Cyrillic, Han. U+0301 has a secondary one only.
PRIMARY = {letter: weight for weight, letter in enumerate(' _-$.:/0123456789abcdefghijklmnopqrstuvwxyz\u03b1\u0436\u65e5')}
ACUTE = '\u0301'


def dumps(value):
    """JSON with Decimals as they were written."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, dict):
        return '{%s}' % ','.join('%s:%s' % (json.dumps(name), dumps(item)) for name, item in value.items())
    if isinstance(value, list):
        return '[%s]' % ','.join(map(dumps, value))
    return json.dumps(value)


def loads(text):
    return json.loads(text, parse_float=decimal.Decimal)


# ---- order

def string_key(text):
    """Letters first, then accents, then upper case after lower."""
    primary, secondary, tertiary = [], [], []
    for letter in unicodedata.normalize('NFD', text):
        if letter == ACUTE:
            secondary.append(1)
            tertiary.append(0)
            continue
        primary.append(PRIMARY[letter.lower()])
        secondary.append(0)
        tertiary.append(int(letter != letter.lower()))
    return primary, secondary, tertiary


def type_name(value):
    if isinstance(value, bool):
        return 'boolean'
    return {type(None): 'null', int: 'number', decimal.Decimal: 'number', str: 'string', list: 'array',
            dict: 'object'}[type(value)]


def order_key(value):
    """Keys compare as view keys do; equal keys are equal values."""
    kind = type_name(value)
    if kind == 'null':
        return (0,)
    if kind == 'boolean':
        return (2 if value else 1,)
    if kind == 'number':
        # Integers count to the last digit, other numbers as doubles.
        return (3, decimal.Decimal(float(value) if isinstance(value, decimal.Decimal) else value))
    if kind == 'string':
        return (4, string_key(value))
    if kind == 'array':
        return (5, [order_key(element) for element in value])
    return (6, [(string_key(name), order_key(item)) for name, item in value.items()])


def term(value, exact=True):
    """What Erlang compares for equality: 1 and 1.0 differ, if it is exact."""
    kind = type_name(value)
    if kind == 'number':
        number = float(value) if isinstance(value, decimal.Decimal) else value
        return ('number', number, exact and isinstance(value, decimal.Decimal))
    if kind == 'array':
        return ('array', [term(element, exact) for element in value])
    if kind == 'object':
        return ('object', [(name, term(item, exact)) for name, item in value.items()])
    return (kind, value)


# ---- fields

def steps_of(name):
    """The steps of a field: points divide, unless a backslash stands before."""
    return [step.replace('\\', '') for step in re.split(r'(?<!\\)\.', name)]


def lookup(value, steps):
    for step in steps:
        if isinstance(value, dict):
            if step not in value:
                return MISSING
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return BAD_PATH
    return value


def value_of(document, field):
    """None and false are values; MISSING is what is not there, for whatever reason."""
    value = lookup(document, steps_of(field))
    return MISSING if value is BAD_PATH else value


def project(document, fields):
    out = {}
    for field in fields:
        value = value_of(document, field)
        if value is MISSING:
            continue
        place, steps = out, steps_of(field)
        for step in steps[:-1]:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place
        if isinstance(place, dict):  # what is inside of a whole value is there already
            place[steps[-1]] = value
    return out


# ---- conditions

COMPARISONS = {
    '$lt': lambda left, right: left < right, '$lte': lambda left, right: left <= right,
    '$eq': lambda left, right: left == right, '$ne': lambda left, right: left != right,
    '$gte': lambda left, right: left >= right, '$gt': lambda left, right: left > right,
}
OPPOSITES = {'$lt': '$gte', '$lte': '$gt', '$eq': '$ne', '$ne': '$eq', '$gte': '$lt', '$gt': '$lte',
             '$in': '$nin', '$nin': '$in'}


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def remainder(dividend, divisor):
    """With the sign of the dividend."""
    rest = abs(dividend) % abs(divisor)
    return -rest if dividend < 0 else rest


def is_in(value, values):
    wanted = [order_key(each) for each in values]
    elements = value if isinstance(value, list) else [value]
    return any(order_key(element) in wanted for element in elements)


def has_all(value, values):
    if not isinstance(value, list) or not values:
        return False
    terms = [term(element) for element in value]
    if all(term(each) in terms for each in values):
        return True
    return len(values) == 1 and isinstance(values[0], list) and term(value, False) == term(values[0], False)


def begins_with(value, prefix):
    """By grapheme clusters: "e" is no beginning of an accented e."""
    return isinstance(value, str) and value.startswith(prefix) and not (
        prefix and value[len(prefix):].startswith(ACUTE))


def test(operator, argument, value):
    if operator in COMPARISONS:
        return COMPARISONS[operator](order_key(value), order_key(argument))
    if operator == '$in':
        return is_in(value, argument)
    if operator == '$nin':
        return not is_in(value, argument)
    if operator == '$exists':
        return argument
    if operator == '$type':
        return type_name(value) == argument
    if operator == '$mod':
        return is_integer(value) and remainder(value, argument[0]) == argument[1]
    if operator == '$regex':
        return isinstance(value, str) and re.search(argument.encode(), value.encode()) is not None
    if operator == '$beginsWith':
        return begins_with(value, argument)
    if operator == '$all':
        return has_all(value, argument)
    if operator == '$size':
        return isinstance(value, list) and len(value) == argument
    if operator == '$elemMatch':
        return isinstance(value, list) and any(inside(argument, element) for element in value)
    if operator == '$allMatch':
        return isinstance(value, list) and bool(value) and all(inside(argument, element) for element in value)
    assert operator == '$keyMapMatch', operator
    return isinstance(value, dict) and any(inside(argument, name) for name in value)


def id_in_range(operator, argument, value):
    """Conditions on ids that every document must meet choose a range of bytes first."""
    if operator == '$beginsWith':
        return value.startswith(argument)
    if operator == '$in':
        return value in argument
    if operator not in COMPARISONS or operator == '$ne':
        return True
    if not isinstance(argument, str):
        return operator in ('$gt', '$gte')
    return COMPARISONS[operator](value.encode(), argument.encode())


# ---- selectors

class Evaluation:
    """Of one selector on one document, or on an element of an array: there a negation is plain."""

    def __init__(self, root, pushes_negations=True):
        self.root, self.pushes_negations = root, pushes_negations

    def holds(self, selector, path=(), negated=False, required=True):
        if not isinstance(selector, dict) or not selector:
            return self.condition('$eq', selector, path, negated, required)
        parts = [lambda each, name=name, argument=argument: self.member(name, argument, path, negated, each)
                 for name, argument in selector.items()]
        return parts[0](required) if len(parts) == 1 else self.joined(parts, not negated, required)

    @staticmethod
    def joined(parts, conjunction, required):
        if not parts:
            return True
        if conjunction:
            return all(part(required) for part in parts)
        return any(part(False) for part in parts)

    def member(self, name, argument, path, negated, required):
        if name in ('$and', '$or', '$nor'):
            inner = negated != (name == '$nor')
            parts = [lambda each, selector=selector: self.negatable(selector, path, inner, each)
                     for selector in argument]
            return self.joined(parts, (name != '$or') != negated, required)
        if name == '$not':
            return self.negatable(argument, path, not negated, required)
        if name.startswith('$'):
            return self.condition(name, argument, path, negated, required)
        return self.holds(argument, (*path, *steps_of(name)), negated, required)

    def negatable(self, selector, path, negated, required):
        if negated and not self.pushes_negations:
            return not self.holds(selector, path)
        return self.holds(selector, path, negated, required)

    def condition(self, operator, argument, path, negated, required):
        if negated and operator in OPPOSITES:
            operator, negated = OPPOSITES[operator], False
        elif negated and operator == '$exists':
            argument, negated = not argument, False
        value = lookup(self.root, path)
        if value is MISSING:
            return operator == '$exists' and not argument and not negated
        if value is BAD_PATH:
            return False
        if required and self.pushes_negations and path == ('_id',) and not negated and not id_in_range(
                operator, argument, value):
            return False
        return test(operator, argument, value) != negated


def inside(selector, element):
    return Evaluation(element, pushes_negations=False).holds(selector)


def matches(selector, document):
    return not selector or Evaluation(document).holds(selector)
