package frameworks;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.KeyValue;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.TrackingArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.support.caching.CacheAccessor;
import io.lettuce.core.support.caching.ClientSideCaching;
import io.lettuce.core.Consumer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import reactor.core.publisher.Flux;

/** Lettuce: one connection for many threads, futures, streams of results, transactions, scripts, messages, client-side caching;
 * it connects again by itself and repeats what was not answered. */
final class LettuceProgram {
  private final RedisClient client;
  private final StatefulRedisConnection<String, String> connection;

  private LettuceProgram(RedisClient client) {
    this.client = client;
    this.connection = client.connect();
  }

  public static void main(String[] args) throws Exception {
    for (var version : List.of(ProtocolVersion.RESP2, ProtocolVersion.RESP3)) {
      Transcript.say("-- " + version);
      var uri = RedisURI.builder().withHost(Transcript.HOST).withPort(Transcript.PORT).withTimeout(Duration.ofSeconds(60)).build();
      var client = RedisClient.create(uri);
      client.setOptions(ClientOptions.builder().protocolVersion(version).build());
      var program = new LettuceProgram(client);
      program.connection.sync().flushall();
      program.values();
      program.futures();
      program.transactions();
      if (version == ProtocolVersion.RESP3) program.caching();
      program.killed();
      client.shutdown(0, 2, TimeUnit.SECONDS);
    }
  }

  private void values() {
    var r = connection.sync();
    Transcript.say("strings", r.set("a", "1"), r.incr("a"), r.set("a", "x", SetArgs.Builder.nx()), r.setGet("b", "y"), r.getex("a", io.lettuce.core.GetExArgs.Builder.ex(100)), r.ttl("a"));
    Transcript.say("hash", r.hset("h", Map.of("f", "v", "n", "1")), r.hincrby("h", "n", 4), new TreeMap<>(r.hgetall("h")), r.hmget("h", "f", "none"));
    Transcript.say("sorted set", r.zadd("z", ScoredValue.just(1, "one"), ScoredValue.just(0.5, "half")), r.zrangeWithScores("z", 0, -1), r.zrangebyscore("z", Range.from(Range.Boundary.excluding(0.5), Range.Boundary.unbounded()), Limit.from(5)));
    Transcript.say("list", r.rpush("l", "x", "y", "z"), r.lrange("l", 0, -1), r.lmpop(io.lettuce.core.LMPopArgs.Builder.left().count(2), "l"), r.blpop(0.05, "none"));
    Transcript.say("errors", Transcript.raised(() -> r.incr("h")), Transcript.raised(() -> r.evalsha("0".repeat(40), ScriptOutputType.STATUS)));
    String sha = r.scriptLoad("return {KEYS[1], ARGV[1], redis.call('INCRBY', KEYS[1], ARGV[1]), true, false}");
    Transcript.say("script", r.<List<Object>>evalsha(sha, ScriptOutputType.MULTI, new String[] {"a"}, "5"), r.scriptExists(sha));
    Transcript.say("geo", r.geoadd("g", 13.361389, 38.115556, "Palermo"), r.geodist("g", "Palermo", "Palermo", io.lettuce.core.GeoArgs.Unit.km), r.geohash("g", "Palermo").get(0));
    Transcript.say("bits", r.setbit("bits", 100, 1), r.bitcount("bits"), r.bitfield("bits", io.lettuce.core.BitFieldArgs.Builder.incrBy(io.lettuce.core.BitFieldArgs.unsigned(8), 0, 300)));
    for (int i = 1; i <= 5; i++) r.xadd("st", new io.lettuce.core.XAddArgs().id(i + "-0"), Map.of("n", "" + i));
    Transcript.say("group", r.xgroupCreate(StreamOffset.from("st", "0"), "g"), r.xreadgroup(Consumer.from("g", "me"), io.lettuce.core.XReadArgs.Builder.count(2), StreamOffset.lastConsumed("st")), r.xack("st", "g", "1-0"), r.xpending("st", "g").getCount());
  }

