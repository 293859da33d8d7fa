use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use nestr_pellets::Milestone;
use nestr_server::Checkpoint;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::world::World;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn ticket(world: &World) -> String {
    let reply = world.bare(Method::POST, "/api/ws-tickets").bearer_auth(&world.token);
    let reply = reply.send().await.unwrap();
    assert_eq!(reply.status(), 201);
    let reply: Value = reply.json().await.unwrap();
    reply["ticket"].as_str().unwrap().to_owned()
}

/// Opens a stream; the status where it is refused.
async fn open(
    world: &World,
    query: &str,
    protocols: &str,
    origin: Option<&str>,
) -> Result<Socket, u16> {
    let url = format!("ws://{}/ws{query}", world.service.listen());
    let mut request = url.into_client_request().unwrap();
    if !protocols.is_empty() {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    }
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, response)) => {
            assert_eq!(response.headers()["sec-websocket-protocol"], "nestr.v1");
            Ok(socket)
        }
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(e) => panic!("{e}"),
    }
}

async fn watch(world: &World, query: &str) -> Socket {
    let protocols = format!("nestr.v1, ticket.{}", ticket(world).await);
    open(world, query, &protocols, None).await.unwrap()
}

async fn next(socket: &mut Socket) -> Message {
    let wait = tokio::time::timeout(Duration::from_secs(30), socket.next());
    wait.await.unwrap().unwrap().unwrap()
}

/// The next text frame, or the code of a close.
async fn event(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match next(socket).await {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.unwrap().code.into()),
            _ => {}
        }
    }
}

/// The next stored event; progress is passed over.
async fn stored(socket: &mut Socket) -> Value {
    loop {
        let event = event(socket).await.unwrap();
        if event["type"] != "progress" {
            return event;
        }
    }
}

#[tokio::test]
async fn a_stream_needs_a_fresh_ticket_and_our_own_page() {
    let world = World::start().await;
    let good = || async { format!("nestr.v1, ticket.{}", ticket(&world).await) };
    for protocols in ["", "nestr.v1", "ticket.00", "nestr.v1, ticket.00", "nestr.v1, ticket."] {
        assert_eq!(open(&world, "", protocols, None).await.err(), Some(401), "{protocols}");
    }
    let token = format!("nestr.v1, ticket.{}", world.token);
    assert_eq!(open(&world, "", &token, None).await.err(), Some(401), "a token is no ticket");
    let protocols = good().await;
    open(&world, "", &protocols, Some("http://localhost:5173")).await.unwrap();
    assert_eq!(open(&world, "", &protocols, None).await.err(), Some(401), "used twice");
    let foreign = open(&world, "", &good().await, Some("https://evil.example")).await;
    assert_eq!(foreign.err(), Some(421));
    let bad = open(&world, "?since=x", &good().await, None).await;
    assert_eq!(bad.err(), Some(400));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_left_off() {
    let world = World::start().await;
    for name in ["a", "b"] {
        world.pack(&world.tree(name)).await;
    }
    let mut socket = watch(&world, "?since=0").await;
    let mut seen = vec![stored(&mut socket).await, stored(&mut socket).await];
    drop(socket);
    world.pack(&world.tree("c")).await;
    let mut socket = watch(&world, "?since=2").await;
    seen.push(stored(&mut socket).await);
    world.pack(&world.tree("d")).await;
    seen.push(stored(&mut socket).await);
    assert_eq!(seen, world.events().await, "the stream and the list tell the same");
    let revs: Vec<_> = seen.iter().map(|e| e["rev"].as_u64().unwrap()).collect();
    assert_eq!(revs, [1, 2, 3, 4]);
    world.sample_becomes("nestr_event_watchers", 1.0).await;

    let mut ahead = watch(&world, "?since=99").await;
    assert_eq!(event(&mut ahead).await, Err(4409));
}

#[tokio::test]
async fn progress_is_told_while_packing_and_not_replayed() {
    let (resume, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let world = World::with(|options| {
        options.hook = Some(Arc::new(move |at| {
            if at == Checkpoint::Packing(Milestone::Walked) {
                wait.lock().unwrap().recv().unwrap();
            }
        }));
    });
    let world = world.await;
    let mut socket = watch(&world, "").await;
    let tree = world.tree("app");
    let operation: Value = world.ask_to_pack(&tree).await.json().await.unwrap();
    let walking = event(&mut socket).await.unwrap();
    assert_eq!((&walking["type"], &walking["rev"]), (&json!("progress"), &json!(0)));
    assert_eq!(walking["data"]["operation_id"], operation["id"]);
    assert_eq!(walking["data"]["phase"], "walk");
    let id = operation["id"].as_str().unwrap();
    let live = world.get_json(&format!("/api/operations/{id}")).await;
    assert_eq!((&live["state"], &live["phase"]), (&json!("running"), &json!("walk")));
    resume.send(()).unwrap();

    let mut phases = Vec::new();
    let end = loop {
        let event = event(&mut socket).await.unwrap();
        if event["type"] != "progress" {
            break event;
        }
        phases.push(event["data"]["phase"].as_str().unwrap().to_owned());
    };
    assert_eq!(end["type"], "pellet:compressed");
    phases.dedup();
    phases.retain(|phase| phase != "walk");
    assert_eq!(phases, ["pack", "seal", "record"]);
    let mut later = watch(&world, "?since=0").await;
    assert_eq!(event(&mut later).await.unwrap(), end, "progress is not replayed");

    world.service.stop().await;
    assert_eq!(event(&mut later).await, Err(1001));
}
