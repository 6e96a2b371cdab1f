//! When the certificate of an https hub ends.

use anet_protocol::time::Timestamp;
use reqwest::Response;
use reqwest::tls::TlsInfo;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

/// Later than any certificate lasts: a hundred years.
const FAR: u64 = 100 * 365 * 24 * 60 * 60;

/// The end of the certificate that an answer came under; absent for plain http.
pub(super) fn of(response: &Response, now: Timestamp) -> Option<Result<Timestamp, String>> {
    let certificate = response.extensions().get::<TlsInfo>()?.peer_certificate()?;
    Some(end(certificate, now))
}

/// `webpki` tells the end of a certificate only by refusing one that has ended, so it is asked about a later time.
fn end(certificate: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let der = CertificateDer::from(certificate);
    let parsed = EndEntityCert::try_from(&der).map_err(|error| format!("it cannot be read: {error}"))?;
    let now = u64::try_from(now.as_millis() / 1000).unwrap_or_default();
    let later = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.saturating_add(FAR)));
    let verdict = parsed.verify_for_usage(&[], &[], &[], later, KeyUsage::server_auth(), None, None);
    match verdict {
        Err(Error::CertExpired { not_after, .. }) => {
            let seconds = i64::try_from(not_after.as_secs()).map_err(|_| "its end is no date".to_owned())?;
            Ok(Timestamp::from_millis(seconds.saturating_mul(1000)))
        }
        Err(error) => Err(format!("its end cannot be read: {error}")),
        Ok(_) => Err("its end cannot be read".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_before_and_after_it() {
        let certificate = include_bytes!("../fixtures/certificate.der");
        for now in [1_800_000_000_000, 2_500_000_000_000] {
            let end = end(certificate, Timestamp::from_millis(now)).unwrap();
            assert_eq!(end.to_string(), "2027-12-29 09:41:25");
        }
        assert!(end(b"no certificate", Timestamp::from_millis(0)).is_err());
    }
}
