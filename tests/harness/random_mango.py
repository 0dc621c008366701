"""Random documents, selectors, indexes and queries for Mango, the same for the same seed."""
import decimal

D = decimal.Decimal
STRINGS = ['', 'a', 'A', 'b', 'B', 'ab', 'aB', 'a b', 'a_b', 'a-b', 'abc', 'e', '\u00e9', 'e\u0301', '\u00c9', 'eb', '\u00e9b',
           'z'.replace('z', 'x'), '1', '10', '19', '\u0436', '\u0436a', '\u65e5', 'a\u65e5', '\u03b1', 'red', 'Red', 'green',
           'a' * 300, 'ab' * 1200, 'ab' * 1200 + 'a', 'ab' * 1200 + 'b']
NUMBERS = [0, 1, 2, 3, 5, 7, 10, -1, -7, D('0.0'), D('1.0'), D('1.5'), D('2.50'), D('-0.5'), D('1E+2'), 100,
           9007199254740992, 9007199254740993, D('9007199254740993.0'), 123456789012345678901234567890,
           123456789012345678901234567891, -123456789012345678901234567890, D('0.1'), D('0.10000000000000000001')]
SCALARS = [None, True, False]
ARRAYS = [[], [1], [1, 2], ['a'], ['a', 'b'], [[1]], [None], [D('1.0')]]
OBJECTS = [{}, {'x': 1}, {'x': 1, 'y': 2}, {'y': 2, 'x': 1}, {'x': {'y': 'a'}}]
SKUS = ['a', 'b', 'ab', 'red', 'green', 1, 2, D('1.0'), None]
COLORS = ['red', 'green', 'Red', 'b', '\u00e9', 'e\u0301']
IDS = ['a', 'A', 'b', 'ab', 'a b', 'a-b', '\u00e9', '\u0436', '\u65e5', '\u03b1', 'e', 'red', 'x1', 'k.9']

# Fields of conditions and indexes, as they are written.
FIELDS = ['a', 'b', 'c', 'k', 's', 'n.x', 'n.x.y', 'n', 'tags', 'items', 'tags.0', 'items.0.sku', 'dot\\.ted', 'dot.ted',
          '_id', 'none']
COLUMNS = ['a', 'b', 'c', 'k', 's', 'n.x', 'n', 'tags', 'tags.0', 'dot\\.ted', 'dot.ted', '_id', 'items.0.sku']
ELEMENTS = ['tags.[]', 'items.[].sku', 'items.[].n.x', 'items.[]']
SORTS = ['a', 'b', 'c', 'k', 's', 'n.x', '_id', 'tags']
GROUPS = ['b', 'c', 'k', 's', 'n.x', 'tags']
NARROW = [{'fields': ['k']}, {'fields': ['s']}, {'fields': ['k', 'c'], 'partial_filter_selector': {'c': {'$gt': 'e'}}},
          {'fields': ['tags.[]']}]
TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object', 'other']
PATTERNS = ['^a', 'b$', '[0-9]', '(?i)^red$', 'a.b', '^.$', 'x|e']


def field_of(column):
    return column if isinstance(column, str) else next(iter(column))


