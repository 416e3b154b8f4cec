package frameworks;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.redisson.Redisson;
import org.redisson.api.RateType;
import org.redisson.api.RedissonClient;
import org.redisson.api.TransactionOptions;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** Redisson: locks with their watchdog, maps and caches, queues, semaphores, latches, topics, rate limiters, transactions; two
 * clients, and a server that is killed while a lock is held, a queue waited for and a topic listened to. */
final class RedissonProgram {
  private final RedissonClient r = client(), other = client();

  public static void main(String[] args) throws Exception {
    var program = new RedissonProgram();
    program.locks();
    program.collections();
    program.queues();
    program.topics();
    program.limits();
    program.killed();
    program.r.shutdown(0, 5, TimeUnit.SECONDS);
    program.other.shutdown(0, 5, TimeUnit.SECONDS);
    System.exit(0);
  }

  private static RedissonClient client() {
    var config = new Config();
    config.setCodec(StringCodec.INSTANCE);
    config.setThreads(4).setNettyThreads(4);
    config.useSingleServer().setAddress(Transcript.URL).setConnectionMinimumIdleSize(2).setConnectionPoolSize(16)
        .setSubscriptionConnectionMinimumIdleSize(1).setSubscriptionConnectionPoolSize(8).setRetryAttempts(40).setTimeout(10_000);
    return Redisson.create(config);
  }

  /** What a call gives in a thread of its own: locks belong to threads. */
  private static <T> T elsewhere(Callable<T> call) throws Exception {
    var one = Executors.newSingleThreadExecutor();
    try {
      return one.submit(call).get();
    } finally {
      one.shutdown();
    }
  }

  private void locks() throws Exception {
    Transcript.say("-- locks");
    var lock = r.getLock("lock");
    lock.lock();
    lock.lock();
    Transcript.say("held twice", lock.getHoldCount(), lock.remainTimeToLive() > 0, elsewhere(() -> other.getLock("lock").tryLock()), elsewhere(() -> lock.isHeldByCurrentThread()));
    Transcript.say("unlocked by another", elsewhere(() -> Transcript.raised(() -> {
      other.getLock("lock").unlock();
      return null;
    })).replaceAll("[0-9a-f-]{36}|thread-id: \\d+", "ID"));
    var waiting = CompletableFuture.supplyAsync(() -> Transcript.raised(() -> other.getLock("lock").tryLock(40, 10, TimeUnit.SECONDS)));
    lock.unlock();
    lock.unlock();
    Transcript.say("waited for", waiting.get(), lock.isLocked(), lock.forceUnlock());

    var counted = new int[1];
    var pool = Executors.newFixedThreadPool(4);
    for (int i = 0; i < 4; i++) {
      var mine = i % 2 == 0 ? r : other;
      pool.submit(() -> {
        for (int n = 0; n < 25; n++) {
          var l = mine.getLock("counter");
          l.lock();
          int before = counted[0];
          mine.getBucket("pause").get();
          counted[0] = before + 1;
          l.unlock();
        }
      });
    }
    pool.shutdown();
    Transcript.say("four threads count under a lock", pool.awaitTermination(200, TimeUnit.SECONDS), counted[0]);

    var fair = r.getFairLock("fair");
    fair.lock();
    Transcript.say("fair lock", elsewhere(() -> other.getFairLock("fair").tryLock()), fair.getHoldCount());
    fair.unlock();
    var rw = r.getReadWriteLock("rw");
    rw.readLock().lock();
    Transcript.say("read and write locks", elsewhere(() -> other.getReadWriteLock("rw").readLock().tryLock()), elsewhere(() -> other.getReadWriteLock("rw").writeLock().tryLock()));
    var semaphore = r.getSemaphore("semaphore");
    Transcript.say("semaphore", semaphore.trySetPermits(2), semaphore.tryAcquire(), semaphore.tryAcquire(), semaphore.tryAcquire());
    semaphore.release(2);
    var expirable = r.getPermitExpirableSemaphore("expirable");
    expirable.trySetPermits(1);
    String permit = expirable.acquire(100, TimeUnit.SECONDS);
    Transcript.say("expirable permit", permit != null, expirable.tryAcquire(), expirable.availablePermits(), expirable.tryRelease(permit));
    var latch = r.getCountDownLatch("latch");
    latch.trySetCount(2);
    var awaited = CompletableFuture.supplyAsync(() -> Transcript.raised(() -> other.getCountDownLatch("latch").await(40, TimeUnit.SECONDS)));
    latch.countDown();
    latch.countDown();
    Transcript.say("latch", awaited.get(), latch.getCount());
    var fenced = r.getFencedLock("fenced");
    Long first = fenced.lockAndGetToken();
    fenced.unlock();
    Transcript.say("fenced lock", first, fenced.lockAndGetToken());
    var multi = r.getMultiLock(r.getLock("m1"), r.getLock("m2"));
    Transcript.say("many locks as one", multi.tryLock(), elsewhere(() -> other.getLock("m2").tryLock()));
    multi.unlock();
  }

