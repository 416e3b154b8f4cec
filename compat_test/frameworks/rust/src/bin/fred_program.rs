//! fred: a client and a pool that connect again by a policy, transactions, scripts, streams, a subscriber that keeps its
//! subscriptions, commands that wait for the server's return; in RESP2 and in RESP3.
use std::collections::BTreeMap;
use std::time::Duration;

use fred::clients::SubscriberClient;
use fred::prelude::*;
use fred::types::scripts::Script;
use fred::types::RespVersion;
use frameworks::{kill_the_server, plain, port, until};

fn builder(version: &RespVersion) -> Builder {
    let mut builder = Builder::from_config(Config {
        server: ServerConfig::new_centralized("127.0.0.1", port()),
        version: version.clone(),
        ..Config::default()
    });
    builder.set_policy(ReconnectPolicy::new_constant(0, 50));
    builder.with_connection_config(|c| c.max_command_attempts = 20);
    builder
}

async fn commands(client: &Client, pool: &Pool) -> Result<(), Error> {
    let _: () = client.flushall(false).await?;
    let _: () = client.set("a", 1, Some(Expiration::EX(100)), Some(SetOptions::NX), false).await?;
    println!("strings: {} {:?} {}", client.incr_by::<i64, _>("a", 5).await?, client.get::<Option<String>, _>("none").await?, client.ttl::<i64, _>("a").await? > 0);
    let _: () = client.hset("h", [("f", "v"), ("n", "1")]).await?;
    println!("hash: {:?} {:?}", client.hincrby::<i64, _, _>("h", "n", 4).await?, client.hgetall::<BTreeMap<String, String>, _>("h").await?);
    let _: () = client.zadd("z", None, None, false, false, vec![(1.0, "one"), (0.5, "half")]).await?;
    println!("sorted set: {:?}", client.zrange::<Vec<(String, f64)>, _, _, _>("z", 0, -1, None, false, None, true).await?);
    let _: () = client.rpush("l", vec!["x", "y", "z"]).await?;
    println!("list: {:?} {:?}", client.lrange::<Vec<String>, _>("l", 0, -1).await?, client.blpop::<Option<(String, String)>, _>("l", 1.0).await?);
    println!("an error: {}", plain(client.incr::<i64, _>("h").await.unwrap_err()));
    let t = client.multi();
    let _: () = t.incr("a").await?;
    let _: () = t.lrange("l", 0, -1).await?;
    println!("transaction: {:?}", t.exec::<(i64, Vec<String>)>(true).await?);
    let p = client.pipeline();
    for _ in 0..1000 {
        let _: () = p.incr("piped").await?;
    }
    println!("pipeline: {:?}", p.all::<Vec<i64>>().await?.last());
    let script = Script::from_lua("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}");
    println!("script: {:?}", script.evalsha_with_reload::<(String, i64), _, _>(client, "a", 7).await?);
    for i in 1..=5 {
        let _: String = client.xadd("st", false, None, format!("{i}-0"), ("n", i)).await?;
    }
    let _: () = client.xgroup_create("st", "g", "0", false).await?;
    let read: Value = client.xreadgroup("g", "me", Some(2), None, false, "st", ">").await?;
    println!("group: {} {}", read.is_null(), client.xack::<i64, _, _, _>("st", "g", "1-0").await?);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.incr::<i64, _>("n").await })
        })
        .collect();
    let mut last = 0;
    for t in tasks {
        last = last.max(t.await.expect("a task")?);
    }
    println!("a hundred tasks on a pool: {last}");
    Ok(())
}

async fn killed(client: &Client, pool: &Pool, subscriber: &SubscriberClient) -> Result<(), Error> {
    let mut messages = subscriber.message_rx();
    subscriber.subscribe("news").await?;
    subscriber.psubscribe("ne?s").await?;
    let both = until("it is subscribed", || async { Some(client.publish::<i64, _, _>("news", "before").await.ok()?).filter(|n| *n == 2) }).await;
    println!("receivers: {both}");
    println!("heard: {:?}", messages.recv().await.expect("a message").value);
    kill_the_server().await;
    // At once, with no wait: fred keeps commands until it is connected again.
    println!("kept: {} {:?} {}", client.get::<i64, _>("a").await?, client.hgetall::<BTreeMap<String, String>, _>("h").await?, client.xlen::<i64, _>("st").await?);
    println!("the pool: {}", pool.incr::<i64, _>("n").await?);
    let script = Script::from_lua("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}");
    println!("script: {:?}", script.evalsha_with_reload::<(String, i64), _, _>(client, "a", 7).await?);
    let both = until("it is subscribed again", || async {
        let n = client.publish::<i64, _, _>("news", "after").await.ok()?;
        (n == 2).then_some(n)
    })
    .await;
    println!("subscribed again: {both}");
    loop {
        let message = messages.recv().await.expect("a message");
        if message.value.as_str().as_deref() == Some("after") {
            println!("heard: {:?}", message.value);
            return Ok(());
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    for version in [RespVersion::RESP2, RespVersion::RESP3] {
        println!("-- {version:?}:");
        let (client, pool, subscriber) = (builder(&version).build()?, builder(&version).build_pool(4)?, builder(&version).build_subscriber_client()?);
        client.init().await?;
        pool.init().await?;
        subscriber.init().await?;
        subscriber.manage_subscriptions();
        tokio::time::timeout(Duration::from_secs(120), async {
            commands(&client, &pool).await?;
            killed(&client, &pool, &subscriber).await
        })
        .await
        .expect("in time")?;
        client.quit().await?;
        pool.quit().await?;
        subscriber.quit().await?;
    }
    Ok(())
}
