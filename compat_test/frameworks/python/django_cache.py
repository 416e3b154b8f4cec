"""Django's cache on django-redis, Django's sessions in that cache, the server killed."""
import threading

import django
from django.conf import settings

from transcript import URL, again, kill_the_server, near, raised, say, until

settings.configure(
    INSTALLED_APPS=["django.contrib.sessions"],
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": URL + "/1",
            "KEY_PREFIX": "site",
            "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
        },
        "packed": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": URL + "/2",
            "OPTIONS": {
                "COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor",
                "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            },
        },
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SECRET_KEY="for this program only",
)
django.setup()

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402: needs the settings
from django.core.cache import cache, caches  # noqa: E402


def the_cache():
    say("set and get", cache.set("k", {"a": [1, None, "é"]}), cache.get("k"), cache.get("none", "default"))
    say("add", cache.add("k", 1), cache.add("new", 1), cache.get("new"))
    say("incr and decr", cache.incr("new", 5), cache.decr("new", 2), raised(cache.incr, "none"))
    cache.set("text", "no number")
    say("incr of no number", raised(cache.incr, "text"))
    cache.set_many({f"m{i}": i for i in range(5)}, timeout=50)
    say("get many", sorted(cache.get_many(["m0", "m3", "none"]).items()), near(cache.ttl("m1"), 50))
    say("delete", cache.delete("m0"), cache.delete("m0"), cache.delete_many(["m1", "m2", "none"]))
    say("timeouts", cache.set("t", 1, timeout=100), near(cache.ttl("t"), 100), cache.ttl("none"), near(cache.ttl("k"), 300))
    say("touch", cache.touch("t", 200), near(cache.ttl("t"), 200), cache.touch("none"), cache.persist("t"), cache.ttl("t"))
    say("expire", cache.expire("t", 60), near(cache.ttl("t"), 60), cache.pexpire("t", 70_000), near(cache.ttl("t"), 70))
    cache.set("brief", 1, timeout=0.2)
    until(lambda: cache.get("brief") is None, "the key has expired")
    say("timeout 0 and none", cache.set("z", 1, timeout=0), cache.get("z"), cache.set("f", 1, timeout=None), cache.ttl("f"))
    say("versions", cache.set("v", "one", version=1), cache.incr_version("v"), cache.get("v"), cache.get("v", version=2))
    say("get or set", cache.get_or_set("made", lambda: "called"), cache.get_or_set("made", "not used"))
    say("set if absent", cache.set("k", 2, nx=True), cache.set("k3", 3, nx=True), cache.has_key("k3"))
    say("patterns", sorted(cache.keys("m*")), sorted(cache.iter_keys("k*")), cache.delete_pattern("m*"), cache.keys("m*"))

    order = []

    def second():
        with cache.lock("job", timeout=10, sleep=0.01):
            order.append("second")

    with cache.lock("job", timeout=10):
        t = threading.Thread(target=second)
        t.start()
        say("lock held", cache.lock("job", timeout=10).acquire(blocking=False))
        order.append("first")
    t.join()
    say("lock", order)
    packed = caches["packed"]
    packed.set("big", {"text": "x" * 10_000})
    say("packed", len(packed.get("big")["text"]), packed.client.get_client().strlen(packed.make_key("big")) < 200)
    say("clear", cache.clear(), cache.get("k"), packed.get("big") is not None)


def sessions():
    s = SessionStore()
    s["cart"] = [1, 2]
    s.set_expiry(100)
    s.create()
    say("kept", SessionStore(s.session_key)["cart"], SessionStore().exists(s.session_key), near(cache.ttl("django.contrib.sessions.cache" + s.session_key), 100))
    old = s.session_key
    s.cycle_key()
    say("new key", SessionStore(old).get("cart"), SessionStore(s.session_key)["cart"])
    again = SessionStore(s.session_key)
    again["cart"].append(3)
    again.save()
    say("changed", SessionStore(s.session_key)["cart"])
    again.flush()
    say("flushed", SessionStore().exists(s.session_key), raised(s.save, must_create=False))


def killed():
    s = SessionStore()
    s["cart"] = [1, 2, 3]
    s.set_expiry(100)
    s.create()
    cache.set_many({f"kept {i}": [i] * i for i in range(100)}, timeout=1000)
    caches["packed"].set("kept", {"text": "x" * 10_000})
    lock = cache.lock("job", timeout=1000)
    lock.acquire()
    kill_the_server()
    say("kept", again(lambda: sum(map(sum, cache.get_many([f"kept {i}" for i in range(100)]).values()))), near(cache.ttl("kept 1"), 1000))
    say("kept, packed", again(lambda: len(caches["packed"].get("kept")["text"])))
    say("the session", again(lambda: SessionStore(s.session_key)["cart"]), near(SessionStore(s.session_key).get_expiry_age(), 100))
    say("the lock", cache.lock("job", timeout=10).acquire(blocking=False), raised(lock.release))


for part in (the_cache, sessions, killed):
    say(f"-- {part.__name__}")
    part()