  private void collections() throws Exception {
    Transcript.say("-- collections");
    var map = r.<String, String>getMap("map");
    Transcript.say("map", map.put("a", "1"), map.put("a", "2"), map.putIfAbsent("a", "3"), map.addAndGet("n", 5), map.replace("a", "2", "4"), map.fastRemove("none"), new TreeMap<>(map.readAllMap()), map.compute("b", (k, v) -> "made"));
    var cache = r.<String, String>getMapCache("cache");
    cache.put("brief", "x", 200, TimeUnit.MILLISECONDS);
    cache.put("long", "y", 100, TimeUnit.SECONDS, 50, TimeUnit.SECONDS);
    Transcript.until("the entry has expired", () -> cache.get("brief") == null);
    Transcript.say("map with times to live", cache.get("long"), cache.remainTimeToLive("long") > 0, cache.containsKey("brief"));
    var local = r.<String, String>getLocalCachedMap(org.redisson.api.options.LocalCachedMapOptions.<String, String>name("local").codec(StringCodec.INSTANCE));
    var localOther = other.<String, String>getLocalCachedMap(org.redisson.api.options.LocalCachedMapOptions.<String, String>name("local").codec(StringCodec.INSTANCE));
    local.put("k", "one");
    Transcript.say("local cache", localOther.get("k"), localOther.get("k"));
    local.put("k", "two");
    Transcript.until("the other one is told", () -> "two".equals(localOther.get("k")));
    var set = r.<String>getSet("set");
    Transcript.say("set", set.add("a"), set.add("a"), set.addAll(List.of("b", "c")), new TreeSet<>(set.readAll()), set.readIntersection("set").size());
    var scored = r.<String>getScoredSortedSet("scored");
    scored.addAll(Map.of("one", 1.0, "two", 2.0, "half", 0.5));
    Transcript.say("scored", scored.readAll(), scored.rank("two"), scored.pollFirst(), scored.entryRange(0, -1).stream().map(e -> e.getValue() + "=" + e.getScore()).toList());
    var list = r.<String>getList("list");
    list.addAll(List.of("a", "b", "c"));
    list.add(1, "between");
    Transcript.say("list", list.readAll(), list.indexOf("c"), list.remove(0), list.subList(0, 2).readAll());
    var bucket = r.<String>getBucket("bucket");
    Transcript.say("bucket", bucket.setIfAbsent("one"), bucket.compareAndSet("one", "two"), bucket.compareAndSet("one", "three"), bucket.getAndSet("four", Duration.ofSeconds(100)), bucket.remainTimeToLive() > 0);
    Transcript.say("counters", r.getAtomicLong("long").addAndGet(7), r.getAtomicLong("long").compareAndSet(7, 8), r.getAtomicDouble("double").addAndGet(0.5), r.getIdGenerator("ids").nextId());
    var bloom = r.<String>getBloomFilter("bloom");
    Transcript.say("bloom filter", bloom.tryInit(1000, 0.01), bloom.add("a"), bloom.add("a"), bloom.contains("a"), bloom.contains("zz"));
    var multimap = r.<String, String>getSetMultimap("multimap");
    Transcript.say("multimap", multimap.put("k", "a"), multimap.put("k", "b"), multimap.put("k", "b"), new TreeSet<>(multimap.getAll("k")), multimap.size());
    var tx = r.createTransaction(TransactionOptions.defaults());
    tx.<String, String>getMap("map").put("tx", "in it");
    tx.<String>getBucket("bucket").set("in it");
    String unseen = r.<String, String>getMap("map").get("tx");
    tx.commit();
    Transcript.say("transaction", unseen, map.get("tx"), bucket.get());
    var batch = r.createBatch();
    for (int i = 0; i < 100; i++) batch.getAtomicLong("batched").incrementAndGetAsync();
    Transcript.say("batch", batch.execute().getResponses().get(99));
    Transcript.say("keys", r.getKeys().count() > 10, r.getKeys().deleteByPattern("scor*"), r.getKeys().countExists("scored", "map"));
  }

