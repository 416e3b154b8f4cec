package frameworks;

import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.cache.annotation.CacheEvict;
import org.springframework.cache.annotation.CachePut;
import org.springframework.cache.annotation.Cacheable;
import org.springframework.cache.annotation.EnableCaching;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.EventListener;
import org.springframework.data.annotation.Id;
import org.springframework.data.redis.cache.RedisCacheConfiguration;
import org.springframework.data.redis.cache.RedisCacheManager;
import org.springframework.data.redis.cache.RedisCacheWriter;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.stream.Consumer;
import org.springframework.data.redis.connection.stream.ReadOffset;
import org.springframework.data.redis.connection.stream.StreamOffset;
import org.springframework.data.redis.connection.stream.StreamRecords;
import org.springframework.data.redis.core.BoundListOperations;
import org.springframework.data.redis.core.RedisHash;
import org.springframework.data.redis.core.RedisOperations;
import org.springframework.data.redis.core.SessionCallback;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.TimeToLive;
import org.springframework.data.redis.core.index.Indexed;
import org.springframework.data.redis.core.script.RedisScript;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.data.redis.repository.configuration.EnableRedisRepositories;
import org.springframework.data.repository.CrudRepository;
import org.springframework.session.FindByIndexNameSessionRepository;
import org.springframework.session.Session;
import org.springframework.session.config.annotation.web.http.EnableSpringHttpSession;
import org.springframework.session.data.redis.RedisIndexedSessionRepository;
import org.springframework.session.data.redis.RedisSessionRepository;
import org.springframework.session.data.redis.config.annotation.SpringSessionRedisConnectionFactory;
import org.springframework.session.events.AbstractSessionEvent;

/** Spring Data Redis, its cache and Spring Session on Lettuce: templates, repositories with indexes, listeners that hear expiry by
 * notifications, cached methods, sessions that are found by name and expire; the server is killed under all of them. */
final class SpringProgram {
  private SpringProgram() {}

  @RedisHash("people")
  static class Person {
    @Id String id;
    @Indexed String town;
    String name;
    @TimeToLive Long seconds;

    Person() {}

    Person(String id, String town, String name, Long seconds) {
      this.id = id;
      this.town = town;
      this.name = name;
      this.seconds = seconds;
    }

    @Override
    public String toString() {
      return id + " " + name + " of " + town;
    }
  }

  interface People extends CrudRepository<Person, String> {
    List<Person> findByTown(String town);
  }

  record Cart(List<Integer> items) implements Serializable {}

  static class Sums {
    private final AtomicInteger calls = new AtomicInteger();

    public int calls() { // a method: cached beans are proxies
      return calls.get();
    }

    @Cacheable("sums")
    public Integer square(int n) {
      calls.incrementAndGet();
      return n * n;
    }

    @CachePut(cacheNames = "sums", key = "#p0")
    public Integer put(int n, int value) {
      return value;
    }

    @CacheEvict(cacheNames = "sums", allEntries = true)
    public void forget() {}
  }

  static class Events {
    final List<String> heard = new CopyOnWriteArrayList<>();

