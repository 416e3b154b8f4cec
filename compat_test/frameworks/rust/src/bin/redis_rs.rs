//! redis-rs: typed replies, pipelines, transactions, scripts, streams, messages, a blocked reader, RESP3; sync, multiplexed, and
//! the connection manager that connects again when the server was killed.
use std::collections::BTreeMap;
use std::time::Duration;

use frameworks::{kill_the_server, plain, until, url};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::streams::{StreamPendingReply, StreamReadOptions, StreamReadReply};
use redis::{pipe, AsyncCommands, AsyncConnectionConfig, Client, Commands, PushKind, RedisResult, Script, Value};

/// How long a reply may take: redis-rs gives up after half a second, also where a command waits for longer.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(100));

fn sync_commands(client: &Client) -> RedisResult<()> {
    let mut c = client.get_connection()?;
    let _: () = redis::cmd("FLUSHALL").query(&mut c)?;
    let set: () = c.set("a", 1)?;
    println!("strings: {:?} {} {:?}", set, c.incr::<_, _, i64>("a", 5)?, c.get::<_, Option<String>>("none")?);
    let _: () = c.hset_multiple("h", &[("f", "v"), ("n", "1")])?;
    println!("hash: {:?} {}", c.hgetall::<_, BTreeMap<String, String>>("h")?, c.hincr::<_, _, _, i64>("h", "n", 4)?);
    let _: i64 = c.zadd_multiple("z", &[(1.0, "one"), (0.5, "half"), (f64::INFINITY, "inf")])?;
    println!("sorted set: {:?}", c.zrange_withscores::<_, Vec<(String, f64)>>("z", 0, -1)?);
    let _: i64 = c.rpush("l", &["x", "y", "z"])?;
    println!("list: {:?} {:?}", c.lrange::<_, Vec<String>>("l", 0, -1)?, c.lpop::<_, Vec<String>>("l", std::num::NonZeroUsize::new(2))?);
    let wrong: RedisResult<i64> = c.incr("h", 1);
    println!("an error: {}", plain(wrong.unwrap_err()));
    let (first, second): (i64, Vec<String>) = pipe().atomic().incr("a", 1).lrange("l", 0, -1).query(&mut c)?;
    println!("transaction: {first} {second:?}");
    let got = redis::transaction(&mut c, &["a"], |c, p| {
        let n: i64 = c.get("a")?;
        if n < 100 {
            let _: () = client.get_connection()?.incr("a", 100)?; // another's change: the transaction is tried again
        }
        p.set("a", n * 2).ignore().get("a").query::<Option<(i64,)>>(c)
    })?;
    println!("tried again: {got:?}");
    let mut p = pipe();
    for _ in 0..1000 {
        p.incr("piped", 1);
    }
    println!("pipeline: {:?}", p.query::<Vec<i64>>(&mut c)?.last());
    let script = Script::new("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1]), true, false}");
    println!("script: {:?}", script.key("a").arg(7).invoke::<Value>(&mut c)?);
    let mut found: Vec<String> = c.scan_match::<_, String>("?")?.collect::<RedisResult<_>>()?;
    found.sort();
    println!("scan: {found:?}");
    for i in 1..=5 {
        let _: String = c.xadd("st", format!("{i}-0"), &[("n", i)])?;
    }
    let _: () = c.xgroup_create("st", "g", "0")?;
    let read: Option<StreamReadReply> = c.xread_options(&["st"], &[">"], &StreamReadOptions::default().group("g", "me").count(2))?;
    let read = read.unwrap_or_default();
    let pending: StreamPendingReply = c.xpending("st", "g")?;
    println!("group: {:?} {} {}", read.keys[0].ids.iter().map(|i| &i.id).collect::<Vec<_>>(), pending.count(), c.xack::<_, _, _, i64>("st", "g", &["1-0"])?);
    Ok(())
}

async fn multiplexed(client: &Client) -> RedisResult<MultiplexedConnection> {
    client.get_multiplexed_async_connection_with_config(&AsyncConnectionConfig::new().set_response_timeout(PATIENCE)).await
}

async fn manager(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new().set_response_timeout(PATIENCE).set_number_of_retries(40).set_min_delay(Duration::from_millis(20)).set_max_delay(Duration::from_millis(200));
    client.get_connection_manager_with_config(config).await
}

async fn async_commands(client: &Client) -> RedisResult<()> {
    let c = multiplexed(client).await?;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let mut c = c.clone();
            tokio::spawn(async move { c.incr::<_, _, i64>("n", 1).await })
        })
        .collect();
    let mut last = 0;
    for t in tasks {
        last = last.max(t.await.expect("a task")?);
    }
    println!("a hundred tasks on one connection: {last}");
    Ok(())
}

async fn killed(client: &Client) -> RedisResult<()> {
    let mut m = manager(client).await?;
    let resp3 = Client::open(format!("{}?protocol=resp3", url()))?;
    let (sender, mut pushes) = tokio::sync::mpsc::unbounded_channel();
    let config = ConnectionManagerConfig::new().set_response_timeout(PATIENCE).set_push_sender(sender).set_automatic_resubscription().set_number_of_retries(40).set_max_delay(Duration::from_millis(200));
    let mut listening = resp3.get_connection_manager_with_config(config).await?;
    listening.subscribe("news").await?;
    println!("receivers: {}", m.publish::<_, _, i64>("news", "before").await?);
    while let Some(push) = pushes.recv().await {
        if push.kind == PushKind::Message {
            println!("heard: {:?}", push.data);
            break;
        }
    }
    let mut blocked = multiplexed(client).await?;
    let waiting = tokio::spawn(async move { blocked.blpop::<_, Option<(String, String)>>("empty", 60.0).await });
    until("it is blocked", || {
        let mut m = m.clone();
        async move { redis::cmd("INFO").arg("clients").query_async::<String>(&mut m).await.ok()?.contains("blocked_clients:1").then_some(()) }
    })
    .await;

    kill_the_server().await;
    println!("the blocked reader heard an error: {}", waiting.await.expect("a task").is_err());
    let a: i64 = until("the manager is connected", || {
        let mut m = m.clone();
        async move { m.get("a").await.ok() }
    })
    .await;
    println!("kept: {a} {:?} {} {}", m.hgetall::<_, BTreeMap<String, String>>("h").await?, m.get::<_, i64>("piped").await?, m.xlen::<_, i64>("st").await?);
    let script = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    println!("script: {}", script.key("a").arg(1).invoke_async::<i64>(&mut m).await?);
    until("the listener is connected", || {
        let mut l = listening.clone();
        async move { redis::cmd("PING").query_async::<String>(&mut l).await.ok() }
    })
    .await;
    until("it is subscribed again", || {
        let mut m = m.clone();
        async move { (m.publish::<_, _, i64>("news", "after").await.ok()? == 1).then_some(()) }
    })
    .await;
    while let Some(push) = pushes.recv().await {
        if push.kind == PushKind::Message {
            println!("heard: {:?}", push.data);
            break;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> RedisResult<()> {
    for protocol in ["resp2", "resp3"] {
        println!("-- {protocol}:");
        let client = Client::open(format!("{}?protocol={protocol}", url()))?;
        tokio::task::block_in_place(|| sync_commands(&client))?;
        async_commands(&client).await?;
        killed(&client).await?;
    }
    Ok(())
}
