use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_fs::ManualClock;
use hmac::Mac;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const SECRET: [u8; 32] = [7; 32];

fn tokens() -> (Tokens, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(NOW)));
    (Tokens::new(&Secret::from_bytes(SECRET), clock.clone()), clock)
}

fn good_claims() -> Value {
    json!({"iss": "nestr", "aud": "nestr", "sub": "ada", "iat": NOW, "exp": NOW + 60})
}

/// A token with any header and claims, signed with HMAC-SHA-256 whatever the header says.
fn forge(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    let tag = mac.chain_update(message.as_bytes()).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn signed(claims: &Value) -> String {
    forge(&json!({"alg": "HS256", "typ": "JWT"}), claims, &SECRET)
}

#[test]
fn a_made_token_is_accepted_until_it_expires() {
    let (tokens, clock) = tokens();
    let (token, exp) = tokens.create("ada", Duration::from_secs(60)).unwrap();
    assert_eq!(exp, NOW + 60);
    assert_eq!(tokens.verify(&token).unwrap(), "ada");
    clock.advance(Duration::from_secs(60) + LEEWAY - Duration::from_millis(1));
    assert_eq!(tokens.verify(&token).unwrap(), "ada");
    clock.advance(Duration::from_millis(1));
    assert_eq!(tokens.verify(&token), Err(TokenError::Expired));
}

#[test]
fn the_forge_of_these_tests_makes_tokens_that_pass() {
    assert_eq!(tokens().0.verify(&signed(&good_claims())).unwrap(), "ada");
}

#[test]
fn each_claim_is_required_and_typed() {
    let (tokens, _) = tokens();
    for claim in ["iss", "aud", "sub", "iat", "exp"] {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(tokens.verify(&signed(&claims)), Err(TokenError::Invalid), "no {claim}");
    }
    let wrong = [
        ("exp", json!("9999999999")),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("iat", json!("0")),
        ("iss", json!("other")),
        ("aud", json!("other")),
        ("sub", json!(7)),
    ];
    for (claim, value) in wrong {
        let mut claims = good_claims();
        claims[claim] = value.clone();
        assert_eq!(tokens.verify(&signed(&claims)), Err(TokenError::Invalid), "{claim}: {value}");
    }
    let mut claims = good_claims();
    claims["sub"] = json!("");
    assert_eq!(tokens.verify(&signed(&claims)), Err(TokenError::BadSubject));
    claims["sub"] = json!("ada");
    claims["iat"] = json!(NOW + 31);
    assert_eq!(tokens.verify(&signed(&claims)), Err(TokenError::FromTheFuture));
}

#[test]
fn no_other_algorithm_is_accepted() {
    let (tokens, _) = tokens();
    for alg in ["none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "PS256"] {
        let token = forge(&json!({"alg": alg, "typ": "JWT"}), &good_claims(), &SECRET);
        assert_eq!(tokens.verify(&token), Err(TokenError::Invalid), "{alg}");
        let unsigned = &token[..=token.rfind('.').unwrap()];
        assert_eq!(tokens.verify(unsigned), Err(TokenError::Invalid), "{alg} without signature");
    }
}

#[test]
fn garbage_and_foreign_secrets_are_refused() {
    let (tokens, _) = tokens();
    let foreign = forge(&json!({"alg": "HS256"}), &good_claims(), &[8; 32]);
    let empty_key = forge(&json!({"alg": "HS256"}), &good_claims(), &[]);
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for token in ["", ".", "..", "...", "a.b.c", "ä.ö.ü", &foreign, &empty_key, &long] {
        assert_eq!(tokens.verify(token), Err(TokenError::Invalid));
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let (tokens, _) = tokens();
    let token = signed(&good_claims()).into_bytes();
    for at in 0..token.len() {
        let mut bent = token.clone();
        bent[at] ^= 0x02;
        // The last digit of a base64 group may carry unused bits; those are refused as well.
        if let Ok(bent) = String::from_utf8(bent) {
            assert!(tokens.verify(&bent).is_err(), "byte {at}");
        }
    }
}