    @EventListener
    public void session(AbstractSessionEvent event) {
      heard.add(event.getClass().getSimpleName());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableCaching
  @EnableRedisRepositories(considerNestedRepositories = true)
  static class Site {
    @Bean
    LettuceConnectionFactory connections() {
      return new LettuceConnectionFactory(Transcript.HOST, Transcript.PORT);
    }

    @Bean
    StringRedisTemplate redisTemplate(RedisConnectionFactory connections) {
      return new StringRedisTemplate(connections);
    }

    @Bean
    RedisCacheManager cacheManager(RedisConnectionFactory connections) {
      return RedisCacheManager.builder(RedisCacheWriter.create(connections, w -> w.enableLocking().immediateWrites()))
          .cacheDefaults(RedisCacheConfiguration.defaultCacheConfig().entryTtl(Duration.ofSeconds(100))).enableStatistics().build();
    }

    @Bean
    RedisMessageListenerContainer listeners(RedisConnectionFactory connections) {
      var container = new RedisMessageListenerContainer();
      container.setConnectionFactory(connections);
      container.setRecoveryInterval(100);
      return container;
    }

    @Bean
    Sums sums() {
      return new Sums();
    }

    @Bean
    Events events() {
      return new Events();
    }
  }

  public static void main(String[] args) throws Exception {
    try (var context = new AnnotationConfigApplicationContext(Site.class)) {
      var template = context.getBean(StringRedisTemplate.class);
      templates(template);
      repositories(context.getBean(People.class), template);
      cache(context.getBean(Sums.class), template);
      var indexed = sessions(context, template);
      killed(context, template, indexed);
      indexed.destroy();
    }
    System.exit(0);
  }

  private static void templates(StringRedisTemplate t) throws Exception {
    Transcript.say("-- templates");
    var values = t.opsForValue();
    values.set("a", "1", Duration.ofSeconds(100));
    Transcript.say("values", values.increment("a", 5), values.setIfAbsent("a", "x"), values.getAndExpire("a", Duration.ofSeconds(50)), t.getExpire("a") > 0, values.multiGet(List.of("a", "none")));
    t.opsForHash().putAll("h", Map.of("f", "v", "n", "1"));
    Transcript.say("hash", t.opsForHash().increment("h", "n", 2), new TreeMap<>(t.opsForHash().entries("h")));
    t.opsForZSet().add("z", "one", 1);
    t.opsForZSet().add("z", "half", 0.5);
    Transcript.say("sorted set", t.opsForZSet().range("z", 0, -1), t.opsForZSet().popMin("z").getValue());
    BoundListOperations<String, String> list = t.boundListOps("l");
    Transcript.say("list", list.rightPushAll("x", "y", "z"), list.leftPop(Duration.ofSeconds(1)), list.range(0, -1));
    Transcript.say("transaction", t.execute(new SessionCallback<List<Object>>() {
      @Override
      @SuppressWarnings("unchecked")
      public <K, V> List<Object> execute(RedisOperations<K, V> operations) {
        var strings = (RedisOperations<String, String>) operations;
        strings.watch("a");
        strings.multi();
        strings.opsForValue().increment("a");
        strings.opsForSet().add("s", "m");
        return strings.exec();
      }
    }));
    Transcript.say("pipeline", t.executePipelined((org.springframework.data.redis.core.RedisCallback<Object>) c -> {
      for (int i = 0; i < 100; i++) c.stringCommands().incr("piped".getBytes());
      return null;
    }).get(99));
    Transcript.say("script", t.execute(RedisScript.of("return redis.call('INCRBY', KEYS[1], ARGV[1])", Long.class), List.of("a"), "10"));
    t.opsForStream().add(StreamRecords.string(Map.of("k", "v")).withStreamKey("st"));
    t.opsForStream().createGroup("st", ReadOffset.from("0"), "g");
    Transcript.say("stream", t.opsForStream().read(Consumer.from("g", "me"), StreamOffset.create("st", ReadOffset.lastConsumed())).get(0).getValue(), t.opsForStream().pending("st", "g").getTotalPendingMessages());
    var found = new TreeSet<String>();
    try (var cursor = t.scan(org.springframework.data.redis.core.ScanOptions.scanOptions().match("?").count(2).build())) {
      cursor.forEachRemaining(found::add);
    }
    Transcript.say("scan", found);
    Transcript.say("an error", Transcript.raised(() -> values.increment("h")));
  }

  private static void repositories(People people, StringRedisTemplate t) {
    Transcript.say("-- repositories");
    people.saveAll(List.of(new Person("1", "Riga", "Anna", null), new Person("2", "Oslo", "Bo", 100L), new Person("3", "Riga", "Cleo", null)));
    Transcript.say("found", people.findById("2").get(), people.count(), people.findByTown("Riga").stream().map(Object::toString).sorted().toList());
    var moved = people.findById("1").get();
    moved.town = "Oslo";
    people.save(moved);
    people.deleteById("3");
    Transcript.say("moved and deleted", people.findByTown("Oslo").stream().map(Object::toString).sorted().toList(), people.findByTown("Riga"), new TreeSet<>(t.keys("people*")), t.getExpire("people:2") > 0);
  }

  private static void cache(Sums sums, StringRedisTemplate t) {
    Transcript.say("-- cache");
    Transcript.say("cached", sums.square(3), sums.square(3), sums.square(4), sums.calls(), t.getExpire("sums::3") > 0);
    sums.put(3, 33);
    Transcript.say("put", sums.square(3), sums.calls(), new TreeSet<>(t.keys("sums*")));
    sums.forget();
    Transcript.say("forgotten", sums.square(3), sums.calls(), new TreeSet<>(t.keys("sums::*")));
  }

  private static <S extends Session> S begin(org.springframework.session.SessionRepository<S> repository, String user) {
    S session = repository.createSession();
    session.setAttribute("cart", new Cart(List.of(1, 2)));
    session.setAttribute(FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME, user);
    repository.save(session);
    return session;
  }

  @SuppressWarnings("unchecked")
  private static <S extends Session> void save(org.springframework.session.SessionRepository<S> repository, Session session) {
    repository.save((S) session);
  }

  private static RedisIndexedSessionRepository sessions(AnnotationConfigApplicationContext context, StringRedisTemplate t) throws Exception {
    Transcript.say("-- sessions");
    var objects = new org.springframework.data.redis.core.RedisTemplate<String, Object>();
    objects.setConnectionFactory(context.getBean(RedisConnectionFactory.class));
    objects.setKeySerializer(org.springframework.data.redis.serializer.RedisSerializer.string());
    objects.setHashKeySerializer(org.springframework.data.redis.serializer.RedisSerializer.string());
    objects.afterPropertiesSet();
    var plain = new RedisSessionRepository(objects);
    Session session = begin(plain, "anna");
    String old = session.getId();
    String changed = session.changeSessionId();
    save(plain, session);
    Transcript.say("plain", plain.findById(old) == null, ((Session) plain.findById(changed)).getAttribute("cart"));
    plain.deleteById(changed);
    Transcript.say("deleted", plain.findById(changed) == null);

    try (var c = context.getBean(RedisConnectionFactory.class).getConnection()) {
      c.serverCommands().setConfig("notify-keyspace-events", "gxE");
    }
    var indexed = new RedisIndexedSessionRepository(objects);
    indexed.setApplicationEventPublisher(context);
    indexed.setDefaultMaxInactiveInterval(Duration.ofSeconds(1800));
    indexed.afterPropertiesSet();
    var listeners = context.getBean(RedisMessageListenerContainer.class);
    listeners.addMessageListener(indexed, List.of(ChannelTopic.of(indexed.getSessionDeletedChannel()), ChannelTopic.of(indexed.getSessionExpiredChannel()),
        org.springframework.data.redis.listener.PatternTopic.of(indexed.getSessionCreatedChannelPrefix() + "*")));
    var heard = context.getBean(Events.class).heard;
    Transcript.until("the listeners listen", () -> {
      begin(indexed, "nobody");
      return heard.contains("SessionCreatedEvent");
    });
    var anna = begin(indexed, "anna");
    begin(indexed, "anna");
    Transcript.say("found by name", indexed.findByPrincipalName("anna").size(), ((Session) indexed.findById(anna.getId())).getAttribute("cart"));
    indexed.deleteById(anna.getId());
    Transcript.until("the deletion is heard", () -> heard.contains("SessionDeletedEvent"));
    Transcript.say("deleted", indexed.findByPrincipalName("anna").size());
    var brief = begin(indexed, "brief");
    t.expire("spring:session:sessions:expires:" + brief.getId(), Duration.ofMillis(200));
    Transcript.until("the expiry is heard", () -> heard.contains("SessionExpiredEvent"));
    Transcript.say("expired", new TreeSet<>(heard));
    return indexed;
  }

  private static void killed(AnnotationConfigApplicationContext context, StringRedisTemplate t, RedisIndexedSessionRepository indexed) throws Exception {
    Transcript.say("-- killed");
    var people = context.getBean(People.class);
    var sums = context.getBean(Sums.class);
    var session = begin(indexed, "kept");
    var heard = new CopyOnWriteArrayList<String>();
    context.getBean(RedisMessageListenerContainer.class).addMessageListener((message, pattern) -> heard.add(message.toString()), ChannelTopic.of("news"));
    Transcript.until("it listens", () -> t.convertAndSend("news", "before") == 1);
    int calls = sums.calls();
    Transcript.killTheServer();
    Transcript.say("kept", Transcript.until("the server answers", () -> t.opsForValue().get("a")), new TreeMap<>(t.opsForHash().entries("h")), t.opsForStream().pending("st", "g").getTotalPendingMessages());
    Transcript.say("repositories", people.findByTown("Oslo").stream().map(Object::toString).sorted().toList());
    Transcript.say("cache", sums.square(3), sums.calls() - calls);
    Transcript.say("session", ((Session) indexed.findById(session.getId())).getAttribute("cart"), indexed.findByPrincipalName("kept").size());
    Transcript.say("listening again", Transcript.until("it is heard", () -> {
      t.convertAndSend("news", "after");
      return heard.contains("after");
    }));
  }
}
