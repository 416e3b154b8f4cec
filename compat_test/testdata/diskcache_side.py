"""DiskCache's side of the import's test.

diskcache_side.py fill DIR           fills DIR/plain, DIR/json and DIR/fanout with every kind of key and value
diskcache_side.py compare DIR PORT   compares them with databases 1, 2 and 3 of a server, through redis-py
"""
import base64
import collections
import datetime
import decimal
import io
import json
import math
import os
import sys
import time
import uuid

import diskcache


class Own:
    """No plain value."""


UNREAD = {'own', 'function', Own}


def fill(out):
    later = 4102444800 - time.time()  # 2100
    cache = diskcache.Cache(os.path.join(out, 'plain'), disk_min_file_size=1000)
    values = {
        'text': 'Zoë', 'empty': '', b'bytes\xff': b'\x00\xff', 7: 42, -1.5: 2.0, 'large': 1e300, 'nan': math.nan,
        'long text': 'ä\n' * 2000, 'long bytes': bytes(range(256)) * 20, 'many digits': 2 ** 70, 'none': None, 'true': True,
        'list': [1, 'two', 3.0, None, (4, 5), {'six': {7}}, b'8', frozenset(), bytearray(b'9')],
        'dict': collections.OrderedDict([('a', 1), (2, 'b'), (None, False)]),
        'long pickle': list(range(1000)), 'shared': [['y']] * 3,
        'numbers': [math.inf, -math.inf, -0.0, 1e16, 1e-5, -2 ** 63, 255, 65536, -1],
        'moments': [datetime.datetime(2026, 11, 29, 20, 1, 2, 3), datetime.date(2026, 1, 2), datetime.time(3, 4, 5),
                    datetime.timedelta(days=1, seconds=2), datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)],
        'things': [decimal.Decimal('1.10'), uuid.UUID(int=5), collections.deque([1]), collections.Counter('aab'),
                   collections.defaultdict(list, x=[1])],
        'moment': datetime.datetime(2026, 11, 29, 20, 1, 2), 'surrogate': ['\ud800'], ('module.function', 1, 'x'): 'memoized',
        'own': Own(), 'function': print, Own: 'a class as key',
    }
    for key, value in values.items():
        cache.set(key, value)
    cache.set('stream', io.BytesIO(b'read ' * 1000), read=True)
    cache.set('expires', 'later', expire=later)
    cache.set('tagged', 'a', tag='colours')
    cache.set('tagged too', 'b', tag='colours', expire=later)
    cache.set('tagged by number', 'c', tag=5)
    for protocol in range(6):
        cache.disk.pickle_protocol = protocol
        cache.set('protocol %d' % protocol, [1, 2 ** 40, -3, 2 ** 100, 'ä€😀\\u\n', b'\x80\xff', 1.25, (), (1,), (1, 2), (1, 2, 3),
                                             (1, 2, 3, 4), {}, {'k': [None, True, False]}, {1}, datetime.date(2026, 1, 2)])
    cache.set('expired', 'gone', expire=later)
    cache._sql('UPDATE Cache SET expire_time = 1000 WHERE key = ?', ('expired',))
    cache.close()
    cache = diskcache.Cache(os.path.join(out, 'json'), disk=diskcache.JSONDisk, disk_min_file_size=1000)
    for key, value in {'text': 'Zoë', 5: 6, ('a', 1): {'b': [None, True, 1.5]}, 'long': 'x€' * 50000}.items():
        cache.set(key, value)
    cache.set('as it is', io.BytesIO(b'{not JSON'), read=True)
    cache.close()
    fanout = diskcache.FanoutCache(os.path.join(out, 'fanout'), shards=3)
    for n in range(30):
        fanout.set('key %d' % n, n)
    fanout.close()


def plain(value):
    """What a value is in JSON."""
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(plain(k)): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
        return [plain(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return {'base64': base64.b64encode(value).decode()}
    if isinstance(value, float) and math.isinf(value):
        return 'Infinity' if value > 0 else '-Infinity'
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    return value


def same(value, got):
    if isinstance(value, str):
        return got == value.encode()
    if isinstance(value, bytes):
        return got == value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return got == repr(value).encode()
    if isinstance(value, datetime.datetime):
        return got == value.isoformat().encode()
    try:
        return json.loads(got) == plain(value)
    except ValueError:
        return False


def name(key):
    if isinstance(key, (str, bytes)):
        return key
    if isinstance(key, (int, float)):
        return repr(key)
    return json.dumps(plain(key), separators=(',', ':'))


def compare(out, port):
    import redis
    wrong, seen = [], 0
    for db, (where, disk) in enumerate([('plain', diskcache.Disk), ('json', diskcache.JSONDisk), ('fanout', None)], 1):
        server = redis.Redis(port=port, db=db)
        path = os.path.join(out, where)
        cache = diskcache.Cache(path, disk=disk) if disk else diskcache.FanoutCache(path, shards=3)
        tags, keys = collections.defaultdict(set), set()
        for key in cache:
            if not isinstance(key, list) and (key in UNREAD or key == 'expired'):
                continue
            if key == 'as it is':
                value, deadline, tag = b'{not JSON', None, None
            else:
                value, deadline, tag = cache.get(key, expire_time=True, tag=True)
            if key == 'nan':
                value = math.nan  # SQLite has made a NULL of it, and DiskCache None
            redis_name = json.dumps(key) if where == 'json' and not isinstance(key, str) else name(key)
            keys.add(redis_name.encode() if isinstance(redis_name, str) else redis_name)
            got, left = server.get(redis_name), server.pexpiretime(redis_name) if hasattr(server, 'pexpiretime') else None
            seen += 1
            if got is None or not same(value, got):
                wrong.append('%s: %r is %.100r, not %.100r' % (where, redis_name, got, value))
            if deadline is None and server.ttl(redis_name) != -1:
                wrong.append('%s: %r expires' % (where, redis_name))
            if deadline is not None and left is not None and abs(left - deadline * 1000) > 1:
                wrong.append('%s: %r expires at %r, not %r' % (where, redis_name, left, deadline))
            if tag is not None:
                tags['tag:%s' % tag].add(redis_name.encode())
        for tag, members in tags.items():
            keys.add(tag.encode())
            if server.smembers(tag) != members:
                wrong.append('%s: %r has %r, not %r' % (where, tag, server.smembers(tag), members))
        if set(server.keys()) != keys:
            wrong.append('%s: the server has %r too much and %r too little' % (where, set(server.keys()) - keys, keys - set(server.keys())))
    print('%d keys compared' % seen)
    print('\n'.join(wrong))
    return 1 if wrong or seen < 60 else 0


if __name__ == '__main__':
    sys.exit(fill(sys.argv[2]) if sys.argv[1] == 'fill' else compare(sys.argv[2], int(sys.argv[3])))
