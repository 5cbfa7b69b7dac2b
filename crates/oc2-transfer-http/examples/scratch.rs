use oc2_core::StatusCode;
use oc2_transfer::*;
use oc2_transfer_http::*;
use std::sync::Arc;
struct Echo;
impl Handler for Echo {
    async fn handle(&self, request: Request) -> Reply {
        Reply { status: StatusCode::Ok, body: Some(Encoded { bytes: request.body, media_type: "application/openc2+json;version=1.0" }) }
    }
    fn refuse(&self, refusal: Refusal) -> Reply { Reply { status: refusal.rejection.status(), body: Some(Encoded { bytes: refusal.rejection.text().to_owned().into(), media_type: "application/openc2+json;version=1.0" }) } }
}
fn main() {
    let arg = std::env::args().nth(1).unwrap();
    if arg == "serve" {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let l = HttpListener::bind("127.0.0.1:18080".parse().unwrap(), Settings::default()).await.unwrap();
            l.serve(Echo, std::future::pending()).await.unwrap();
        });
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            use tokio::io::*;
            let start = std::time::Instant::now();
            let mut set = tokio::task::JoinSet::new();
            if arg == "raw" {
            for _ in 0..32 { set.spawn(async {
                let mut s = tokio::net::TcpStream::connect("127.0.0.1:18080").await.unwrap();
                let body = "x".repeat(200);
                let req = format!("POST /.well-known/openc2 HTTP/1.1\r\nHost: a:18080\r\nContent-type: application/openc2+json;version=1.0\r\nAccept: application/openc2+json;version=1.0\r\nX-Request-ID: d1ac0489-ed51-4345-9175-f3078f30afe5\r\nCache-control: no-cache\r\nDate: Wed, 19 Dec 2018 22:15:00 GMT\r\nContent-Length: 200\r\n\r\n{body}");
                let mut buf = vec![0; 4096];
                for _ in 0..10000 { s.write_all(req.as_bytes()).await.unwrap(); let mut n = 0; loop { n += s.read(&mut buf[n..]).await.unwrap(); if buf[..n].windows(4).position(|w| w == b"\r\n\r\n").is_some_and(|p| n - p - 4 == 200) { break } } }
            }); }
            } else {
            let t = Arc::new(HttpTransfer::new("http://127.0.0.1:18080").unwrap());
            for _ in 0..32 { let t = t.clone(); set.spawn(async move { for _ in 0..10000 { 
                let mut a = t.exchange(Outgoing { request_id: Some("d1ac0489-ed51-4345-9175-f3078f30afe5".into()), ..Outgoing::new(vec![b'x'; 200], "application/openc2+json;version=1.0") }).await.unwrap(); a.next().await.unwrap().unwrap(); } }); }
            }
            set.join_all().await;
            println!("{arg}: {:.0}/s", 320000.0 / start.elapsed().as_secs_f64());
        });
    }
}