  private void futures() throws Exception {
    var async = connection.async();
    var all = IntStream.range(0, 1000).mapToObj(i -> async.incr("n")).toList();
    Transcript.say("a thousand futures", all.get(999).get());
    connection.setAutoFlushCommands(false);
    var some = IntStream.range(0, 100).mapToObj(i -> async.incr("n")).toList();
    connection.flushCommands();
    connection.setAutoFlushCommands(true);
    Transcript.say("flushed at once", some.get(99).get());
    Transcript.say("reactive", Flux.range(0, 50).flatMapSequential(i -> connection.reactive().set("k" + i, "v" + i).then(connection.reactive().get("k" + i))).collectList().block().get(49));
    var found = new TreeSet<String>();
    KeyScanCursor<String> cursor = null;
    do {
      cursor = cursor == null ? connection.sync().scan(ScanArgs.Builder.matches("k4*").limit(10)) : connection.sync().scan(cursor, ScanArgs.Builder.matches("k4*").limit(10));
      found.addAll(cursor.getKeys());
    } while (!cursor.isFinished());
    Transcript.say("scan", found);
  }

  private void transactions() {
    var r = connection.sync();
    r.multi();
    r.set("t", "1");
    r.incr("t");
    r.lpush("t", "wrong");
    var got = r.exec();
    Transcript.say("transaction", got.wasDiscarded(), got.size(), got.get(1).toString(), ((Exception) got.get(2)).getMessage());
    try (var other = client.connect()) {
      r.watch("t");
      other.sync().incr("t");
      r.multi();
      r.set("t", "0");
      Transcript.say("watched, touched", r.exec().wasDiscarded(), r.get("t"));
    }
  }

  private void caching() throws Exception {
    try (var other = client.connect(); var cached = client.connect()) {
      other.sync().set("c", "one");
      var map = new ConcurrentHashMap<String, String>();
      var cache = ClientSideCaching.enable(CacheAccessor.forMap(map), cached, TrackingArgs.Builder.enabled());
      Transcript.say("cached", cache.get("c"), map);
      other.sync().set("c", "two");
      Transcript.until("it is invalidated", () -> map.isEmpty());
      Transcript.say("invalidated", cache.get("c"), map);
    }
  }

  private void killed() throws Exception {
    var r = connection.sync();
    var heard = new CopyOnWriteArrayList<String>();
    var listening = client.connectPubSub();
    listening.addListener(new RedisPubSubAdapter<>() {
      @Override
      public void message(String channel, String message) {
        heard.add(channel + "=" + message);
      }
    });
    listening.sync().subscribe("news");
    listening.sync().psubscribe("ne?s");
    Transcript.say("receivers", r.publish("news", "before"));
    Transcript.until("it is heard", () -> heard.contains("news=before"));
    var blocked = client.connect();
    var waiting = blocked.async().blpop(60, "q");
    Transcript.until("it is blocked", () -> r.info("clients").contains("blocked_clients:1"));

    Transcript.killTheServer();
    // At once, with no wait: Lettuce keeps commands until it is connected again.
    Transcript.say("kept", r.get("a"), r.get("n"), new TreeMap<>(r.hgetall("h")), r.zcard("z"), r.xlen("st"), r.xpending("st", "g").getCount());
    Transcript.say("subscribed again", Transcript.until("both hear it", () -> r.publish("news", "after") == 2 ? 2 : null));
    Transcript.until("it is heard", () -> heard.contains("news=after"));
    Transcript.until("the reader is blocked again", () -> r.info("clients").contains("blocked_clients:1"));
    r.rpush("q", "job");
    Transcript.say("the reader waits again by itself", waiting.get(40, TimeUnit.SECONDS));
    Transcript.say("script", Transcript.raised(() -> r.evalsha("0".repeat(40), ScriptOutputType.STATUS)), (Object) r.eval("return redis.call('GET', KEYS[1])", ScriptOutputType.VALUE, "a"));
  }
}
