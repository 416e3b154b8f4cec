//! What the Rust programs share: the server they are told to use, waiting, the server's end.
use std::env::var;
use std::fs::{write, File};
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

pub fn port() -> u16 {
    var("REDIS_PORT").expect("REDIS_PORT").parse().expect("a port")
}

pub fn url() -> String {
    format!("{}/", var("REDIS_URL").expect("REDIS_URL"))
}

/// Waits until a condition holds and returns what it gave; errors meanwhile are of connections that were lost.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(40);
    while Instant::now() < deadline {
        if let Some(got) = condition().await {
            return got;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eprintln!("gave up waiting until {what}");
    std::process::exit(1);
}

/// Has the server killed with SIGKILL and started again, and returns when it answers.
pub async fn kill_the_server() {
    tokio::task::spawn_blocking(|| {
        write(var("REDIS_ASK").expect("REDIS_ASK"), "kill\n").expect("ask");
        let answer = File::open(var("REDIS_ANSWER").expect("REDIS_ANSWER")).expect("answer");
        BufReader::new(answer).read_line(&mut String::new()).expect("answer");
    })
    .await
    .expect("killed");
}

/// The text of an error without the address of the server.
pub fn plain(error: impl std::fmt::Display) -> String {
    error.to_string().replace(&port().to_string(), "PORT")
}