class Generator:
    def __init__(self, random):
        self.random, self.ids = random, []

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, values):
        return self.random.choice(values)

    # ---- documents

    def value(self):
        return self.pick(self.pick([STRINGS, STRINGS, NUMBERS, NUMBERS, SCALARS, ARRAYS, OBJECTS]))

    def tag(self):
        return self.pick(self.pick([COLORS, COLORS, NUMBERS, SCALARS, ARRAYS]))

    def item(self):
        if self.chance(0.1):
            return self.value()
        item = {'sku': self.pick(SKUS), 'qty': self.random.randrange(5), 'n': {'x': self.pick(NUMBERS)}}
        for name in list(item):
            if self.chance(0.15):
                del item[name]
        return item

    def doc_id(self, number):
        self.ids.append('%s%d' % (self.pick(IDS), number))
        return self.ids[-1]

    def document(self):
        body = {
            'a': self.value(), 'b': self.pick([1, 2, 3, D('1.0'), 'a', 'A', None]), 'c': self.pick(COLORS),
            'k': self.random.randrange(20), 's': self.pick(STRINGS),
            'n': self.pick([{'x': self.pick(NUMBERS)}, {'x': {'y': self.pick(STRINGS)}}, self.value()]),
            'tags': [self.tag() for _ in range(self.random.randrange(4))] if self.chance(0.85) else self.value(),
            'items': [self.item() for _ in range(self.random.randrange(4))] if self.chance(0.85) else self.value(),
            'dot.ted': self.pick([1, 2, 'a']), 'dot': {'ted': self.pick([1, 2, 'b'])},
        }
        for name in list(body):
            if self.chance(0.12):
                del body[name]
        return body

    # ---- selectors

    def argument(self, field):
        if field == 'b':
            return self.pick([1, 2, 3, 'a', None, D('1.0')])
        if field == 'c':
            return self.pick(COLORS)
        if field == 'k':
            return self.random.randrange(-1, 21)
        if field in ('s', '_id'):
            return self.pick(STRINGS if field == 's' else self.ids if self.ids and self.chance(0.6) else IDS)
        return self.tag() if field.startswith('tags') and self.chance(0.7) else self.value()

    def arguments(self, field):
        return [self.argument(field) for _ in range(self.pick([0, 1, 1, 2, 3, 6]))]

    def condition(self, field, depth):
        """{operator: argument}, or a value."""
        kind = self.random.random()
        if kind < 0.2:
            value = self.argument(field)
            return value if not isinstance(value, dict) else {'$eq': value}
        if kind < 0.55:
            return {self.pick(['$lt', '$lte', '$eq', '$ne', '$gte', '$gt', '$gt', '$gte']): self.argument(field)}
        if kind < 0.62:
            low, high = self.argument(field), self.argument(field)
            return {'$gte': low, '$lt': high}
        if kind < 0.72:
            return {self.pick(['$in', '$in', '$nin']): self.arguments(field)}
        return self.pick([self.exists, self.type, self.mod, self.regex, self.begins_with, self.all, self.size,
                          self.elements, self.elements, self.key_map, self.not_])(field, depth)

    def exists(self, *_):
        return {'$exists': self.chance(0.6)}

    def type(self, *_):
        return {'$type': self.pick(TYPES)}

    def mod(self, *_):
        return {'$mod': [self.pick([2, 3, -2, 7, 10 ** 20]), self.pick([0, 1, -1, 2])]}

    def regex(self, *_):
        return {'$regex': self.pick(PATTERNS)}

    def begins_with(self, *_):
        return {'$beginsWith': self.pick(STRINGS)[:self.random.randrange(1, 4)]}

    def all(self, field, _):
        if self.chance(0.1):
            return {'$all': [self.pick(ARRAYS)]}
        return {'$all': [self.tag() for _ in range(self.pick([0, 1, 1, 2]))]}

    def size(self, *_):
        return {'$size': self.random.randrange(4)}

    def key_map(self, *_):
        return {'$keyMapMatch': {self.pick(['$eq', '$gt', '$beginsWith']): self.pick(['x', 'y', 'sku'])}}

    def not_(self, field, depth):
        condition = self.condition(field, depth)
        return {'$not': condition if isinstance(condition, dict) and condition else {'$eq': condition}}

    def elements(self, field, depth):
        operator = self.pick(['$elemMatch', '$elemMatch', '$allMatch'])
        if field == 'items':
            return {operator: self.selector(depth + 1, ['sku', 'qty', 'n.x'])}
        condition = self.condition('tags', depth + 1)
        return {operator: condition if isinstance(condition, dict) and condition else {'$eq': condition}}

    def field_condition(self, depth, fields):
        field = self.pick(fields)
        condition = self.condition(field, depth)
        if '.' in field and '\\' not in field and self.chance(0.3):
            first, rest = field.split('.', 1)
            return {first: {rest: condition}}
        return {field: condition}

    def selector(self, depth=0, fields=None):
        fields = fields or (FIELDS if self.chance(0.7) else ['tags', 'items', 'k', 'c'])
        kind = self.random.random()
        if depth > 2 or kind < 0.5:
            return self.field_condition(depth, fields)
        if kind < 0.7:
            merged = {}
            for _ in range(self.random.randrange(2, 4)):
                merged.update(self.field_condition(depth, fields))
            return merged
        if kind < 0.95:
            operator = self.pick(['$and', '$or', '$or', '$nor'])
            selector = {operator: [self.selector(depth + 1, fields) for _ in range(self.random.randrange(1, 4))]}
            if self.chance(0.4):
                selector.update(self.field_condition(depth, fields))
            if depth > 0 and operator != '$or' and self.chance(0.05):
                selector['$or'] = []  # alone it would match nothing
            return selector
        return {'$not': self.selector(depth + 1, fields)}

    # ---- indexes and queries

    def index(self):
        """{"fields": ..., "partial_filter_selector": ...}"""
        fields = self.random.sample(COLUMNS, self.pick([1, 1, 2, 2, 3, 4]) if self.chance(0.97) else 0)
        if fields and self.chance(0.3):
            fields[self.random.randrange(len(fields))] = self.pick(ELEMENTS)
        if self.chance(0.2):
            fields = [{field: 'desc'} for field in fields]
        index = {'fields': fields}
        if self.chance(0.25):
            index['partial_filter_selector'] = self.selector()
        return index

    def sort(self):
        fields = self.random.sample(SORTS, self.pick([1, 1, 2, 3]))
        if self.chance(0.4):
            return [{field: self.pick(['asc', 'desc'])} for field in fields]
        direction = self.pick(['asc', 'desc'])
        return [{field: direction} if direction == 'desc' else field for field in fields]

    def fields(self):
        return ['_id'] + self.random.sample(['a', 'b', 'c', 'k', 's', 'tags', 'dot\\.ted', 'tags.0', 'n.x', 'none'],
                                            self.random.randrange(4))

    def element_condition(self, column):
        name, rest = column.split('.[]')
        if not rest and self.chance(0.5):
            return {name: self.pick([self.all, lambda *_: {'$in': [self.tag() for _ in range(3)]}])(name, 0)}
        condition = self.condition('tags', 1)
        condition = condition if isinstance(condition, dict) and condition else {'$eq': condition}
        return {name: {'$elemMatch': {rest[1:]: condition} if rest else condition}}

    def selector_for(self, index):
        """Of conditions on the columns of an index, mostly so that it can be used."""
        parts = []
        for column in map(field_of, index['fields']):
            if '[]' in column:
                parts.append(self.element_condition(column))
            elif column != '_id' or self.chance(0.5):
                parts.append({column: self.condition(column, 1)})
        if self.chance(0.2):
            parts.append(self.selector(1))
        merged = {name: condition for part in parts for name, condition in part.items()}
        if len(parts) > 1 and self.chance(0.2):
            return {'$or': parts}
        return merged if len(merged) == len(parts) and merged else {'$and': parts or [{'k': {'$gt': 3}}]}

    def narrow_selector(self, kind):
        """Few documents by id, by several NARROW indexes, by several ranges of one, or by elements."""
        selector = [
            lambda: {'_id': {'$in': [self.pick(self.ids) for _ in range(4)]}},
            lambda: {'$or': [{'k': self.random.randrange(20)}, {'s': self.pick(STRINGS[1:])}]},
            lambda: {'k': {'$in': [self.random.randrange(20) for _ in range(3)]}},
            lambda: {'tags': {'$in': [self.tag() for _ in range(3)]}},
        ][kind]()
        if self.chance(0.4):
            selector.update(self.field_condition(1, ['a', 'tags', 'c']))
        return selector

    def query(self, index, other):
        """One that often suits an index, or two."""
        columns = list(map(field_of, index['fields']))
        suits = self.chance(0.6)
        query = {'selector': self.selector_for(index) if suits else self.selector()}
        if suits and self.chance(0.2):
            query['selector'] = {'$or': [query['selector'], self.selector_for(other)]}
        if not suits and self.chance(0.4):
            query['selector'] = self.narrow_selector(self.random.randrange(4))
        if self.chance(0.5):
            query['sort'] = columns[:self.random.randrange(1, 3)] if suits and self.chance(0.6) and columns else self.sort()
            if suits and self.chance(0.3) and all(isinstance(field, str) for field in query['sort']):
                query['sort'] = [{field: 'desc'} for field in query['sort']]
            query['sort_in_memory'] = True
        if self.chance(0.5):
            query['fields'] = ['_id'] + columns if suits and '[]' not in str(columns) else self.fields()
        return query

    def groups(self):
        """Members of a query for groups or distinct values."""
        if self.chance(0.3):
            return {'distinct': self.pick(GROUPS)}
        members = {'aggregate': {'n': 'count'}}
        if self.chance(0.85):
            members['group_by'] = self.random.sample(GROUPS, self.pick([1, 1, 2]))
        if self.chance(0.2):
            return members  # only counted
        for function in self.random.sample(['count', 'sum', 'min', 'max', 'avg', 'stats'], 3):
            members['aggregate'][function] = {function: self.pick(['k', 'a', 'n.x', 's'])}
        return members
