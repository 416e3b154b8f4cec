"""Flask-Caching and Flask-Limiter on one site: views and functions cached and forgotten, limits of three kinds, the server killed."""
from flask import Flask, request
from flask_caching import Cache
from flask_limiter import Limiter
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from transcript import HOST, PORT, URL, again, kill_the_server, raised, say

app = Flask(__name__)
app.config.update(CACHE_TYPE="RedisCache", CACHE_REDIS_HOST=HOST, CACHE_REDIS_PORT=PORT, CACHE_REDIS_DB=1, CACHE_KEY_PREFIX="site:",
                  CACHE_DEFAULT_TIMEOUT=300)
cache = Cache(app)
limiter = Limiter(lambda: request.headers.get("Who", "nobody"), app=app, storage_uri=URL + "/2", strategy="moving-window",
                  headers_enabled=True)
calls = []


@app.route("/page")
@cache.cached(timeout=100, query_string=True)
def page():
    calls.append(request.full_path)
    return f"page {len(calls)}"


@app.route("/limited")
@limiter.limit("3 per hour")
def limited():
    return "let in"


@cache.memoize(100)
def square(n):
    calls.append(n)
    return n * n


client = app.test_client()


def caching():
    say("set and get", cache.set("k", {"a": 1}), cache.get("k"), cache.get("none"), cache.add("k", 2), cache.add("k2", 2))
    say("many", cache.set_many({"m1": 1, "m2": [2]}), cache.get_many("m1", "m2", "none"), cache.get_dict("m1", "none"))
    say("delete", cache.delete("k"), cache.delete("k"), cache.delete_many("m1", "none"), cache.has("m2"))
    say("views", [client.get(f"/page?{q}").text for q in ("a=1&b=2", "b=2&a=1", "a=2")], len(calls))
    calls.clear()
    say("memoized", square(3), square(3), square(4), calls)
    cache.delete_memoized(square, 3)
    say("one forgotten", square(3), square(4), calls)
    cache.delete_memoized(square)
    say("all forgotten", square(4), calls)
    say("unlinked", cache.unlink("m2"), cache.get("m2"))


def limiting():
    got = [(x.status_code, x.headers["X-RateLimit-Remaining"]) for x in (client.get("/limited", headers={"Who": "me"}) for _ in range(5))]
    say("three an hour", got, client.get("/limited", headers={"Who": "you"}).status_code)
    storage = storage_from_string(URL + "/3")
    for kind in FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter:
        strategy, limit = kind(storage), parse("5 per day")
        say(kind.__name__, [strategy.hit(limit, kind.__name__) for _ in range(7)], strategy.test(limit, kind.__name__),
            strategy.get_window_stats(limit, kind.__name__).remaining, strategy.hit(limit, kind.__name__ + " 2", cost=4), strategy.hit(limit, kind.__name__ + " 2", cost=4))
        strategy.clear(limit, kind.__name__)
        say("cleared", strategy.hit(limit, kind.__name__))
    say("storage", storage.check(), raised(storage.reset))


def killed():
    square(5)
    calls.clear()
    kill_the_server()
    say("still cached", again(square, 5), calls, again(cache.get, "k2"))
    say("still limited", again(lambda: client.get("/limited", headers={"Who": "me"}).status_code), client.get("/limited", headers={"Who": "third"}).status_code)
    say("clear", cache.clear(), cache.get("k2"), square(5), calls)


for part in (caching, limiting, killed):
    say(f"-- {part.__name__}")
    part()
