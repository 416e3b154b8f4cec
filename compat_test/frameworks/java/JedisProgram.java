package frameworks;

import static java.util.stream.Collectors.toList;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.args.ListDirection;
import redis.clients.jedis.params.GetExParams;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.params.XReadGroupParams;

/** Jedis: values, pipelines, transactions, scripts, blocking reads, messages, streams, RESP3, and a pool that outlives its server. */
final class JedisProgram {
  private final RedisClient r;

  private JedisProgram(RedisClient r) {
    this.r = r;
  }

  public static void main(String[] args) throws Exception {
    for (var protocol : RedisProtocol.values()) {
      Transcript.say("-- " + protocol);
      var config = DefaultJedisClientConfig.builder().protocol(protocol).build();
      try (var r = RedisClient.builder().hostAndPort(Transcript.HOST, Transcript.PORT).clientConfig(config).build()) {
        r.flushAll();
        var program = new JedisProgram(r);
        program.values();
        program.blocking();
        program.streams();
        program.messages();
        program.killed();
      }
    }
  }

  private void values() {
    Transcript.say("strings", r.set("a", "1"), r.incr("a"), r.append("a", "0"), r.get("a"), r.getEx("a", GetExParams.getExParams().ex(100)), r.ttl("a"));
    Transcript.say("set if absent", r.set("a", "x", SetParams.setParams().nx()), r.set("b", "x", SetParams.setParams().nx().px(100_000)), r.setGet("b", "y"));
    Transcript.say("hash", r.hset("h", Map.of("f", "v", "n", "1")), r.hincrBy("h", "n", 4), new TreeMap<>(r.hgetAll("h")));
    Transcript.say("list", r.rpush("l", "x", "y", "z"), r.lrange("l", 0, -1), r.lmove("l", "l2", ListDirection.LEFT, ListDirection.RIGHT), r.lpop("l", 5));
    Transcript.say("sorted set", r.zadd("z", Map.of("one", 1.0, "half", 0.5)), r.zrangeWithScores("z", 0, -1), r.zscore("z", "half"), r.zadd("z", 1.0 / 0, "inf"), r.zscore("z", "inf"));
    Transcript.say("set", r.sadd("s", "a", "b", "c"), new TreeSet<>(r.smembers("s")), r.smismember("s", "a", "z"), r.sintercard("s", "s"));
    Transcript.say("errors", Transcript.raised(() -> r.incr("h")), Transcript.raised(() -> r.eval("return redis.error_reply('MINE own')")));
    try (var p = r.pipelined()) {
      var replies = IntStream.range(0, 1000).mapToObj(i -> p.incr("pipelined")).collect(toList());
      p.sync();
      Transcript.say("pipeline", replies.get(999).get());
    }
    try (var t = r.multi()) {
      t.set("t", "1");
      t.incr("t");
      t.lpush("t", "wrong");
      var got = t.exec();
      Transcript.say("transaction", got.get(0), got.get(1), ((Exception) got.get(2)).getMessage());
    }
    try (var t = r.transaction(false)) {
      t.watch("t");
      r.incr("t");
      t.multi();
      t.set("t", "0");
      Transcript.say("watched, touched", t.exec(), r.get("t"));
    }
    String sha = r.scriptLoad("return {KEYS[1], ARGV[1], redis.call('INCRBY', KEYS[1], ARGV[1])}");
    Transcript.say("script", r.evalsha(sha, 1, "a", "5"), Transcript.raised(() -> r.evalsha("0".repeat(40), 0)), r.scriptExists(List.of(sha)));
    var found = new TreeSet<String>();
    String cursor = ScanParams.SCAN_POINTER_START;
    do {
      var page = r.scan(cursor, new ScanParams().match("?").count(2));
      found.addAll(page.getResult());
      cursor = page.getCursor();
    } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
    Transcript.say("scan", found);
  }

  private void blocking() throws Exception {
    var waiting = CompletableFuture.supplyAsync(() -> r.blpop(30, "q1", "q2"));
    Transcript.until("it is blocked", () -> r.info("clients").contains("blocked_clients:1"));
    r.rpush("q2", "job");
    Transcript.say("blocked reader", waiting.get(), r.blpop(0.05, "q1"));
  }

  private void streams() {
    for (int i = 1; i <= 5; i++) r.xadd("st", new StreamEntryID(i, 0), Map.of("n", "" + i));
    r.xgroupCreate("st", "g", new StreamEntryID(0, 0), false);
    Transcript.say("group", r.xreadGroup("g", "me", XReadGroupParams.xReadGroupParams().count(2), Map.of("st", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY)));
    Transcript.say("acknowledged", r.xack("st", "g", new StreamEntryID(1, 0)), r.xpending("st", "g").getTotal(), r.xlen("st"));
  }

  private void messages() throws Exception {
    var heard = new CopyOnWriteArrayList<String>();
    var listener = new JedisPubSub() {
      @Override
      public void onMessage(String channel, String message) {
        heard.add(channel + "=" + message);
      }
    };
    var thread = new Thread(() -> r.subscribe(listener, "news", "sport"));
    thread.start();
    Transcript.until("it is subscribed", () -> r.publish("sport", "first") == 1);
    Transcript.say("receivers", r.publish("news", "hello"));
    Transcript.until("it is heard", () -> heard.contains("news=hello"));
    listener.unsubscribe();
    thread.join();
    Transcript.say("heard", heard.get(heard.size() - 1), r.publish("news", "nobody"));
  }

  private void killed() throws Exception {
    var before = new TreeMap<>(Map.of("a", r.get("a"), "pipelined", r.get("pipelined"), "st", "" + r.xlen("st")));
    Transcript.killTheServer();
    Transcript.until("the pool has living connections", () -> r.get("a"));
    Transcript.until("and only these", () -> {
      for (int i = 0; i < 10; i++) r.ping();
      return true;
    });
    Transcript.say("kept", before, r.get("a"), r.get("pipelined"), r.xlen("st"), r.xpending("st", "g").getTotal(), new TreeMap<>(r.hgetAll("h")), r.zscore("z", "inf"), r.ttl("a") > 0);
    Transcript.say("read on", r.xreadGroup("g", "me", XReadGroupParams.xReadGroupParams().count(1), Map.of("st", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY)));
    try (var single = new Jedis(Transcript.HOST, Transcript.PORT)) {
      Transcript.say("a single connection", single.ping(), single.select(1), single.set("x", "1"), single.dbSize(), single.move("x", 0), single.dbSize());
    }
  }
}
