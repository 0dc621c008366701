"""Groups, distinct values and aggregates of documents, computed plainly."""
import decimal
import math

from harness import mango_reference as reference


class Nearly:
    """A sum of doubles: as near as their sizes allow."""

    def __init__(self, numbers):
        self.value, self.size, self.number = math.fsum(numbers), math.fsum(map(abs, numbers)), len(numbers)

    def __eq__(self, shown):
        return shown is not None and abs(float(shown) - self.value) <= 1e-14 * self.number * self.size

    def __repr__(self):
        return 'nearly %r' % self.value


def aggregate(spec, docs):
    """What an aggregate is to be; values of min and max as their order keys."""
    if spec == 'count':
        return len(docs)
    (function, field), = spec.items()
    values = [value for value in (reference.value_of(doc, field) for doc in docs) if value is not reference.MISSING]
    if function == 'count':
        return len(values)
    if function in ('min', 'max'):
        chosen = (min if function == 'min' else max)(values, key=reference.order_key, default=None)
        return reference.order_key(chosen)
    numbers = [value for value in values if reference.type_name(value) == 'number']
    exact = not any(isinstance(value, decimal.Decimal) for value in numbers)
    numbers = numbers if exact else list(map(float, numbers))
    total = sum if exact else Nearly
    if function == 'sum':
        return total(numbers)
    if function == 'avg':
        return Nearly([number / len(numbers) for number in numbers]) if numbers else None
    ends = [None if not numbers else end(numbers) if exact else Nearly([end(numbers)]) for end in (min, max)]
    return {'sum': total(numbers), 'count': len(numbers), 'min': ends[0], 'max': ends[1],
            'sumsqr': total([number * number for number in numbers])}


def expected(query, docs):
    """The groups of documents that match, in order: [key] of distinct, otherwise [(keys, {name: result})]."""
    fields = [query['distinct']] if 'distinct' in query else query.get('group_by', [])
    groups = {}
    for doc in docs:
        values = [reference.value_of(doc, field) for field in fields]
        if reference.MISSING not in values:
            key = [reference.order_key(value) for value in values]
            groups.setdefault(repr(key), (key, []))[1].append(doc)
    if not fields and not groups:
        groups[''] = ([], [])
    ordered = sorted(groups.values(), key=lambda group: group[0])
    if 'distinct' in query:
        return [key[0] for key, _ in ordered]
    return [(key, {name: aggregate(spec, docs) for name, spec in query['aggregate'].items()}) for key, docs in ordered]


def shown(query, answer):
    """The same of what the server says."""
    if 'distinct' in query:
        return [reference.order_key(value) for value in answer['distinct']]
    groups = []
    for row in answer['groups']:
        key = [reference.order_key(row.pop(field)) for field in query.get('group_by', [])]
        for name, spec in query['aggregate'].items():
            if isinstance(spec, dict) and next(iter(spec)) in ('min', 'max'):
                row[name] = reference.order_key(row[name])
        groups.append((key, row))
    return groups
