use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, problem};

fn forge(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    let tag = mac.chain_update(message.as_bytes()).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn secret(world: &World) -> Vec<u8> {
    let text = std::fs::read_to_string(world.dir.path().join("state/jwt.key")).unwrap();
    hex::decode(text.trim()).unwrap()
}

/// Method and path of every route of the description, and whether it wants a token.
fn routes() -> Vec<(Method, String, bool)> {
    let api: Value = serde_json::from_str(&nestr_server::openapi_json()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path =
                path.replace("{path}", "traces").replace("{id}", "0").replace("{digest}", "0");
            routes.push((method, path, operation.get("security").is_some()));
        }
    }
    routes
}

#[tokio::test]
async fn every_described_route_exists_and_wants_a_token_if_it_says_so() {
    let world = World::start().await;
    let routes = routes();
    assert!(routes.len() >= 14);
    for (method, path, private) in routes {
        let bare = world.bare(method.clone(), &path).send().await.unwrap();
        let with =
            world.bare(method.clone(), &path).bearer_auth(&world.token).send().await.unwrap();
        assert_ne!(with.status(), 405, "{method} {path}");
        if private {
            assert!(bare.headers().contains_key("www-authenticate"), "{method} {path}");
            let problem = problem(bare, 401, "unauthenticated").await;
            // The page's telemetry makes no spans, or it would tell of itself.
            let traced = !path.starts_with("/api/telemetry/");
            assert_eq!(problem["trace_id"].is_string(), traced, "{method} {path}");
            assert_ne!(with.status(), 401, "{method} {path}");
        } else if path != "/ws" {
            assert_eq!(bare.status(), 200, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_bad_token_is_accepted() {
    let world = World::start().await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let good = json!({"iss": "nestr", "aud": "nestr", "sub": "ada", "iat": now, "exp": now + 600});
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let key = secret(&world);
    let ours = |header: &Value, claims: &Value| format!("Bearer {}", forge(header, claims, &key));
    let unsigned = |header: &Value| {
        let token = ours(header, &good);
        token[..=token.rfind('.').unwrap()].to_owned()
    };
    let accepted = ours(&hs256, &good);
    let status = |value: String| {
        let request = world.bare(Method::GET, "/api/pellets").header("authorization", value);
        async { request.send().await.unwrap() }
    };
    assert_eq!(status(accepted.clone()).await.status(), 200);

    let mut bad = vec![
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        "Bearer a.b.c".into(),
        accepted.replace("Bearer", "Basic"),
        accepted.replace("Bearer ", ""),
        accepted.replace(' ', "="),
        ours(&hs256, &with("exp", json!(now - 60))),
        ours(&hs256, &with("exp", json!((now + 600).to_string()))),
        ours(&hs256, &with("iat", json!(now + 600))),
        ours(&hs256, &with("iss", json!("other"))),
        ours(&hs256, &with("aud", json!("other"))),
        ours(&json!({"alg": "none"}), &good),
        unsigned(&json!({"alg": "none"})),
        unsigned(&hs256),
        // The secret as if it were an RSA public key, and the reverse.
        ours(&json!({"alg": "RS256"}), &good),
        ours(&json!({"alg": "HS512"}), &good),
        format!("Bearer {}", forge(&hs256, &good, b"other")),
        format!("Bearer {}", forge(&hs256, &good, b"")),
        format!("Bearer {}", forge(&hs256, &good, hex::encode(&key).as_bytes())),
    ];
    for claim in ["iss", "aud", "sub", "iat", "exp"] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(claim);
        bad.push(ours(&hs256, &claims));
    }
    for value in bad {
        let problem = problem(status(value.clone()).await, 401, "unauthenticated").await;
        let detail = problem.to_string();
        let token = value.strip_prefix("Bearer ").filter(|token| token.len() > 8);
        assert!(!token.is_some_and(|token| detail.contains(token)), "{detail}");
    }
}

#[tokio::test]
async fn a_token_in_the_url_or_twice_does_not_count() {
    let world = World::start().await;
    let path = format!("/api/pellets?access_token={}&token={0}", world.token);
    let bare = world.bare(Method::GET, &path).send().await.unwrap();
    problem(bare, 401, "unauthenticated").await;
    let twice = world.bare(Method::GET, "/api/pellets");
    let twice = twice.bearer_auth(&world.token).bearer_auth(&world.token);
    problem(twice.send().await.unwrap(), 401, "unauthenticated").await;
}