  private void queues() throws Exception {
    Transcript.say("-- queues");
    var queue = r.<String>getBlockingQueue("queue");
    var waiting = CompletableFuture.supplyAsync(() -> Transcript.raised(() -> other.getBlockingQueue("queue").poll(40, TimeUnit.SECONDS)));
    queue.offer("job");
    Transcript.say("waited for", waiting.get());
    var delayed = r.getDelayedQueue(queue);
    delayed.offer("later", 300, TimeUnit.MILLISECONDS);
    Transcript.say("delayed", queue.poll(40, TimeUnit.SECONDS));
    var deque = r.<String>getDeque("deque");
    deque.addFirst("a");
    deque.addLast("b");
    Transcript.say("deque", deque.pollLast(), deque.peekFirst(), deque.size());
    var bounded = r.<String>getBoundedBlockingQueue("bounded");
    Transcript.say("bounded", bounded.trySetCapacity(2), bounded.offer("a"), bounded.offer("b"), bounded.offer("c"), bounded.poll(), bounded.remainingCapacity());
    var priority = r.<String>getPriorityQueue("priority");
    priority.addAll(List.of("c", "a", "b"));
    Transcript.say("priority", priority.poll(), priority.poll());
    var ring = r.<String>getRingBuffer("ring");
    Transcript.say("ring", ring.trySetCapacity(2), ring.addAll(List.of("a", "b", "c")), ring.readAll());
    var stream = r.<String, String>getStream("stream");
    stream.createGroup(org.redisson.api.stream.StreamCreateGroupArgs.name("g").makeStream());
    stream.add(org.redisson.api.stream.StreamAddArgs.entry("k", "v"));
    Transcript.say("stream", stream.readGroup("g", "me", org.redisson.api.stream.StreamReadGroupArgs.neverDelivered()).values(), stream.getPendingInfo("g").getTotal());
  }

  private void topics() throws Exception {
    Transcript.say("-- topics");
    var heard = new CopyOnWriteArrayList<String>();
    var topic = other.getTopic("news");
    topic.addListener(String.class, (channel, message) -> heard.add(channel + "=" + message));
    var pattern = other.getPatternTopic("ne*");
    pattern.addListener(String.class, (p, channel, message) -> heard.add(p + ":" + channel + "=" + message));
    Transcript.say("receivers", Transcript.until("both listen", () -> r.getTopic("news").publish("hello") == 2 ? 2 : null));
    Transcript.until("both have heard", () -> heard.contains("news=hello") && heard.contains("ne*:news=hello"));
    topic.removeAllListeners();
    pattern.removeAllListeners();
    Transcript.until("nobody listens", () -> r.getTopic("news").publish("nobody") == 0);
    var reliable = r.getReliableTopic("reliable");
    var got = new CopyOnWriteArrayList<String>();
    reliable.addListener(String.class, (channel, message) -> got.add(message));
    Transcript.say("reliable topic", other.getReliableTopic("reliable").publish("kept"), Transcript.until("it is heard", () -> got.contains("kept")));
    reliable.removeAllListeners();
  }

  private void limits() throws Exception {
    Transcript.say("-- limits");
    var limiter = r.getRateLimiter("limiter");
    Transcript.say("set", limiter.trySetRate(RateType.OVERALL, 3, Duration.ofSeconds(600)), limiter.trySetRate(RateType.OVERALL, 9, Duration.ofSeconds(600)));
    Transcript.say("three in ten minutes", limiter.tryAcquire(), limiter.tryAcquire(2), limiter.tryAcquire(), limiter.availablePermits(), other.getRateLimiter("limiter").tryAcquire());
  }

  private void killed() throws Exception {
    Transcript.say("-- killed");
    var lock = r.getLock("held");
    lock.lock();
    var heard = new CopyOnWriteArrayList<String>();
    other.getTopic("news").addListener(String.class, (channel, message) -> heard.add(message));
    Transcript.until("it listens", () -> r.getTopic("news").publish("before") == 1);
    var tries = new AtomicInteger();
    var waiting = CompletableFuture.supplyAsync(() -> {
      String got = null;
      while (got == null && tries.incrementAndGet() < 100) {
        try {
          got = other.<String>getBlockingQueue("queue").poll(1, TimeUnit.SECONDS);
        } catch (Exception e) {
          continue; // the connection was lost
        }
      }
      return got;
    });
    Transcript.killTheServer();
    Transcript.say("kept", new TreeMap<>(r.<String, String>getMap("map").readAllMap()), r.getAtomicLong("batched").get(), r.<String>getList("list").readAll());
    Transcript.say("the lock is still held", lock.isHeldByCurrentThread(), elsewhere(() -> other.getLock("held").tryLock()));
    lock.unlock();
    Transcript.say("and free", elsewhere(() -> other.getLock("held").tryLock()));
    Transcript.say("subscribed again", Transcript.until("it is heard", () -> {
      r.getTopic("news").publish("after");
      return heard.contains("after");
    }));
    r.getBlockingQueue("queue").offer("after");
    Transcript.say("the waiting one", waiting.get(60, TimeUnit.SECONDS));
    Transcript.say("limits are kept", r.getRateLimiter("limiter").tryAcquire(), r.getSemaphore("semaphore").availablePermits(), r.getFencedLock("fenced").isLocked());
  }
}
