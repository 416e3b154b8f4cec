//! deadpool-redis: a pool that many tasks share, full for a time-out, and that throws dead connections away.
use std::time::Duration;

use deadpool_redis::redis::{cmd, pipe, AsyncCommands};
use deadpool_redis::{Config, PoolConfig, Runtime, Timeouts};
use frameworks::{kill_the_server, until, url};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::from_url(url());
    config.pool = Some(PoolConfig::new(4));
    let pool = config.create_pool(Some(Runtime::Tokio1))?;
    let tasks: Vec<_> = (0..200)
        .map(|i| {
            let pool = pool.clone();
            tokio::spawn(async move {
                // Tried again where it can be: redis-rs gives up after half a second.
                until("it is set", || async { pool.get().await.ok()?.hset::<_, _, _, ()>("h", i, i * i).await.ok() }).await;
                i
            })
        })
        .collect();
    let mut last = 0;
    for t in tasks {
        last = last.max(t.await?);
    }
    let _: () = pool.get().await?.set("n", 200).await?;
    println!("200 tasks: {last}, connections: {}", pool.status().size);

    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(pool.get().await?);
    }
    let short = Timeouts { wait: Some(Duration::from_millis(50)), ..Timeouts::default() };
    println!("full: {}", pool.timeout_get(&short).await.err().expect("no fifth"));
    drop(held);
    let got: (i64, Option<String>) = until("it is done", || async {
        let mut c = pool.get().await.ok()?;
        pipe().atomic().set("n", 201).ignore().get("n").get("none").query_async(&mut c).await.ok()
    })
    .await;
    println!("transaction: {got:?}");

    kill_the_server().await;
    let n: i64 = until("the pool has a living connection", || async { pool.get().await.ok()?.get("n").await.ok() }).await;
    let mut c = pool.get().await?;
    println!("kept: {n} {} {:?}", c.hlen::<_, i64>("h").await?, c.hget::<_, _, Option<i64>>("h", 12).await?);
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(pool.get().await?);
    }
    for c in &mut all {
        println!("each one lives: {}", cmd("PING").query_async::<String>(c).await?);
    }
    Ok(())
}
