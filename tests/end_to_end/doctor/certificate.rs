//! A hub behind TLS, with certificates that are made for the test.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anet_tests::{Run, World};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{bad, healthy};

/// A value of DER: tag, length, content.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length: &[u8] = match length {
        [0, short @ 0..128] => &[short],
        [0, long] => &[0x81, long],
        [high, low] => &[0x82, high, low],
    };
    [&[tag], length, &content].concat()
}

const SEQUENCE: u8 = 0x30;
const ECDSA_WITH_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
const KEY_ON_P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const COMMON_NAME: &[u8] = b"\x06\x03\x55\x04\x03";
const SUBJECT_ALT_NAME: &[u8] = b"\x06\x03\x55\x1d\x11";

/// A certificate of `localhost` that its own key has signed (RFC 5280, 4.1), valid for four months until `end`.
fn certificate(key: &EcdsaKeyPair, end: Timestamp) -> Vec<u8> {
    let time = |at: Timestamp| der(0x17, &[at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes()]);
    let name = der(SEQUENCE, &[&der(0x31, &[&der(SEQUENCE, &[COMMON_NAME, &der(0x0c, &[b"localhost"])])])]);
    let names = der(SEQUENCE, &[&der(0x82, &[b"localhost"])]);
    let extensions = der(SEQUENCE, &[&der(SEQUENCE, &[SUBJECT_ALT_NAME, &der(0x04, &[&names])])]);
    let body = der(
        SEQUENCE,
        &[
            b"\xa0\x03\x02\x01\x02\x02\x01\x01",
            ECDSA_WITH_SHA256,
            &name,
            &der(SEQUENCE, &[&time(end - days(120)), &time(end)]),
            &name,
            &der(SEQUENCE, &[KEY_ON_P256, &der(0x03, &[&[0], key.public_key().as_ref()])]),
            &der(0xa3, &[&extensions]),
        ],
    );
    let signature = key.sign(&SystemRandom::new(), &body).unwrap();
    der(SEQUENCE, &[&body, ECDSA_WITH_SHA256, &der(0x03, &[&[0], signature.as_ref()])])
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

/// What a TLS proxy shows whose certificate ends then, and the file that names the certificate to those who trust it.
fn proxy(world: &World, end: Timestamp) -> (ServerConfig, PathBuf) {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap();
    let certificate = certificate(&pair, end);
    let file = world.directory().join("certificate.pem");
    let text = STANDARD.encode(&certificate);
    fs::write(&file, format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(key.as_ref().to_vec()).into();
    (config.with_single_cert(vec![CertificateDer::from(certificate)], key).unwrap(), file)
}

/// Runs `anet doctor` with a hub that is reached through this TLS proxy.
fn doctor_through(world: &World, hub: &str, config: ServerConfig, trusted: Option<&str>) -> Run {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let hub = hub.strip_prefix("http://").unwrap().to_owned();
    runtime.spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, hub) = (acceptor.clone(), hub.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate ends here.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut connection = TcpStream::connect(hub).await.unwrap();
                // Whichever side closes first, the connection is over.
                drop(tokio::io::copy_bidirectional(&mut stream, &mut connection).await);
            });
        }
    });
    let mut variables = vec![("COMMHUB_URL", url.as_str())];
    variables.extend(trusted.map(|file| ("SSL_CERT_FILE", file)));
    world.anet_with(&variables, &["doctor", "--json"])
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a certificate is judged by the real clock")]
fn a_certificate_that_ends_soon_has_ended_or_is_not_trusted_is_told() {
    let (world, hub) = healthy();
    for (left, is_trusted, expected) in [
        (90, true, None),
        (5, true, Some(("warning", "it ends in 4 days"))),
        (-1, true, Some(("error", "certificate"))),
        (90, false, Some(("error", "certificate"))),
    ] {
        let (config, file) = proxy(&world, Timestamp::now() + days(left));
        let report = doctor_through(&world, &hub, config, file.to_str().filter(|_| is_trusted)).json();
        let found = bad(&report, "certificate");
        match expected {
            None => {
                assert_eq!(found, []);
                let seen = report["findings"].to_string();
                assert!(seen.contains("it lasts until "), "{report:#}");
            }
            Some((severity, words)) => {
                assert!(found.len() == 1 && found[0].0 == severity && found[0].2.contains(words), "{found:?}");
            }
        }
    }
}
