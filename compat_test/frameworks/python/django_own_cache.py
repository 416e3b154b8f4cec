"""Django's own Redis backend: the cache, async calls, sessions in it, its template and view caching, the server killed."""
import asyncio

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from transcript import URL, again, kill_the_server, near, raised, say, until

calls = []


def page(request):
    calls.append(request.path)
    return HttpResponse(f"page {len(calls)}")


settings.configure(
    INSTALLED_APPS=["django.contrib.sessions"],
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"],
    CACHE_MIDDLEWARE_SECONDS=100,
    CACHES={
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL + "/1", "KEY_PREFIX": "site"},
        "other": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL, "OPTIONS": {"db": "2"}, "TIMEOUT": None},
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SECRET_KEY="for this program only",
)
django.setup()
urlpatterns = [path("page", page)]

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402: needs the settings
from django.core.cache import cache, caches  # noqa: E402
from django.test import Client  # noqa: E402


def the_cache():
    say("set and get", cache.set("k", {"a": [1, None, "é"]}), cache.get("k"), cache.get("none", "default"))
    say("add", cache.add("k", 1), cache.add("new", 1), cache.get("new"), cache.add("zero", 1, timeout=0))
    say("incr and decr", cache.incr("new", 5), cache.decr("new", 2), raised(cache.incr, "none"))
    cache.set("text", "no number")
    say("incr of no number", raised(cache.incr, "text"))
    say("many", cache.set_many({f"m{i}": i for i in range(5)}, timeout=50), sorted(cache.get_many(["m0", "m3", "none"]).items()))
    say("delete", cache.delete("m0"), cache.delete("m0"), cache.delete_many(["m1", "m2", "none"]), cache.has_key("m1"), "m3" in cache)
    say("touch", cache.touch("m3", 200), cache.touch("none"), cache.touch("m3", None))
    cache.set("brief", 1, timeout=1)
    until(lambda: cache.get("brief") is None, "the key has expired")
    say("timeout 0", cache.set("z", 1, timeout=0), cache.get("z"), cache.set("m4", 1, timeout=0), cache.get("m4"))
    say("versions", cache.set("v", "one"), cache.incr_version("v"), cache.get("v"), cache.get("v", version=2), raised(cache.incr_version, "v"))
    say("get or set", cache.get_or_set("made", lambda: "called"), cache.get_or_set("made", "not used"))
    say("other", caches["other"].set("big", "x" * 100_000), len(caches["other"].get("big")), cache.get("big"))

    async def asynchronous():
        return await cache.aset("a", 1), await cache.aget("a"), await cache.aincr("a"), await cache.aget_many(["a", "k"]), await cache.adelete("a")

    say("async", asyncio.run(asynchronous()))


def sessions():
    s = SessionStore()
    s["cart"] = [1, 2]
    s.set_expiry(100)
    s.create()
    old = s.session_key
    s.cycle_key()
    say("new key", SessionStore(old).get("cart"), SessionStore(s.session_key)["cart"])
    kill_the_server()
    again_ = SessionStore(s.session_key)
    say("kept over a kill", again(lambda: again_["cart"]), near(again_.get_expiry_age(), 100))
    again_["cart"].append(3)
    again_.save()
    say("changed", SessionStore(s.session_key)["cart"])
    again_.flush()
    say("flushed", SessionStore().exists(s.session_key), raised(s.save, must_create=False))


def views():
    client = Client()
    say("a view cached", [client.get("/page").content.decode() for _ in range(3)], len(calls))
    kill_the_server()
    say("and after a kill", again(lambda: client.get("/page").content.decode()), len(calls), cache.get("k"), len(caches["other"].get("big")))
    say("clear", cache.clear(), cache.get("k"), client.get("/page").content.decode(), caches["other"].get("big") is not None)


for part in (the_cache, sessions, views):
    say(f"-- {part.__name__}")
    part()
